"""A route whose template opens the thought itself: its first reply teaches that, later ones are held."""

from __future__ import annotations

import pytest

from tests.builders import a_deadline, a_prompt, a_route
from tests.conftest import VirtualTime
from voice.models.scripted import ScriptedClient
from voice.routing.table import Route
from voice.routing.thinking import Thinking
from voice.turn.draft import begin
from voice.types import Finish, Outcome, Prompt, Why

THOUGHT = "They want to know when rent is due. It is the first. "
ANSWER = "Rent is due on the first."
REPLY = f"{THOUGHT}</think>\n{ANSWER}"


def a_thinker(*, is_set: bool = False) -> Route:
    route = a_route(ScriptedClient("thinker"))
    route.thinking = Thinking(is_set)
    return route


def said(route: Route, reply: str, finish: Finish | None = None, so_far: str = "") -> list[str]:
    """What one reply of a route would have the caller hear."""
    draft = begin(route, Why.FIRST, Prompt(a_prompt().messages, so_far=so_far), a_deadline())
    for word in reply.split(" "):
        draft.hear(f"{word} ")
    draft.end(finish or Finish("stop"))
    draft.close(Outcome.WON)
    return [chunk.text for chunk in draft.ready]


async def test_the_replies_behind_the_first_one_are_held_until_the_thought_ends(
    virtual_time: VirtualTime,
) -> None:
    route = a_thinker()

    first, later = said(route, REPLY), said(route, REPLY)

    assert first[-1] == ANSWER
    assert len(first) > 1
    assert later == [ANSWER]


async def test_the_settings_spare_the_first_caller_the_lesson(virtual_time: VirtualTime) -> None:
    assert said(a_thinker(is_set=True), REPLY) == [ANSWER]


async def test_a_thought_that_the_reply_has_opened_teaches_nothing(virtual_time: VirtualTime) -> None:
    route = a_thinker()

    said(route, f"<think>{THOUGHT}</think>{ANSWER}")
    said(route, f"</think>{ANSWER}")

    assert not route.thinking.is_on


@pytest.mark.parametrize("is_set", [False, True])
async def test_a_reply_without_a_thought_is_said_when_it_has_ended(
    virtual_time: VirtualTime, *, is_set: bool
) -> None:
    route = a_thinker(is_set=is_set)
    said(route, REPLY)

    plain = said(route, f"{ANSWER} Anything else?")

    assert plain == [ANSWER, "Anything else?"]
    assert route.thinking.is_on is is_set  # what was learned is forgotten, what is set stays


@pytest.mark.parametrize("finish", [Finish("length"), Finish("stop", is_told=False)])
async def test_a_thought_that_was_cut_off_is_not_said(virtual_time: VirtualTime, finish: Finish) -> None:
    route = a_thinker(is_set=True)

    assert said(route, THOUGHT, finish) == []


async def test_a_thought_whose_stream_broke_is_not_said(virtual_time: VirtualTime) -> None:
    draft = begin(a_thinker(is_set=True), Why.FIRST, Prompt(a_prompt().messages), a_deadline())

    draft.hear(THOUGHT)

    assert not draft.written.keep_whole()
    assert not draft.flush()


async def test_who_goes_on_for_another_route_is_not_held(virtual_time: VirtualTime) -> None:
    route = a_thinker(is_set=True)

    assert said(route, "and late on the fifth.", so_far="Rent is due on the first,") == [
        "and late on the fifth."
    ]
