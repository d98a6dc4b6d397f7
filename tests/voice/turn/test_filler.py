"""Lines said while the caller waits: whether one fits, and which."""

from __future__ import annotations

import asyncio
from itertools import pairwise

import pytest

from tests.builders import a_brain, a_deadline, an_agent, an_utterance, chunks_of
from tests.conftest import VirtualTime
from voice.agents.agent import Agent, FillerKind
from voice.agents.load import load_agents
from voice.call import Call
from voice.models.scripted import ScriptedClient
from voice.tools.all import TOOLS
from voice.tools.base import ToolUse
from voice.tools.farewell import is_goodbye
from voice.turn.filler import ONE_MOMENT, REST_S, STILL_AT_IT, filler, kind_of, may_fill, working
from voice.types import CallId, ChunkKind, Door, ToolCall, ToolSpec

JAMIE = load_agents(None, "jamie", TOOLS).default
LONG = "Bear with me a second while I check."


async def a_call(agent: Agent = JAMIE, door: Door = Door.CHAT) -> Call:
    async with a_brain() as brain:
        call = await brain.calls.pick_up(CallId("c1"), door)
    call.agent = agent
    return call


def said(call: Call, words: str = "My sink leaks.") -> str | None:
    line = filler(call, words)
    return None if line is None else line.text


@pytest.mark.parametrize(
    "words",
    [
        "Goodbye.",
        "Okay, bye bye!",
        "Bye, thanks for all your help.",
        "thanks that's all bye",
        "That's all for now.",
        "No, that is all I needed. Thank you so much.",
        "No, nothing else.",
        "Nothing else, thank you.",
        "Have a nice day!",
        "Great. Have a good one. Bye, Jamie.",
        "Talk to you later.",
        "See you tomorrow.",
        "That's it, thanks.",
    ],
)
def test_who_takes_their_leave_is_understood(words: str) -> None:
    assert is_goodbye(words)


@pytest.mark.parametrize(
    "words",
    [
        "My sink leaks.",
        "Nothing else works, the heater is dead.",
        "That's all wrong, I said unit 4B.",
        "That is everything I own and it is under water.",
        "I see you have an apartment on Elm Street.",
        "I would like to have a good look at it first.",
        "Yes, that's it.",
        "Is that all?",
        "Can I talk to you later?",
        "My kitchen is flooding in unit four, that's all.",
        "I need a plumber in unit 4, that's everything, thank you.",
        "There is water everywhere and nothing else.",
        "What time do you close bye",
        "Gas leak, my sister said good night.",
        "He said goodbye and took the key with him.",
        "",
    ],
)
def test_who_goes_on_talking_is_not_bidden_farewell(words: str) -> None:
    assert not is_goodbye(words)


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        ("When is rent due?", "question"),
        ("what time do you open", "question"),
        ("Um, so is there parking", "question"),
        ("Can I paint my walls?", "question"),
        ("Could you tell me when rent is due?", "question"),
        ("Can you send a plumber, please?", "request"),
        ("would somebody look at my heater", "request"),
        ("When I turn on the tap, it leaks.", "request"),
        ("What a mess, the sink leaks.", "request"),
        ("My sink leaks.", "request"),
        ("Unit 4B.", "detail"),
        ("May tenth, in the morning.", "detail"),
        ("It's Tuesday at nine.", "detail"),
        ("I have been waiting for the plumber since Monday and nobody has come.", "request"),
        ("Hello?", None),
        ("Hello? Are you still there?", None),
        ("What?", None),
        ("Yes.", None),
    ],
)
def test_a_line_fits_what_was_said(words: str, kind: FillerKind | None) -> None:
    assert kind_of(words) == kind


async def test_an_agents_lines_for_a_kind_come_before_its_others(virtual_time: VirtualTime) -> None:
    call = await a_call(an_agent(fillers=("One moment.",), fillers_for={"question": ("Let me see.",)}))

    assert said(call, "When is rent due?") == "Let me see."
    assert said(call, "My sink leaks.") == "One moment."
    assert said(call, "Hello?") == "One moment."


@pytest.mark.parametrize("door", [Door.CHAT, Door.VAPI])
@pytest.mark.parametrize(
    "agent", [JAMIE, an_agent(fillers=("One moment.", LONG, "Just a second while I look that up."))]
)
async def test_no_line_is_said_twice_in_a_row(virtual_time: VirtualTime, door: Door, agent: Agent) -> None:
    call = await a_call(agent, door)

    for words in ("When is rent due?", "My sink leaks.", "Unit 4B.", "Hello?"):
        lines = [said(call, words) for _ in range(5)]
        assert all(one != other for one, other in pairwise(lines))


async def test_a_line_is_long_enough_for_the_platform_to_say_it(virtual_time: VirtualTime) -> None:
    call = await a_call(an_agent(fillers=("One moment.", LONG)), Door.VAPI)

    assert {said(call) for _ in range(4)} == {LONG}


async def test_short_lines_are_joined_for_such_a_platform(virtual_time: VirtualTime) -> None:
    call = await a_call(an_agent(fillers=("One moment.", "Let me look that up.")), Door.VAPI)

    assert [said(call) for _ in range(2)] == [
        "One moment. Let me look that up.",
        "Let me look that up. One moment.",
    ]


async def test_one_short_line_is_not_said_twice_to_make_it_longer(virtual_time: VirtualTime) -> None:
    call = await a_call(an_agent(fillers=("One moment.",)), Door.VAPI)

    assert said(call) == "One moment."


async def test_a_filler_is_spoken_and_is_no_word_of_the_models(virtual_time: VirtualTime) -> None:
    line = filler(await a_call(), "My sink leaks.")

    assert line is not None
    assert (line.kind, line.sent) == (ChunkKind.FILLER, "")


async def test_a_filler_does_only_now_and_then(virtual_time: VirtualTime) -> None:
    call = await a_call()
    assert may_fill(call, "My sink leaks.")

    said(call)
    await asyncio.sleep(REST_S - 0.1)
    assert not may_fill(call, "My sink leaks.")
    await asyncio.sleep(0.1)
    assert may_fill(call, "My sink leaks.")


async def test_a_goodbye_is_not_answered_with_one_moment(virtual_time: VirtualTime) -> None:
    call = await a_call()

    assert not may_fill(call, "Goodbye.")
    assert said(call, "Goodbye.") is None


async def test_an_agent_without_lines_says_none(virtual_time: VirtualTime) -> None:
    call = await a_call(an_agent(fillers=()))

    assert not may_fill(call, "My sink leaks.")
    assert said(call) is None


def test_the_built_in_agents_lines_are_heard_at_every_door() -> None:
    lines = [*JAMIE.fillers, *(line for some in JAMIE.fillers_for.values() for line in some)]

    assert all(len(line) >= door.holds_chars for line in lines for door in Door)


async def test_a_caller_who_waits_for_a_tool_never_hears_a_line_twice(virtual_time: VirtualTime) -> None:
    for fillers in ((), ("One moment.",), ("One moment.", "Let me see.", "Nearly there."), (ONE_MOMENT,)):
        call, heard = await a_call(an_agent(fillers=fillers), Door.CHAT), list[str]()

        while line := working(call, "My sink leaks.", heard):
            heard.append(line.text)

        assert len(heard) == len(set(heard)) == max(1, len(fillers)) + 1
        assert heard[-1] == STILL_AT_IT


async def test_while_a_tool_works_for_long_the_lines_end_before_the_caller_tires_of_them(
    virtual_time: VirtualTime,
) -> None:
    class Slow:
        spec = ToolSpec("ticket", "slow", {"type": "object"})
        action = None

        async def use(self, use: ToolUse) -> str:
            await asyncio.sleep(20.0)
            return "Ticket 1 is open."

    model = ScriptedClient(reply="It is written down.", tool_calls=(ToolCall("c", "ticket", "{}"),))
    async with a_brain(model) as brain:
        call = await brain.calls.pick_up(CallId("c1"), Door.CHAT)
        call.agent, call.tools = an_agent(tools=("ticket",)), {"ticket": Slow()}
        chunks = await chunks_of(await brain.calls.hear(call, an_utterance(), a_deadline(reply_s=60.0)))

    lines = [chunk.text for chunk in chunks if chunk.kind is ChunkKind.FILLER]
    assert lines == ["One moment.", STILL_AT_IT]
    assert chunks[-1].text == "It is written down."
