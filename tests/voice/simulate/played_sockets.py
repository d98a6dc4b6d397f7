"""Sockets without a network: an ASGI app, or a scripted server, at the other end; on played time too."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from voice.errors import BadRequest
from voice.simulate.twilio.socket import SocketClosed

App = Callable[..., Awaitable[None]]
Message = MutableMapping[str, Any]


class AppSocket:
    """One WebSocket of an ASGI app."""

    def __init__(self, app: App, url: str, headers: Mapping[str, str]) -> None:
        self._to_app: asyncio.Queue[Message] = asyncio.Queue()
        self._from_app: asyncio.Queue[Message] = asyncio.Queue()
        self._to_app.put_nowait({"type": "websocket.connect"})
        self._is_closed = False
        self._task = asyncio.create_task(self._run(app, _scope(url, headers)))

    async def opened(self) -> AppSocket:
        """Itself, when the app has accepted it. Raises BadRequest."""
        if (await self._from_app.get())["type"] != "websocket.accept":
            raise BadRequest("Twilio error 64102: it answered 403")
        return self

    async def send(self, text: str) -> None:
        if self._is_closed:
            raise SocketClosed("closed")
        self._to_app.put_nowait({"type": "websocket.receive", "text": text})

    async def receive(self) -> str | bytes:
        message = await self._from_app.get()
        if message["type"] != "websocket.send":
            self._is_closed = True
            raise SocketClosed(str(message.get("code")))
        text = message.get("text")
        return str(text) if text is not None else bytes(message["bytes"])

    async def close(self, code: int = 1000) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._to_app.put_nowait({"type": "websocket.disconnect", "code": code})
            self._from_app.put_nowait({"type": "websocket.close", "code": code})

    async def abort(self) -> None:
        await self.close(1006)

    async def done(self) -> None:
        """Return when the app has left it."""
        await asyncio.wait({self._task})

    async def _run(self, app: App, scope: Mapping[str, Any]) -> None:
        try:
            await app(scope, self._to_app.get, self._from_app.put)
        finally:
            self._from_app.put_nowait({"type": "websocket.close", "code": 1006})


class AppSockets:
    """Opens sockets of this app, whatever the host in their URL."""

    def __init__(self, app: App) -> None:
        self._app, self._open = app, list[AppSocket]()

    async def open(self, url: str, headers: Mapping[str, str]) -> AppSocket:
        """One more. Raises BadRequest when the app refuses it."""
        self._open.append(await AppSocket(self._app, url, headers).opened())
        return self._open[-1]

    async def stop(self) -> None:
        """The server stops: every socket is closed before the app is."""
        for socket in self._open:
            await socket.close(1012)
            await socket.done()


def _scope(url: str, headers: Mapping[str, str]) -> dict[str, Any]:
    parts = urlsplit(url)
    found = {"host": parts.netloc, "upgrade": "websocket", **headers}
    return {
        "type": "websocket",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": parts.scheme,
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in found.items()],
        "client": ("127.0.0.1", 40001),
        "server": ("127.0.0.1", 8000),
        "subprotocols": [],
        "state": {},
        "extensions": {},
    }


class ScriptedRelay:
    """A server's end of sockets: `answer` is asked with each message, and sends with `say` and `frame`.

    `came` holds all messages of all sockets, `headers` those of each upgrade. None as a frame closes.
    """

    def __init__(self, answer: Callable[[ScriptedRelay, dict[str, Any]], Coroutine[Any, Any, None]]) -> None:
        self._answer = answer
        self.came: list[dict[str, Any]] = []
        self.upgrades: list[tuple[str, Mapping[str, str]]] = []
        self._out: asyncio.Queue[str | None] = asyncio.Queue()
        self._tasks: set[asyncio.Task[None]] = set()
        self.closed_with: list[int] = []

    async def open(self, url: str, headers: Mapping[str, str]) -> ScriptedRelay:
        self.upgrades.append((url, headers))
        self._out = asyncio.Queue()
        return self

    def say(self, token: str, *, last: bool = False, **more: Any) -> None:
        self.frame({"type": "text", "token": token, "last": last, **more})

    def frame(self, frame: object) -> None:
        self._out.put_nowait(json.dumps(frame))

    def raw(self, text: str | None) -> None:
        self._out.put_nowait(text)

    def of(self, kind: str) -> list[dict[str, Any]]:
        """The messages of one kind that have come."""
        return [one for one in self.came if one["type"] == kind]

    async def send(self, text: str) -> None:
        message = json.loads(text)
        self.came.append(message)
        self._tasks.add(asyncio.create_task(self._answer(self, message)))

    async def receive(self) -> str | bytes:
        text = await self._out.get()
        if text is None:
            raise SocketClosed("closed")
        return text

    async def close(self, code: int = 1000) -> None:
        self.closed_with.append(code)
        self._out.put_nowait(None)

    async def abort(self) -> None:
        await self.close(1006)
