"""Where a call goes on whose socket was lost, by what its thread holds."""

from __future__ import annotations

import pytest

from handlers.relay.broken import Nothing, Rest, Unanswered, Undone, first_words, unheard, where_it_broke
from tests.builders import a_turn
from tests.conftest import VirtualTime
from tests.handlers.relay_line import greeted
from tests.handlers.twilio_door import a_door
from voice.call import Call
from voice.models.scripted import ScriptedClient
from voice.turn.own import own_line
from voice.types import Action, Aside, Chunk, ChunkKind, Effect, Ending, Turn

REPLY = "I can help. Which unit are you in?"


async def found(*turns: Turn) -> tuple[Call, Rest | Unanswered | Undone | Nothing]:
    async with a_door(ScriptedClient()) as door:
        call = await greeted(door)
        call.thread.turns.extend(turns)
        return call, where_it_broke(call)


async def test_a_call_without_a_turn_is_greeted_again(virtual_time: VirtualTime) -> None:
    call, goes_on = await found()

    assert goes_on == Nothing(own_line(call.agent, call.agent.greeting))


@pytest.mark.parametrize("ending", [Ending.HUNG_UP, Ending.INTERRUPTED])
async def test_words_without_an_answer_are_answered(virtual_time: VirtualTime, ending: Ending) -> None:
    _, goes_on = await found(a_turn("My sink leaks.", "", ending=ending))

    assert goes_on == Unanswered("My sink leaks.")


async def test_a_reply_is_said_on_behind_what_was_heard(virtual_time: VirtualTime) -> None:
    _, goes_on = await found(a_turn(spoken=REPLY, heard="I can help. Which"))

    assert isinstance(goes_on, Rest)
    assert (goes_on.heard, goes_on.then) == ("I can help. Which", None)


async def test_a_reply_that_the_caller_has_cut_off_is_not_said_on(virtual_time: VirtualTime) -> None:
    call, goes_on = await found(a_turn(spoken=REPLY, heard="I can", ending=Ending.INTERRUPTED))

    assert goes_on == Nothing(own_line(call.agent, call.agent.fallbacks[0]))


@pytest.mark.parametrize("action", [Action.TRANSFER, Action.END_CALL])
async def test_who_was_promised_a_person_before_the_loss_is_put_through(
    virtual_time: VirtualTime, action: Action
) -> None:
    turn = a_turn(spoken=REPLY, heard=None)
    turn.effect = Effect(action, "+12125550142")
    _, goes_on = await found(turn)

    assert goes_on == Undone(turn)


async def test_who_has_come_back_from_a_person_is_not_put_through_again(virtual_time: VirtualTime) -> None:
    turn = a_turn(spoken=REPLY, heard=None, asides=(Aside("Nobody is free just now.", len(REPLY)),))
    turn.effect = Effect(Action.TRANSFER, "+12125550142")
    call, goes_on = await found(turn)

    assert goes_on == Nothing(own_line(call.agent, call.agent.fallbacks[0]))


async def test_a_reply_that_nobody_can_finish_ends_in_a_question(virtual_time: VirtualTime) -> None:
    call, goes_on = await found(a_turn(spoken="I can help with", heard="I can", ending=Ending.HUNG_UP))

    assert isinstance(goes_on, Rest)
    assert goes_on.then is not None
    assert goes_on.then.text == call.agent.breaks_off


async def test_the_line_that_brought_a_caller_back_is_known(virtual_time: VirtualTime) -> None:
    line = "Nobody is free just now."
    call, _ = await found(a_turn(spoken=REPLY, asides=(Aside(line, len(REPLY)),)))

    assert first_words(call) == line


@pytest.mark.parametrize(
    ("chunk", "heard", "left", "further"),
    [
        ("Which unit?", "", "Which unit?", ""),
        ("Which unit?", "Which", "unit?", ""),
        ("Which unit?", "Which unit", None, ""),
        ("Which unit?", "Which unit? Are you", None, "Are you"),
        ("Which unit?", "something else", "Which unit?", ""),
    ],
)
def test_a_piece_is_said_as_far_as_it_was_not_heard(
    chunk: str, heard: str, left: str | None, further: str
) -> None:
    part, behind = unheard(Chunk(chunk, chunk), heard)

    assert (part.text if part else None, behind) == (left, further)


def test_a_filler_is_not_said_twice() -> None:
    filler = Chunk("One moment.", "", ChunkKind.FILLER)

    assert unheard(filler, "Which") == (None, "Which")
