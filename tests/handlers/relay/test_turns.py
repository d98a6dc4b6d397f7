"""Turns on a relay socket: what the caller says, and what is sent to be spoken."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import VirtualTime
from tests.handlers.house import Watched
from tests.handlers.relay_line import a_relay_call, agents, frame, newest, turns
from tests.handlers.twilio_door import CALL
from voice.models.scripted import ScriptedClient
from voice.routing.table import Route
from voice.tools.base import ToolUse
from voice.types import Action, Effect, Ending, ToolCall, ToolSpec

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
WEEK = " ".join(f"On {day} somebody is here at {hour} o'clock." for hour, day in enumerate(DAYS, 3))
LONG = "I can help with that. Which unit are you in? I will send somebody over tomorrow at nine."


async def test_a_reply_is_spoken_clause_by_clause_and_its_talk_closed(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="I can help with that. Which unit are you in?", first_s=0.2, every_s=0.1)
    async with a_relay_call(model) as (_, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()

        tokens = [(one["token"], one["last"]) for one in socket.frames]

    assert tokens == [("I can help with that. ", False), ("Which unit are you in? ", False), ("", True)]
    assert socket.sent[0][0] < socket.sent[1][0]


async def test_words_that_are_not_final_begin_no_turn(virtual_time: VirtualTime) -> None:
    model = ScriptedClient()
    async with a_relay_call(model) as (door, socket):
        socket.send(frame("prompt_partial"))
        socket.say("My sink leaks.")
        await socket.closes_a_talk()

        assert [turn.said for turn in turns(door)] == ["My sink leaks."]
    assert len(model.asked) == 1


@pytest.mark.parametrize("said", [None, "", "   ", "\t\n", 7])
async def test_a_prompt_without_words_is_no_turn(virtual_time: VirtualTime, said: object) -> None:
    async with a_relay_call(ScriptedClient()) as (door, socket):
        socket.send({**frame("prompt"), "voicePrompt": said})
        socket.say("My sink leaks.")
        await socket.closes_a_talk()

        assert [turn.said for turn in turns(door)] == ["My sink leaks."]


@pytest.mark.parametrize(
    ("last", "is_final"),
    [(True, True), ("true", True), (None, True), ("missing", True), (False, False), ("false", False)],
)
async def test_words_are_taken_for_final_unless_it_is_said_that_they_are_not(
    virtual_time: VirtualTime, last: object, is_final: bool
) -> None:
    async with a_relay_call(ScriptedClient()) as (door, socket):
        prompt = {**frame("prompt"), "last": last}
        socket.send({name: value for name, value in prompt.items() if value != "missing"})
        await asyncio.sleep(1.0)

        assert len(turns(door)) == is_final


async def test_words_over_a_reply_stop_its_turn_and_model_at_once(virtual_time: VirtualTime) -> None:
    model = Watched(reply=LONG, every_s=0.2)
    async with a_relay_call(model) as (door, socket):
        socket.say("My sink leaks.")
        await socket.hears("Which unit are you in?")

        socket.cut_in(after="I can help with")
        await socket.closes_a_talk()
        assert socket.frames[-1] == {"type": "text", "token": "", "last": True}
        assert newest(door).heard == "I can help with"

        socket.say("No, wait.")
        await model.stopped.wait()

        assert turns(door)[0].ending is Ending.INTERRUPTED
        assert turns(door)[0].heard == "I can help with"


async def test_nothing_of_an_interrupted_reply_follows_the_interruption(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=[LONG, "Yes, at nine."], every_s=0.1)
    async with a_relay_call(model) as (_, socket):
        socket.say("My sink leaks.")
        await socket.hears("help with that.")
        socket.cut_in(after="I can")
        socket.say("Can somebody come?")
        await socket.closes_a_talk(2)

    assert socket.talks == ["I can help with that.", "Yes, at nine."]


async def test_words_that_were_on_their_way_when_the_caller_cut_in_are_not_heard(
    virtual_time: VirtualTime,
) -> None:
    async with a_relay_call(ScriptedClient(reply=[LONG, "Yes, at nine."])) as (door, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.cut_in(after="I can")
        socket.cut_in(after="", durationUntilInterruptMs="1")  # the platform had begun with what came late
        socket.say("Can somebody come?")
        await socket.closes_a_talk(3)

        assert turns(door)[0].heard == "I can"
        assert turns(door)[0].ending is Ending.INTERRUPTED


async def test_the_model_reads_only_what_the_caller_has_heard(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply=[LONG, "Yes, at nine."])
    async with a_relay_call(model) as (_, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.cut_in(after="which unit ARE you")
        socket.say("Four B.")
        await socket.closes_a_talk(3)

    told = [message.text for message in model.asked[-1].messages if message.role == "assistant"]
    assert told[-1] == "I can help with that. Which unit are you"


async def test_without_words_told_the_words_played_say_what_was_heard(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply=LONG)) as (door, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.tell("tokensPlayed", "I can help with that.")
        socket.tell("tokensPlayed", "Which unit")
        socket.cut_in(after="")
        await socket.closes_a_talk(2)

        assert newest(door).heard == "I can help with that. Which unit"


async def test_where_nobody_tells_the_pace_of_a_voice_says_what_was_heard(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply=LONG)) as (door, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.cut_in(after="", durationUntilInterruptMs="1400")
        await socket.closes_a_talk(2)

        assert newest(door).heard == "I can help with that"


async def test_a_greeting_that_was_cut_is_known_as_far_as_it_was_heard(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient()) as (door, socket):
        greeting = door.brain.agents.default.greeting
        socket.cut_in(after=" ".join(greeting.split()[:3]))
        await socket.closes_a_talk()
        call = door.brain.calls.get(CALL)

    assert call is not None
    assert greeting.startswith(call.thread.greeting)
    assert len(call.thread.greeting.split()) == 3


async def test_a_greeting_that_was_cut_at_once_was_not_heard(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient()) as (door, socket):
        socket.cut_in(after="", durationUntilInterruptMs=0)
        await socket.closes_a_talk()
        call = door.brain.calls.get(CALL)

    assert call is not None
    assert call.thread.greeting == ""


async def test_only_some_seconds_of_a_long_reply_leave_before_their_turn(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply=WEEK)) as (_, socket):
        socket.say("Tell me all of it.")
        await asyncio.sleep(2.0)
        sent = len(socket.words)
        await socket.hears("On Sunday")

    assert sent < len(WEEK) / 2


async def test_words_played_sooner_than_thought_are_followed_at_once(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply=WEEK)) as (_, socket):
        socket.say("Tell me all of it.")
        for _ in range(40):
            await asyncio.sleep(0.1)
            socket.tell("tokensPlayed", socket.words)

    assert "On Sunday" in socket.words


async def test_a_filler_may_be_cut_by_the_answer(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="They come at nine.", first_s=2.0)
    async with a_relay_call(model) as (_, socket):
        socket.say("My sink leaks and the kitchen is under water.")
        await socket.closes_a_talk(2)

    filler, answer, close = socket.frames
    assert (filler["preemptible"], filler["last"]) == (True, True)
    assert (answer["token"], answer.get("preemptible")) == ("They come at nine. ", None)
    assert close == {"type": "text", "token": "", "last": True}


async def test_newer_words_take_the_place_of_older_ones(virtual_time: VirtualTime) -> None:
    model = Watched(reply=["Never said.", "You are in the hall."], first_s=0.5)
    async with a_relay_call(model) as (door, socket):
        socket.say("My sink leaks.")
        await model.begun.wait()
        socket.say("My sink leaks in 4B.")
        await socket.closes_a_talk()

        assert socket.words.strip() == "You are in the hall."
        assert [turn.ending for turn in turns(door)] == [Ending.INTERRUPTED, Ending.ANSWERED]
    assert model.cancelled == 1


async def test_the_same_words_again_are_answered_once(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Yes, I am here.", first_s=0.5)
    async with a_relay_call(model) as (_, socket):
        socket.say("Hello?")
        socket.say("Hello?")
        await socket.closes_a_talk()

    assert socket.talks == ["Yes, I am here."]
    assert len(model.asked) == 1


async def test_keys_are_an_utterance_when_the_finish_key_comes(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient()) as (door, socket):
        socket.press("4", "2", "#")
        await socket.closes_a_talk()

        assert newest(door).said == "four two"
    assert socket.sent[0][0] < 1.0


async def test_keys_are_an_utterance_after_a_pause(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient()) as (door, socket):
        socket.press("4", "*")
        await socket.closes_a_talk()

        assert newest(door).said == "four star"


async def test_who_looks_at_what_they_type_has_time_for_each_key(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient()) as (door, socket):
        for key in "427":
            socket.press(key)
            await asyncio.sleep(1.5)
        await socket.closes_a_talk()

        assert [turn.said for turn in turns(door)] == ["four two seven"]


async def test_keys_before_words_belong_to_them(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient()) as (door, socket):
        socket.press("4", "2")
        socket.say("That's my unit.")
        await socket.closes_a_talk()

        assert newest(door).said == "four two That's my unit."


async def test_the_language_of_the_caller_is_spoken_where_the_agent_knows_it(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    table = '[[twilio.languages]]\ncode = "es-MX"\n'
    async with a_relay_call(ScriptedClient(reply="Claro."), agents_dir=agents(tmp_path, tables=table)) as (
        _,
        socket,
    ):
        socket.say("Se rompió el grifo.", lang="es")
        socket.say("Sí.", lang="es-MX")
        await socket.closes_a_talk()

    switches = [one for one in socket.frames if one["type"] == "language"]
    assert switches == [{"type": "language", "ttsLanguage": "es-MX", "transcriptionLanguage": "es-MX"}]


class Dials:
    """A tool that presses keys."""

    action = Action.DTMF
    spec = ToolSpec("dial", "Press keys.", {"type": "object", "properties": {}})

    def __init__(self, keys: str) -> None:
        self._keys = keys

    async def use(self, use: ToolUse) -> Effect:
        return Effect(Action.DTMF, digits=self._keys, say="I press the keys.")


@pytest.mark.parametrize(("keys", "is_pressed"), [("1w2#", True), ("call me", False), ("", False)])
async def test_keys_are_pressed_on_the_line(virtual_time: VirtualTime, keys: str, is_pressed: bool) -> None:
    model = ScriptedClient(tool_calls=(ToolCall("1", "dial", "{}"),))
    async with a_relay_call(model) as (door, socket):
        call = door.brain.calls.get(CALL)
        assert call is not None
        call.tools = {"dial": Dials(keys)}
        socket.say("Press one and two.")
        await asyncio.sleep(3.0)

    pressed = [one for one in socket.frames if one["type"] == "sendDigits"]
    assert pressed == ([{"type": "sendDigits", "digits": keys}] if is_pressed else [])
    assert socket.words.startswith("I press the keys.")


async def test_a_reply_that_was_begun_while_the_caller_spoke_comes_at_once(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit?", first_s=1.0)
    route: Any = Route(model, is_local=True)  # the brain takes whole routes, too
    async with a_relay_call(route) as (_, socket):
        socket.say("My sink leaks", last=False)
        await asyncio.sleep(1.4)
        socket.say("My sink leaks.")
        finished_at = virtual_time.elapsed_s
        await socket.closes_a_talk()

    assert socket.sent[0][0] - finished_at == pytest.approx(0.0, abs=0.05)
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    ("ignores", "said", "asked"), [(True, "Mm-hm.", 1), (True, "No!", 2), (False, "Mm-hm.", 2)]
)
async def test_who_only_says_mm_hm_goes_on_listening(
    virtual_time: VirtualTime, tmp_path: Path, ignores: bool, said: str, asked: int
) -> None:
    folder = agents(tmp_path, tables=f"[twilio]\nignore_backchannel = {str(ignores).lower()}\n")
    model = ScriptedClient(reply=WEEK)
    async with a_relay_call(model, agents_dir=folder) as (_, socket):
        socket.say("When are you there?")
        await asyncio.sleep(2.0)
        socket.say(said)
        await socket.hears("On Sunday")

    assert len(model.asked) == asked


async def test_yeah_to_a_question_is_an_answer(virtual_time: VirtualTime, tmp_path: Path) -> None:
    folder = agents(tmp_path, tables="[twilio]\nignore_backchannel = true\n")
    model = ScriptedClient(reply=["Is it urgent?", "Somebody comes at once."])
    async with a_relay_call(model, agents_dir=folder) as (_, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.say("Yeah.")
        await socket.hears("at once")

    assert len(model.asked) == 2


async def test_who_waits_long_hears_a_sound_until_the_answer_comes(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    sound = "https://example.com/hold.wav"
    folder = agents(
        tmp_path,
        fillers=["One moment, please."],
        tables=f'[budgets]\ngap_ms = 6000\n[twilio]\nhold = "{sound}"\n',
    )
    model = ScriptedClient(reply="They come at nine.", first_s=4.5)
    async with a_relay_call(model, agents_dir=folder) as (_, socket):
        socket.say("My sink leaks.")
        await socket.until(lambda: any(one["type"] == "play" for one in socket.frames))
        await socket.closes_a_talk(2)

    (played,) = [one for one in socket.frames if one["type"] == "play"]
    assert (played["source"], played["preemptible"]) == (sound, True)
    assert socket.frames.index(played) == 1


async def test_words_in_another_language_say_which(virtual_time: VirtualTime, tmp_path: Path) -> None:
    table = '[[twilio.languages]]\ncode = "es-MX"\n'
    model = ScriptedClient(reply=["Which unit?", "Claro."])
    async with a_relay_call(model, agents_dir=agents(tmp_path, tables=table)) as (_, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.say("Se rompió el grifo.", lang="es")
        await socket.closes_a_talk(2)

    told = {one["token"].strip(): one.get("lang") for one in socket.frames if one["type"] == "text"}
    assert (told["Which unit?"], told["Claro."]) == (None, "es-MX")
