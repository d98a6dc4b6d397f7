"""Words that prove who wrote them."""

from __future__ import annotations

import pytest

from voice.simulate.marked import length, order_in, others, read, word, written


@pytest.mark.parametrize(("request_number", "place"), [(1, 0), (7, 31), (12345, 4899)])
def test_a_word_tells_its_request_and_its_place(request_number: int, place: int) -> None:
    assert read(f"So {word(request_number, place)}, then.") == [(request_number, place)]


def test_no_two_words_of_many_requests_are_the_same() -> None:
    words = {word(request, place) for request in range(1, 200) for place in range(40)}

    assert len(words) == 199 * 40


def test_a_reply_is_written_in_sentences_whose_first_clause_is_short() -> None:
    text = "".join(written(1, range(12), last=11))

    clause, _, rest = text.partition(",")
    assert len(clause.split()) == 3
    assert [len(sentence.split()) for sentence in rest.split(".")] == [5, 4, 0]
    assert text[0].isupper()


def test_what_no_host_wrote_is_left_over() -> None:
    text = f"{word(3, 1)}, Traceback: {word(3, 2)}."

    assert others(text) == "Traceback:"
    assert others(f"{word(3, 1)}, {word(3, 2)}.") == ""


def test_the_newest_order_is_what_words_are_about() -> None:
    assert order_in("[Order 4-1 was cut off.] Now order 4-2.") == "4-2"
    assert order_in("Hello.") == "Hello."


def test_replies_to_the_same_order_are_equally_long() -> None:
    assert length("4-2") == length("4-2")
    assert {length(f"{n}-1") for n in range(50)} == {8, 16, 24, 32}
