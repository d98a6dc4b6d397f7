"""Silences on a relay socket, and how its calls end: never without a word."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import VirtualTime
from tests.handlers.relay_line import a_relay_call, agents, frame, newest
from tests.handlers.twilio_door import CALL
from voice.models.scripted import ScriptedClient
from voice.types import Ending, ToolCall

LONG = "Somebody will come tomorrow at nine. Is that fine?"
NUDGES = ["Are you there?", "Hello?"]
BYE = ToolCall("1", "end_call", "{}")
PERSON = ToolCall("1", "transfer", '{"target": "desk"}')
DESK = '[transfer.desk]\nnumber = "+12125550142"\nfor = "people"\nsay = "I put you through."\n'


def an_agent(folder: Path, **lines: Any) -> Path:
    return agents(folder, nudges=NUDGES, silence_s=8, **lines)


async def test_a_silent_caller_is_asked_twice_and_then_told_goodbye(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_relay_call(ScriptedClient(), agents_dir=an_agent(tmp_path)) as (door, socket):
        await socket.ends()

        assert door.brain.calls.get(CALL) is None
    assert socket.talks == [*NUDGES, "Goodbye."]
    assert [one.get("interruptible") for one in socket.frames[:3]] == [None, None, False]
    assert json.loads(socket.handoff or "") == {"offhook": "hang_up"}
    assert socket.sent[0][0] > 8.0


async def test_the_silence_begins_when_the_agent_has_finished_speaking(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(reply="Somebody will come tomorrow at nine and look at it, is that fine?")
    async with a_relay_call(model, agents_dir=an_agent(tmp_path)) as (_, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        socket.tell("agentSpeaking", "on")
        await asyncio.sleep(7.0)
        ended_at = socket.sent[-1][0] + 7.0
        socket.tell("agentSpeaking", "off")
        await socket.hears(NUDGES[0])

    assert socket.sent[-1][0] - ended_at == pytest.approx(8.0, abs=0.1)


async def test_nobody_is_asked_while_they_speak(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_relay_call(ScriptedClient(), agents_dir=an_agent(tmp_path)) as (_, socket):
        socket.tell("clientSpeaking", "on")
        await asyncio.sleep(30.0)
        assert socket.words == ""
        socket.say("My sink leaks, and so on, and so forth.")
        await socket.closes_a_talk()

    assert NUDGES[0] not in socket.words


async def test_an_event_that_is_lost_holds_up_no_call(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_relay_call(ScriptedClient(), agents_dir=an_agent(tmp_path)) as (_, socket):
        socket.tell("agentSpeaking", "on")
        socket.tell("clientSpeaking", "on")
        await socket.ends()

    assert socket.talks[-1] == "Goodbye."


async def test_who_was_cut_off_by_a_cough_asks_sooner(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_relay_call(ScriptedClient(reply="Yes."), agents_dir=an_agent(tmp_path)) as (_, socket):
        socket.say("Are you there?")
        await socket.closes_a_talk()
        cut_at = socket.sent[-1][0]
        socket.cut_in(after="Yes.")
        await socket.hears(NUDGES[0])

    assert socket.sent[-1][0] - cut_at == pytest.approx(4.0, abs=0.1)


async def test_a_cough_costs_nobody_the_answer(virtual_time: VirtualTime, tmp_path: Path) -> None:
    model = ScriptedClient(reply=LONG)
    async with a_relay_call(model, agents_dir=an_agent(tmp_path)) as (door, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        cut_at = socket.sent[-1][0]
        socket.cut_in(after="Somebody will come")
        await socket.closes_a_talk(3)

        assert socket.talks[-1] == "tomorrow at nine. Is that fine?"
        assert socket.sent[-1][0] - cut_at == pytest.approx(4.0, abs=0.1)
        assert newest(door).ending is Ending.ANSWERED
        assert newest(door).heard is None
    assert len(model.asked) == 1


async def test_a_cough_over_a_filler_costs_nobody_the_answer(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(reply=LONG, first_s=2.0)
    folder = an_agent(tmp_path, fillers=["One moment, please."])
    async with a_relay_call(model, agents_dir=folder) as (_, socket):
        socket.say("My sink leaks.")
        await socket.hears("One moment")
        socket.cut_in(after="One")
        await socket.hears("Is that fine?")

    assert socket.words.count("One moment") == 1
    assert socket.talks[-1].startswith("Somebody will come")
    assert len(model.asked) == 1


async def test_who_waits_for_the_rest_of_a_reply_that_stalled_is_asked_sooner(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(reply="It is written down. Somebody will", hangs=True, after_words=4)
    async with a_relay_call(model, agents_dir=an_agent(tmp_path)) as (_, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()
        closed_at = socket.sent[-1][0]
        await socket.hears(NUDGES[0])

    assert socket.sent[-1][0] - closed_at < 6.0


@pytest.mark.parametrize("events", [[], ["cut", "off"], ["off", "cut"], ["cut"]])
async def test_who_is_cut_off_while_the_reply_is_written_does_not_fall_silent_for_good(
    virtual_time: VirtualTime, tmp_path: Path, events: list[str]
) -> None:
    model = ScriptedClient(reply=LONG, every_s=0.5)
    async with a_relay_call(model, agents_dir=an_agent(tmp_path)) as (_, socket):
        socket.say("My sink leaks.")
        await socket.hears("Somebody")
        socket.tell("agentSpeaking", "on")
        for event in events or ["cut"]:
            if event == "cut":
                socket.cut_in(after="Somebody will")
                cut_at = virtual_time.elapsed_s
            else:
                socket.tell("agentSpeaking", "off")
        await socket.hears("Is that fine?")

    assert socket.words.count("Somebody") == 1
    assert next(at for at, _ in socket.sent if at > cut_at + 0.1) - cut_at == pytest.approx(4.0, abs=0.6)


async def test_words_after_a_silence_begin_the_count_anew(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with a_relay_call(ScriptedClient(), agents_dir=an_agent(tmp_path)) as (_, socket):
        await socket.hears(NUDGES[0])
        socket.say("I am here.")
        await socket.ends()

    assert socket.words.count(NUDGES[0]) == 2


async def test_the_model_knows_what_was_said_into_the_silence(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient()
    async with a_relay_call(model, agents_dir=an_agent(tmp_path)) as (_, socket):
        await socket.hears(NUDGES[0])
        socket.say("Yes, I am here.")
        await socket.closes_a_talk(2)

    assert any(NUDGES[0] in message.text for message in model.asked[-1].messages)


async def test_the_longest_call_ends_with_a_goodbye(virtual_time: VirtualTime, tmp_path: Path) -> None:
    model = ScriptedClient(reply="Yes.")
    folder = agents(tmp_path, max_call_s=60, silence_s=60)
    async with a_relay_call(model, agents_dir=folder) as (door, socket):
        for _ in range(3):
            socket.say("Are you still there?")
            await asyncio.sleep(25.0)
        await socket.ends()

        assert door.brain.calls.get(CALL) is None
    assert socket.talks[-1] == "Goodbye."
    assert socket.sent[-1][0] == pytest.approx(60.0, abs=3.0)


async def test_the_call_ends_when_the_last_word_is_spoken(virtual_time: VirtualTime, tmp_path: Path) -> None:
    model = ScriptedClient(tool_calls=(BYE,))
    async with a_relay_call(model, agents_dir=agents(tmp_path, tools=["end_call"])) as (door, socket):
        socket.say("Thanks, bye!")
        await socket.ends()

        said_at, ended_at = socket.sent[0][0], socket.sent[-1][0]
        assert door.brain.calls.get(CALL) is None
    assert socket.talks == ["Goodbye."]
    assert ended_at - said_at > len("Goodbye.") / 15
    assert json.loads(socket.handoff or "") == {"offhook": "hang_up"}


async def test_what_was_played_lets_the_call_end_at_once(virtual_time: VirtualTime, tmp_path: Path) -> None:
    model = ScriptedClient(tool_calls=(BYE,))
    async with a_relay_call(model, agents_dir=agents(tmp_path, tools=["end_call"])) as (_, socket):
        socket.say("Thanks, bye!")
        await socket.closes_a_talk()
        socket.tell("tokensPlayed", "Goodbye.")
        played_at = socket.sent[-1][0]
        await socket.ends()

    assert socket.sent[-1][0] == pytest.approx(played_at, abs=0.05)


async def test_who_speaks_over_the_goodbye_goes_on_talking(virtual_time: VirtualTime, tmp_path: Path) -> None:
    model = ScriptedClient(reply="Of course.", tool_calls=(BYE,))
    async with a_relay_call(model, agents_dir=agents(tmp_path, tools=["end_call"])) as (door, socket):
        socket.say("Thanks, bye!")
        await socket.closes_a_talk()
        socket.cut_in(after="Good")
        socket.say("Wait, one more thing.")
        await socket.closes_a_talk(3)

        assert socket.handoff is None
        assert door.brain.calls.get(CALL) is not None
    assert socket.talks[-1] == "Of course."


async def test_who_coughs_at_the_goodbye_is_asked_before_the_line_goes_dead(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(tool_calls=(BYE,))
    async with a_relay_call(model, agents_dir=an_agent(tmp_path, tools=["end_call"])) as (_, socket):
        socket.say("Thanks, bye!")
        await socket.closes_a_talk()
        socket.cut_in(after="Good")
        await socket.hears(NUDGES[0])

        assert socket.handoff is None


async def test_a_pause_between_two_sentences_is_not_the_end_of_the_last(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(tool_calls=(BYE,))
    async with a_relay_call(model, agents_dir=agents(tmp_path, tools=["end_call"])) as (_, socket):
        socket.say("Thanks, bye!")
        await socket.closes_a_talk()
        socket.tell("agentSpeaking", "on")
        socket.tell("agentSpeaking", "off")  # of the words before, as the last ones had just left
        closed_at = socket.sent[-1][0]
        await socket.ends()

    assert socket.sent[-1][0] - closed_at > len("Goodbye.") / 15


async def test_who_is_put_through_without_a_word_hears_one(virtual_time: VirtualTime, tmp_path: Path) -> None:
    model = ScriptedClient(tool_calls=(PERSON,))
    table = DESK.replace('say = "I put you through."\n', "")
    folder = agents(tmp_path, tools=["transfer"], tables=table, fillers=["One moment, please."])
    async with a_relay_call(model, agents_dir=folder) as (_, socket):
        socket.say("Put me through to somebody.")
        await socket.ends()

    assert socket.talks == ["One moment, please."]


async def test_a_person_is_dialled_when_the_words_are_spoken(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(tool_calls=(PERSON,))
    folder = agents(tmp_path, tools=["transfer"], tables=DESK)
    async with a_relay_call(model, agents_dir=folder) as (door, socket):
        socket.say("Put me through to somebody.")
        await socket.ends()

        assert door.brain.calls.get(CALL) is not None
        assert newest(door).spoken == "I put you through."
    assert json.loads(socket.handoff or "") == {"offhook": "transfer", "to": "+12125550142"}


async def test_thanks_over_the_last_words_do_not_cost_the_person(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    model = ScriptedClient(tool_calls=(PERSON,))
    folder = agents(tmp_path, tools=["transfer"], tables=DESK)
    async with a_relay_call(model, agents_dir=folder) as (_, socket):
        socket.say("Put me through to somebody.")
        await socket.closes_a_talk()
        socket.cut_in(after="I put")
        socket.say("Thanks!")
        await socket.ends()

    assert json.loads(socket.handoff or "")["offhook"] == "transfer"


async def test_nobody_is_promised_who_cannot_be_dialled(virtual_time: VirtualTime, tmp_path: Path) -> None:
    model = ScriptedClient(tool_calls=(PERSON,))
    table = DESK.replace("+12125550142", "+12025550199")  # this very line
    folder = agents(tmp_path, tools=["transfer"], tables=table)
    async with a_relay_call(model, agents_dir=folder) as (_, socket):
        socket.send(frame("setup"))
        socket.say("Put me through to somebody.")
        await socket.closes_a_talk()

        assert socket.handoff is None
    assert socket.words


async def test_another_of_our_agents_goes_on_on_the_same_socket(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    sam = (
        'name = "sam"\npersona = "You are Sam."\ngreeting = "Sam here."\nfallbacks = ["Once more, please?"]\n'
    )
    (tmp_path / "sam.toml").write_text(sam)
    folder = an_agent(tmp_path, tools=["handoff"])
    file = next(one for one in folder.glob("*.toml") if one.name != "sam.toml")
    file.write_text(file.read_text() + '\n[handoff.sam]\nagent = "sam"\nfor = "bills"\n')
    wanted = ToolCall("1", "handoff", '{"target": "sam"}')
    model = ScriptedClient(reply=["-", "Which bill?"], tool_calls=(wanted,))
    async with a_relay_call(model, agents_dir=folder) as (_, socket):
        socket.say("Billing, please.")
        await socket.hears("Sam here.")
        socket.say("It is the last one.")
        await socket.hears("Which bill?")

        assert socket.handoff is None
    assert model.asked[1].messages[0].text.startswith("You are Sam.")
