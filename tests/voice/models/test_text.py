"""Thoughts are left out of a reply, wherever it is cut; a reply that does not end is ended."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import a_prompt
from voice.errors import ReplyBroken
from voice.models.text import Spoken, bounded


def spoken(*pieces: str) -> str:
    reader = Spoken()
    return "".join(reader.feed(piece) for piece in pieces) + reader.end()


CASES = [
    ("Which unit?", "Which unit?"),
    ("<think>Hm.</think>Which unit?", "Which unit?"),
    ("Which <thinking>a < b\n</thinking>unit?", "Which unit?"),
    ("<THINK>a</THINK>Which <reasoning>b</reasoning>unit?", "Which unit?"),
    ("Which unit?<think>and what", "Which unit?"),
    ("Hm.</think>Which unit?", "Hm.</think>Which unit?"),  # the template had opened the thought
    ("3 < 4 <b>bold</b> <thi", "3 < 4 <b>bold</b> <thi"),
]


@pytest.mark.parametrize(("text", "words"), CASES)
def test_thoughts_are_left_out(text: str, words: str) -> None:
    assert spoken(text) == words
    assert spoken(*text) == words  # letter by letter


@given(st.sampled_from(CASES), st.lists(st.integers(0, 60), max_size=6))
def test_thoughts_are_left_out_wherever_they_are_cut(case: tuple[str, str], cuts: list[int]) -> None:
    text, words = case
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]

    assert spoken(*(text[begin:end] for begin, end in pairwise(places))) == words


def test_words_that_are_no_tag_wait_for_nothing() -> None:
    assert Spoken().feed("Which unit, ") == "Which unit, "


def test_a_long_thought_is_not_kept() -> None:
    reader = Spoken()
    for _ in range(1000):
        assert reader.feed("<think>" + "x" * 1000) == ""

    assert len(vars(reader)["_open"]) < 20


def test_a_listener_of_an_endless_reply_is_given_far_more_than_was_asked_for_and_then_no_more() -> None:
    heard: list[str] = []
    hear = bounded(heard.append, a_prompt(), "llm")

    for _ in range(400):
        hear("and then. ")

    with pytest.raises(ReplyBroken, match="route 'llm' does not stop writing"):
        hear("and then. ")
    assert len("".join(heard)) == 4000
