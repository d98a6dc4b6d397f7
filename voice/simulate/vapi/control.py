"""Vapi's control URL of one played call: a small server on loopback with a queue of orders.

Each order is answered as soon as it stands in the queue, and done when those before it are: words wait
until the agent has finished, as they do at Vapi.

Source: docs.vapi.ai/calls/call-features (2026-06).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from voice.simulate.loopback import Receive, Scope, Send, serving

MAX_WAITING = 20  # orders; one more is refused
KINDS = ("say", "add-message", "control", "end-call", "transfer")

Obey = Callable[[dict[str, Any]], Awaitable[None]]
"""Does one order. What it raises ends the queue."""


class ControlDesk:
    """Takes the orders for the call `call_id`; `obey` does them, one at a time. `is_over`: 404 then."""

    def __init__(self, call_id: str, obey: Obey, is_over: Callable[[], bool]) -> None:
        self._path, self._obey, self._is_over = f"/{call_id}/control", obey, is_over
        self._orders: asyncio.Queue[dict[str, Any]] = asyncio.Queue(MAX_WAITING)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await _read(receive)
        status = self._take(body) if scope["path"] == self._path and scope["method"] == "POST" else 404
        headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": b"{}"})

    def _take(self, body: bytes) -> int:
        """The status for one order."""
        try:
            order = json.loads(body)
        except ValueError:
            return 400
        if not isinstance(order, dict) or order.get("type") not in KINDS:
            return 400
        if self._is_over():
            return 404
        if self._orders.full():
            return 429
        self._orders.put_nowait(order)
        return 200

    async def work(self) -> None:
        """Do what is ordered, until cancelled."""
        while True:
            await self._obey(await self._orders.get())


@asynccontextmanager
async def control_url(call_id: str, obey: Obey, is_over: Callable[[], bool]) -> AsyncIterator[str]:
    """The control URL of a call while the context is open."""
    desk = ControlDesk(call_id, obey, is_over)
    async with serving(desk) as url:
        working = asyncio.create_task(desk.work())
        try:
            yield f"{url}/{call_id}/control"
        finally:
            working.cancel()
            with suppress(asyncio.CancelledError):
                await working


async def _read(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body
