"""Who may open a relay socket, and what its first frame must say."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from handlers.relay.socket import NONSENSE
from tests.conftest import VirtualTime
from tests.handlers.relay_line import Socket, a_relay_call, frame, greeted, on_relay
from tests.handlers.twilio_door import CALL, Door, a_door
from voice.models.scripted import ScriptedClient
from voice.simulate.twilio.http import signature
from voice.types import CallId

TOKEN = "12345"
PUBLIC = "https://voice.example.com"


async def opened(door: Door, ticket: str | None = None, **headers: str) -> Socket:
    """A socket that has been asked for, as far as it got."""
    found = door.app.state.tickets.issue(CALL, "jamie") if ticket is None else ticket
    socket = Socket(door.app, f"/twilio/relay/{found}")
    socket.set_up()
    running = asyncio.create_task(socket.run(headers))
    await socket.until(lambda: socket.status != "connecting")
    socket.drop()
    await running
    return socket


async def test_twilio_opens_a_socket_with_its_signature(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        await greeted(door)
        ticket = door.app.state.tickets.issue(CALL, "jamie")
        signed = signature(TOKEN, f"wss://voice.example.com/twilio/relay/{ticket}", [])

        socket = await opened(door, ticket, **{"X-Twilio-Signature": signed})

    assert socket.accepted


@pytest.mark.parametrize("shown", [None, "", "AAAA", "\u00e9"])
async def test_nobody_else_opens_a_socket(virtual_time: VirtualTime, shown: str | None) -> None:
    headers = {} if shown is None else {"X-Twilio-Signature": shown}
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        await greeted(door)

        socket = await opened(door, **headers)

    assert not socket.accepted


async def test_a_socket_without_a_ticket_is_not_opened(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        socket = await opened(door, "made-up")

    assert not socket.accepted


async def test_a_ticket_opens_one_socket(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        await greeted(door)
        ticket = door.app.state.tickets.issue(CALL, "jamie")

        first, second = await opened(door, ticket), await opened(door, ticket)

    assert (first.accepted, second.accepted) == (True, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"callSid": "CA" + "9" * 32},
        {"callSid": None},
        {"callSid": ["CA"]},
        {"accountSid": "AC" + "9" * 32},
        {"type": "prompt"},
    ],
)
async def test_a_socket_of_another_call_is_closed(virtual_time: VirtualTime, changes: dict[str, Any]) -> None:
    async with a_door(ScriptedClient(), twilio_account_sid="AC" + "0" * 32) as door:
        await greeted(door)
        async with on_relay(door, sets_up=False) as socket:
            socket.send({**frame("setup"), **changes})
            await socket.until(lambda: socket.status == "over")

    assert socket.close_code == NONSENSE
    assert socket.sent == []


async def test_a_socket_that_says_nothing_is_closed(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        await greeted(door)
        async with on_relay(door, sets_up=False) as socket:
            await socket.until(lambda: socket.status == "over")

    assert socket.close_code == NONSENSE


async def test_a_call_that_this_process_does_not_know_is_answered(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(reply="Which unit?")) as door, on_relay(door) as socket:
        socket.say("My sink leaks.")
        await socket.closes_a_talk()

    assert socket.words.strip() == "Which unit?"


async def test_two_calls_of_one_number_do_not_mix(virtual_time: VirtualTime) -> None:
    other = CallId("CA" + "9" * 32)
    model = ScriptedClient(reply=lambda prompt: f"You said: {prompt.messages[-1].text}")
    async with a_relay_call(model) as (door, one), on_relay(door, call=other) as two:
        one.say("One.")
        two.say("Two.")
        await one.closes_a_talk()
        await two.closes_a_talk()

    assert (one.words.strip(), two.words.strip()) == ("You said: One.", "You said: Two.")


async def test_operators_see_a_socket_that_was_refused(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        await greeted(door)

        await opened(door, **{"X-Twilio-Signature": "wrong"})
        listed = (await door.http.get("/admin/refused")).json()["refused"]

    assert [(one["status"], one["path"]) for one in listed] == [(403, "/twilio/relay/…")]
