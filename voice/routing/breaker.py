"""Leaves a failing route alone for a while.

A breaker counts failures in a row. At the limit the route rests for `rest_s`; then
one turn, the probe, may ask it. A success closes the breaker, a failure starts the
next rest. Calls are few enough that a share of traffic would be a wrong percentage.
"""

from __future__ import annotations

from dataclasses import dataclass, field

FAILURES_TO_OPEN = 3  # in a row; two happen whenever a worker is replaced
REST_S = 20.0  # about one RunPod cold start


@dataclass(slots=True)
class Breaker:
    """The memory of one route's failures. `now` is an instant on the loop's clock."""

    failures_to_open: int = FAILURES_TO_OPEN
    rest_s: float = REST_S
    _failures: int = field(default=0, init=False)
    _rests_until: float | None = field(default=None, init=False)  # None: closed

    def rests(self, now: float) -> bool:
        """Whether a turn should ask another route, if there is one."""
        return self._rests_until is not None and now < self._rests_until

    def asked(self, now: float) -> None:
        """A turn asks the route. After a rest this is the probe: the others wait for its outcome."""
        if self._rests_until is not None:
            # A probe that is cancelled reports nothing: rest again, but not for ever.
            self._rests_until = now + self.rest_s

    def succeeded(self) -> bool:
        """It has answered. True when it had been resting."""
        had_rested = self._rests_until is not None
        self._failures, self._rests_until = 0, None
        return had_rested

    def failed(self, now: float) -> bool:
        """It has failed. True when it rests from now on."""
        self._failures += 1
        if self._failures < self.failures_to_open:
            return False
        was_closed = self._rests_until is None
        self._rests_until = now + self.rest_s
        return was_closed
