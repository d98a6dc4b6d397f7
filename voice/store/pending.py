"""What waits to be written, and the one task that writes it.

Rows are kept at once and written in groups: everything that waits goes into one transaction,
and what is kept meanwhile makes the next group. A later snapshot of the same thing replaces the
one that waits. Nobody waits for a row unless they say so (`written()`); then it is written at
once, otherwise within LAZY_S, which lets most turns' opening and closing be one write.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Final

from voice.errors import RowsRefused, StoreError
from voice.store.group import Group
from voice.store.rows import Row

log = logging.getLogger(__name__)

MAX_WAITING: Final = 10_000  # of notes about 20 MB of transcripts; a database that is away longer costs some
DROPPED_FIRST: Final = frozenset({"notes", "claims"})  # without them no call is lost
LAZY_S = 0.1  # how old a row that nobody waits for may get: what a crash may cost of a turn in flight
FIRST_PAUSE_S = 0.1  # after a failed write; doubles up to MAX_PAUSE_S
MAX_PAUSE_S = 1.0  # below the 2 s that a turn's end waits for the store
STOP_S = 5.0  # for the last group, when the database does not answer


class Pending:
    """The queue and its writer. `write` puts a group into one transaction; it raises StoreError.

    Calls, turns and what was learned are never dropped; of notes and of answers to claims MAX_WAITING
    may wait, further ones are dropped with one warning until there is room again. After a failure the
    rows stay, and the write is tried again until it succeeds or the writer is stopped.
    """

    def __init__(self, write: Callable[[Group], Awaitable[None]]) -> None:
        self._write = write
        self._group = Group()
        self._writing = Group()  # the group that is being written
        self._written = 0  # how many of the things kept, `_group.upto`, are written
        self._waiting: list[tuple[int, asyncio.Future[StoreError | None]]] = []
        self._task: asyncio.Task[None] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._wake = asyncio.Event()
        self._busy = asyncio.Lock()  # held while a group is written, so that stop() does not cut one off
        self._dropping = self._failing = False

    def start(self) -> None:
        """Begin to write. Call once a loop runs."""
        self._wake, self._busy = asyncio.Event(), asyncio.Lock()
        if self._group:
            self._wake.set()
        self._task = asyncio.create_task(self._run(), name="store.writer")

    async def stop(self) -> None:
        """Write what waits, then end. What cannot be written within STOP_S is lost, loudly."""
        task, self._task = self._task, None
        if task is None:
            return
        try:
            async with asyncio.timeout(STOP_S), self._busy:
                task.cancel()
                await asyncio.wait([task])
                if self._group:
                    await self._write_waiting()
        except TimeoutError:
            task.cancel()
            await asyncio.wait([task])
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._group:
            log.error("store.rows_lost", extra={"rows": len(self._group), "to_do": StoreError.to_do})
        self._settle(self._group.upto, StoreError("the store was closed"))

    def keep(self, table: str, row: Row) -> None:
        """Queue a row; it replaces one with the same primary key. Drop it when too many such wait."""
        if table in DROPPED_FIRST and self._group.count(table) >= MAX_WAITING:
            if not self._dropping:
                self._dropping = True
                log.warning("store.row_dropped", extra={"table": table, "waiting": MAX_WAITING})
            return
        self._group.add(table, row)
        if self._timer is None and self._task is not None:
            self._timer = asyncio.get_running_loop().call_later(LAZY_S, self._wake.set)

    async def written_of(self, call_id: str) -> None:
        """The same as `written`, for the rows of one call: the first words of a new one wait for nobody."""
        if self._group.is_about(call_id) or self._writing.is_about(call_id):
            await self.written()

    async def written(self) -> None:
        """Return when everything kept so far is written. Raises StoreError after the first failed attempt."""
        if self._written >= self._group.upto:
            return
        if self._task is None:
            raise StoreError("the store is not open")
        done: asyncio.Future[StoreError | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((self._group.upto, done))
        self._wake.set()
        if (error := await done) is not None:
            raise type(error)(str(error)) from error  # each waiter gets its own: tracebacks grow

    async def _run(self) -> None:
        pause_s = FIRST_PAUSE_S
        while True:
            await self._wake.wait()
            async with self._busy:
                succeeded = await self._write_waiting()
            if succeeded:
                pause_s = FIRST_PAUSE_S
                continue
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, MAX_PAUSE_S)

    async def _write_waiting(self) -> bool:
        """Write one group; whether it is off the queue."""
        group = self._writing = self._take()
        error: StoreError | None = None
        try:
            await self._write(group)
        except RowsRefused as exc:
            error = exc
        except StoreError as exc:
            return self._failed(group, exc)
        except asyncio.CancelledError:
            self._group.older(group)
            raise
        except Exception as exc:  # fence: one job
            log.exception("store.write_crashed", extra={"error": type(exc).__name__})
            return self._failed(group, StoreError(f"a write failed: {type(exc).__name__}"))
        if self._failing:
            log.info("store.write_recovered", extra={"rows": len(group)})
        self._failing = self._dropping = False
        self._written, self._writing = group.upto, Group()
        self._settle(group.upto, error)
        return True

    def _take(self) -> Group:
        group, self._group = self._group, Group(upto=self._group.upto)
        self._wake.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return group

    def _failed(self, group: Group, exc: StoreError) -> bool:
        """Put the rows back and tell those who wait; the writer tries again by itself."""
        self._group.older(group)
        self._wake.set()
        if not self._failing:
            self._failing = True
            log.warning("store.write_failed", extra={"error": str(exc), "to_do": exc.to_do})
        self._settle(group.upto, exc)
        return False

    def _settle(self, upto: int, error: StoreError | None) -> None:
        """Release those who wait for what was kept up to here."""
        waiting, self._waiting = self._waiting, []
        for target, done in waiting:
            if target > upto:
                self._waiting.append((target, done))
            elif not done.done():  # else its waiter has gone
                done.set_result(error)
