"""A real HTTP host on loopback: answers every request in the same way and keeps what it was asked."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Asked:
    """One request as it came over the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Host:
    """What the host says, raw: a head without a length, then the body. None: nothing at all."""

    says: bytes | None
    port: int = 0
    asked: list[Asked] = field(default_factory=list)
    was_asked: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, _ = head[0].split(" ")
            headers = dict(line.lower().split(": ", 1) for line in head[1:] if line)
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            self.asked.append(Asked(method, target, headers, body))
            self.was_asked.set()
            if self.says is None:
                await reader.read()  # until the client has gone
            else:
                writer.write(self.says)
                await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


def saying(body: str, status: int = 200, kind: str = "application/json", *headers: str) -> bytes:
    """A whole answer; the connection's end is its end."""
    lines = [f"HTTP/1.1 {status} Said", f"Content-Type: {kind}", "Connection: close", *headers]
    return "\r\n".join([*lines, "", body]).encode()


@asynccontextmanager
async def a_host(says: bytes | None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Host]:
    host = Host(says)
    server = await asyncio.start_server(host.serve, "127.0.0.1", 0, ssl=tls)
    host.port = server.sockets[0].getsockname()[1]
    try:
        yield host
    finally:
        server.close()
