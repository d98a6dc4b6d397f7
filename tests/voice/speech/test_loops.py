"""A reply in circles is noticed soon; how people talk is left alone."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voice.speech.chunk import Chunker
from voice.speech.loops import LONGEST, LOOK_CHARS, Loops
from voice.training.dialogues import dialogue

VOCABULARY = ("we", "will", "send", "a", "plumber", "today", "please", "tell", "me", "your", "unit", "and")


def noticed_after(text: str) -> int | None:
    """After how many words a text that is written word by word is taken for a circle; None: never."""
    loops = Loops()
    for count, word in enumerate(text.split(), start=1):
        if loops.hears_one(f"{word} "):
            return count
    return None


@pytest.mark.parametrize(
    "text",
    [
        "No problem, no problem, we are on our way.",
        "Call nine one one. I repeat: nine one one. Nine one one!",
        "That is very, very, very kind of you.",
        "No, no, no, no, that is not what I meant.",
        "Your number is five five five, five five five, five five five five.",
        "So that is 2 2 2 2 2 2 2 2 2 2 2, right?",
        "Monday nine to five, Tuesday nine to five, Wednesday nine to five, Thursday nine to five.",
        "Step by step by step.",
    ],
)
def test_what_people_say_twice_is_no_circle(text: str) -> None:
    assert noticed_after(text) is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("and the man " * 50, 9),
        ("we will send a plumber today and " * 50, 21),
        ("the " * 50, 6),
        ("so sorry " * 50, 12),
        ("one two three " * 50, 36),  # digits may go on for longer
    ],
)
def test_a_circle_is_noticed_half_a_line_after_it_has_closed(text: str, words: int) -> None:
    noticed = noticed_after(text)

    assert noticed is not None
    closed, late = (len(" ".join(text.split()[:count])) for count in (words, noticed))
    assert closed <= late <= closed + LOOK_CHARS + 1


@given(
    st.lists(st.sampled_from(VOCABULARY), min_size=3, max_size=LONGEST),
    st.lists(st.sampled_from(VOCABULARY), max_size=30),
    st.data(),
)
def test_a_phrase_is_heard_three_times_at_most_however_it_comes(
    phrase: list[str], before: list[str], data: st.DataObject
) -> None:
    text = " ".join([*before, *phrase * 3, "and whatever is written in the next half of a line"])
    size = data.draw(st.integers(1, 12))
    loops = Loops()

    assert any(loops.hears_one(text[at : at + size]) for at in range(0, len(text), size))


@given(st.lists(st.sampled_from(VOCABULARY), min_size=3, max_size=LONGEST, unique=True))
def test_two_rounds_are_no_circle(phrase: list[str]) -> None:
    assume(noticed_after(" ".join(phrase)) is None)

    assert noticed_after(" ".join(phrase * 2)) is None


@pytest.mark.parametrize("seed", range(3))
def test_no_reply_of_the_dialogues_is_taken_for_a_circle(seed: int) -> None:
    replies = [
        line.text
        for row in range(60)
        for place in range(3)
        for line in dialogue(seed, row, place).lines
        if line.who == "assistant"
    ]

    assert len(replies) > 300
    for reply in replies:
        loops, chunker = Loops(), Chunker()
        assert not any(loops.hears_one(f"{word} ") for word in reply.split()), reply
        assert not any(loops.repeats(chunk.text) for chunk in [*chunker.feed(reply), *chunker.end()]), reply


def test_a_sentence_is_not_said_twice() -> None:
    loops = Loops()

    assert not loops.repeats("We will send a plumber today.")
    assert not loops.repeats("Is noon fine?")
    assert loops.repeats("We will send a plumber today!")


def test_a_short_sentence_may_be_said_again() -> None:
    loops = Loops()

    assert not loops.repeats("Thank you.")
    assert not loops.repeats("Thank you.")
