"""The end of a Vapi call: after the goodbyes, by whatever way the assistant leaves open."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from handlers.once import Once
from handlers.vapi.past import PastAnswer
from tests.builders import a_brain, a_deadline, an_utterance, words_of
from tests.conftest import VirtualTime
from tests.handlers.house import CALL_ID, a_house, a_request, frames_of, notes_of, said_in
from tests.handlers.office import END, GOODBYE, an_office, calls_in, who_says
from tests.handlers.vapi.test_control import Host, a_control_host, controls, with_monitor
from voice.brain import Brain
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.types import Action, Door, Effect, HandoffTarget

PATH = "/vapi/chat/completions"
END_TOOL = {"type": "function", "function": {"name": "endCall", "parameters": {"type": "object"}}}
BYE = "You're welcome. Goodbye!"


def talk(*said: str, **changes: Any) -> dict[str, Any]:
    return a_request(*said, **{"model": "kim", **changes})


# Both have said goodbye


async def test_the_call_ends_when_both_have_said_goodbye_though_the_model_asks_for_no_tool(
    tmp_path: Path,
) -> None:
    async with a_house(ScriptedClient(reply=BYE), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=talk("Thanks, bye.", tools=[END_TOOL]))
        steps = [note["step"] for note in await notes_of(house, "tool")]

    assert said_in(answer.text) == BYE
    assert calls_in(frames_of(answer.text)) == [("endCall", {})]
    assert steps == ["asked", "ran", "answered"]


STAYS = [
    ("Thanks, bye.", "Goodbye! Or is there anything else?"),
    ("Thanks, bye.", "Before you go: which unit is it?"),
    ("Thanks, bye.", "The plumber comes on Friday."),
    ("My sink leaks.", "Goodbye."),
    ("Bye the way, my sink leaks.", "Goodbye."),
    ("Tell him I said bye.", "I will. Bye."),
    ("Bye, wait, my sink leaks.", "Okay, bye."),
    ("My kitchen is flooding, that's all.", "Help is coming. Take care."),
]


@pytest.mark.parametrize(("said", "reply"), STAYS)
async def test_the_call_goes_on_while_either_of_them_wants_something(
    tmp_path: Path, said: str, reply: str
) -> None:
    async with a_house(ScriptedClient(reply=reply), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=talk(said, tools=[END_TOOL]))

    assert calls_in(frames_of(answer.text)) == []


async def test_an_agent_without_end_call_never_hangs_up_by_itself(tmp_path: Path) -> None:
    toml = 'name = "kim"\npersona = "x"\ngreeting = "Hi."\nfallbacks = ["Hm?"]\n'
    async with a_house(ScriptedClient(reply=BYE), **an_office(tmp_path, toml)) as house:
        answer = await house.http.post(PATH, json=talk("Thanks, bye.", tools=[END_TOOL]))

    assert calls_in(frames_of(answer.text)) == []


# No tool is declared


async def test_goodbye_is_said_again_and_no_new_talk_begins_where_nobody_can_hang_up(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    model = ScriptedClient(reply=[BYE, "What about your sink?"])
    with caplog.at_level(logging.WARNING):
        async with a_house(model, **an_office(tmp_path)) as house:
            first = await house.http.post(PATH, json=talk("Thanks, bye."))
            second = await house.http.post(PATH, json=talk("Thanks, bye.", "Thank you so much."))
            third = await house.http.post(PATH, json=talk("Thanks, bye.", "Thank you so much.", "Okay, bye."))

    assert [said_in(one.text) for one in (first, second, third)] == [BYE, GOODBYE, GOODBYE]
    assert len(model.asked) == 1
    told = [record for record in caplog.records if record.message == "vapi.cannot_hang_up"]
    assert len(told) == 1
    assert "endCallPhrases" in told[0].__dict__["to_do"]


@pytest.mark.parametrize("matter", ["Wait, my sink leaks, too.", "Are you there?", "Hold on.", "No wait"])
async def test_a_caller_who_thinks_of_something_else_is_listened_to(tmp_path: Path, matter: str) -> None:
    model = ScriptedClient(reply=[BYE, "Which unit?"])
    async with a_house(model, **an_office(tmp_path)) as house:
        await house.http.post(PATH, json=talk("Thanks, bye."))
        answer = await house.http.post(PATH, json=talk("Thanks, bye.", matter))

    assert said_in(answer.text) == "Which unit?"


async def test_the_assistants_own_phrase_ends_the_call_where_it_has_no_tool(tmp_path: Path) -> None:
    call = {"id": CALL_ID, "assistant": {"endCallPhrases": ["goodbye from maple court"]}}
    async with a_house(who_says("Take care.", END), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=talk("Bye.", call=call))

    assert said_in(answer.text) == "Take care. goodbye from maple court"


@asynccontextmanager
async def a_goodbye(host: Host) -> AsyncIterator[tuple[Brain, PastAnswer]]:
    """A call whose agent has just said goodbye, and what hangs up past that answer."""
    async with a_brain(ScriptedClient(reply=BYE)) as brain, controls(host) as found:
        call = await brain.calls.pick_up(CALL_ID, Door.VAPI)
        live = await brain.calls.hear(call, an_utterance("Thanks, bye."), a_deadline())
        await words_of(live)
        yield brain, PastAnswer(found, Once(MemoryStore()), call, live, live.turn.position)


async def test_the_control_url_hangs_up_once_the_words_are_spoken(virtual_time: VirtualTime) -> None:
    host = Host()
    async with a_goodbye(host) as (_, past):
        for _ in range(2):  # Vapi asks for a turn several times
            past.steer(Effect(Action.END_CALL))
        await asyncio.sleep(1.5)
        early = list(host.bodies)
        await asyncio.sleep(10.0)

    assert early == []
    assert host.bodies == [{"type": "end-call"}]


async def test_it_hangs_up_once_though_the_turn_has_another_place_by_the_second_answer(
    virtual_time: VirtualTime,
) -> None:
    host = Host()
    async with a_goodbye(host) as (_, past):
        past.steer(Effect(Action.END_CALL))
        await asyncio.sleep(10.0)
        past.live.turn.position += 3  # the store has told of earlier turns
        past.steer(Effect(Action.END_CALL))
        await asyncio.sleep(10.0)

    assert host.bodies == [{"type": "end-call"}]


async def test_a_caller_who_speaks_meanwhile_is_not_cut_off(virtual_time: VirtualTime) -> None:
    host = Host()
    async with a_goodbye(host) as (brain, past):
        past.steer(Effect(Action.END_CALL))
        await asyncio.sleep(1.0)
        await words_of(await brain.calls.hear(past.call, an_utterance("Wait, my sink!"), a_deadline()))
        await asyncio.sleep(10.0)

    assert host.bodies == []


async def test_a_caller_whom_the_platform_cannot_hand_on_is_told_so(virtual_time: VirtualTime) -> None:
    host = Host(status=500)
    async with a_goodbye(host) as (_, past):
        past.steer(Effect(Action.HANDOFF, "billing"))
        await asyncio.sleep(10.0)

    assert [body["type"] for body in host.bodies] == ["handoff", "say"]
    assert host.bodies[0]["destination"] == {"type": "assistant", "assistant": {"name": "billing"}}


async def test_an_assistant_is_asked_for_by_its_id_where_the_file_says_so(virtual_time: VirtualTime) -> None:
    host = Host()
    async with a_goodbye(host) as (_, past):
        target = HandoffTarget("billing", "assistant_id", "03e11cfe-4528", "bills")
        past.call.agent = replace(past.call.agent, handoff=(target,))
        past.steer(Effect(Action.HANDOFF, target.to))
        await asyncio.sleep(10.0)

    assert host.bodies[0]["destination"] == {"type": "assistant", "assistantId": "03e11cfe-4528"}


LEAVING = (Effect(Action.TRANSFER, "+14155550150"), Effect(Action.HANDOFF, "billing"))


@pytest.mark.parametrize("effect", LEAVING)
async def test_a_caller_is_not_connected_before_the_words_are_spoken(
    virtual_time: VirtualTime, effect: Effect
) -> None:
    host = Host()
    async with a_goodbye(host) as (_, past):
        past.steer(effect)
        await asyncio.sleep(1.5)
        early = list(host.bodies)
        await asyncio.sleep(10.0)

    assert early == []
    assert [body["type"] for body in host.bodies] == [effect.action.value]


@pytest.mark.parametrize("effect", LEAVING)
async def test_a_caller_who_has_gone_on_talking_is_not_connected(
    virtual_time: VirtualTime, effect: Effect
) -> None:
    host = Host()
    async with a_goodbye(host) as (brain, past):
        past.steer(effect)
        await asyncio.sleep(1.0)
        await words_of(await brain.calls.hear(past.call, an_utterance("Wait, not yet!"), a_deadline()))
        await asyncio.sleep(10.0)

    assert host.bodies == []


async def test_a_process_that_stops_does_not_wait_for_a_hang_up(tmp_path: Path) -> None:
    async with asyncio.timeout(10), a_control_host() as (url, _):
        settings = {**an_office(tmp_path), "vapi_control_hosts": ("127.0.0.1",)}
        long = "It is all written down, and somebody will come. " * 8 + "Goodbye!"
        async with asyncio.timeout(3), a_house(ScriptedClient(reply=long), **settings) as house:
            await house.http.post(PATH, json=with_monitor(talk("Thanks, bye."), url))
