"""A host that answers with raw bytes, and ends its answer as badly as a test tells it to."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import cycle
from typing import Literal

import orjson

from voice.types import Json

RESET = struct.pack("ii", 1, 0)  # SO_LINGER: closing sends a reset


@dataclass(frozen=True)
class Answer:
    """`pieces`, then the body ends ("closes"), the connection is "reset", the host "hangs", or "repeats"."""

    pieces: Sequence[bytes] = ()
    then: Literal["closes", "reset", "hangs", "repeats"] = "closes"
    status: int = 200


def told(**fields: Json) -> Answer:
    """A JSON object."""
    return Answer((orjson.dumps(fields),))


@dataclass
class RawHost:
    """Answers by the operation in the path. Several answers are given in turn, the last one again."""

    answers: Mapping[str, Sequence[Answer]]
    url: str = ""
    asked: list[str] = field(default_factory=list)  # operations

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ", 2)[1].split("?")[0]
        operation = next(name for name in self.answers if f"/{name}" in path)
        times = self.asked.count(operation)
        self.asked.append(operation)
        answers = self.answers[operation]
        answer = answers[min(times, len(answers) - 1)]
        writer.write(b"HTTP/1.1 %d What\r\nconnection: close\r\n\r\n" % answer.status)
        for piece in cycle(answer.pieces) if answer.then == "repeats" else answer.pieces:
            writer.write(piece)
            await writer.drain()
        if answer.then == "reset":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
        elif answer.then == "hangs":
            await reader.read()  # until the other side leaves


@asynccontextmanager
async def raw_hosting(host: RawHost) -> AsyncIterator[RawHost]:
    """Serves the host while the context is open."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await host.talk(reader, writer)
        except ConnectionError:
            pass  # the client had enough
        finally:
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    try:
        yield host
    finally:
        server.close()
