"""What nobody waits for, done in portions.

A thousand callers may hang up in one instant: a platform's proxy dies. What is told and kept of their turns
then takes longer than any other caller's words may wait. So a few milliseconds of it are done in each step
of the loop; what is alone is done at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Hashable

PORTION_S = 0.005  # a tenth of the margin that a deadline leaves


class Portions:
    """Work by key, in the order of its coming. What `clock` tells while work is done is how long it took."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._waiting: dict[Hashable, Callable[[], None]] = {}
        self._left_s = PORTION_S  # of this step of the loop
        self._next: asyncio.Handle | None = None

    def do(self, key: Hashable, work: Callable[[], None]) -> None:
        """Do it now, or in a later step when this one has had its portion."""
        self.first(key)
        self._waiting[key] = work
        self._go_on()

    def first(self, key: Hashable) -> None:
        """Do now what waits under this key."""
        if (work := self._waiting.pop(key, None)) is not None:
            work()

    def all(self) -> None:
        """Do everything now."""
        while self._waiting:
            self.first(next(iter(self._waiting)))

    def _go_on(self) -> None:
        if self._next is None:  # before any work: what fails keeps nobody else's from being done
            self._next = asyncio.get_running_loop().call_soon(self._step)
        while self._waiting and self._left_s > 0.0:
            began = self._clock()
            try:
                self.first(next(iter(self._waiting)))
            finally:
                self._left_s -= self._clock() - began

    def _step(self) -> None:
        self._next, self._left_s = None, PORTION_S
        if self._waiting:
            self._go_on()
