"""What the embedded model has read of each call, so that a later turn reads only what is new."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class Generator(Protocol):
    """The part of the library's generator that is used: a cache of tokens, and the numbers after them."""

    def append_tokens(self, tokens: Sequence[int]) -> None: ...

    def rewind_to(self, length: int) -> None: ...

    def get_logits(self) -> NDArray[np.float32]: ...


@dataclass(eq=False)
class Slot:
    """The cache of one call: what its last turn has read and written."""

    cache: Generator
    call: str | None = None
    tokens: list[int] = field(default_factory=list)

    def read(self, tokens: Sequence[int]) -> None:
        """Read further tokens."""
        self.cache.append_tokens(tokens)
        self.tokens.extend(tokens)

    def keep(self, tokens: Sequence[int]) -> int:
        """Forget all but the beginning that is the same in `tokens`; returns how many stay.

        The last one is always read again: the numbers after it choose the first word.
        """
        longest = min(len(self.tokens), len(tokens) - 1)
        same = next((i for i in range(longest) if self.tokens[i] != tokens[i]), longest)
        if same < len(self.tokens):
            self.cache.rewind_to(same)
            del self.tokens[same:]
        return same


class Caches:
    """At most `limit` slots, made when they are needed. Whoever takes one gives it back, or drops it."""

    def __init__(self, make: Callable[[], Generator], limit: int) -> None:
        self._make = make
        self._limit = limit
        self._idle: deque[Slot] = deque()  # the one that was used longest ago is at the left
        self._taken = 0

    def take(self, call: str | None, tokens: Sequence[int]) -> tuple[Slot, int]:
        """A slot for a prompt, and how many of its tokens are in there already.

        It is the call's own; else a new one; else the one that was used longest ago. Even that one is of
        use: calls of the same agent begin with the same persona. Fewer than `limit` may be taken.
        """
        own = next((slot for slot in self._idle if call is not None and slot.call == call), None)
        if own is None and len(self._idle) + self._taken < self._limit:
            slot, reused = Slot(self._make(), call), 0
        else:
            slot, reused = self._reuse(own or self._idle[0], call, tokens)
        self._taken += 1
        return slot, reused

    def _reuse(self, slot: Slot, call: str | None, tokens: Sequence[int]) -> tuple[Slot, int]:
        self._idle.remove(slot)
        slot.call = call
        try:
            return slot, slot.keep(tokens)
        except RuntimeError:  # a kind of model that cannot go back
            return Slot(self._make(), call), 0

    def give_back(self, slot: Slot) -> None:
        self._taken -= 1
        self._idle.append(slot)

    def drop(self) -> None:
        """A slot that was taken is not given back."""
        self._taken -= 1
