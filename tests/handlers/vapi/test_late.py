"""Requests of one turn that overtake each other: the older one never stops the answer to the newer."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.handlers.house import CALL_ID, House, Watched, a_house, a_request, said_in
from voice.models.scripted import ScriptedClient
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.types import CallId, Ending

PATH = "/vapi/chat/completions"
COUNTED = {"numAssistantTurns": 1, "numUserTurns": 1}
WHOLE = "I need a plumber tomorrow morning."


def asked(said: str) -> dict[str, Any]:
    return a_request(said, metadata=COUNTED)


LATE = [
    (asked(WHOLE), asked("I need a")),
    (asked(WHOLE), asked("i need a plumber,")),  # spelt otherwise
    (a_request(WHOLE), a_request("I need a")),  # nothing is counted, as often as the caller has spoken
]


@pytest.mark.parametrize(("newer", "older"), LATE)
async def test_an_older_request_that_arrives_late_joins_the_turn_that_knows_more(
    newer: dict[str, Any], older: dict[str, Any]
) -> None:
    model = Watched(reply="At nine, then.", first_s=0.05)

    async with a_house(model) as house:
        running = asyncio.create_task(house.http.post(PATH, json=newer))
        await model.begun.wait()
        late = await house.http.post(PATH, json=older)
        answer = await running
        after = await house.http.post(PATH, json=older)
        call = house.brain.calls.get(CALL_ID)

    assert [said_in(one.text) for one in (answer, late, after)] == ["At nine, then."] * 3
    assert len(model.asked) == 1
    assert call is not None
    assert [(turn.said, turn.ending) for turn in call.thread.turns] == [(WHOLE, Ending.ANSWERED)]


NEWER = [
    (asked("I need a"), asked(WHOLE)),
    (asked("I need a llama"), asked("I need a plumber")),
    (asked("Yes."), a_request("Yes.", "Yes", metadata={"numAssistantTurns": 2, "numUserTurns": 2})),
]


@pytest.mark.parametrize(("older", "newer"), NEWER)
async def test_what_the_caller_has_said_since_takes_over(
    older: dict[str, Any], newer: dict[str, Any]
) -> None:
    model = ScriptedClient(reply=["First.", "Second."])

    async with a_house(model) as house:
        await house.http.post(PATH, json=older)
        answer = await house.http.post(PATH, json=newer)

    assert said_in(answer.text) == "Second."


FIRST, NEXT = "Hello, the sink leaks in my kitchen.", "It is in unit four B on the left."
NEWEST = a_request(FIRST, NEXT, metadata={"numAssistantTurns": 2, "numUserTurns": 2}, timestamp=2_000)


def earlier(said: str, **changes: Any) -> dict[str, Any]:
    return asked(said) | {"timestamp": 1_000} | changes


KNOWN = "All right."  # what the newest request says was answered to the first words
EARLIER = [
    (earlier("Hello, the sink"), KNOWN),
    (earlier(FIRST), KNOWN),
    (earlier("hello the SINK", timestamp=2_001), KNOWN),  # the clock alone would take it for the newer one
    (earlier("Hello, the sink", timestamp=None), KNOWN),
    (earlier("Yellow, the think leaks."), ""),  # transcribed differently: only the clock tells
]


async def two_at_once(house: House, model: Watched, late: dict[str, Any]) -> tuple[str, str]:
    """What the newest request is answered, and another that comes while that is being spoken."""
    running = asyncio.create_task(house.http.post(PATH, json=NEWEST))
    await model.begun.wait()
    older = await house.http.post(PATH, json=late)
    return said_in((await running).text), said_in(older.text)


@pytest.mark.parametrize(("late", "given"), EARLIER)
async def test_a_late_request_of_an_earlier_utterance_stops_nothing_and_leaves_no_turn(
    late: dict[str, Any], given: str
) -> None:
    model = Watched(reply=["At nine, then.", "An answer to stale words."], first_s=0.05)

    async with a_house(model) as house:
        answers = await two_at_once(house, model, late)
        call = house.brain.calls.get(CALL_ID)

    assert answers == ("At nine, then.", given)
    assert len(model.asked) == 1
    assert call is not None
    assert [(turn.said, turn.ending) for turn in call.thread.turns] == [
        (FIRST, Ending.ANSWERED),
        (NEXT, Ending.ANSWERED),
    ]


async def test_a_late_request_of_an_utterance_that_was_answered_gets_that_answer() -> None:
    model = Watched(reply=["Which unit?", "At nine, then."], first_s=0.05)

    async with a_house(model) as house:
        await house.http.post(PATH, json=earlier(FIRST))
        model.begun.clear()
        answers = await two_at_once(house, model, earlier("Hello, the sink"))

    assert answers == ("At nine, then.", "Which unit?")


MENDED = [  # their platform counts less than before, and yet they are new
    earlier(f"{FIRST} In the flat of my aunt.", timestamp=None),
    earlier("No, the bath.", timestamp=3_000),
]


@pytest.mark.parametrize("mended", MENDED)
async def test_words_that_no_request_has_shown_are_answered_though_the_counters_are_smaller(
    mended: dict[str, Any],
) -> None:
    model = ScriptedClient(reply=["First.", "Second."])

    async with a_house(model) as house:
        await house.http.post(PATH, json=NEWEST)
        answer = await house.http.post(PATH, json=mended)

    assert said_in(answer.text) == "Second."


class Quickening(MemoryStore):
    """A store that takes its time for the first question only."""

    is_slow = True

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        if self.is_slow:
            self.is_slow = False
            await asyncio.sleep(0.05)
        return await super().find(call_id, with_notes=with_notes)


async def test_requests_that_wait_for_the_store_begin_in_the_order_in_which_they_came() -> None:
    model = ScriptedClient(reply="At nine, then.")
    misheard = asked("Yellow, the think leaks.")

    async with a_house(model, store=Quickening()) as house:
        async with asyncio.TaskGroup() as group:
            for body in (misheard, NEWEST | {"timestamp": None}):
                group.create_task(house.http.post(PATH, json=body))
                await asyncio.sleep(0.01)
        call = house.brain.calls.get(CALL_ID)

    assert call is not None
    newest = call.thread.turns[-1]
    assert (newest.said, newest.ending) == (NEXT, Ending.ANSWERED)
