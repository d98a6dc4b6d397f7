"""The Gather loop: every webhook is answered with TwiML that says something, in time."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs

import pytest

from handlers.twilio_gather import MAX_SAY_CHARS, NUDGES, REST_S, say_parts
from handlers.wire.twilio import Place
from tests.conftest import VirtualTime
from tests.handlers.twilio_door import BASE, CALL, SID, a_door, message, read
from voice.agents.load import load_agents
from voice.errors import RouteDown
from voice.models.scripted import ScriptedClient
from voice.simulate.aloud import Aloud
from voice.simulate.twilio import TwilioLine
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.threads.speaking import CHARS_PER_S
from voice.tools.all import TOOLS
from voice.types import CallId, Ending

JAMIE = load_agents(None, "jamie", TOOLS).default
FILLERS = (*JAMIE.fillers, *(line for lines in JAMIE.fillers_for.values() for line in lines))

KIM = """
name = "kim"
greeting = "This is Kim."
goodbye = "Bye from Kim."
persona = "You are Kim."
fallbacks = ["Kim is sorry. Once more, please?"]
"""


async def test_a_call_is_greeted_and_the_caller_may_speak_meanwhile(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        document = await door.hear("/twilio/voice", "voice")
        call = door.brain.calls.get(CALL)

    assert document.gather is not None
    assert "this is Jamie" in document.gather.says[0].text
    assert document.action == "/twilio/gather?turn=1"
    assert document.gather.on_empty
    text = document.answer.text
    assert document.answer.headers["content-type"].startswith("text/xml")
    assert 'input="speech dtmf"' in text
    assert 'language="en-US"' in text
    assert 'speechTimeout="auto"' in text
    assert "speechModel" not in text
    assert call is not None
    assert call.thread.greeting.endswith("How can I help?")
    assert call.record.caller == "+12025550123"


async def test_an_utterance_is_answered_and_the_next_one_listened_for(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Unit 4B, got it. When may somebody come in?")
    async with a_door(model) as door:
        await door.hear("/twilio/voice", "voice")
        document = await door.hear("/twilio/gather?turn=1")

    assert document.words == "Unit 4B, got it. When may somebody come in?"
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
        first = await door.hear("/twilio/gather?turn=1", "gather_empty")
        second = await door.hear(first.action, "gather_empty")
        third = await door.hear(second.action, "gather_empty")
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


async def test_a_call_that_comes_back_to_the_first_url_goes_on(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(reply="Which unit?")) as door:
        greeting = await door.hear("/twilio/voice", "voice")
        await door.hear(greeting.action)
        back = await door.hear("/twilio/voice", "voice")

    assert "Could you say that once more?" in back.words
    assert back.action == "/twilio/gather?turn=2"


async def test_the_url_names_the_agent_and_the_loop_keeps_them(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    (tmp_path / "kim.toml").write_text(KIM)
    async with a_door(ScriptedClient(), agents_dir=tmp_path) as door:
        greeting = await door.hear("/twilio/voice?agent=kim", "voice")
        reply = await door.hear(greeting.action)

    assert greeting.words == "This is Kim."
    assert reply.action == "/twilio/gather?turn=2&agent=kim"


async def test_an_unknown_agent_is_answered_by_the_default_one(
    virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        async with a_door(ScriptedClient()) as door:
            document = await door.hear("/twilio/voice?agent=nobody", "voice")

    assert "this is Jamie" in document.words
    assert document.action == "/twilio/gather?turn=1"
    assert "agent.unknown" in [record.message for record in caplog.records]


async def test_a_busy_house_says_so_and_hangs_up(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), max_calls=1) as door:
        await door.hear("/twilio/voice", "voice")
        document = await door.hear("/twilio/voice", "voice", CallSid="CA2")

    assert document.words == "All lines are busy right now. Please call again in a few minutes."
    assert document.hangs_up


@pytest.mark.parametrize(
    "form",
    [{}, {"CallSid": ""}, {"CallSid": "CA 1"}, {"SpeechResult": "Hello"}, {"CallSid": "x" * 99}],
    ids=["empty", "blank", "blanks in it", "no call", "too long"],
)
async def test_a_form_that_names_no_call_is_still_answered_in_speech(
    virtual_time: VirtualTime, form: dict[str, str]
) -> None:
    async with a_door(ScriptedClient()) as door:
        documents = [read(await door.post(path, form)) for path in ("/twilio/voice", "/twilio/gather")]

    assert all(document.words and document.hangs_up for document in documents)


async def test_a_form_with_too_many_fields_is_still_answered_in_speech(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        document = read(await door.post("/twilio/voice", [(f"f{i}", "1") for i in range(400)]))

    assert document.words


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


@pytest.mark.parametrize("name", ["anonymous", "Unknown", "", "RESTRICTED"])
async def test_a_hidden_number_is_no_caller(virtual_time: VirtualTime, name: str) -> None:
    async with a_door(ScriptedClient()) as door:
        await door.hear("/twilio/voice", "voice", From=name)
        call = door.brain.calls.get(CALL)

    assert call is not None
    assert call.record.caller is None


async def test_urls_are_absolute_where_the_public_url_is_known(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), public_url="https://voice.example.com/a") as door:
        document = await door.hear("/twilio/voice", "voice")

    assert document.action == "https://voice.example.com/a/twilio/gather?turn=1"


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
    model = ScriptedClient(reply=[long, "Which unit?", "Thank you."])
    async with a_door(model) as door:
        line = TwilioLine(BASE, http=door.http)
        line.aloud = Aloud(CHARS_PER_S)
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

    told = [message.text for message in model.asked[2].messages if message.role == "assistant"]
    assert line.cut is not None
    assert long.startswith(line.cut.heard)
    assert told[1].startswith("Somebody comes to look")
    assert long not in told[1]
    assert told[2] == "Which unit?"  # heard to its end


def test_a_long_text_is_cut_at_spaces_into_what_one_say_takes() -> None:
    parts = say_parts("Well, " * 2000 + "\x00done")

    assert all(len(part) <= MAX_SAY_CHARS for part in parts)
    assert " ".join(parts) == ("Well, " * 2000 + "done")
    assert [len(part) for part in say_parts("x" * 5000)] == [4096, 904]


@pytest.mark.parametrize(
    "place", [Place(), Place(3, 2, 1, "jamie"), Place(turn=1, agent="a&b=c d"), Place(1, 0)]
)
def test_a_place_survives_its_url(place: Place) -> None:
    found = {name: values[0] for name, values in parse_qs(place.query()).items()}

    assert Place.read(found) == place


@pytest.mark.parametrize("text", ["-1", "x", "", "²", "9999999", "1.5", " 1"])
def test_a_place_that_is_no_number_counts_as_absent(text: str) -> None:
    assert Place.read({"turn": text, "from": text, "missed": text}) == Place()


def test_the_recorded_messages_are_about_one_call() -> None:
    names = ("voice", "gather", "gather_digits", "gather_empty", "status")

    assert {message(name)["CallSid"] for name in names} == {SID}
