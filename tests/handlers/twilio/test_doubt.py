"""Who has picked up a call of ours? Until that is known, a machine's greeting is no caller."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from handlers.twilio.doubt import DOUBT_S, HOLD_S
from handlers.twilio.rest import TwilioRest
from tests.conftest import VirtualTime
from tests.handlers.office import END, KIM, an_office, who_says
from tests.handlers.relay_line import on_relay
from tests.handlers.twilio_door import CALL, Door, a_door, message
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.types import Action

MACHINE = (
    "Hello, you have reached the Miller family. We cannot take your call right now, please leave a message."
)
MESSAGE = "This is Kim. Please call me back."
VOICE = "/twilio/voice?agent=kim&out=order1"
OURS = {"Direction": "outbound-api"}
LEAVES = {Action.END_CALL, Action.TRANSFER}


def kim(folder: Path, **settings: Any) -> dict[str, Any]:
    return an_office(folder, f'voicemail = "{MESSAGE}"\n' + KIM) | settings


async def test_a_machines_greeting_is_not_answered_before_it_is_known_who_it_is(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient()
    async with a_door(model, **kim(tmp_path)) as door:
        greeting = await door.hear(VOICE, "voice", **OURS)
        asked = asyncio.create_task(door.hear(greeting.action, SpeechResult=MACHINE, **OURS))
        await asyncio.sleep(2.0)
        await door.brain.calls.hang_up(CALL, "voicemail")  # as the callback does it
        document = await asked

    assert not model.asked
    assert document.words == ""


async def test_a_person_who_says_hello_is_answered_at_once(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_door(ScriptedClient(reply="This is about your sink."), **kim(tmp_path)) as door:
        greeting = await door.hear(VOICE, "voice", **OURS)
        document = await door.hear(greeting.action, SpeechResult="Hello, who is this?", **OURS)

    assert document.words == "This is about your sink."
    assert virtual_time.elapsed_s < 1.0


async def test_a_person_who_talks_at_length_is_answered_when_they_are_known_or_it_takes_too_long(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(ScriptedClient(reply="I see."), **kim(tmp_path)) as door:
        greeting = await door.hear(VOICE, "voice", **OURS)
        asked = asyncio.create_task(door.hear(greeting.action, SpeechResult=MACHINE, **OURS))
        await asyncio.sleep(1.0)
        await door.post("/twilio/amd?agent=kim", {**message("amd"), "AnsweredBy": "human"})
        known = await asked
        known_s = virtual_time.elapsed_s
        other = {"CallSid": "CA2", **OURS}
        greeting = await door.hear(VOICE, "voice", **other)
        unknown = await door.hear(greeting.action, SpeechResult=MACHINE, **other)

    assert known.words == unknown.words == "I see."
    assert known_s < 1.5
    assert virtual_time.elapsed_s - known_s == pytest.approx(HOLD_S, abs=0.5)


async def test_nobody_hangs_up_on_a_greeting_before_its_beep(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("Goodbye then.", END), **kim(tmp_path)) as door:
        greeting = await door.hear(VOICE, "voice", **OURS)
        early = await door.hear(greeting.action, SpeechResult="Hello?", **OURS)
        await asyncio.sleep(DOUBT_S)
        late = await door.hear(early.action, SpeechResult="Goodbye.", **OURS)

    assert not early.hangs_up
    assert late.hangs_up


async def test_a_caller_may_hang_up_from_the_first_word(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_door(ScriptedClient(), **kim(tmp_path)) as door:
        await door.hear("/twilio/voice?agent=kim", "voice")
        call = door.brain.calls.get(CALL)

    assert call is not None
    assert call.actions >= LEAVES


async def test_where_twilio_cannot_be_told_the_next_document_leaves_the_message(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient()
    async with a_door(model, **kim(tmp_path)) as door:
        greeting = await door.hear(VOICE, "voice", **OURS)
        await told(door)  # no account is set: Twilio's API takes nothing
        record = await door.brain.store.record(CALL)
        assert record is not None
        ended_before = record.ended_reason
        document = await door.hear(greeting.action, "gather_empty", **OURS)
        after = await door.brain.store.record(CALL)

    assert ended_before is None  # the operator's list says what has been done, not what was meant
    assert document.words == MESSAGE
    assert document.hangs_up
    assert after is not None
    assert after.ended_reason == "voicemail"
    assert not model.asked


async def test_where_twilio_cannot_be_told_the_socket_leaves_the_message_and_nudges_no_more(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(ScriptedClient(), **kim(tmp_path)) as door, on_relay(door, agent="kim") as socket:
        await asyncio.sleep(1.0)  # the greeting is being spoken
        await told(door)
        await socket.ends()
        record = await door.brain.store.record(CALL)

    assert socket.talks == [MESSAGE]
    assert record is not None
    assert record.ended_reason == "voicemail"


async def told(door: Door) -> None:
    """Twilio tells that a machine has picked up, and its greeting is over."""
    door.app.state.twilio_rest = TwilioRest(load_settings(Path("/nonexistent")))
    await door.post("/twilio/amd?agent=kim", {**message("amd"), "AnsweredBy": "machine_end_beep"})
