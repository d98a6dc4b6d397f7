"""Asks an ASGI app without a server, and hangs up when a test says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from voice.engines.http import WorkerApp


@dataclass
class Asked:
    """One request and what has come back of it. `hangs_up_after`: so many pieces of the body.

    `heard` is given each message as the app sends it.
    """

    app: WorkerApp
    method: str
    path: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs_up_after: int | None = None
    heard: Callable[[Mapping[str, Any]], None] = lambda _: None
    status: int = 0
    pieces: list[bytes] = field(default_factory=list)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _sent: bool = False

    async def answered(self) -> Asked:
        headers = [(name.encode(), value.encode()) for name, value in self.headers.items()]
        scope = {"type": "http", "method": self.method, "path": self.path, "headers": headers}
        await self.app(scope, self._receive, self._send)
        return self

    @property
    def text(self) -> str:
        return b"".join(self.pieces).decode()

    @property
    def json(self) -> Any:
        return json.loads(self.text)

    async def _receive(self) -> Mapping[str, Any]:
        if not self._sent:
            self._sent = True
            return {"type": "http.request", "body": self.body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Mapping[str, Any]) -> None:
        self.heard(message)
        if message["type"] == "http.response.start":
            self.status = message["status"]
            return
        if message.get("body"):
            self.pieces.append(message["body"])
        if self.hangs_up_after is not None and len(self.pieces) >= self.hangs_up_after:
            self._gone.set()
            await asyncio.Event().wait()  # a line that takes nothing more


def deltas(text: str) -> list[dict[str, Any]]:
    """The JSON of each event, without [DONE]."""
    events = [event.removeprefix("data: ") for event in text.split("\n\n") if event]
    return [json.loads(event) for event in events if event != "[DONE]"]
