"""The streaming road stays lean: how many calls of our own functions a healthy turn makes.

Counted, not timed: the count is the same on every machine. A call costs 0.1 to 0.3 µs by itself and about
0.5 µs with what it does, and of a paced turn's thirty words each goes this way by itself, so one more call
for each word is 1 % of a turn. Figures: docs/performance.md, "The streaming road".
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

import pytest

from tests.conftest import VirtualTime
from tests.handlers.house import Visitor, a_house, a_request, said_in
from tests.voice.models.openai_host import delta
from voice.models.completion import CompletionReader
from voice.models.http import Host
from voice.models.scripted import ScriptedClient

ROOT = Path(__file__).parents[2]
OWN = (str(ROOT / "voice"), str(ROOT / "handlers"))
STAGE = (str(ROOT / "voice" / "simulate"), str(ROOT / "voice" / "models" / "scripted.py"))  # the test's own
PATH = "/vapi/chat/completions"
SENTENCE = "We have a table for two people on Friday at seven thirty by the window. "
OTHER = "Somebody from our kitchen will call you back before noon about all your other wishes. "
WORDS = len(SENTENCE.split())

# What is counted, and a limit above it. Whoever needs more takes something else out of the road, or shows in
# docs/performance.md what the caller has of it.
MOST_PER_TURN = 900  # 824: a reply of fifteen words, from the request to its last frame, its record included
MOST_PER_WORD = 14  # 13.2: of a sentence more, what its chunk costs included
MOST_PER_EVENT = 6  # 5.7: from the bytes of a model's event to its words


class Count:
    """The calls of our own functions while it is on."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, frame: FrameType, event: str, _: object) -> None:
        file = frame.f_code.co_filename
        if event == "call" and file.startswith(OWN) and not file.startswith(STAGE):
            self.calls += 1


@contextmanager
def counting() -> Iterator[Count]:
    count, before = Count(), sys.getprofile()
    sys.setprofile(count)
    try:
        yield count
    finally:
        sys.setprofile(before)


async def calls_of_a_turn(reply: str) -> int:
    """How many calls one turn makes, in a house in which everything has been used before."""
    async with a_house(ScriptedClient(reply=reply, first_s=0.15, every_s=0.015)) as house:
        for _ in range(3):
            await Visitor(house.app).post(PATH, a_request("Is there a table?", call=None))
        visitor = Visitor(house.app)
        with counting() as count:
            await visitor.post(PATH, a_request("Is there a table?", call=None))
    assert said_in(visitor.text) == reply.strip()
    return count.calls


async def test_a_healthy_turn_makes_few_calls(virtual_time: VirtualTime) -> None:
    assert await calls_of_a_turn(SENTENCE) <= MOST_PER_TURN


async def test_a_word_more_makes_few_calls_more(virtual_time: VirtualTime) -> None:
    short, long = await calls_of_a_turn(SENTENCE), await calls_of_a_turn(SENTENCE + OTHER)

    assert (long - short) / len(OTHER.split()) <= MOST_PER_WORD


def test_an_event_of_the_model_makes_few_calls() -> None:
    events = [delta(f"{word} ") for word in SENTENCE.split()]
    reader = CompletionReader(Host("llm"), lambda _: None)
    reader.feed(delta(role="assistant"))

    with counting() as count:
        for event in events:
            reader.feed(event)

    assert count.calls / len(events) <= MOST_PER_EVENT


@pytest.mark.parametrize("waste", [0, 1])
def test_the_count_tells_one_call_more_for_each_word(waste: int) -> None:
    """Were it blind, the limits above would hold whatever is added."""
    heard: list[str] = []
    plain = CompletionReader(Host("llm"), heard.append)
    other = CompletionReader(Host("llm"), plain._spoken.feed if waste else heard.append)  # type: ignore[arg-type]  # any function of ours
    counts = []
    for reader in (plain, other):
        with counting() as count:
            for word in SENTENCE.split():
                reader.feed(delta(f"{word} "))
        counts.append(count.calls)

    assert counts[1] - counts[0] == waste * WORDS
