"""Numbered words: whatever becomes of a reply can be told from what was heard of it."""

from __future__ import annotations

import pytest

from voice.cli.bench.words import MAX_WORDS, REPLIES, Faults, tokens, words_in
from voice.speech.chunk import Chunker

COUNT = 30


def heard(*said: str, number: int = 3) -> Faults:
    return words_in(" ".join(said), number).faults(COUNT)


def test_a_whole_reply_has_no_fault() -> None:
    assert not heard("".join(tokens(3, COUNT)))


def test_the_words_of_all_replies_differ() -> None:
    words = [token.strip(" .,").lower() for reply in range(REPLIES) for token in tokens(reply, 200)]

    assert len(set(words)) == len(words)


def test_a_word_that_is_missing_is_lost() -> None:
    pieces = tokens(3, COUNT)

    assert heard(*pieces[:7], *pieces[9:]) == Faults(lost=2)


def test_a_word_that_comes_twice_is_doubled() -> None:
    pieces = tokens(3, COUNT)

    assert heard(*pieces, pieces[4]) == Faults(doubled=1)


def test_words_in_another_order_are_reordered() -> None:
    first, second, *others = tokens(3, COUNT)

    assert heard(second, first, *others) == Faults(reordered=1)


def test_the_words_of_another_call_are_crossed() -> None:
    assert heard(*tokens(3, COUNT), tokens(4, COUNT)[5]) == Faults(crossed=1)


def test_a_reply_that_something_else_took_the_place_of_has_lost_nothing() -> None:
    words = words_in("I'm sorry, could you say that again?", 3)

    assert words.others == 8  # I, m, sorry, could, you, say, that, again
    assert not words.faults(COUNT)


@pytest.mark.parametrize("count", [1, 20, 30])
@pytest.mark.parametrize("reply", range(REPLIES))
def test_what_makes_text_speakable_leaves_them_as_they_were_written(reply: int, count: int) -> None:
    chunker = Chunker()
    chunks = [chunk for piece in tokens(reply, count) for chunk in chunker.feed(piece)] + chunker.end()

    words = words_in(" ".join(chunk.text for chunk in chunks), reply)

    assert (words.own, words.crossed, words.others) == (tuple(range(count)), 0, 0)


def test_the_first_word_may_be_said_at_once() -> None:
    assert Chunker().feed(tokens(0, COUNT)[0])


def test_the_last_word_that_can_be_numbered_is_read_again() -> None:
    assert words_in(tokens(0, MAX_WORDS)[-1], 0).own == (MAX_WORDS - 1,)
