"""Twilio's end of a ConversationRelay socket, for a test: what it sends, and what came when."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.applications import Starlette

from handlers.relay.ticket import Tickets
from tests.handlers.twilio_door import CALL, WIRE, Door, a_door
from voice.call import Call
from voice.clock import now
from voice.models.base import ModelClient
from voice.types import CallId, Turn
from voice.types import Door as Way

CALLER = "+12025550123"
LIMIT_S = 30.0  # of played time, for what a test waits for


def frame(name: str) -> dict[str, Any]:
    """A recorded frame."""
    found: dict[str, Any] = json.loads((WIRE / f"relay_{name}.json").read_text(encoding="utf-8"))["frame"]
    return found


@dataclass
class Socket:
    """One socket to the app, as the server would hand it over. `sent` are our frames, with their instants."""

    app: Starlette
    path: str
    sent: list[tuple[float, dict[str, Any]]] = field(default_factory=list)
    status: str = "connecting"
    accepted: bool = False
    close_code: int | None = None
    takes: asyncio.Event = field(default_factory=asyncio.Event)  # cleared: it is slow and takes nothing
    _coming: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.takes.set()
        self._coming.put_nowait({"type": "websocket.connect"})

    async def run(self, headers: dict[str, str] | None = None) -> None:
        shown = {"host": "127.0.0.1:8000", **(headers or {})}
        scope = {
            "type": "websocket",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "ws",
            "path": self.path,
            "raw_path": self.path.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in shown.items()],
            "client": ("127.0.0.1", 40000),
            "server": ("127.0.0.1", 8000),
            "subprotocols": [],
            "state": {},
            "extensions": {},
        }
        await self.app(scope, self._coming.get, self._take)
        self.status = "over"
        self._news.set()

    async def _take(self, message: Any) -> None:
        await self.takes.wait()
        match message["type"]:
            case "websocket.accept":
                self.status, self.accepted = "open", True
            case "websocket.close":
                self.close_code = message.get("code")
                self._coming.put_nowait({"type": "websocket.disconnect", "code": 1005})
            case "websocket.send":
                self.sent.append((now(), json.loads(message["text"])))
                if self.sent[-1][1]["type"] == "end":  # Twilio then closes the socket
                    self.drop()
        self._news.set()

    def send(self, found: object) -> None:
        if isinstance(found, bytes):
            self._coming.put_nowait({"type": "websocket.receive", "bytes": found})
        else:
            text = found if isinstance(found, str) else json.dumps(found)
            self._coming.put_nowait({"type": "websocket.receive", "text": text})

    def set_up(self, **changes: Any) -> None:
        self.send({**frame("setup"), **changes})

    def say(self, words: str, **changes: Any) -> None:
        self.send({**frame("prompt"), "voicePrompt": words, **changes})

    def cut_in(self, after: str, **changes: Any) -> None:
        self.send({**frame("interrupt"), "utteranceUntilInterrupt": after, **changes})

    def press(self, *keys: str) -> None:
        for key in keys:
            self.send({"type": "dtmf", "digit": key})

    def tell(self, name: str, value: str) -> None:
        self.send({"type": "info", "name": name, "value": value, "ts": 1752091234567})

    def drop(self) -> None:
        """The socket is gone."""
        self._coming.put_nowait({"type": "websocket.disconnect", "code": 1006})

    @property
    def frames(self) -> list[dict[str, Any]]:
        return [found for _, found in self.sent]

    @property
    def words(self) -> str:
        """All that was sent to be spoken, in order."""
        return "".join(found["token"] for found in self.frames if found["type"] == "text")

    @property
    def talks(self) -> list[str]:
        """The same by talk cycles, closed or not."""
        found = [""]
        for one in self.frames:
            if one["type"] == "text":
                found[-1] += one["token"]
                found += [""] if one["last"] else []
        return [talk.strip() for talk in found if talk.strip()]

    @property
    def handoff(self) -> str | None:
        """What `end` hands over; None while the session goes on."""
        return next((one["handoffData"] for one in self.frames if one["type"] == "end"), None)

    async def until(self, is_so: Callable[[], bool], limit_s: float = LIMIT_S) -> None:
        """Wait for something that frames bring about."""
        async with asyncio.timeout(limit_s):
            while not is_so():
                self._news.clear()
                await self._news.wait()

    async def hears(self, words: str) -> None:
        await self.until(lambda: words in self.words)

    async def closes_a_talk(self, times: int = 1) -> None:
        await self.until(lambda: sum(one["type"] == "text" and one["last"] for one in self.frames) >= times)

    async def ends(self, limit_s: float = 300.0) -> None:
        await self.until(lambda: self.handoff is not None, limit_s)


@asynccontextmanager
async def on_relay(
    door: Door, *, is_back: bool = False, sets_up: bool = True, agent: str = "jamie", call: CallId = CALL
) -> AsyncIterator[Socket]:
    """A socket of the app, its call set up; dropped at the end if it still is open."""
    tickets: Tickets = door.app.state.tickets
    socket = Socket(door.app, f"/twilio/relay/{tickets.issue(call, agent, is_back=is_back)}")
    running = asyncio.create_task(socket.run())
    if sets_up:
        socket.set_up(callSid=call)
    await socket.until(lambda: socket.status != "connecting")
    try:
        yield socket
    finally:
        socket.takes.set()
        socket.drop()
        await running


@asynccontextmanager
async def a_relay_call(*clients: ModelClient, **settings: Any) -> AsyncIterator[tuple[Door, Socket]]:
    """A call that has been greeted, on its socket."""
    async with a_door(*clients, **settings) as door:
        await greeted(door)
        async with on_relay(door) as socket:
            yield door, socket


async def greeted(door: Door, call_id: CallId = CALL) -> Call:
    """A call as the first webhook leaves it."""
    call = await door.brain.calls.pick_up(call_id, Way.RELAY, caller=CALLER)
    door.brain.calls.greet(call, call.agent.greeting)
    return call


def turns(door: Door) -> list[Turn]:
    """The turns of the call."""
    call = door.brain.calls.get(CALL)
    assert call is not None
    return call.thread.turns


def newest(door: Door) -> Turn:
    """The newest turn of the call."""
    return turns(door)[-1]


def agents(folder: Path, **lines: object) -> Path:
    """A folder with an agent of the tests: jamie, with these keys in its file."""
    keys: dict[str, object] = {
        "name": "jamie",
        "persona": "You are Jamie.",
        "greeting": "Hello, this is Jamie.",
        "fallbacks": ["Sorry, say that again?"],
        "goodbye": "Goodbye.",
        "busy": "All lines are busy.",
    }
    tables = "".join(str(lines.pop(name, "")) for name in ("tables",))
    text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in {**keys, **lines}.items())
    (folder / "jamie.toml").write_text(text + tables, encoding="utf-8")
    return folder
