"""The mock model host: an OpenAI-compatible server that writes numbered words at a set pace.

One asyncio.Protocol and frames rendered before the run, no framework: it must be far cheaper than what is
measured in front of it. It keeps the instant at which each request arrived and each word was written, so
that only what lies before and after its own work is counted as added.

    POST …/chat/completions   a reply; the request's last "Turn N" chooses which words
    PUT  /bench/pace          {"first_s", "every_s", "words"}: how the next replies are written; forgets marks
    GET  /bench/marks         {N: [arrived, [written, …]]} since then
    GET  /bench/open          {"replies": not yet ended, "connections": open}
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from dataclasses import dataclass, field
from typing import Any, cast

import httptools

from voice.cli.bench.words import REPLIES, tokens

TURN = re.compile(rb"Turn (\d+)")
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)
BASE = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": 1760000000, "model": "bench"}


def number_in(asked: bytes) -> int:
    """Which turn a request is about: the last "Turn N" in it."""
    found = TURN.findall(asked)
    return int(found[-1]) if found else 0


@dataclass(frozen=True, slots=True)
class Pace:
    """How a reply is written: so many words, the first after `first_s`, then one every `every_s`."""

    first_s: float = 0.15
    every_s: float = 0.015
    words: int = 30

    @property
    def lasts_s(self) -> float:
        """From the request to the last word."""
        return self.first_s + self.every_s * (self.words - 1)


@dataclass(slots=True)
class Script:
    """Everything that can be rendered before anybody asks."""

    pace: Pace
    opening: bytes = b""
    frames: list[list[bytes]] = field(default_factory=list)  # by reply
    tail: bytes = b""
    end: bytes = b""
    usage: bytes = b""

    def __post_init__(self) -> None:
        self.opening = HEAD + _frame({"role": "assistant", "content": ""})
        self.frames = [
            [_frame({"content": piece}) for piece in tokens(reply, self.pace.words)]
            for reply in range(REPLIES)
        ]
        self.tail = _frame({}, "stop")
        used = {"prompt_tokens": 20, "completion_tokens": self.pace.words}
        counted = {**used, "total_tokens": 20 + self.pace.words}
        self.usage = _event({**BASE, "choices": [], "usage": counted})
        self.end = _chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n"


class Host:
    """What all connections share."""

    def __init__(self, pace: Pace) -> None:
        self.connections = self.replies = 0
        self.write(pace)

    def write(self, pace: Pace) -> None:
        """The next replies are written so."""
        self.script = Script(pace)
        self.marks: dict[int, tuple[float, list[float]]] = {}

    def connection(self) -> _Connection:
        """A protocol for one more connection."""
        return _Connection(self)


class _Connection(asyncio.Protocol):
    """One keep-alive connection; one request at a time."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._loop = asyncio.get_running_loop()
        self._timer: asyncio.Handle | None = None
        self._writes = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._parser = httptools.HttpRequestParser(self)
        self._host.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        self._host.connections -= 1
        self._ended()
        if self._timer is not None:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.abort()

    def on_message_begin(self) -> None:
        self._url, self._body = b"", b""

    def on_url(self, url: bytes) -> None:
        self._url += url

    def on_body(self, body: bytes) -> None:
        self._body += body

    def on_message_complete(self) -> None:
        if self._url.endswith(b"/chat/completions"):
            self._answer()
        elif self._url == b"/bench/pace":
            self._host.write(Pace(**json.loads(self._body)))
            self._transport.write(_document({}))
        elif self._url == b"/bench/marks":
            self._transport.write(_document(self._host.marks))
        elif self._url == b"/bench/open":
            self._transport.write(
                _document({"replies": self._host.replies, "connections": self._host.connections})
            )
        elif self._url.endswith(b"/models"):
            self._transport.write(_document({"object": "list", "data": [{"id": "bench", "object": "model"}]}))
        else:
            self._transport.write(_document({"status": "ok"}))

    def _answer(self) -> None:
        now = time.perf_counter()
        self._script, self._place = self._host.script, 0
        number = number_in(self._body)
        self._frames = self._script.frames[number % REPLIES]
        self._written: list[float] = []
        self._host.marks.setdefault(number, (now, self._written))  # a second asking is not the turn's own
        self._wants_usage = b'"include_usage":true' in self._body.replace(b" ", b"")
        self._host.replies, self._writes = self._host.replies + 1, True
        self._transport.write(self._script.opening)
        self._due = now + self._script.pace.first_s
        self._wait()

    def _wait(self) -> None:
        left_s = self._due - time.perf_counter()
        self._timer = (
            self._loop.call_later(left_s, self._next) if left_s > 0 else self._loop.call_soon(self._next)
        )

    def _next(self) -> None:
        self._written.append(time.perf_counter())
        self._transport.write(self._frames[self._place])
        self._place += 1
        if self._place < len(self._frames):
            self._due += self._script.pace.every_s  # a schedule, so that late timers do not add up
            self._wait()
            return
        script = self._script
        self._transport.write(script.tail + (script.usage if self._wants_usage else b"") + script.end)
        self._ended()

    def _ended(self) -> None:
        if self._writes:
            self._writes = False
            self._host.replies -= 1


def _document(found: Any) -> bytes:
    body = json.dumps(found).encode()
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def _frame(delta: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return _event({**BASE, "choices": [choice]})


def _event(found: dict[str, Any]) -> bytes:
    return _chunk(b"data: " + json.dumps(found, separators=(",", ":")).encode() + b"\n\n")


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)
