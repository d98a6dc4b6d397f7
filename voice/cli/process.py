"""One of the processes of `offhook serve --workers N`, as processes.py starts it.

It takes the web socket that its parent has opened, and speaks with the parent in lines: `ready` when
everything is loaded, `serving` when it accepts, `here` when asked whether its loop still turns (`ping`). It
is told `take` to have its place and accept, `leave` to end its turns and go. When its input ends, its parent
is gone, and so does it.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
import os
import shutil
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import uvicorn

from handlers.app import create_app
from handlers.asked import ask
from handlers.hand_on import Handed
from handlers.relay.leaving import finish_speaking
from handlers.siblings import Siblings
from voice.brain import Brain
from voice.cli.garbage import calm_collector, look_when_quiet
from voice.cli.server import GRACE_S, loop_factory, serving
from voice.cli.values import secrets_of
from voice.errors import VoiceError
from voice.settings import Settings, load_settings
from voice.telemetry.logs import set_up_logs

READY, SERVING, HERE, FAILED = "ready", "serving", "here", "failed"
TAKE, PING, LEAVE, GONE = "take", "ping", "leave", "gone"  # `gone`: the parent


@dataclass(frozen=True)
class Start:
    """What a process is started with."""

    place: int
    of: int
    generation: int
    folder: str
    listener: int  # the file descriptor of the web socket
    plain: bool  # the form of its log

    @classmethod
    def read(cls, text: str) -> Self:
        return cls(**json.loads(text))

    def text(self) -> str:
        return json.dumps(asdict(self))


class Parent:
    """The parent, at the other ends of two pipes."""

    def __init__(self, line: int) -> None:
        self.orders: asyncio.Queue[str] = asyncio.Queue()  # what it says, and signals as if it had said so
        self._line = line

    def listen(self) -> None:
        """Begin to hear what it says. To be called in the loop."""
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, self.orders.put_nowait, LEAVE)
        loop.add_reader(sys.stdin.fileno(), self._read)

    def tell(self, what: str, text: str = "") -> None:
        """One line to the parent, who may be gone."""
        with suppress(BrokenPipeError):
            os.write(self._line, f"{what} {json.dumps(text)}\n".encode())

    def _read(self) -> None:
        text = os.read(sys.stdin.fileno(), 4096).decode()
        if not text:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        for order in text.split() or (GONE,):
            if order == PING:
                self.tell(HERE)
            else:
                self.orders.put_nowait(order)


def main() -> None:
    """Serve until told to leave; status 1 where it cannot begin, with the reason as a line."""
    start = Start.read(sys.argv[1])
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent
    parent = Parent(os.dup(sys.stdout.fileno()))
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what a library prints is no line to the parent
    try:
        settings = share_of(load_settings(), start.of)
        secrets = secrets_of(settings)
        set_up_logs(settings.log_level, plain=start.plain, keep_pii=settings.log_pii, secrets=secrets)
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)  # the rest is for who sits before it
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve(settings, start, parent))
    except VoiceError as exc:
        parent.tell(FAILED, str(exc))
        raise SystemExit(1) from exc


def share_of(settings: Settings, of: int) -> Settings:
    """The settings of one process of so many: its share of the lines."""
    return settings.model_copy(update={"max_calls": math.ceil(settings.max_calls / of)})


async def _serve(settings: Settings, start: Start, parent: Parent) -> None:
    siblings = Siblings(start.place, start.of, start.generation, Path(start.folder))
    parent.listen()
    app = create_app(settings, siblings)
    async with app.router.lifespan_context(app):
        brain: Brain = app.state.brain
        async with AsyncExitStack() as stack:
            servers = [await stack.enter_async_context(serving(Handed(app), _unix_socket(siblings.http)))]
            calm_collector()
            looking = asyncio.create_task(look_when_quiet(lambda: brain.calls.live))
            routes = [route.name for route in brain.routes]
            parent.tell(READY, json.dumps([brain.agents.default.name, routes]))
            if (order := await parent.orders.get()) == TAKE:
                siblings.take_place()
                listener = socket.socket(fileno=start.listener)
                servers.append(await stack.enter_async_context(serving(app, listener)))
                parent.tell(SERVING)
                order = await parent.orders.get()
            looking.cancel()
            hurrying = asyncio.create_task(_hurry(parent, brain, servers))
            await _leave(app, *servers)
        hurrying.cancel()
    siblings.http.unlink(missing_ok=True)
    if order == GONE:
        _tidy_up(Path(start.folder))


async def _leave(app: Any, handed: uvicorn.Server, *web: uvicorn.Server) -> None:
    """Accept nothing more, and let whoever speaks on a socket, here or over us, end their sentence.

    What is handed on is still taken: until its turn has ended here, a call's requests come here.
    """
    for listening in (one for server in web for one in server.servers):
        listening.close()
    speaking = finish_speaking(app.state.relays.values(), lambda: handed.force_exit)
    passed_on = [ask(owner, "stop short", call_id) for call_id, owner in app.state.joined.values()]
    await asyncio.gather(speaking, *passed_on)
    if in_flight := set(handed.server_state.tasks):
        await asyncio.wait(in_flight, timeout=GRACE_S)


async def _hurry(parent: Parent, brain: Brain, servers: Sequence[uvicorn.Server]) -> None:
    """Told twice to leave: nobody waits for the replies in flight."""
    while await parent.orders.get() not in (LEAVE, GONE):
        pass
    for server in servers:
        server.force_exit = True
    brain.calls.hurry()


def _tidy_up(folder: Path) -> None:
    """Without a parent the last one out removes the folder."""
    if not list(folder.glob("*.asked")):
        shutil.rmtree(folder, ignore_errors=True)


def _unix_socket(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    listener.listen(2048)
    return listener


if __name__ == "__main__":
    main()
