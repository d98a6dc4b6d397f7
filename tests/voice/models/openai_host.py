"""An OpenAI-compatible host on loopback that answers as a test tells it to: raw bytes, any status."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson

from voice.simulate.loopback import Receive, Scope, Send, serving
from voice.types import Json

EVENTS = b"text/event-stream"


def frame(**fields: Json) -> bytes:
    return b"data: " + orjson.dumps(fields) + b"\n\n"


def delta(text: str | None = None, reason: str | None = None, **more: Json) -> bytes:
    """A streamed piece as OpenAI writes it."""
    fields: dict[str, Json] = {**({} if text is None else {"content": text}), **more}
    return frame(choices=[{"index": 0, "delta": fields, "finish_reason": reason}])


USAGE = frame(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 2})
DONE = b"data: [DONE]\n\n"


@dataclass
class OpenAIHost:
    """Sends `pieces`, one after the other; then ends, `hangs`, or `breaks` the connection.

    `refuses` answers the first requests with these statuses, before anything else.
    """

    pieces: Sequence[bytes] = (delta("Which "), delta("unit?"), delta(reason="stop"), USAGE, DONE)
    status: int = 200
    content_type: bytes = EVENTS
    hangs: bool = False
    breaks: bool = False
    refuses: Sequence[int] = ()
    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    peers: set[int] = field(default_factory=set)  # the clients' ports: one per connection
    left: asyncio.Event = field(default_factory=asyncio.Event)  # the client hung up
    listed: asyncio.Event = field(default_factory=asyncio.Event)  # the list of models was asked for

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.peers.add(scope["client"][1])
        self.headers = {name.decode(): value.decode() for name, value in scope["headers"]}
        body = await _body(receive)
        if scope["path"].endswith("/models"):
            await self._answer(send, self.status, b"application/json")
            await send({"type": "http.response.body", "body": b'{"data": []}'})
            self.listed.set()
            return
        self.asked.append(orjson.loads(body))
        if len(self.asked) <= len(self.refuses):
            await self._answer(send, self.refuses[len(self.asked) - 1], b"application/json")
            await send({"type": "http.response.body", "body": b'{"error": {"message": "no"}}'})
            return
        await self._answer(send, self.status, self.content_type)
        for piece in self.pieces:
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        if self.hangs:
            while (await receive())["type"] != "http.disconnect":
                pass
            self.left.set()
        elif not self.breaks:  # without an end of the body, uvicorn drops the connection
            await send({"type": "http.response.body"})

    async def _answer(self, send: Send, status: int, content_type: bytes) -> None:
        headers = [(b"content-type", content_type)]
        await send({"type": "http.response.start", "status": status, "headers": headers})


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if not message.get("more_body"):
            return body


@asynccontextmanager
async def hosting(host: OpenAIHost) -> AsyncIterator[OpenAIHost]:
    """Serves the host while the context is open."""
    async with serving(host) as url:
        host.url = f"{url}/v1"
        yield host
