"""`offhook serve --workers N`: several processes behind one socket, kept, replaced and ended.

The socket is this process's own, and each of the others accepts from it: one that dies or is replaced takes
no waiting connection with it. Which of them owns a call is in `handlers/siblings.py`.

A process that dies is started again at once, later if it dies again. SIGHUP replaces all of them, one after
the other: the next one is loaded before the one before it lets go of its place and ends its turns.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import secrets
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from handlers.siblings import KEY, Siblings
from voice.cli.process import FAILED, LEAVE, PING, READY, SERVING, TAKE, Start
from voice.errors import SetupError

log = logging.getLogger(__name__)

START_S = 60.0  # to load everything; migrations of a large database included
STOP_S = 30.0  # for a process to end its turns; then it is killed
PING_S = 3.0  # between two questions whether a process's loop still turns
SILENT_S = 10.0  # for the answer; then it is killed, and its calls go on next door
MAX_PATH = 107  # bytes in the name of a Unix socket
LONGEST = "63.999999.asked"  # of the names in the folder
PAUSES_S = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 15.0)  # before a place is filled again, by deaths in a row
CALM_S = 60.0  # a process that has served this long did not die of its start


class Process:
    """One process of a place."""

    def __init__(self, start: Start) -> None:
        self.start = start
        self.brought: tuple[str, list[str]] = ("", [])  # the default agent, the routes
        self._child: asyncio.subprocess.Process | None = None

    @property
    def is_running(self) -> bool:
        """Whether it has been started and has not ended."""
        return self._child is not None and self._child.returncode is None

    async def load(self) -> None:
        """Start it; return when it could serve. Raises SetupError."""
        pipe = asyncio.subprocess.PIPE
        self._child = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "voice.cli.process", self.start.text()),
            stdin=pipe,
            stdout=pipe,
            pass_fds=(self.start.listener,),
            start_new_session=True,  # Ctrl-C is for the parent
        )
        agent, routes = json.loads(await self._says(READY))
        self.brought = agent, routes

    async def serve(self) -> None:
        """Let it have its place; return when it accepts. Raises SetupError."""
        self._tell(TAKE)
        await self._says(SERVING)

    async def _says(self, wanted: str) -> str:
        assert self._child is not None
        assert self._child.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                line = (await self._child.stdout.readline()).decode()
        except TimeoutError:
            self.kill()
            raise SetupError(f"process {self.start.place} was not ready after {START_S:.0f} s") from None
        what, _, text = line.partition(" ")
        if what == wanted:
            return str(json.loads(text))
        if what == FAILED:
            raise SetupError(json.loads(text))
        raise SetupError(f"process {self.start.place} ended before it was ready; see the lines above")

    async def watch(self) -> None:
        """Kill it when it hangs; return when it has ended."""
        assert self._child is not None
        assert self._child.stdout is not None
        while True:
            await asyncio.sleep(PING_S)
            self._tell(PING)
            try:
                async with asyncio.timeout(SILENT_S):
                    if not await self._child.stdout.readline():
                        return
            except TimeoutError:
                log.error("process.silent", extra={"place": self.start.place, "silent_s": SILENT_S})
                self.kill()
                return

    def leave(self) -> None:
        """Have it end its turns and go; told twice, it does not wait for them."""
        self._tell(LEAVE)

    def kill(self) -> None:
        if self._child is not None and self._child.returncode is None:
            self._child.kill()

    async def ended(self) -> int:
        """Its exit status, when it has ended."""
        assert self._child is not None
        return await self._child.wait()

    async def left(self) -> None:
        """Return when it has gone, by itself or not."""
        try:
            async with asyncio.timeout(STOP_S):
                await self.ended()
        except TimeoutError:
            log.warning("process.killed", extra={"place": self.start.place})
            self.kill()
            await self.ended()
            self.clear_away()

    def clear_away(self) -> None:
        """Remove what a process that has died could not: nobody shall ask it any more."""
        start = self.start
        gone = Siblings(start.place, start.of, start.generation, Path(start.folder))
        for path in (gone.http, gone.asked):
            path.unlink(missing_ok=True)

    def _tell(self, order: str) -> None:
        assert self._child is not None
        assert self._child.stdin is not None
        if not self._child.stdin.is_closing():
            self._child.stdin.write(f"{order}\n".encode())


class Processes:
    """All of them. Used as a context, it has started them; leaving it ends them."""

    def __init__(self, count: int, listener: socket.socket, *, plain: bool) -> None:
        self._count, self._listener, self._plain = count, listener, plain
        self._now: dict[int, Process] = {}  # by place
        self._all: list[Process] = []
        self._generation = 0
        self._filling = [asyncio.Lock() for _ in range(count)]  # one process at a time for a place
        self._group = asyncio.TaskGroup()
        self._work: set[asyncio.Task[None]] = set()  # keeps and replaces
        self._folder = _folder()
        Path(self._folder.name, KEY).write_bytes(secrets.token_bytes(32))
        self._folder_fd = os.open(self._folder.name, os.O_RDONLY | os.O_CLOEXEC)
        fcntl.flock(self._folder_fd, fcntl.LOCK_SH)  # or what cleans /tmp would take it for forgotten

    async def __aenter__(self) -> Processes:
        await self._group.__aenter__()
        try:
            first = await self._load(0)  # alone: it brings the database up to date
            async with asyncio.TaskGroup() as group:
                loading = [group.create_task(self._load(place)) for place in range(1, self._count)]
            for process in (first, *(task.result() for task in loading)):
                await process.serve()
        except (SetupError, ExceptionGroup) as exc:
            await self.__aexit__()
            raise _first_of(exc) from None
        self._work = {self._group.create_task(self._keep(place)) for place in range(self._count)}
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._work:
            task.cancel()
        for process in self._running:
            process.leave()
        await asyncio.gather(*(process.left() for process in self._running))
        await self._group.__aexit__(None, None, None)
        os.close(self._folder_fd)
        self._folder.cleanup()

    def hurry(self) -> None:
        """Nobody waits for replies in flight any more."""
        for process in self._running:
            process.leave()

    @property
    def _running(self) -> list[Process]:
        self._all = [process for process in self._all if process.is_running]
        return self._all

    @property
    def brought(self) -> tuple[str, list[str]]:
        """The default agent and the routes, as the newest process of place 0 tells."""
        return self._now[0].brought

    def replace_soon(self) -> None:
        """Begin to replace all processes."""
        replacing = self._group.create_task(self._replace_all())
        self._work.add(replacing)
        replacing.add_done_callback(self._work.discard)

    async def _replace_all(self) -> None:
        """Each by a new one, one after the other; all stays as it is where a new one cannot begin."""
        for place in range(self._count):
            async with self._filling[place]:
                before = self._now[place]
                try:
                    await self._refill(place)
                except SetupError as exc:
                    log.error("process.not_replaced", extra={"place": place, "why": str(exc)})
                    return
                before.leave()
                await before.left()
        log.info("processes.replaced")

    async def _refill(self, place: int) -> None:
        """Put a new process in a place where there was one before. Raises SetupError."""
        before = self._now[place]
        try:
            process = await self._load(place)
            Siblings(place, self._count, self._generation, Path(self._folder.name)).has_moved()
            await process.serve()
        except SetupError:
            self._now[place] = before
            raise

    async def _load(self, place: int) -> Process:
        """A new process for a place, everything loaded. Raises SetupError."""
        self._generation += 1
        fd = self._listener.fileno()
        start = Start(place, self._count, self._generation, self._folder.name, fd, self._plain)
        self._now[place] = process = Process(start)
        self._all.append(process)
        await process.load()
        return process

    async def _keep(self, place: int) -> None:
        """Fill a place again whenever its process has died."""
        deaths, loop = 0, asyncio.get_running_loop()
        while True:
            process, since = self._now[place], loop.time()
            watching = self._group.create_task(process.watch())
            try:
                status = await process.ended()
            finally:
                watching.cancel()
            if self._now[place] is not process:
                continue  # it was replaced
            deaths = 1 if loop.time() - since > CALM_S else deaths + 1
            process.clear_away()
            log.error("process.died", extra={"place": place, "status": status, "in_a_row": deaths})
            await asyncio.sleep(PAUSES_S[min(deaths, len(PAUSES_S)) - 1])
            async with self._filling[place]:
                try:
                    await self._refill(place)
                    log.info("process.back", extra={"place": place})
                except SetupError as exc:
                    log.error("process.not_started", extra={"place": place, "why": str(exc)})


def _folder() -> TemporaryDirectory[str]:
    """A folder that only this user can look into, its path short enough for a socket. Raises SetupError."""
    for parent in (None, "/tmp"):
        try:
            folder = TemporaryDirectory(prefix="offhook-", dir=parent, ignore_cleanup_errors=True)
        except OSError as exc:
            raise SetupError(f"no folder for the processes' sockets can be made: {exc}; set TMPDIR") from exc
        if len(os.fsencode(Path(folder.name, LONGEST))) <= MAX_PATH:
            return folder
        folder.cleanup()
    raise SetupError("no folder's path is short enough for the processes' sockets; set TMPDIR to a short one")


def _first_of(exc: Exception) -> Exception:
    if isinstance(exc, ExceptionGroup):
        first: Exception = exc.exceptions[0]
        return _first_of(first)
    return exc


async def serve_together(processes: Processes, announce: Callable[[Processes], None]) -> signal.Signals:
    """Serve until a signal says so; which one. A second one ends requests in flight; SIGHUP replaces."""
    told: asyncio.Queue[signal.Signals] = asyncio.Queue()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(one, told.put_nowait, one)
    async with processes:
        announce(processes)
        while (by := await told.get()) is signal.SIGHUP:
            processes.replace_soon()
        hurrying = asyncio.create_task(_hurry(told, processes))
    hurrying.cancel()
    return by


async def _hurry(told: asyncio.Queue[signal.Signals], processes: Processes) -> None:
    while await told.get() is signal.SIGHUP:
        pass
    processes.hurry()
