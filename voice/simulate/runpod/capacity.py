"""Whether a played endpoint has a worker that may take jobs: asleep, throttled, starting, crashing, ready.

The first job begins a course of events that the faults lay down; nothing needs to run for it.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Iterator
from typing import Literal

from voice.clock import now
from voice.simulate.runpod.faults import RunPodFaults

WorkerState = Literal["cold", "throttled", "initializing", "unhealthy", "ready"]


class Capacity:
    """One endpoint's. `ready` is called whenever workers may begin to take jobs."""

    def __init__(self, faults: RunPodFaults, ready: Callable[[], None]) -> None:
        self._faults, self._ready = faults, ready
        self._wanted_at: float | None = None
        self._used_at, self._busy = -math.inf, 0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def state(self) -> WorkerState:
        """How the endpoint's next worker is."""
        faults = self._faults
        if faults.cold_s == faults.throttled_s == faults.crashes == 0:
            return "ready"
        if self._wanted_at is None:
            return "cold"
        left_s = now() - self._wanted_at
        for state, takes_s in self._course():
            if left_s < takes_s:
                return state
            left_s -= takes_s
        awake_at = max(self._used_at, now() - left_s)
        if faults.idle_s and not self._busy and now() - awake_at >= faults.idle_s:
            self._wanted_at = None  # the next job begins the course again
            return "cold"
        return "ready"

    def want(self) -> None:
        """A job has come."""
        if self.state == "cold":
            self._wanted_at = now()
            takes_s = sum(takes_s for _, takes_s in self._course())
            if takes_s < math.inf:
                self._timer = asyncio.get_running_loop().call_later(takes_s, self._ready)

    def begin(self) -> None:
        """A job is worked on: the worker is not idle until `end`."""
        self._busy += 1

    def end(self) -> None:
        """It is no longer."""
        self._busy -= 1
        self._used_at = now()

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _course(self) -> Iterator[tuple[WorkerState, float]]:
        faults = self._faults
        yield "throttled", faults.throttled_s
        if faults.crashes < 0:
            yield "unhealthy", math.inf
        for _ in range(faults.crashes):
            yield "initializing", faults.cold_s
            yield "unhealthy", faults.crash_s
        yield "initializing", faults.cold_s
