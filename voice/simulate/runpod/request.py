"""One request to a played RunPod, and what ends it."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

from voice.simulate.loopback import Receive, Scope, Send
from voice.types import Json

MAX_BODY_BYTES = 20_000_000  # of /runsync; /run takes half of it
JSON = "application/json"
_UNKNOWN_MODEL = re.compile(r"model .{1,200}? is not here\b")


class Refusal(Exception):
    """Ends a request with a status and a body."""

    def __init__(self, status: int, body: Json = None) -> None:
        self.status, self.body = status, body


@dataclass
class Request:
    """A request. `path` is what follows the operation's name."""

    method: str
    path: list[str]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    receive: Receive
    send: Send
    has_hung_up: bool = field(default=False, init=False)

    def json(self) -> Mapping[str, Json]:
        """The body. Raises Refusal unless it is an object."""
        try:
            body = json.loads(self.body)
        except (ValueError, RecursionError):
            raise Refusal(400, {"error": "the body is not JSON"}) from None
        if not isinstance(body, dict):
            raise Refusal(400, {"error": "the body is not an object"})
        return body

    def wait_s(self, least: float, most: float, default: float) -> float:
        wait = self.query.get("wait", "")
        return min(most, max(least, int(wait) / 1000)) if wait.isdecimal() and len(wait) < 9 else default

    async def gone(self) -> None:
        """Returns when the other side has hung up."""
        while (await self.receive())["type"] != "http.disconnect":
            pass
        self.has_hung_up = True


async def request_of(scope: Scope, receive: Receive, send: Send, path: list[str]) -> Request:
    """Reads a request whole. Raises Refusal when it is too large."""
    body = b""
    while True:
        message: Mapping[str, Any] = await receive()
        body += bytes(message.get("body", b""))
        if len(body) > MAX_BODY_BYTES:
            raise Refusal(413, {"error": "the body is too large"})
        if not message.get("more_body"):
            break
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode("latin-1")))
    return Request(scope["method"], path, query, headers, body, receive, send)


def is_unknown_model(error: object) -> bool:
    """Whether a worker's error says so: our worker's sentence, all that is left of it in a job."""
    return isinstance(error, str) and _UNKNOWN_MODEL.match(error) is not None


def piece(chunk: Json) -> bytes:
    """A worker's chunk in a streamed answer: text as it is, anything else as an event."""
    return chunk.encode() if isinstance(chunk, str) else f"data: {json.dumps(chunk)}\n\n".encode()


async def reply(send: Send, status: int, answer: Json, headers: Mapping[str, str] | None = None) -> None:
    """One whole answer."""
    body = b"" if status == 204 else json.dumps(answer).encode()
    given = {"content-type": JSON, "content-length": str(len(body)), **(headers or {})}
    listed = [(name.lower().encode(), value.encode()) for name, value in given.items()]
    await send({"type": "http.response.start", "status": status, "headers": listed})
    await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def hanging_up(request: Request, ring: Callable[[], None]) -> AsyncIterator[asyncio.Event]:
    """An event that is set when the other side hangs up: a job given to a dead worker would be lost."""
    gone = asyncio.Event()

    def hung_up(_: asyncio.Task[None]) -> None:
        gone.set()
        ring()

    listening = asyncio.create_task(request.gone())
    listening.add_done_callback(hung_up)
    try:
        yield gone
    finally:
        listening.remove_done_callback(hung_up)
        listening.cancel()
