"""A caller is put through to a person, who takes the call or does not; and the caller comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.conftest import VirtualTime
from tests.handlers.office import KIM, OFFICE, TRANSFER, an_office, who_says
from tests.handlers.twilio_door import BASE, CALL, Document, Door, a_door, message, read
from voice.agents.agent import NOBODY_ANSWERED
from voice.models.scripted import ScriptedClient
from voice.simulate.twiml import Connect, Dial
from voice.store.base import Store, StoredCall
from voice.store.memory import MemoryStore
from voice.types import CallId, Json

WHISPER = f"/twilio/whisper?to=office&call={CALL}"
DIAL = "/twilio/dial?turn=2&to=office"
LEG = {"DialCallSid": "CA0d1e2f3a4b5c64f1f2c3a9b8d47e6a5c"}
WITHOUT_KEY = KIM + 'accept_key = ""\n'


async def put_through(door: Door, said: str = "My sink has been leaking since Monday.") -> Document:
    """The caller says something, and the agent passes the call on."""
    return await door.hear("/twilio/gather?turn=1", SpeechResult=said)


async def comes_back(door: Door, status: str, path: str = DIAL, **changes: str) -> Document:
    """What the caller hears when the call to the person is over. `DialBridged` is not sure to be told."""
    fields = {**message("dialled"), **LEG, "DialCallStatus": status, "DialBridged": "", **changes}
    return read(await door.post(path, fields))


async def picks_up(door: Door, path: str = WHISPER, **fields: str) -> Document:
    """What the person hears who picks up, or has pressed a key."""
    return read(await door.post(path, {**message("whisper"), **fields}))


async def presses(door: Door, key: str) -> Document:
    first = await picks_up(door)
    return await picks_up(door, first.action, Digits=key)


async def steps(store: Store) -> list[dict[str, Json]]:
    """What is kept of the transfer."""
    await store.committed()
    stored = await store.find(CALL)
    assert stored is not None
    return [dict(note.payload) for note in stored.notes if note.kind == "transfer"]


# The person


async def test_the_person_hears_who_calls_and_what_about(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path)) as door:
        await put_through(door)
        heard = await picks_up(door)

    assert heard.words == (
        "A call from the number ending in zero one two three, through Kim. The caller said: "
        "My sink has been leaking since Monday. Press one to take the call."
    )
    assert heard.gather is not None
    assert (heard.gather.inputs, heard.gather.digits) == (frozenset({"dtmf"}), 1)


async def test_a_key_takes_the_call(virtual_time: VirtualTime, tmp_path: Path) -> None:
    store = MemoryStore()
    async with a_door(who_says("", TRANSFER), store=store, **an_office(tmp_path)) as door:
        await put_through(door)
        joined = await presses(door, "1")
        done = await comes_back(door, "completed", DialCallDuration="61")
        is_live = door.brain.calls.get(CALL) is not None
        kept = await steps(store)
        stored = await store.find(CALL)

    assert joined.verbs == []  # a document that ends lets Twilio join the two
    assert done.hangs_up
    assert not is_live
    assert [one["step"] for one in kept] == ["asked", "accepted", "reached"]
    assert kept[-1]["talked_s"] == "61"
    assert stored is not None
    assert stored.record.ended_reason == "transferred"


@pytest.mark.parametrize("key", ["2", "#", "*"])
async def test_another_key_declines_and_the_caller_comes_back(
    virtual_time: VirtualTime, tmp_path: Path, key: str
) -> None:
    store = MemoryStore()
    async with a_door(who_says("", TRANSFER), store=store, **an_office(tmp_path)) as door:
        await put_through(door)
        declined = await presses(door, key)
        back = await comes_back(door, "completed")
        kept = await steps(store)

    assert declined.hangs_up
    assert back.words == NOBODY_ANSWERED
    assert [one["step"] for one in kept] == ["asked", "declined", "not_reached"]


async def test_a_voicemail_presses_no_key_and_does_not_keep_the_caller(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path)) as door:
        await put_through(door)
        first = await picks_up(door)
        again = await picks_up(door, first.action, Digits="")
        over = await picks_up(door, again.action, Digits="")
        back = await comes_back(door, "completed")

    assert again.words == first.words  # who was still saying hello hears it once more
    assert over.hangs_up
    assert back.words == NOBODY_ANSWERED


async def test_who_needs_no_key_hears_the_sentence_and_has_the_call(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path, WITHOUT_KEY)) as door:
        await put_through(door)
        heard = await picks_up(door)
        done = await comes_back(door, "completed")

    assert "My sink has been leaking" in heard.words
    assert "Press" not in heard.words
    assert (heard.gather, heard.hangs_up) == (None, False)
    assert done.hangs_up


async def test_who_is_not_to_be_told_is_asked_for_the_key_only(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    silent = KIM + 'whisper = false\naccept_key = "#"\n'
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path, silent)) as door:
        await put_through(door)
        heard = await picks_up(door)
        joined = await picks_up(door, heard.action, Digits="#")

    assert heard.words == "Press pound to take the call."
    assert heard.gather is not None
    assert heard.gather.finish_key == ""  # or the key would end the input without being told
    assert joined.verbs == []


async def test_a_secret_of_the_caller_is_not_told_to_the_person(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path)) as door:
        await put_through(door, "I lost my card, it is 4111 1111 1111 1111, and my pin is nine nine two one.")
        heard = await picks_up(door)

    assert "4111" not in heard.words
    assert "nine nine" not in heard.words
    assert "I lost my card" in heard.words


async def test_the_person_hears_what_the_call_is_about_behind_a_card_number(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    said = "my card number is 4111 1111 1111 1111 and the drain at 12 Main Street smells of gas"
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path)) as door:
        await put_through(door, said)
        heard = await picks_up(door)

    assert heard.words.endswith(
        "The caller said: my card number and the drain at twelve Main Street smells of gas. "
        "Press one to take the call."
    )


async def test_a_caller_whose_number_is_hidden_is_called_so(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path)) as door:
        await door.hear("/twilio/gather?turn=1", From="anonymous")
        heard = await picks_up(door)

    assert heard.words.startswith("A call from a hidden number, through Kim.")


async def test_the_callers_words_are_said_in_their_own_language(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    office = an_office(tmp_path, 'language = "de-DE"\n' + KIM)
    async with a_door(who_says("", TRANSFER), **office) as door:
        await put_through(door, "Der Wasserhahn tropft.")
        heard = await picks_up(door)

    assert '<Say language="de-DE">Der Wasserhahn tropft.</Say>' in heard.answer.text
    assert '<Say language="en-US">Press one to take the call.</Say>' in heard.answer.text


async def test_nobody_is_joined_to_a_call_that_is_not_there(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path)) as door:
        unknown = await picks_up(door)
        await put_through(door)
        await door.brain.calls.hang_up(CALL, "completed")
        ended = await picks_up(door)

    assert unknown.hangs_up
    assert ended.hangs_up


# The caller


@pytest.mark.parametrize("status", ["busy", "no-answer", "failed", "canceled"])
async def test_the_caller_comes_back_to_the_same_thread_when_nobody_answers(
    virtual_time: VirtualTime, tmp_path: Path, status: str
) -> None:
    model, store = who_says("", TRANSFER), MemoryStore()
    async with a_door(model, store=store, **an_office(tmp_path)) as door:
        await put_through(door)
        back = await comes_back(door, status)
        goes_on = await door.hear(back.action, SpeechResult="Then tell them to call me.")
        kept = await steps(store)

    assert back.words == NOBODY_ANSWERED
    assert back.action == "/twilio/gather?turn=2"
    assert goes_on.words == "Thank you."
    told = [message.text for message in model.asked[-1].messages]
    assert NOBODY_ANSWERED in " ".join(told)  # or the model would think them put through
    assert kept[-1] == {"to": "office", "step": "not_reached", "status": status, "talked_s": None}


async def test_the_caller_is_told_in_the_agents_own_words(virtual_time: VirtualTime, tmp_path: Path) -> None:
    office = an_office(tmp_path, 'unanswered = "The office is asleep."\n' + KIM)
    async with a_door(who_says("", TRANSFER), **office) as door:
        await put_through(door)
        back = await comes_back(door, "busy")

    assert back.words == "The office is asleep."


@pytest.mark.parametrize(("bridged", "is_back"), [("true", False), ("false", True)])
async def test_what_twilio_tells_of_the_bridge_is_believed(
    virtual_time: VirtualTime, tmp_path: Path, bridged: str, is_back: bool
) -> None:
    async with a_door(who_says("", TRANSFER), **an_office(tmp_path)) as door:
        await put_through(door)
        document = await comes_back(door, "completed", DialBridged=bridged)

    assert (document.words == NOBODY_ANSWERED) is is_back
    assert document.hangs_up is not is_back


async def test_a_second_transfer_is_not_taken_for_accepted_because_the_first_was(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("One moment.", TRANSFER), **an_office(tmp_path)) as door:
        await put_through(door)
        await presses(door, "1")
        back = await comes_back(door, "failed")
        again = await door.hear(back.action, SpeechResult="Please try it once more.")
        dialled = next(verb for verb in again.verbs if isinstance(verb, Dial))
        assert dialled.action is not None
        second = await comes_back(door, "completed", dialled.action)

    assert dialled.to == OFFICE
    assert second.words == NOBODY_ANSWERED


async def test_a_caller_who_hangs_up_while_it_rings_is_gone(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    store = MemoryStore()
    async with a_door(who_says("", TRANSFER), store=store, **an_office(tmp_path)) as door:
        await put_through(door)
        document = await comes_back(door, "canceled", CallStatus="completed")
        is_live = door.brain.calls.get(CALL) is not None

    assert document.hangs_up
    assert not is_live


async def test_a_webhook_that_comes_twice_gets_the_same_document(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    store = MemoryStore()
    async with a_door(who_says("", TRANSFER), store=store, **an_office(tmp_path)) as door:
        await put_through(door)
        first, second = await asyncio.gather(comes_back(door, "busy"), comes_back(door, "busy"))
        third = await comes_back(door, "busy")
        kept = await steps(store)

    assert first.answer.text == second.answer.text == third.answer.text
    assert [one["step"] for one in kept] == ["asked", "not_reached"]


async def test_a_restart_between_key_and_talk_forgets_nothing(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    store, office = MemoryStore(), an_office(tmp_path)
    async with a_door(who_says("", TRANSFER), store=store, **office) as door:
        await put_through(door)
    async with a_door(ScriptedClient(), store=store, **office) as door:
        joined = await presses(door, "1")
    async with a_door(ScriptedClient(), store=store, **office) as door:
        done = await comes_back(door, "completed")

    assert joined.verbs == []
    assert done.hangs_up


class AwayStore(MemoryStore):
    """A store that does not answer when it is asked for a call with its notes."""

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        if with_notes:
            await asyncio.Event().wait()
        return await super().find(call_id, with_notes=with_notes)


async def test_a_caller_is_kept_when_nobody_knows_whether_the_call_was_taken(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_door(who_says("", TRANSFER), store=AwayStore(), **an_office(tmp_path)) as door:
        await put_through(door)
        began_s = virtual_time.elapsed_s
        back = await comes_back(door, "completed")
        took_s = virtual_time.elapsed_s - began_s

    assert back.words == NOBODY_ANSWERED
    assert took_s < 1.0


async def test_a_caller_of_a_socket_comes_back_to_a_socket(virtual_time: VirtualTime, tmp_path: Path) -> None:
    public = "https://voice.example.com"
    async with a_door(ScriptedClient(), public_url=public, **an_office(tmp_path)) as door:
        await door.hear("/twilio/voice", "voice")
        back = await comes_back(door, "busy", "/twilio/dial?to=office")

    connect = next(verb for verb in back.verbs if isinstance(verb, Connect))
    assert connect.relay.url.startswith("wss://voice.example.com/twilio/relay/")
    assert NOBODY_ANSWERED in back.answer.text


async def test_a_caller_who_was_passed_on_by_a_gather_loop_comes_back_to_it(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    public = "https://voice.example.com"
    async with a_door(ScriptedClient(), public_url=public, **an_office(tmp_path)) as door:
        await door.hear("/twilio/voice", "voice")  # by a socket, which has been lost for good since then
        back = await comes_back(door, "busy", DIAL)

    assert back.words == NOBODY_ANSWERED
    assert back.action == f"{public}/twilio/gather?turn=2"


async def test_a_stranger_joins_nobody(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_door(who_says("", TRANSFER), twilio_auth_token="t0ken", **an_office(tmp_path)) as door:
        await put_through(door)
        answers = [await door.http.post(f"{BASE}{path}", data={"CallSid": CALL}) for path in (WHISPER, DIAL)]

    assert [answer.status_code for answer in answers] == [403, 403]
    assert all(answer.text == "<Response/>" for answer in answers)


@pytest.mark.parametrize(
    "form", [{}, {"CallSid": "CA 1"}, {"CallSid": "x" * 199}], ids=["no", "blank", "long"]
)
async def test_a_form_that_names_no_call_puts_nobody_through(
    virtual_time: VirtualTime, form: dict[str, str]
) -> None:
    async with a_door(ScriptedClient()) as door:
        documents = [read(await door.post(path, form)) for path in (WHISPER, DIAL)]

    assert all(document.hangs_up for document in documents)
    assert all(not isinstance(verb, Dial) for document in documents for verb in document.verbs)
