"""An operator speaks on a live call at Twilio, ends it, or puts the caller through."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from handlers.twilio.rest import TwilioRest
from tests.conftest import VirtualTime
from tests.handlers.office import KIM, OFFICE, an_office
from tests.handlers.relay_line import CALLER, a_relay_call
from tests.handlers.twilio_door import BASE, CALL, SID, Door, a_door
from voice.models.scripted import ScriptedClient
from voice.simulate.twilio.rest import ACCOUNT_SID, TOKEN
from voice.types import CallRecord
from voice.types import Door as Way

Form = dict[str, list[str]]

PLUMBER = "A plumber is on the way."
ACCOUNT = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": TOKEN}


async def order(door: Door, name: str, **body: object) -> httpx.Response:
    return await door.http.post(f"/admin/calls/{CALL}/{name}", json=body)


async def test_an_operators_words_are_spoken_on_the_socket_and_stay_in_the_thread(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply="Which unit?")
    async with a_relay_call(model) as (door, socket):
        await asyncio.sleep(5.0)
        answer = await order(door, "say", text=PLUMBER)
        await socket.hears(PLUMBER)
        socket.say("Thanks.")
        await socket.hears("Which unit?")

    assert answer.status_code == 200
    assert any(PLUMBER in one.text for one in model.asked[0].messages)


async def test_an_operator_stops_the_reply_that_is_being_said(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="One. Two. Three. Four. Five. Six.", every_s=1.0)
    async with a_relay_call(model) as (door, socket):
        await asyncio.sleep(5.0)
        socket.say("Count.")
        await socket.hears("One.")
        await order(door, "say", text=PLUMBER, end=True)
        await socket.ends()
        record = await door.brain.store.record(CALL)

    assert socket.talks[-1] == PLUMBER
    assert "Six." not in socket.words
    assert record is not None
    assert record.ended_reason == "operator"


async def test_an_operator_puts_a_caller_on_the_socket_through(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_relay_call(ScriptedClient(), **an_office(tmp_path)) as (door, socket):
        await asyncio.sleep(5.0)
        answer = await order(door, "transfer", to=OFFICE)
        await socket.ends()

    assert answer.status_code == 200
    assert OFFICE in json.loads(socket.handoff or "{}").values()


@asynccontextmanager
async def a_gather_call(folder: Path, **settings: Any) -> AsyncIterator[tuple[Door, list[Form]]]:
    """A call in a Gather loop, and what Twilio's API is asked to do with it."""
    changes: list[Form] = []

    def taken(request: httpx.Request) -> httpx.Response:
        assert request.url.path.endswith(f"/Calls/{SID}.json")
        changes.append(parse_qs(request.content.decode()))
        return httpx.Response(200, json={"sid": SID})

    base = {"public_url": BASE, "twilio_mode": "gather"}
    async with (
        httpx.AsyncClient(transport=httpx.MockTransport(taken)) as http,
        a_door(ScriptedClient(), **(an_office(folder, KIM) | base | settings)) as door,
    ):
        door.app.state.twilio_rest = TwilioRest(door.app.state.settings, http)
        await door.hear("/twilio/voice", "voice")
        yield door, changes


async def test_an_operator_speaks_ends_and_transfers_by_twilios_api_where_there_is_no_socket(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_gather_call(tmp_path, **ACCOUNT) as (door, changes):
        said = await order(door, "say", text=PLUMBER)
        passed = await order(door, "transfer", to=OFFICE, text="One moment.")
        ended = await order(door, "end")
        record = await door.brain.store.record(CALL)
        again = await order(door, "end")

    assert [said.status_code, passed.status_code, ended.status_code, again.status_code] == [
        200,
        200,
        200,
        409,
    ]
    assert PLUMBER in changes[0]["Twiml"][0]
    assert f'action="{BASE}/twilio/gather?turn=1' in changes[0]["Twiml"][0]
    assert f">{OFFICE}</Number>" in changes[1]["Twiml"][0]
    assert changes[2] == {"Status": ["completed"]}
    assert record is not None
    assert record.ended_reason == "operator"
    assert "over" in again.json()["error"]["message"]


@pytest.mark.parametrize(
    ("name", "body", "says"),
    [
        ("end", {}, "TWILIO_ACCOUNT_SID"),
        ("mute", {}, "say, end, transfer"),
        ("message", {"text": "Be brief."}, "say, end, transfer"),
    ],
)
async def test_an_order_that_cannot_be_carried_out_says_why(
    virtual_time: VirtualTime, tmp_path: Path, name: str, body: dict[str, str], says: str
) -> None:
    async with a_gather_call(tmp_path) as (door, changes):
        answer = await order(door, name, **body)

    assert answer.status_code == 409
    assert says in answer.json()["error"]["message"]
    assert not changes


async def test_a_call_that_is_led_elsewhere_is_said_not_to_be_here(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        door.brain.store.keep_call(CallRecord(CALL, Way.GATHER, "jamie", CALLER))
        answer = await order(door, "end")

    assert answer.status_code == 409
    assert "not live in this process" in answer.json()["error"]["message"]
