"""How much of a reply was heard, by what Twilio tells of it."""

from __future__ import annotations

import asyncio

import pytest

from handlers.relay.talk import Talk
from tests.builders import a_turn
from tests.conftest import VirtualTime

REPLY = "I can help with that. Which unit are you in? I can send somebody tomorrow at nine."


def a_talk(*pieces: str, spoken: str = REPLY, filler: str = "") -> Talk:
    talk = Talk()
    talk.begin(a_turn(spoken=spoken))
    if filler:
        talk.add(filler, is_reply=False)
    for piece in pieces or (REPLY,):
        talk.add(piece)
    return talk


@pytest.mark.parametrize(
    ("told", "heard"),
    [
        ("I can help", "I can help"),
        ("i CAN help!", "I can help"),
        ("I can help with that. Which un", "I can help with that. Which unit"),
        ("Which unit are", "I can help with that. Which unit are"),
        ("Hm, which unit are", "I can help with that. Which unit are"),
        ("tomorrow at nine.", None),
        (REPLY, None),
        ("I", "I"),
    ],
)
async def test_the_words_before_an_interruption_say_how_far_it_was_heard(
    virtual_time: VirtualTime, told: str, heard: str | None
) -> None:
    assert a_talk().heard(told) == heard


async def test_words_that_stand_twice_are_looked_for_where_the_voice_must_be(
    virtual_time: VirtualTime,
) -> None:
    talk = a_talk()

    early = talk.heard("I can")
    await asyncio.sleep(3.6)
    late = talk.heard("I can")

    assert (early, late) == ("I can", "I can help with that. Which unit are you in? I can")


async def test_words_that_were_never_sent_leave_it_to_the_clock(virtual_time: VirtualTime) -> None:
    talk = a_talk()
    await asyncio.sleep(0.4 + 10 / 15)

    assert talk.heard("something else entirely") == "I can help"


@pytest.mark.parametrize(
    "reports",
    [
        ["I can help", "I can help with that. Which"],  # all so far
        ["I can help", "with that. Which"],  # the newest
        ["I can help", "", "no such words", "with that. Which"],
        ["with that. Which"],  # the first one was lost
        ["I can help with that. Which", "I can"],  # out of order
    ],
)
async def test_words_played_are_counted_however_they_are_told(
    virtual_time: VirtualTime, reports: list[str]
) -> None:
    talk = a_talk()

    for told in reports:
        talk.played(told)

    assert talk.heard() == "I can help with that. Which"


async def test_a_filler_is_no_part_of_the_reply(virtual_time: VirtualTime) -> None:
    talk = a_talk(filler="One moment please.")

    talk.played("One moment please. I can")

    assert talk.heard() == "I can"


async def test_an_answer_begins_when_it_cuts_the_filler(virtual_time: VirtualTime) -> None:
    talk = Talk()
    talk.begin(a_turn(spoken=REPLY))
    talk.add("One moment please, I am looking that up for you right now.", is_reply=False)
    await asyncio.sleep(1.0)
    talk.add(REPLY)
    await asyncio.sleep(0.4 + 10 / 15)

    assert talk.heard() == "I can help"


async def test_nothing_was_heard_of_what_has_just_left(virtual_time: VirtualTime) -> None:
    assert a_talk().heard() == ""


async def test_all_was_heard_when_the_voice_must_have_ended(virtual_time: VirtualTime) -> None:
    talk = a_talk()
    await asyncio.sleep(len(REPLY) / 15 + 0.4)

    assert talk.heard() is None


async def test_how_long_the_agent_spoke_is_believed_where_no_words_are_told(
    virtual_time: VirtualTime,
) -> None:
    talk = a_talk()
    await asyncio.sleep(9.0)

    assert talk.heard("", spoke_s=10 / 15) == "I can help"
