"""Vapi's control host, and a call that is steered there: for tests of what is ordered on a live call."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from handlers.vapi.control import Controls
from tests.handlers.house import CALL_ID

URL = "https://phone-call-websocket.aws-us-west-2-backend-production1.vapi.ai/call/control"


class Host:
    """Vapi's control host, in memory: remembers what it was sent; answers with `status`."""

    def __init__(self, status: int = 200, takes_s: float = 0.0) -> None:
        self.status, self.takes_s = status, takes_s
        self.got: list[tuple[str, dict[str, Any]]] = []
        self.shown: list[str | None] = []
        self.asked = asyncio.Event()

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.set()
        self.shown.append(request.headers.get("authorization"))
        await asyncio.sleep(self.takes_s)
        self.got.append((str(request.url), json.loads(request.content)))
        return httpx.Response(self.status)

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [body for _, body in self.got]


@asynccontextmanager
async def controls(host: Host, *, key: str | None = None) -> AsyncIterator[Controls]:
    """Controls of one live call whose URL is known."""
    http = httpx.AsyncClient(transport=httpx.MockTransport(host))
    async with Controls(("vapi.ai",), key=key, http=http) as found:
        found.notice(CALL_ID, {"type": "status-update", "status": "in-progress", "call": a_call()})
        yield found


def a_call(url: str = URL) -> dict[str, Any]:
    return {"id": CALL_ID, "monitor": {"controlUrl": url, "listenUrl": "wss://x/listen"}}


def speech(status: str, role: str = "user") -> dict[str, Any]:
    return {"type": "speech-update", "status": status, "role": role, "call": {"id": CALL_ID}}
