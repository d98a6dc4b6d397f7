"""Twilio's doors, opened for a test: what is posted there, and what comes back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
from starlette.applications import Starlette

from handlers.app import create_app
from voice.brain import Brain
from voice.models.base import ModelClient
from voice.settings import load_settings
from voice.simulate.twilio.http import signature
from voice.simulate.twiml import Gather, Hangup, Redirect, Say, Verb, read_twiml
from voice.store.base import Store
from voice.store.memory import MemoryStore
from voice.types import CallId

WIRE = Path(__file__).parent.parent / "wire" / "twilio"
BASE = "http://127.0.0.1:8000"
SID = "CA4f1f2c3a9b8d47e6a5c0d1e2f3a4b5c6"
CALL = CallId(SID)

Form = Mapping[str, str] | list[tuple[str, str]]


def _asked(url: str) -> str:
    """A URL as Twilio asks it: what stands behind "#" is for Twilio alone."""
    return url.partition("#")[0]


@dataclass(frozen=True)
class Document:
    """An answer of a Gather door, read as Twilio reads it."""

    answer: httpx.Response
    verbs: list[Verb]

    @property
    def words(self) -> str:
        """All that the caller hears of it, in order."""
        said = [
            (verb,) if isinstance(verb, Say) else verb.says
            for verb in self.verbs
            if isinstance(verb, Say | Gather)
        ]
        return " ".join(say.text for says in said for say in says)

    @property
    def gather(self) -> Gather | None:
        return next((verb for verb in self.verbs if isinstance(verb, Gather)), None)

    @property
    def redirect(self) -> str | None:
        """Where it goes on at once, without listening first."""
        first = next((verb for verb in self.verbs if isinstance(verb, Gather | Redirect)), None)
        return _asked(first.url) if isinstance(first, Redirect) else None

    @property
    def action(self) -> str:
        assert self.gather is not None
        assert self.gather.action is not None
        return _asked(self.gather.action)

    @property
    def hangs_up(self) -> bool:
        return any(isinstance(verb, Hangup) for verb in self.verbs)


@dataclass(frozen=True)
class Door:
    """The app, and a client that stands where Twilio does."""

    app: Starlette
    http: httpx.AsyncClient
    token: str | None = None

    @property
    def brain(self) -> Brain:
        brain: Brain = self.app.state.brain
        return brain

    async def post(self, path: str, form: Form, headers: Mapping[str, str] | None = None) -> httpx.Response:
        """Post a form as it is written, signed when the door has a token."""
        pairs = list(form.items()) if isinstance(form, Mapping) else form
        signed = {"X-Twilio-Signature": signature(self.token, BASE + path, pairs)} if self.token else {}
        data: dict[str, list[str]] = {}
        for name, value in pairs:
            data.setdefault(name, []).append(value)
        return await self.http.post(path, data=data, headers=signed | dict(headers or {}))

    async def hear(self, path: str, name: str = "gather", **changes: str) -> Document:
        """What comes back when a recorded message is posted with some fields changed."""
        return read(await self.post(path, {**message(name), **changes}))


def read(answer: httpx.Response) -> Document:
    assert answer.status_code == 200, answer.text
    return Document(answer, read_twiml(answer.headers["content-type"], answer.content))


def message(name: str) -> dict[str, str]:
    """The fields of a recorded message."""
    fields: dict[str, str] = json.loads((WIRE / f"{name}.json").read_text(encoding="utf-8"))["fields"]
    return fields


@asynccontextmanager
async def a_door(
    *clients: ModelClient,
    store: Store | None = None,
    peer: str = "127.0.0.1",
    base: str = BASE,
    **settings: object,
) -> AsyncIterator[Door]:
    """The web app with these model clients, reached from `peer`."""
    token = settings.get("twilio_auth_token")
    read_settings = load_settings(Path("/nonexistent"), **settings)
    app = create_app(read_settings, clients=clients, store=store or MemoryStore())
    transport = httpx.ASGITransport(app, raise_app_exceptions=True, client=(peer, 40000))
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url=base) as http,
    ):
        yield Door(app, http, str(token) if token else None)
