"""The load: turns of many calls at once, each with what its caller heard.

Closed loop: N callers, each says its next turn when the last one has ended. Open loop: turns come when they
come (a Poisson process), whether or not the server keeps up; each is timed from the instant at which it was
due, so that a server that stalls is not spared the turns it kept waiting. Held: N turns are begun and stay
open.
"""

from __future__ import annotations

import asyncio
import gc
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from voice.cli.bench.callers import Caller, Heard

TURNS = 5  # of a call, where nothing else is said
LATE_S = 0.002  # below this a turn that is begun late is the load's own timer
OPENING = 20  # calls at once that are begun to be held: what is measured is that they are open
SEED = 20261121


class Load:
    """Says turns to one server. `opens` makes a new call of `turns` turns; they are numbered after `first`.

    `clock` is the one that host and callers read.
    """

    def __init__(
        self,
        opens: Callable[[], Caller],
        turns: int = TURNS,
        first: int = 0,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._opens, self._turns, self._clock = opens, turns, clock
        self._number = first
        self.heard: list[Heard] = []
        self.callers: list[Caller] = []  # every one since the load began

    async def closed(
        self, callers: int, lasts_s: float | None, ramp_s: float, turns: int | None = None
    ) -> None:
        """So many callers for so long, or each for so many turns. They begin within `ramp_s`."""
        until = self._clock() + (lasts_s if lasts_s is not None else float("inf"))

        async def one(place: int) -> None:
            await asyncio.sleep(ramp_s * place / callers)
            done = 0
            while self._clock() < until and (turns is None or done < turns):
                caller = self._call()
                for _ in range(self._turns):
                    await self._say(caller, self._clock())
                    done += 1
                    if self._clock() >= until or done == turns:
                        break

        await asyncio.gather(*(one(place) for place in range(callers)))

    async def open(self, rate: float, lasts_s: float, turns: int | None = None) -> None:
        """So many turns a second on average, of calls that are free just then."""
        rng = random.Random(SEED)
        began_at = self._clock()
        free: list[tuple[Caller, int]] = []
        saying: set[asyncio.Task[None]] = set()

        async def one(due_at: float) -> None:
            late = self._clock() - due_at > LATE_S
            caller, said = free.pop() if free else (self._call(), 0)
            await self._say(caller, due_at if late else self._clock())
            if said + 1 < self._turns:
                free.append((caller, said + 1))

        for due_s in arrivals(rng, rate, lasts_s, turns):
            await asyncio.sleep(max(0.0, began_at + due_s - self._clock()))
            task = asyncio.create_task(one(began_at + due_s))
            saying.add(task)
            task.add_done_callback(saying.discard)
        if saying:
            await asyncio.wait(saying)

    async def hold(self, callers: int) -> list[asyncio.Task[None]]:
        """So many turns that have begun to be heard and are not over; whoever cancels them hangs up."""
        gate = asyncio.Semaphore(OPENING)
        held = []

        async def one() -> None:
            async with gate:
                began = asyncio.Event()
                task = asyncio.create_task(self._say(self._call(), self._clock(), began.set))
                beginning = asyncio.create_task(began.wait())
                await asyncio.wait({task, beginning}, return_when=asyncio.FIRST_COMPLETED)
                beginning.cancel()
                held.append(task)

        await asyncio.gather(*(one() for _ in range(callers)))
        return held

    async def hang_up(self) -> None:
        """End every call, and forget them."""
        gate = asyncio.Semaphore(OPENING)

        async def one(caller: Caller) -> None:
            async with gate:
                await caller.hang_up()

        await asyncio.gather(*(one(caller) for caller in self.callers))
        self.callers.clear()

    def _call(self) -> Caller:
        caller = self._opens()
        self.callers.append(caller)
        return caller

    async def _say(self, caller: Caller, due_at: float, began: Callable[[], None] | None = None) -> None:
        self._number += 1
        heard = Heard(self._number, due_at)
        await caller.turn(heard, began)
        self.heard.append(heard)


def arrivals(rng: random.Random, rate: float, lasts_s: float, turns: int | None = None) -> Iterator[float]:
    """Seconds at which turns come: their distances are exponential, their mean is 1/rate."""
    at, count = rng.expovariate(rate), 0
    while at < lasts_s and (turns is None or count < turns):
        yield at
        at, count = at + rng.expovariate(rate), count + 1


@contextmanager
def undisturbed() -> Iterator[None]:
    """No garbage collection of the load's own while it measures."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
