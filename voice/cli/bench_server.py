"""One server of `offhook bench`, in a process of its own so that its CPU can be told apart.

    python -m voice.cli.bench_server '{"kind": "offhook", "folder": "/tmp/x", …}'

It prints its URL and serves until its standard input is closed. Two kinds: "offhook" is the whole
product, as `offhook serve` runs it, asking a scripted model (or the embedded one); "floor" is a bare
ASGI app that plays the recorded answers of the other, frame by frame, at the instants at which the
scripted model had written their words. What is between the two is what the product costs.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from threading import Thread
from typing import Any, Literal, Self

from handlers.app import BrainOptions
from voice.cli.server import bind, loop_factory, running, serving, url_of
from voice.models.scripted import ScriptedClient
from voice.settings import Settings

RECORDED = "/bench/recorded"  # what was answered so far; asking for it ends the recording

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Answered:
    """One recorded answer: `frames` are (seconds since the request, bytes as latin-1 text)."""

    status: int
    content_type: str
    frames: list[tuple[float, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BenchServer:
    """What one server is to be. The model writes a word every `every_s`, the first after `first_s`."""

    kind: Literal["offhook", "floor"]
    folder: str
    model: Literal["scripted", "embedded"] = "scripted"
    reply: str = ""
    first_s: float = 0.0
    every_s: float = 0.0
    max_calls: int = 500
    answers: dict[str, Answered] = field(default_factory=dict)  # by path; for the floor

    def as_text(self) -> str:
        """What `from_text` reads."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Self:
        """The server that a command line asks for."""
        fields = json.loads(text)
        answers = {path: Answered(**one) for path, one in fields.pop("answers").items()}
        return cls(**fields, answers=answers)


class Recorder:
    """Passes requests on and keeps the last answer of each path, until somebody asks for them."""

    def __init__(self, app: App) -> None:
        self._app, self._answers = app, dict[str, Answered]()
        self._recording = True

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if not self._recording or scope["type"] != "http":
            await self._app(scope, receive, send)
        elif scope["path"] == RECORDED:
            self._recording = False
            told = json.dumps({path: asdict(one) for path, one in self._answers.items()})
            await _answer(send, 200, "application/json", [told.encode()])
        else:
            await self._record(scope, receive, send)

    async def _record(self, scope: Message, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()

        async def keep(message: Message) -> None:
            if message["type"] == "http.response.start":
                kind = dict(message["headers"]).get(b"content-type", b"").decode()
                self._answers[scope["path"]] = Answered(message["status"], kind)
            elif body := message.get("body"):
                frame = (loop.time() - began_at, bytes(body).decode("latin-1"))
                self._answers[scope["path"]].frames.append(frame)
            await send(message)

        await self._app(scope, receive, keep)


class Floor:
    """Plays recorded answers; knows nothing of what it plays."""

    def __init__(self, answers: dict[str, Answered], first_s: float, every_s: float) -> None:
        self._answers = {
            path: Answered(
                one.status,
                one.content_type,
                [(_written(at, first_s, every_s), text) for at, text in one.frames],
            )
            for path, one in answers.items()
        }

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        while (await receive()).get("more_body"):
            pass
        answer = self._answers.get(scope["path"]) or Answered(404, "text/plain")
        await send(_start(answer.status, answer.content_type))
        for at, text in answer.frames:
            if (left_s := began_at + at - loop.time()) > 0:
                await asyncio.sleep(left_s)
            await send({"type": "http.response.body", "body": text.encode("latin-1"), "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _written(at: float, first_s: float, every_s: float) -> float:
    """When the model had written what left at this instant: the last word before it."""
    if at < first_s:
        return 0.0
    return first_s + (every_s * int((at - first_s) / every_s) if every_s else 0.0)


async def _answer(send: Send, status: int, content_type: str, frames: list[bytes]) -> None:
    await send(_start(status, content_type))
    await send({"type": "http.response.body", "body": b"".join(frames)})


def _start(status: int, content_type: str) -> Message:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [(b"content-type", content_type.encode())],
    }


async def serve_until_closed(server: BenchServer) -> None:
    """Serve, say where, and end when the standard input ends: with whoever started this process."""
    listener = bind("127.0.0.1", 0)
    closed = _stdin_closed()
    if server.kind == "floor":
        async with serving(Floor(server.answers, server.first_s, server.every_s), listener):
            print(url_of(listener), flush=True)
            await closed.wait()
        return
    async with running(_settings(server), listener, around=Recorder, **_model(server)) as one:
        print(one.url, flush=True)
        await closed.wait()


def _stdin_closed() -> asyncio.Event:
    """Set when the standard input has ended. A daemon thread looks: nobody waits for it at the end."""
    closed = asyncio.Event()
    loop = asyncio.get_running_loop()

    def read() -> None:
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(closed.set)

    Thread(target=read, daemon=True).start()
    return closed


def _settings(server: BenchServer) -> Settings:
    """The defaults, whatever the environment says."""
    return Settings.model_validate(
        {"data_dir": Path(server.folder), "strategy": "local_only", "max_calls": server.max_calls}
    )


def _model(server: BenchServer) -> BrainOptions:
    if server.model == "embedded":
        return {}
    return {"clients": [ScriptedClient(reply=server.reply, first_s=server.first_s, every_s=server.every_s)]}


def main() -> None:
    """Run the server that the first argument describes."""
    logging.basicConfig(level=logging.ERROR)
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve_until_closed(BenchServer.from_text(sys.argv[1])))


if __name__ == "__main__":
    main()
