"""Where one writer goes on behind another: the caller hears one sentence, once."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from voice.turn.seam import BegunAgain, Seam
from voice.types import words

HEARD = "I am sorry to hear that,"
WORDS = ("water", "unit", "plumber", "today", "key", "rent", "that's", "four")
OTHERS = ("heater", "noise", "window", "office", "parking", "viewing", "Tuesday", "morning")


def joined(so_far: str, told: str, cuts: list[int] | None = None) -> str:
    """What goes on behind `so_far` when `told` comes in pieces, cut at these places."""
    seam = Seam(so_far)
    places = sorted({0, len(told), *(cut for cut in cuts or [] if cut < len(told))})
    return "".join([*(seam.feed(told[begin:end]) for begin, end in pairwise(places)), seam.end()])


@st.composite
def beginnings(draw: st.DrawFn) -> str:
    """What a caller has heard: a clause without a word twice, its marks anywhere."""
    some = draw(st.lists(st.sampled_from(WORDS), min_size=4, unique=True))
    marks = draw(st.lists(st.sampled_from(("", "", ",", ";", " –")), min_size=len(some), max_size=len(some)))
    return " ".join(word + mark for word, mark in zip(some, marks, strict=True))


rests = st.lists(st.sampled_from(OTHERS), min_size=1, max_size=6).map(" ".join)
cuts = st.lists(st.integers(1, 120), max_size=20)


@pytest.mark.parametrize(
    ("told", "goes_on"),
    [
        ("which unit is it?", "which unit is it?"),
        ("that, which unit is it?", "which unit is it?"),
        ("that which unit is it?", "which unit is it?"),
        ("to hear that. Which unit is it?", "Which unit is it?"),
        ("I am sorry to hear that, which unit is it?", "which unit is it?"),
        ("i AM sorry to hear THAT – which unit is it?", "which unit is it?"),
        (" that, which unit is it?", "which unit is it?"),
        (", which unit is it?", "which unit is it?"),
        ("that, $5 is all.", "$5 is all."),
        ("I am sorry to hear that,", ""),
        (",", ""),
        ("", ""),
    ],
)
def test_words_that_both_wrote_are_said_once(told: str, goes_on: str) -> None:
    assert joined(HEARD, told) == goes_on


def test_digits_that_follow_each_other_are_no_repetition() -> None:
    assert joined("Please call nine one", "one now.") == "one now."
    assert joined("Your code is 4 7", "7 2.") == "7 2."
    assert joined("Please call nine one", "nine one one now.") == "one now."


def test_a_new_sentence_may_begin_with_the_last_words_of_the_one_before() -> None:
    assert joined("We will send a plumber.", "A plumber comes at noon.") == "A plumber comes at noon."
    assert joined("We will send a plumber.", "a plumber. He comes at noon.") == "He comes at noon."
    assert joined("Sure.", "Sure, I can help.") == "I can help."


def test_who_begins_a_reply_of_their_own_is_not_joined() -> None:
    with pytest.raises(BegunAgain):
        joined(HEARD, "I am sorry for the trouble.")


def test_a_new_reply_is_known_by_its_first_words() -> None:
    seam = Seam(HEARD)

    assert seam.feed("I am sorry ") == ""
    with pytest.raises(BegunAgain):
        seam.feed("for ")


def test_nothing_is_held_back_once_it_is_clear_what_is_new() -> None:
    seam = Seam(HEARD)

    assert [seam.feed(piece) for piece in ("that", ", ", "which ", "unit")] == ["", "", "which ", "unit"]


@given(beginnings(), rests, st.integers(0, 8), cuts)
def test_however_much_is_told_again_in_whatever_pieces_the_caller_hears_it_once(
    so_far: str, rest: str, repeated: int, cuts: list[int]
) -> None:
    heard = so_far.split()
    again = " ".join(heard[-repeated:]) if repeated else ""
    assume(words(again)[:1] != ["four"] or len(words(again)) > 1)  # one number may stand twice

    result = joined(so_far, f"{again} {rest}".strip(), cuts)

    assert words(f"{so_far} {result}") == words(f"{so_far} {rest}")


@given(beginnings(), rests, cuts)
def test_what_shares_nothing_with_the_beginning_goes_on_unchanged(
    so_far: str, rest: str, cuts: list[int]
) -> None:
    assert joined(so_far, f"{rest}.", cuts) == f"{rest}."


@given(st.text(max_size=60), st.text(max_size=60), cuts)
def test_it_makes_no_difference_how_a_text_is_cut_into_pieces(
    so_far: str, told: str, cuts: list[int]
) -> None:
    def outcome(cuts: list[int]) -> str | None:
        try:
            return joined(so_far, told, cuts)
        except BegunAgain:
            return None

    assert outcome(cuts) == outcome(list(range(len(told))))
