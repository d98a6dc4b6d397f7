"""How the embedded model's numbers become words, and how its replies end."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.engines.reply_text import Reply, StopWords, loops, pick

END = 0


class Letters:
    """A tokenizer of letters: 1 is "a", 2 is "b" and so on."""

    def decode(self, token: int) -> str:
        return chr(ord("a") + token - 1)


def a_reply(*stops: str, max_tokens: int = 1000) -> Reply:
    return Reply(Letters(), frozenset({END}), stops, max_tokens)


def written(reply: Reply, tokens: list[int]) -> str:
    text = ""
    for token in tokens:
        text += reply.add(token)
        if reply.reason:
            break
    return text


def test_the_likeliest_token_is_chosen_where_nothing_is_left_to_chance():
    chosen = pick(np.array([0.1, 3.0, 2.0], np.float32), 0.0, np.random.default_rng(1))

    assert chosen == 1


def test_chance_follows_the_numbers():
    numbers = np.log(np.array([0.6, 0.3, 0.1], np.float32))
    chance = np.random.default_rng(1)

    shares = np.bincount([pick(numbers, 1.0, chance) for _ in range(4000)]) / 4000

    assert shares[0] == pytest.approx(0.6, abs=0.05)
    assert shares[1] == pytest.approx(0.3, abs=0.05)


@pytest.mark.parametrize("temperature", [0.0, 0.7, 2.0])
@pytest.mark.parametrize("numbers", [[np.nan] * 50, [np.inf] * 50, [-np.inf] * 50, [np.nan, np.inf, 0.0]])
def test_numbers_that_are_not_finite_still_choose_a_token(numbers: list[float], temperature: float):
    chosen = pick(np.array(numbers, np.float32), temperature, np.random.default_rng(1))

    assert 0 <= chosen < len(numbers)


def test_a_reply_ends_at_the_models_own_mark():
    reply = a_reply()

    assert written(reply, [1, 2, END, 3]) == "ab"
    assert reply.reason == "stop"


def test_a_reply_ends_at_its_longest_length():
    reply = a_reply(max_tokens=3)

    assert written(reply, [1, 2, 3, 4]) == "abc"
    assert reply.reason == "length"


def test_a_stop_string_is_not_said_even_when_it_comes_in_pieces():
    reply = a_reply("cde", "zz")

    assert written(reply, [1, 2, 3, 4, 5, 6]) == "ab"
    assert reply.reason == "stop"


def test_the_beginning_of_a_stop_that_was_none_is_said():
    reply = a_reply("cdx")

    assert written(reply, [1, 2, 3, 4, END]) == "abcd"


@given(st.text("ab", max_size=30), st.lists(st.text("ab", min_size=1, max_size=4), max_size=3), st.data())
def test_stops_are_found_wherever_the_text_is_cut(text: str, stops: list[str], data: st.DataObject):
    words, said, left, stopped = StopWords(stops), "", text, False
    while left and not stopped:
        size = data.draw(st.integers(1, len(left)))
        some, stopped = words.add(left[:size])
        said, left = said + some, left[size:]
    if not stopped:
        said += words.rest()

    assert text.startswith(said)
    assert stopped == any(stop in text for stop in stops)
    assert not any(stop in said for stop in stops)


@pytest.mark.parametrize(
    ("tokens", "is_loop"),
    [
        ([7, 8, 9] * 3, False),  # "no, no, no"
        ([7] * 36, True),
        ([7, 8, 9] * 12, True),
        (list(range(20)) * 2, False),
        (list(range(20)) * 3, True),
        ([99, *range(12)] + list(range(12)) * 2, True),
        (list(range(200)), False),
    ],
)
def test_a_model_that_has_lost_its_way_is_noticed(tokens: list[int], is_loop: bool):
    assert loops(tokens) is is_loop


def test_a_reply_that_goes_round_in_circles_is_ended():
    reply = a_reply()

    text = written(reply, [1, 2] * 500)

    assert reply.reason == "stop"
    assert len(text) < 50


def test_tokens_that_are_known_already_are_not_said_again_and_none_follows_the_end():
    one_by_one, at_once = a_reply(max_tokens=4), a_reply(max_tokens=4)

    text = written(one_by_one, [1, 2, 3, 4])
    told = at_once.add_all([1, 2]) + at_once.add_all([1, 2, 3, 4, 5, 6])

    assert told == text
    assert (at_once.tokens, at_once.reason) == ([1, 2, 3, 4], "length")
