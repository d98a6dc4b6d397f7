"""A Twilio call that is over stays over, and one that goes on keeps the agent who has it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import VirtualTime
from tests.handlers.office import GOODBYE, an_office
from tests.handlers.twilio_door import CALL, a_door, message
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.types import CallRecord, Door

EMPTY = '<?xml version="1.0" encoding="UTF-8"?><Response />'
JO = """
name = "jo"
greeting = "This is Jo."
persona = "You are Jo."
fallbacks = ["Jo is sorry."]
"""


@pytest.mark.parametrize("path", ["/twilio/gather?turn=1", "/twilio/voice"])
async def test_a_webhook_of_a_call_that_has_ended_asks_no_model(virtual_time: VirtualTime, path: str) -> None:
    model, store = ScriptedClient(), MemoryStore()
    async with a_door(model, store=store) as door:
        await door.hear("/twilio/voice", "voice")
        late = await door.hear(path, CallStatus="completed")
        is_live = door.brain.calls.get(CALL) is not None
        record = await store.record(CALL)

    assert late.answer.text == EMPTY
    assert not model.asked
    assert not is_live
    assert record is not None
    assert record.ended_reason == "completed"


@pytest.mark.parametrize("path", ["/twilio/gather?turn=2", "/twilio/voice"])
async def test_words_that_come_late_do_not_bring_an_ended_call_back_to_life(
    virtual_time: VirtualTime, path: str
) -> None:
    model, store = ScriptedClient(), MemoryStore()
    async with a_door(model, store=store) as door:
        await door.hear("/twilio/gather?turn=1")
        await door.post("/twilio/status", message("status"))
        late = await door.hear(path, SpeechResult="And another thing.")
        is_live = door.brain.calls.get(CALL) is not None

    assert late.answer.text == EMPTY
    assert len(model.asked) == 1
    assert not is_live


async def test_a_caller_whom_our_goodbye_has_not_reached_hears_it(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    store, model = MemoryStore(), ScriptedClient()
    async with a_door(model, store=store, **an_office(tmp_path)) as door:
        await door.hear("/twilio/voice", "voice")
        await door.brain.calls.hang_up(CALL, "agent")
        fallback_url = await door.hear("/twilio/voice", "voice")

    assert fallback_url.words == GOODBYE
    assert fallback_url.hangs_up


async def test_a_caller_whose_line_was_given_to_another_goes_on(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(reply="Which unit?")) as door:
        await door.hear("/twilio/voice", "voice")
        await door.brain.calls.hang_up(CALL, "quiet")
        document = await door.hear("/twilio/gather?turn=1")

    assert document.words == "Which unit?"


async def test_a_caller_stays_with_the_agent_they_were_handed_to_after_a_restart(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    (tmp_path / "jo.toml").write_text(JO)
    store, settings = MemoryStore(), an_office(tmp_path)
    store.keep_call(CallRecord(CALL, Door.GATHER, "kim"))
    async with a_door(ScriptedClient(reply=""), store=store, **settings) as door:
        document = await door.hear("/twilio/gather?turn=1&agent=jo", "gather_empty")
        back = await door.hear("/twilio/voice?agent=jo", "voice")
        record = await store.record(CALL)

    assert record is not None
    assert record.agent == "kim"
    assert "Jo" not in document.words + back.words
