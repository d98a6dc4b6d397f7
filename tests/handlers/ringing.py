"""A server that calls people, and Twilio's API, played: for tests of calls that we begin."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from handlers.once import Once
from handlers.placing import Placing
from handlers.twilio.rest import TwilioRest
from tests.handlers.twilio_door import BASE, Door, a_door
from voice.models.base import ModelClient
from voice.models.scripted import ScriptedClient
from voice.simulate.twilio.callee import PlacedCall
from voice.simulate.twilio.rest import ACCOUNT_SID, NUMBER, TOKEN, TwilioStandIn
from voice.store.base import Store, StoredCall
from voice.types import CallId

TO = "+14155550100"


@dataclass(frozen=True)
class Exchange:
    """Our server, and the Twilio that it asks."""

    door: Door
    twilio: TwilioStandIn

    async def order(self, **order: object) -> httpx.Response:
        return await self.door.http.post("/admin/calls", json={"to": TO, **order})

    async def called(self, **order: object) -> tuple[PlacedCall, StoredCall]:
        """The one call that comes of an order, when it is over: as Twilio knows it, and as we do."""
        answer = await self.order(**order)
        assert answer.status_code == 201, answer.text
        call = self.twilio.calls[answer.json()["call_id"]]
        await call.is_over.wait()
        stored = await self.door.brain.store.find(CallId(call.sid))
        assert stored is not None
        return call, stored

    def restart(self) -> None:
        """From here on only the store remembers what was ordered."""
        state = self.door.app.state
        state.once = Once(self.door.brain.store)
        state.placing = Placing(self.door.brain.store, state.once, state.twilio_rest)


@asynccontextmanager
async def an_exchange(
    *models: ModelClient,
    twilio: dict[str, Any] | None = None,
    store: Store | None = None,
    **settings: object,
) -> AsyncIterator[Exchange]:
    """Both sides in one process, without a socket between them."""
    ours: dict[str, Any] = {
        "twilio_auth_token": TOKEN,
        "twilio_account_sid": ACCOUNT_SID,
        "twilio_phone_number": NUMBER,
        "public_url": BASE,
        **settings,
    }
    async with (
        a_door(*(models or (ScriptedClient(),)), store=store, **ours) as door,
        TwilioStandIn(webhooks_at=BASE, http=door.http, **(twilio or {})) as played,
        played.client() as http,
    ):
        door.app.state.twilio_rest = TwilioRest(door.app.state.settings, http)
        exchange = Exchange(door, played)
        exchange.restart()
        yield exchange


def notes(stored: StoredCall, kind: str) -> list[dict[str, Any]]:
    """What is noted of a call, of one kind."""
    return [dict(note.payload) for note in stored.notes if note.kind == kind]
