"""Telnyx's calls come through the same doors, under a signature of their own."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlencode

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.conftest import VirtualTime
from tests.handlers.office import CONNECTING, OFFICE, TRANSFER, an_office, who_says
from tests.handlers.relay_line import Socket
from tests.handlers.twilio_door import Door, a_door, message, read
from voice.models.scripted import ScriptedClient
from voice.simulate.twilio.rest import ACCOUNT_SID
from voice.types import CallId

PRIVATE = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
RAW = PRIVATE.public_key().public_bytes_raw()
KEY = base64.b64encode(RAW).decode()
SPKI = base64.b64encode(bytes.fromhex("302a300506032b6570032100") + RAW).decode()
SID = CallId(message("telnyx_voice")["CallSid"])
PUBLIC = "https://voice.example.com"


def signed(body: bytes, *, ago_s: float = 0.0, by: Ed25519PrivateKey = PRIVATE) -> dict[str, str]:
    signed_on = str(round(time.time() - ago_s))
    signature = base64.b64encode(by.sign(f"{signed_on}|".encode() + body)).decode()
    return {"telnyx-timestamp": signed_on, "telnyx-signature-ed25519": signature}


async def posted(door: Door, path: str, form: Mapping[str, str], **headers: str) -> httpx.Response:
    body = urlencode(form).encode()
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    return await door.http.post(path, content=body, headers=kind | signed(body) | headers)


@asynccontextmanager
async def a_telnyx_door(model: ScriptedClient | None = None, **changes: object) -> AsyncIterator[Door]:
    """Our server behind a public URL, seen from Telnyx, with an account at Twilio beside it."""
    ours: dict[str, object] = {
        "telnyx_public_key": KEY,
        "twilio_auth_token": "12345",
        "twilio_account_sid": ACCOUNT_SID,
        "public_url": PUBLIC,
        **changes,
    }
    async with a_door(model or ScriptedClient(reply="Which unit?"), peer="203.0.113.7", **ours) as door:
        yield door


@pytest.mark.parametrize("key", [KEY, f" {KEY} ", SPKI])
async def test_telnyxs_own_webhook_is_answered_with_its_attributes_alone(
    virtual_time: VirtualTime, key: str
) -> None:
    async with a_telnyx_door(telnyx_public_key=key) as door:
        answer = await posted(door, "/twilio/voice", message("telnyx_voice"))

    assert answer.status_code == 200
    assert "<ConversationRelay" in answer.text
    assert 'dtmfDetection="true"' in answer.text
    for unknown in ("events=", "reportInputDuringAgentSpeech", "interruptSensitivity", "speechTimeout"):
        assert unknown not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        {"telnyx-timestamp": "0"},
        {"telnyx-timestamp": "soon"},
        {"telnyx-timestamp": ""},
        {"telnyx-timestamp": "9" * 400},
        {"telnyx-signature-ed25519": ""},
        {"telnyx-signature-ed25519": "no base64!"},
        {"telnyx-signature-ed25519": "AAAA"},
        {"telnyx-signature-ed25519": base64.b64encode(bytes(64)).decode()},
    ],
)
async def test_a_wrong_signature_is_refused(virtual_time: VirtualTime, headers: dict[str, str]) -> None:
    async with a_telnyx_door() as door:
        answer = await posted(door, "/twilio/voice", message("telnyx_voice"), **headers)

    assert answer.status_code == 403
    assert answer.text == "<Response/>"


@pytest.mark.parametrize(("ago_s", "status"), [(290, 200), (-290, 200), (310, 403), (-310, 403)])
async def test_a_signature_lasts_five_minutes(virtual_time: VirtualTime, ago_s: int, status: int) -> None:
    async with a_telnyx_door() as door:
        body = urlencode(message("telnyx_voice")).encode()
        answer = await door.http.post("/twilio/voice", content=body, headers=signed(body, ago_s=ago_s))

    assert answer.status_code == status


async def test_another_account_and_a_get_are_refused(virtual_time: VirtualTime) -> None:
    other = Ed25519PrivateKey.from_private_bytes(bytes(32))
    body = urlencode(message("telnyx_voice")).encode()
    async with a_telnyx_door() as door:
        foreign = await door.http.post("/twilio/voice", content=body, headers=signed(body, by=other))
        got = await door.http.get(f"/twilio/voice?{body.decode()}", headers=signed(b""))

    assert foreign.status_code == got.status_code == 403


async def test_without_a_key_telnyxs_signature_is_nothing(virtual_time: VirtualTime) -> None:
    async with a_telnyx_door(telnyx_public_key=None) as door:
        answer = await posted(door, "/twilio/voice", message("telnyx_voice"))

    assert answer.status_code == 403


async def test_telnyxs_key_alone_guards_the_doors_though_others_are_open(virtual_time: VirtualTime) -> None:
    async with a_telnyx_door(twilio_auth_token=None, twilio_account_sid=None, open=True) as door:
        stranger = await door.http.post("/twilio/voice", data=message("telnyx_voice"))
        telnyx = await posted(door, "/twilio/voice", message("telnyx_voice"))

    assert (stranger.status_code, telnyx.status_code) == (403, 200)


@settings(deadline=None, max_examples=60)
@given(data=some.data())
async def test_one_changed_character_is_refused(data: some.DataObject) -> None:
    body = urlencode(message("telnyx_voice"))
    place = data.draw(some.integers(0, len(body) - 1))
    other = data.draw(some.sampled_from("azAZ09&=%+.").filter(lambda one: one != body[place]))
    headers = signed(body.encode())
    async with a_telnyx_door() as door:
        changed = body[:place] + other + body[place + 1 :]
        answer = await door.http.post("/twilio/voice", content=changed, headers=headers)

    assert answer.status_code == 403


async def test_a_call_is_talked_through_its_socket_which_telnyx_does_not_sign(
    virtual_time: VirtualTime,
) -> None:
    async with a_telnyx_door() as door:
        socket, running = await on_its_socket(door)
        socket.say("My sink leaks.")
        await socket.hears("Which unit?")
        socket.drop()
        await running

    assert socket.accepted


async def test_a_ticket_of_twilios_opens_no_socket_without_a_signature(virtual_time: VirtualTime) -> None:
    async with a_telnyx_door() as door:
        ticket = door.app.state.tickets.issue(CallId("CA1"), "jamie")
        refused = [Socket(door.app, f"/twilio/relay/{one}") for one in (ticket, "made-up", "")]
        for socket in refused:
            await socket.run()

    assert not any(socket.accepted for socket in refused)


async def test_a_session_that_we_ended_is_not_begun_again_though_no_note_comes_back(
    virtual_time: VirtualTime,
) -> None:
    async with a_telnyx_door() as door:
        socket, running = await on_its_socket(door)
        socket.say("My sink leaks.")
        await socket.hears("Which unit?")
        await door.brain.calls.hang_up(SID, "agent")
        socket.drop()
        await running
        told = {**message("telnyx_voice"), "CallStatus": "in-progress"}
        answer = await posted(door, "/twilio/relay/action?agent=jamie", told)

    assert read(answer).hangs_up


async def test_whoever_wants_a_person_gets_one_though_no_note_comes_back(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_telnyx_door(who_says(CONNECTING, TRANSFER), **an_office(tmp_path)) as door:
        socket, running = await on_its_socket(door)
        socket.say("The office, please.")
        await socket.ends()
        await running
        told = {**message("telnyx_voice"), "CallStatus": "in-progress"}
        answer = await posted(door, "/twilio/relay/action?agent=kim", told)

    assert f">{OFFICE}</Number>" in answer.text


async def test_its_end_ends_the_call(virtual_time: VirtualTime) -> None:
    async with a_telnyx_door() as door:
        await posted(door, "/twilio/voice", message("telnyx_voice"))
        told = {**message("telnyx_voice"), "CallStatus": "completed", "SequenceNumber": "3"}
        answer = await posted(door, "/twilio/status", told)
        stored = await door.brain.store.find(SID)

    assert answer.status_code == 204
    assert stored is not None
    assert stored.record.ended_reason == "completed"


async def on_its_socket(door: Door) -> tuple[Socket, asyncio.Task[None]]:
    """The socket that the first document leads to, its call set up."""
    document = (await posted(door, "/twilio/voice", message("telnyx_voice"))).text
    path = document.partition('url="wss://voice.example.com')[2].partition('"')[0]
    socket = Socket(door.app, path)
    running = asyncio.create_task(socket.run())
    socket.set_up(callSid=SID, accountSid="f5586561-8ff0-4291-a51b-c7dfe4139ff9")
    await socket.until(lambda: socket.status != "connecting")
    return socket, running
