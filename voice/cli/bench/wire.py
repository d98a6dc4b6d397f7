"""The load's own HTTP connections: lean, so that what is measured is the server.

An answer is kept as it comes, each read with its instant, and taken apart when it has ended: no words are
read while others wait for theirs.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import cast
from urllib.parse import urlsplit

import httptools

LIMIT_S = 60.0  # for one answer; a turn that takes longer has failed


@dataclass(slots=True)
class Answer:
    """One answer: `parts` are (instant, bytes) of its body. `error` says why it is none."""

    status: int = 0
    parts: list[tuple[float, bytes]] = field(default_factory=list)
    ended_at: float = 0.0
    error: str | None = None

    @property
    def body(self) -> bytes:
        return b"".join(part for _, part in self.parts)


class Wires:
    """Keep-alive connections to the server at `url`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._host, self._port = parts.hostname or "127.0.0.1", parts.port or 80
        self._free: deque[_Wire] = deque()
        self._all: set[_Wire] = set()

    async def ask(
        self,
        method: str,
        path: str,
        body: bytes,
        headers: Mapping[str, str],
        arrived: Callable[[], None] | None = None,
    ) -> Answer:
        """Send one request; its answer when it has ended. `arrived` is told of each read."""
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"{method} {path} HTTP/1.1\r\nhost: {self._host}:{self._port}\r\n{lines}"
        request = f"{head}content-length: {len(body)}\r\n\r\n".encode() + body
        try:
            wire = await self._one()
        except OSError as exc:
            return Answer(error=f"cannot connect: {exc.strerror or type(exc).__name__}")
        try:
            async with asyncio.timeout(LIMIT_S):
                await wire.ask(request, arrived)
        except TimeoutError:
            wire.answer.error = "no end of the answer"
        finally:
            self._put_back(wire)
        if wire.answer.error is None and wire.answer.status != 200:
            wire.answer.error = f"status {wire.answer.status}"
        return wire.answer

    async def close(self) -> None:
        """Hang up, whatever is in flight; return when every connection is gone."""
        wires = tuple(self._all)
        for wire in wires:
            wire.transport.abort()
        await asyncio.gather(*(wire.gone.wait() for wire in wires))

    async def _one(self) -> _Wire:
        while self._free:
            wire = self._free.pop()
            if not wire.transport.is_closing():
                return wire
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(lambda: _Wire(self._all), self._host, self._port)
        return wire

    def _put_back(self, wire: _Wire) -> None:
        if wire.keeps:
            self._free.append(wire)
        else:
            wire.transport.abort()


class _Wire(asyncio.Protocol):
    """One connection; one request at a time."""

    transport: asyncio.Transport

    def __init__(self, of: set[_Wire]) -> None:
        self._of = of
        self.answer = Answer()
        self.keeps = False
        self.gone = asyncio.Event()
        self._ended: asyncio.Future[None] | None = None
        self._arrived: Callable[[], None] | None = None

    async def ask(self, request: bytes, arrived: Callable[[], None] | None) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self.answer, self.keeps, self._arrived = Answer(), False, arrived
        self._ended = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        await self._ended

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        self._of.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._of.discard(self)
        self.gone.set()
        self._end("the server has hung up")

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as exc:
            self._end(f"no HTTP: {exc}")

    def on_body(self, body: bytes) -> None:
        self.answer.parts.append((time.perf_counter(), body))
        if self._arrived is not None:
            self._arrived()

    def on_message_complete(self) -> None:
        self.answer.status = self._parser.get_status_code()
        self.keeps = self._parser.should_keep_alive()
        self._end(None)

    def _end(self, error: str | None) -> None:
        if self._ended is not None and not self._ended.done():
            self.answer.error, self.answer.ended_at = error, time.perf_counter()
            self._ended.set_result(None)
