"""What tests of the doors share: an app around a scripted brain, and ways to listen to its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote

import httpx
from pydantic import TypeAdapter
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message
from vapi.core.serialization import convert_and_respect_annotation_metadata

from handlers.app import create_app
from handlers.siblings import ALONE, Siblings
from voice.brain import Brain
from voice.clock import Deadline
from voice.events import Event
from voice.models.base import ModelClient
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.store.base import Store
from voice.store.memory import MemoryStore
from voice.types import CallId, Finish, Hear, Prompt

HERE = "127.0.0.1"
ELSEWHERE = "203.0.113.7"
CALL_ID = CallId("0190c0de-0000-7000-8000-000000000001")  # the call of every message in WIRE
Shape = TypeVar("Shape")
WIRE = Path(__file__).parent.parent / "wire" / "vapi"


def a_message(name: str) -> dict[str, Any]:
    """One of Vapi's messages from tests/wire/vapi, as it comes."""
    found: dict[str, Any] = json.loads((WIRE / f"{name}.json").read_text(encoding="utf-8"))
    found.pop("_source")
    return found


def a_request(*said: str, **changes: Any) -> dict[str, Any]:
    """A custom-LLM request in which the caller has said these things, each answered but the last."""
    talk = [
        {"role": role, "content": text}
        for one in said
        for role, text in (("user", one), ("assistant", "All right."))
    ]
    return {"model": "jamie", "stream": True, "messages": talk[:-1], "call": {"id": CALL_ID}, **changes}


class Watched(ScriptedClient):
    """A scripted model that lets a test wait until it was asked, and until it was stopped."""

    def __init__(self, name: str = "watched", **script: Any) -> None:
        super().__init__(name, **script)
        self.begun, self.stopped = asyncio.Event(), asyncio.Event()

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        self.begun.set()
        try:
            return await super().write(prompt, deadline, hear)
        except asyncio.CancelledError:
            self.stopped.set()
            raise


@dataclass
class House:
    """An app, its brain, and a client at its door."""

    app: Starlette
    http: httpx.AsyncClient
    store: Store
    events: list[Event]

    @property
    def brain(self) -> Brain:
        brain: Brain = self.app.state.brain
        return brain

    def from_elsewhere(self) -> httpx.AsyncClient:
        """A client on another machine."""
        return _client(self.app, ELSEWHERE)


@asynccontextmanager
async def a_house(
    *clients: ModelClient, store: Store | None = None, siblings: Siblings = ALONE, **settings: object
) -> AsyncIterator[House]:
    """An app in memory, asked from this machine; its model is scripted unless clients are given."""
    kept = store or MemoryStore()
    read = load_settings(Path("/nonexistent"), **settings)
    models = clients or (ScriptedClient(reply="Which unit are you in?"),)
    app = create_app(read, siblings, clients=models, store=kept)
    events: list[Event] = []
    async with app.router.lifespan_context(app), _client(app, HERE) as http:
        app.state.brain.bus.subscribe(events.append)
        yield House(app, http, kept, events)


def _client(app: Starlette, peer: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(peer, 50000))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000")


async def notes_of(house: House, kind: str) -> list[dict[str, Any]]:
    """What is kept of the call under this kind."""
    await house.store.committed()
    found = await house.store.find(CALL_ID)
    return [dict(note.payload) for note in found.notes if note.kind == kind] if found else []


def in_shape(shape: type[Shape], answer: httpx.Response) -> Shape:
    """An answer as Vapi's own library reads it, every field checked."""
    found = convert_and_respect_annotation_metadata(object_=answer.json(), annotation=shape, direction="read")
    return TypeAdapter(shape).validate_python(found)


def frames_of(text: str) -> list[dict[str, Any]]:
    """The frames of a chat-completions stream, checked: data lines only, [DONE] last."""
    blocks = text.split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""], text
    return [json.loads(block.removeprefix("data: ")) for block in blocks[:-2]]


def said_in(text: str) -> str:
    """What a chat-completions stream says aloud."""
    deltas = [choice["delta"] for frame in frames_of(text) for choice in frame["choices"]]
    return "".join(delta.get("content") or "" for delta in deltas)


def events_of(text: str) -> list[tuple[str, dict[str, Any]]]:
    """The named events of a stream."""
    blocks = [block.split("\n") for block in text.strip().split("\n\n")]
    return [(one.removeprefix("event: "), json.loads(two.removeprefix("data: "))) for one, two in blocks]


@dataclass
class Visitor:
    """A client that reads what it likes and hangs up when it likes."""

    app: ASGIApp
    peer: str = HERE
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    sent: list[Message] = field(default_factory=list)
    _gone: asyncio.Event = field(default_factory=asyncio.Event)
    _asked: bool = False

    async def post(self, path: str, body: object, headers: Mapping[str, str] | None = None) -> None:
        given = {"host": "127.0.0.1:8000", "content-type": "application/json", **(headers or {})}
        self._body = json.dumps(body).encode()
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": "POST",
            "path": path,
            "raw_path": quote(path).encode(),
            "query_string": b"",
            "root_path": "",
            "scheme": "http",
            "headers": [(name.encode(), value.encode()) for name, value in given.items()],
            "client": (self.peer, 50000),
            "server": (HERE, 8000),
            "state": {},
        }
        await self.app(scope, self._receive, self._send)

    @property
    def text(self) -> str:
        """What has come so far."""
        return b"".join(message.get("body", b"") for message in self.sent).decode()

    def hang_up(self) -> None:
        self._gone.set()

    async def _receive(self) -> Message:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": self._body, "more_body": False}
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        self.sent.append(message)
        if message["type"] == "http.response.body":
            self.heard.set()
