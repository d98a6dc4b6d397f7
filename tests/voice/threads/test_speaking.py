"""How much of a reply was heard, where only the clock can tell."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_turn
from voice.threads.speaking import BEGINS_AFTER_S, CHARS_PER_S, began_to_speak_at, heard_until
from voice.types import Chunk, ChunkKind, Turn

SENTENCES = ("I am sorry to hear that.", "Which unit are you in?", "Somebody will come today.")


def spoken(*chunks: tuple[float, str], filler: tuple[float, str] | None = None) -> Turn:
    """A turn whose chunks left at these seconds after the utterance."""
    turn = a_turn(spoken="", sent="")
    if filler is not None:
        turn.add(Chunk(filler[1], "", ChunkKind.FILLER), filler[0] * 1000)
    for at_s, text in chunks:
        turn.add(Chunk(text, text), at_s * 1000)
    return turn


def takes_s(text: str) -> float:
    return len(text) / CHARS_PER_S


def test_a_caller_who_waits_has_heard_everything() -> None:
    assert heard_until(spoken((0.5, SENTENCES[0])), 10.0) is None


def test_a_caller_who_speaks_at_the_first_sound_has_heard_nothing() -> None:
    assert heard_until(spoken((0.5, " ".join(SENTENCES))), 0.6) == ""


@pytest.mark.parametrize("after_s", [-3.0, 0.0, 0.5])
def test_nobody_speaks_over_what_has_not_been_said_yet(after_s: float) -> None:
    assert heard_until(spoken((0.5, " ".join(SENTENCES))), after_s) is None


def test_a_reply_is_cut_behind_the_word_that_was_begun() -> None:
    turn = spoken((0.0, " ".join(SENTENCES)))

    assert heard_until(turn, BEGINS_AFTER_S + takes_s("I am sorry to hea")) == "I am sorry to hear"


def test_of_a_chunk_that_had_not_begun_no_word_was_heard() -> None:
    turn = spoken((0.0, SENTENCES[0]), (5.0, SENTENCES[1]))

    assert heard_until(turn, 4.0) == SENTENCES[0]


def test_chunks_are_spoken_one_after_the_other_though_they_leave_together() -> None:
    turn = spoken((0.0, SENTENCES[0]), (0.1, SENTENCES[1]), (0.1, SENTENCES[2]))

    heard = heard_until(turn, BEGINS_AFTER_S + takes_s(SENTENCES[0]) + takes_s("Which un"))

    assert heard == "I am sorry to hear that. Which unit"


def test_a_filler_takes_its_time_and_is_no_part_of_the_reply() -> None:
    filler = "One moment, let me look into that."
    turn = spoken((0.1, " ".join(SENTENCES)), filler=(0.0, filler))

    assert heard_until(turn, BEGINS_AFTER_S + takes_s(filler) - 0.1) == ""
    assert heard_until(turn, BEGINS_AFTER_S + takes_s(filler) + takes_s("I am")) == "I am"


def test_a_reply_whose_last_word_was_begun_was_heard_whole() -> None:
    turn = spoken((0.0, "Good morning Llanfairpwllgwyngyllgogerychwyrndrobwll"))

    assert heard_until(turn, BEGINS_AFTER_S + takes_s("Good morning Llan")) is None


def test_a_turn_without_a_word_cannot_be_cut() -> None:
    assert heard_until(spoken(), 0.0) is None


def test_a_long_utterance_began_long_before_it_reached_us() -> None:
    assert began_to_speak_at(100.0, "x" * 30) == pytest.approx(100.0 - 0.8 - 2.0)


pauses = st.lists(st.floats(0.0, 3.0), min_size=3, max_size=3)


@given(pauses, st.floats(0.01, 12.0), st.floats(0.01, 12.0))
def test_the_longer_a_caller_waits_the_more_was_heard(pauses: list[float], one: float, other: float) -> None:
    at = [sum(pauses[1 : count + 1]) for count in range(3)]
    turn = spoken(*zip(at, SENTENCES, strict=True))

    def heard(after_s: float) -> str:
        part = heard_until(turn, after_s)
        return turn.spoken if part is None else part

    sooner, later = heard(min(one, other)), heard(max(one, other))

    assert later.startswith(sooner)
    assert turn.spoken.startswith(later)
    assert not sooner or (turn.spoken + " ")[len(sooner)] == " "
