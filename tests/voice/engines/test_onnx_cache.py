"""Which cache a call gets, and what of it stays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from voice.engines.onnx_cache import Caches, Slot


class Tokens:
    """A cache that only remembers what it was given."""

    def __init__(self, can_go_back: bool = True) -> None:
        self.held: list[int] = []
        self._can_go_back = can_go_back

    def append_tokens(self, tokens: Sequence[int]) -> None:
        self.held.extend(tokens)

    def rewind_to(self, length: int) -> None:
        if not self._can_go_back:
            raise RuntimeError("not supported")
        del self.held[length:]

    def get_logits(self) -> NDArray[np.float32]:
        return np.zeros((1, 1, 4), np.float32)


def read(caches: Caches, call: str | None, tokens: list[int]) -> tuple[Slot, int]:
    """One whole turn: take, read, give back."""
    slot, reused = caches.take(call, tokens)
    slot.read(tokens[reused:])
    caches.give_back(slot)
    return slot, reused


def test_a_call_reads_only_what_is_new():
    caches = Caches(Tokens, 2)
    read(caches, "one", [1, 2, 3])

    slot, reused = read(caches, "one", [1, 2, 9, 4])

    assert reused == 2
    assert isinstance(slot.cache, Tokens)
    assert slot.cache.held == [1, 2, 9, 4]


def test_the_last_token_is_read_again_or_there_would_be_no_first_word():
    caches = Caches(Tokens, 2)
    read(caches, "one", [1, 2, 3])

    assert read(caches, "one", [1, 2, 3])[1] == 2


def test_the_cache_that_was_used_longest_ago_goes_to_a_new_call_with_the_persona_it_holds():
    caches = Caches(Tokens, 2)
    first, _ = read(caches, "one", [1, 2, 3])
    read(caches, "two", [1, 2, 4])

    slot, reused = read(caches, "three", [1, 2, 5])

    assert slot is first
    assert reused == 2


def test_a_call_that_is_still_writing_keeps_its_cache():
    caches = Caches(Tokens, 2)
    busy, _ = caches.take("one", [1, 2, 3])

    second, _ = caches.take("one", [1, 2, 3])

    assert second is not busy


def test_a_dropped_cache_makes_room_for_a_new_one():
    caches = Caches(Tokens, 1)
    broken, _ = caches.take("one", [1])
    caches.drop()

    assert caches.take("one", [1])[0] is not broken


def test_a_model_that_cannot_go_back_reads_everything_again():
    caches = Caches(lambda: Tokens(can_go_back=False), 1)
    read(caches, "one", [1, 2, 3])

    slot, reused = read(caches, "one", [1, 9])

    assert reused == 0
    assert slot.tokens == [1, 9]
