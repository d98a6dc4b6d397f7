"""The Gather loop: every webhook is answered with TwiML that says something, in time."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from handlers.twilio.gather import REST_S
from tests.conftest import VirtualTime
from tests.handlers.office import GOODBYE, KIM, an_office
from tests.handlers.twilio_door import BASE, CALL, Document, a_door, message, read
from tests.handlers.twilio_door import Door as OurDoor
from voice.agents.agent import NUDGES
from voice.agents.load import load_agents
from voice.errors import RouteDown
from voice.models.scripted import ScriptedClient
from voice.simulate.twilio.line import TwilioLine
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.threads.speaking import CHARS_PER_S
from voice.tools.all import TOOLS
from voice.types import CallId, CallRecord, Door, Ending

JAMIE = load_agents(None, "jamie", TOOLS).default
FILLERS = (*JAMIE.fillers, *(line for lines in JAMIE.fillers_for.values() for line in lines))


async def test_an_utterance_is_answered_and_the_next_one_listened_for(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Unit 4B, got it. When may somebody come in?")
    async with a_door(model) as door:
        await door.hear("/twilio/voice", "voice")
        document = await door.hear("/twilio/gather?turn=1")

    assert document.words == "Unit four B, got it. When may somebody come in?"
    assert document.action == "/twilio/gather?turn=2"
    assert model.asked[0].messages[-1].text == "It's unit 4B."


async def test_get_is_answered_like_post(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(reply="Which unit?")) as door:
        answer = await door.http.get("/twilio/gather", params={**message("gather"), "turn": "1"})

    assert read(answer).words == "Which unit?"


async def test_keys_are_heard_as_words(virtual_time: VirtualTime) -> None:
    model = ScriptedClient()
    async with a_door(model) as door:
        await door.hear("/twilio/gather?turn=1", "gather_digits")
        await door.hear("/twilio/gather?turn=2", "gather_digits", Digits="0*#")

    assert [prompt.messages[-1].text for prompt in model.asked] == ["one two", "zero star pound"]


async def test_a_slow_reply_is_bridged_by_a_filler_and_fetched_by_a_redirect(
    virtual_time: VirtualTime,
) -> None:
    model = ScriptedClient(reply="Here is the answer.", first_s=5.0)
    async with a_door(model) as door:
        first = await door.hear("/twilio/gather?turn=1")
        first_s = virtual_time.elapsed_s
        assert first.redirect is not None
        second = await door.hear(first.redirect, "voice")

    assert first.words in FILLERS
    assert first_s <= 4.0
    assert first.redirect == "/twilio/gather?turn=1&from=1"
    assert second.words == "Here is the answer."
    assert second.action == "/twilio/gather?turn=2"
    assert len(model.asked) == 1


async def test_a_model_that_takes_nine_seconds_is_waited_for_where_the_budget_says_so(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    patient = an_office(tmp_path, KIM + "[budgets]\nreply_ms = 15000\ngap_ms = 6000\n")
    model = ScriptedClient(reply="Here is the answer.", first_s=9.0)
    async with a_door(model, **patient) as door:
        first = await door.hear("/twilio/gather?turn=1")
        assert first.redirect is not None
        second = await door.hear(first.redirect, "voice")

    assert first.words == "One moment."
    assert second.words == "Here is the answer."
    assert virtual_time.elapsed_s == pytest.approx(9.0, abs=0.5)


async def test_a_sentence_that_is_ready_does_not_wait_for_a_slow_rest(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="First sentence here. Second one follows. A third ends it.", every_s=0.4)
    async with a_door(model) as door:
        first = await door.hear("/twilio/gather?turn=1")
        first_s = virtual_time.elapsed_s
        assert first.redirect is not None
        second = await door.hear(first.redirect, "voice")
        assert second.redirect is not None
        third = await door.hear(second.redirect, "voice")

    assert first.words == "First sentence here."
    assert first_s == pytest.approx(1.2 + REST_S)  # it is known to end when the next word begins
    assert [second.words, third.words] == ["Second one follows.", "A third ends it."]
    assert third.action == "/twilio/gather?turn=2"


async def test_when_no_route_answers_the_caller_hears_a_fallback_in_time(virtual_time: VirtualTime) -> None:
    broken = ScriptedClient(fails=RouteDown("gone"))
    hanging = ScriptedClient(hangs=True)
    async with a_door(broken) as door:
        at_once = await door.hear("/twilio/gather?turn=1")
    began_s = virtual_time.elapsed_s
    async with a_door(hanging) as door:
        waited = await door.hear("/twilio/gather?turn=1")
        waited_s = virtual_time.elapsed_s - began_s
        assert waited.redirect is not None
        last = await door.hear(waited.redirect, "voice")

    assert "Could you say that once more?" in at_once.words
    assert at_once.gather is not None
    assert waited.words in FILLERS
    assert waited_s <= 4.0
    assert "Could you say that once more?" in last.words
    assert last.action == "/twilio/gather?turn=2"


async def test_a_duplicate_webhook_joins_the_running_turn(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit are you in?", first_s=1.0)
    async with a_door(model) as door:
        first, second = await asyncio.gather(
            door.hear("/twilio/gather?turn=1"), door.hear("/twilio/gather?turn=1")
        )
        third = await door.hear("/twilio/gather?turn=1")

    assert first.answer.text == second.answer.text == third.answer.text
    assert len(model.asked) == 1


async def test_a_retry_that_comes_late_does_not_stop_what_is_said_now(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=["First answer.", "Second answer."], first_s=1.0)
    async with a_door(model) as door:
        await door.hear("/twilio/gather?turn=1")
        running = asyncio.create_task(door.hear("/twilio/gather?turn=2", SpeechResult="Tomorrow."))
        await asyncio.sleep(0.5)
        late = await door.hear("/twilio/gather?turn=1")
        second = await running

    assert late.words == "First answer."
    assert second.words == "Second answer."
    assert len(model.asked) == 2


async def test_silence_is_nudged_twice_and_then_ended_politely(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        await door.hear("/twilio/voice", "voice")
        first = await silence(door, "/twilio/gather?turn=1")
        second = await silence(door, first.action)
        third = await silence(door, second.action)
        is_live = door.brain.calls.get(CALL) is not None
        stored = await door.brain.store.find(CALL)

    assert (first.words, second.words) == NUDGES
    assert (first.action, second.action) == (
        "/twilio/gather?turn=1&missed=1",
        "/twilio/gather?turn=1&missed=2",
    )
    assert third.words == "Thanks for calling Maple Court. Goodbye."
    assert third.hangs_up
    assert not is_live
    assert stored is not None
    assert stored.record.ended_reason == "silence"


async def test_keys_without_a_last_one_wait_four_seconds_at_most(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        greeting = await door.hear("/twilio/voice", "voice")
        still = await door.hear(greeting.action, "gather_empty")
        keys = await door.hear(still.action, "gather_digits")

    assert JAMIE.silence_s == 8
    assert 'timeout="4"' in greeting.answer.text
    assert 'timeout="4"' in still.answer.text
    assert still.words == ""  # they are listened to for longer, and not asked yet
    assert keys.action == "/twilio/gather?turn=2"


async def test_a_number_of_known_length_is_taken_with_its_last_key(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    office = an_office(tmp_path, KIM + "[twilio]\ndigits = 6\n")
    async with a_door(ScriptedClient(), **office) as door:
        greeting = await door.hear("/twilio/voice", "voice")

    assert 'numDigits="6"' in greeting.answer.text


async def test_silence_is_answered_with_the_agents_own_lines(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    office = an_office(tmp_path, 'nudges = ["Hello?"]\nsilence_s = 4\n' + KIM)
    async with a_door(ScriptedClient(), **office) as door:
        greeting = await door.hear("/twilio/voice", "voice")
        first = await door.hear(greeting.action, "gather_empty")
        second = await door.hear(first.action, "gather_empty")

    assert 'timeout="4"' in greeting.answer.text
    assert first.words == "Hello?"
    assert second.words == GOODBYE
    assert second.hangs_up


async def test_the_model_reads_that_the_caller_was_asked_again(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=["Which unit?", "Thank you."])
    async with a_door(model) as door:
        first = await door.hear("/twilio/gather?turn=1", SpeechResult="My sink leaks.")
        nudged = await silence(door, first.action)
        await door.hear(nudged.action, SpeechResult="Yes, I'm here.")

    said = [part.text for part in model.asked[1].messages if part.role != "system"]
    assert said == ["My sink leaks.", f"Which unit? {NUDGES[0]}", "Yes, I'm here."]


async def test_words_that_were_badly_understood_are_asked_for_once_more(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit?")
    async with a_door(model) as door:
        asked = await door.hear("/twilio/gather?turn=1", SpeechResult="My thing leeks.", Confidence="0.12")
        again = await door.hear(asked.action, SpeechResult="My sink leaks.", Confidence="0.15")

    assert asked.words == NUDGES[0]
    assert again.words == "Which unit?"  # the second time they are taken as they are
    assert [prompt.messages[-1].text for prompt in model.asked] == ["My sink leaks."]


async def test_a_caller_who_has_spoken_is_not_asked_whether_they_are_there(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    office = an_office(tmp_path, 'nudges = ["Are you still there?"]\n' + KIM)
    async with a_door(ScriptedClient(), **office) as door:
        document = await door.hear("/twilio/gather?turn=1", Confidence="0.12")

    assert document.words == "Kim is sorry. Once more, please?"


@pytest.mark.parametrize("confidence", ["0.0", "", "0.31", "nan", "high", "-1"])
async def test_words_of_which_nothing_bad_is_known_are_answered(
    virtual_time: VirtualTime, confidence: str
) -> None:
    async with a_door(ScriptedClient(reply="Which unit?")) as door:
        document = await door.hear("/twilio/gather?turn=1", Confidence=confidence)

    assert document.words == "Which unit?"


async def test_a_call_that_lasts_too_long_is_ended_politely_behind_an_answer(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    store, began_on = MemoryStore(), datetime.now(UTC) - timedelta(seconds=90)
    store.keep_call(CallRecord(CALL, Door.GATHER, "kim", began_on=began_on))
    office = an_office(tmp_path, "max_call_s = 60\n" + KIM)
    async with a_door(ScriptedClient(reply="Which unit?"), store=store, **office) as door:
        document = await door.hear("/twilio/gather?turn=1")
        is_live = door.brain.calls.get(CALL) is not None

    assert document.words == f"Which unit? {GOODBYE}"
    assert document.hangs_up
    assert not is_live


async def test_an_agent_without_fillers_is_never_silent_for_longer_than_a_hop(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    office = an_office(tmp_path, KIM.replace('fillers = ["One moment."]', ""))
    async with a_door(ScriptedClient(hangs=True), **office) as door:
        document = await door.hear("/twilio/gather?turn=1")
        took_s = virtual_time.elapsed_s

    assert document.words == "Kim is sorry. Once more, please?"
    assert took_s <= 4.0


async def test_words_after_silence_begin_the_count_anew(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        document = await door.hear("/twilio/gather?turn=3&missed=2")

    assert document.action == "/twilio/gather?turn=4"


async def test_the_thread_goes_on_after_a_restart(virtual_time: VirtualTime) -> None:
    store, model = MemoryStore(), ScriptedClient(reply=["Which unit?", "Thank you."])
    async with a_door(model, store=store) as door:
        greeting = await door.hear("/twilio/voice", "voice")
        first = await door.hear(greeting.action, SpeechResult="My sink leaks.")
    async with a_door(model, store=store) as door:
        again = await door.hear(greeting.action, SpeechResult="My sink leaks.")
        await door.hear(first.action, SpeechResult="Twelve.")

    assert again.words == first.words
    assert len(model.asked) == 2
    said = [part.text for part in model.asked[1].messages if part.role != "system"]
    assert said[1:] == ["My sink leaks.", "Which unit?", "Twelve."]


async def test_a_turn_that_a_restart_cut_off_is_answered_after_it(virtual_time: VirtualTime) -> None:
    store, model = MemoryStore(), ScriptedClient(reply="Somebody comes today.", first_s=30.0)
    async with a_door(model, store=store) as door:
        waiting = await door.hear("/twilio/gather?turn=1", SpeechResult="My sink leaks.")
        call = door.brain.calls.get(CALL)
        assert call is not None
        if call.task is not None:
            call.task.cancel()  # what a kill does to it: no last word, no ending
    quick = ScriptedClient(reply="Somebody comes today.")
    async with a_door(quick, store=store) as door:
        assert waiting.redirect is not None
        document = await door.hear(waiting.redirect, "voice")
    async with a_door(quick, store=store) as door:
        repeated = await door.hear(waiting.redirect, "voice")

    assert document.words == repeated.words == "Somebody comes today."
    assert quick.asked[0].messages[-1].text == "My sink leaks."
    assert len(quick.asked) == 1


async def test_after_a_kill_in_mid_reply_no_sentence_is_said_twice(virtual_time: VirtualTime) -> None:
    store = MemoryStore()
    slow = ScriptedClient(reply="First sentence here. Second one follows.", every_s=0.4)
    async with a_door(slow, store=store) as door:
        first = await door.hear("/twilio/gather?turn=1")
        call = door.brain.calls.get(CALL)
        assert call is not None
        assert call.task is not None
        call.task.cancel()  # what a kill does to it: no last word, no ending
    quick = ScriptedClient(reply="Something else altogether.")
    async with a_door(quick, store=store) as door:
        assert first.redirect is not None
        second = await door.hear(first.redirect, "voice")
        third = await door.hear(second.action)

    assert first.words == "First sentence here."
    assert "First sentence here." not in second.words
    assert second.words.endswith(JAMIE.breaks_off)
    assert second.gather is not None
    assert third.words == "Something else altogether."


@pytest.mark.parametrize(
    "form",
    [{}, {"CallSid": ""}, {"CallSid": "CA 1"}, {"SpeechResult": "Hello"}, {"CallSid": "x" * 199}],
    ids=["empty", "blank", "blanks in it", "no call", "too long"],
)
async def test_a_form_that_names_no_call_is_still_answered_in_speech(
    virtual_time: VirtualTime, form: dict[str, str]
) -> None:
    async with a_door(ScriptedClient()) as door:
        documents = [read(await door.post(path, form)) for path in ("/twilio/voice", "/twilio/gather")]

    assert all(document.words and document.hangs_up for document in documents)


async def silence(door: OurDoor, path: str) -> Document:
    """What comes of a caller who says nothing for as long as the agent bears it."""
    still = await door.hear(path, "gather_empty")
    return await door.hear(still.action, "gather_empty")


class BrokenStore(MemoryStore):
    """A store that raises what nobody expects."""

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        raise RuntimeError("own words of the caller")


async def test_a_crash_is_heard_as_an_apology_three_times_at_most(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), store=BrokenStore()) as door:
        first = await door.hear("/twilio/voice", "voice")
        second = await door.hear(first.action)
        third = await door.hear(second.action)

    assert "Could you say that once more?" in first.words
    assert second.gather is not None
    assert third.words == "Thanks for calling Maple Court. Goodbye."
    assert third.hangs_up
    assert "own words" not in first.answer.text + second.answer.text


async def test_a_call_that_ends_stops_the_turn(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(hangs=True)
    async with a_door(model) as door:
        running = asyncio.create_task(door.hear("/twilio/gather?turn=1"))
        await asyncio.sleep(1.0)
        await door.post("/twilio/status", message("status"))
        document = await running
        stored = await door.brain.store.find(CALL)

    assert document.words
    assert model.cancelled == 1
    assert stored is not None
    assert stored.turns[0].ending is Ending.HUNG_UP


async def test_a_caller_who_speaks_over_the_agent_is_taken_to_have_heard_the_beginning_only(
    virtual_time: VirtualTime,
) -> None:
    long = "Somebody comes to look at it today between noon and two in the afternoon, and calls before that."
    replies = {"My sink leaks.": long, "Four b.": "Thank you."}
    model = ScriptedClient(reply=lambda prompt: replies.get(prompt.messages[-1].text, "Which unit?"))
    async with a_door(model) as door:
        line = TwilioLine(BASE, http=door.http)
        line.aloud.chars_per_s = CHARS_PER_S
        await line.dial()
        saying = asyncio.create_task(line.say("My sink leaks."))
        await asyncio.sleep(5.0)
        saying.cancel()
        with suppress(asyncio.CancelledError):
            await saying
        await line.say("Stop.")
        await asyncio.sleep(2.0)  # they think, and speak
        await line.say("Four b.")
        await line.hang_up()

    told = [message.text for message in model.asked[-1].messages if message.role == "assistant"]
    assert line.cut is not None
    assert long.startswith(line.cut.heard)
    assert told[1].startswith("Somebody comes to look")
    assert long not in told[1]
    assert told[2] == "Which unit?"  # heard to its end
