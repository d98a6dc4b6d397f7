"""The Gather loop when something is to be done to the call: last words, then <Hangup> or <Dial>."""

from __future__ import annotations

from pathlib import Path

from handlers.twilio.twiml import OVERRIDES
from tests.conftest import VirtualTime
from tests.handlers.office import CONNECTING, END, GOODBYE, KIM, OFFICE, TRANSFER, an_office, who_says
from tests.handlers.twilio_door import CALL, Document, a_door
from voice.models.scripted import ScriptedClient
from voice.simulate.twiml import Dial
from voice.store.memory import MemoryStore
from voice.types import Finish, ToolCall

DESK = KIM.replace(f'number = "{OFFICE}"', 'sip = "sip:desk@example.com"')


def dialled(document: Document) -> Dial | None:
    return next((verb for verb in document.verbs if isinstance(verb, Dial)), None)


async def test_the_last_words_are_said_and_the_call_is_hung_up(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    store = MemoryStore()
    async with a_door(who_says("Have a good day.", END), store=store, **an_office(tmp_path)) as door:
        document = await door.hear("/twilio/gather?turn=1")
        is_live = door.brain.calls.get(CALL) is not None
        await store.committed()
        stored = await store.find(CALL)

    assert document.words == "Have a good day."
    assert document.hangs_up
    assert document.gather is None
    assert not is_live
    assert stored is not None
    assert stored.record.ended_reason == "agent"


async def test_a_call_that_ends_without_a_word_is_said_goodbye_to(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("", END), **an_office(tmp_path)) as door:
        document = await door.hear("/twilio/gather?turn=1")

    assert document.words == GOODBYE
    assert document.hangs_up


async def test_a_transfer_is_announced_and_dialled(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path)) as door:
        document = await door.hear("/twilio/gather?turn=1")
        again = await door.hear("/twilio/gather?turn=1")

    assert document.words == CONNECTING
    found = dialled(document)
    assert found is not None
    assert (found.to, found.ring_s) == (OFFICE, 25)
    assert found.action == f"/twilio/dial?turn=2&to=office{OVERRIDES}"
    assert found.whisper is not None
    assert found.whisper.url == f"/twilio/whisper?to=office&call={CALL}{OVERRIDES}"
    assert 'answerOnBridge="true"' in document.answer.text
    assert again.answer.text == document.answer.text


async def test_a_sip_desk_is_dialled_as_one(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path, DESK)) as door:
        document = await door.hear("/twilio/gather?turn=1")

    found = dialled(document)
    assert found is not None
    assert found.to == "sip:desk@example.com"
    assert "<Sip " in document.answer.text


async def test_a_line_that_would_call_itself_is_not_dialled(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path)) as door:
        document = await door.hear("/twilio/gather?turn=1", To=OFFICE)

    assert dialled(document) is None
    assert document.words
    assert document.gather is not None


async def test_a_slow_farewell_is_said_to_its_end_before_the_call_ends(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    slow = ScriptedClient(
        reply="It is done. Have a very good day.", every_s=0.6, finish=Finish("tool_calls", tool_calls=(END,))
    )
    async with a_door(slow, **an_office(tmp_path)) as door:
        first = await door.hear("/twilio/gather?turn=1")
        assert first.redirect is not None
        second = await door.hear(first.redirect, "voice")

    assert first.words == "It is done."
    assert not first.hangs_up
    assert second.words == "Have a very good day."
    assert second.hangs_up


async def test_a_number_that_the_file_does_not_let_be_asked_is_dialled_without_a_whisper(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    emergency = KIM.replace(f'number = "{OFFICE}"', 'short_code = "911"')
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path, emergency)) as door:
        found = dialled(await door.hear("/twilio/gather?turn=1"))

    assert found is not None
    assert (found.to, found.whisper) == ("911", None)


async def test_a_person_sees_our_number_when_the_callers_is_hidden(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("One moment.", TRANSFER), **an_office(tmp_path)) as door:
        shown = await door.hear("/twilio/gather?turn=1")
        hidden = await door.hear("/twilio/gather?turn=1", From="anonymous", CallSid="CA2")

    assert "callerId" not in shown.answer.text
    assert 'callerId="+12025550199"' in hidden.answer.text


async def test_another_of_our_agents_goes_on_with_the_call(virtual_time: VirtualTime, tmp_path: Path) -> None:
    (tmp_path / "sam.toml").write_text(KIM.replace('"kim"', '"sam"').replace("This is Kim.", "This is Sam."))
    listed = KIM.replace('"end_call"]', '"end_call", "handoff"]')
    to_sam = listed + '[handoff.billing]\nagent = "sam"\nfor = "bills"\n'
    model = ScriptedClient(
        reply=["-", "Which bill?"], tool_calls=(ToolCall("c", "handoff", '{"target": "billing"}'),)
    )
    async with a_door(model, **an_office(tmp_path, to_sam)) as door:
        first = await door.hear("/twilio/gather?turn=1")
        second = await door.hear("/twilio/gather?turn=2")
        call = door.brain.calls.get(CALL)

    assert (first.words, second.words) == ("This is Sam.", "Which bill?")
    assert first.gather is not None
    assert call is not None
    assert call.agent.name == "sam"
