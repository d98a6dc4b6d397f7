"""When Python's garbage collector may hold the calls up, and for how long.

While it looks, nobody's words go on. What is young it looks through in small portions. A look through all
that lives takes 0.2 s with 1,000 open calls, so it is not Python that chooses its instant: it is taken when
few calls are live. Calls are freed without it; it finds only what refers to itself in a ring.
"""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Callable

PORTIONS = (1000, 10, 1_000_000)  # of its generations; Python's own are (700, 10, 10). The last one: never
PATIENCE_S = 60.0  # between two questions whether a look through all is due
DUE = 100  # portions of the second generation since the last one: a million objects have come and stayed
FEW = 100  # calls, with which it takes 20 ms
MORE_AFTER = 60  # questions; who has always so many calls on the line is looked through with twice as many


def calm_collector() -> None:
    """Let the collector pause the calls less: to be called when everything is loaded.

    What is loaded now is never looked through again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*PORTIONS)


def is_due() -> bool:
    """Whether so much has come and stayed that a look through all could find something."""
    return gc.get_count()[2] >= DUE


async def look_when_quiet(
    live: Callable[[], int], is_due: Callable[[], bool] = is_due, look: Callable[[], object] = gc.collect
) -> None:
    """Take a look through all whenever one is due and few calls are live; `live` tells how many."""
    few, asked = FEW, 0
    while True:
        await asyncio.sleep(PATIENCE_S)
        if not is_due():
            continue
        if live() <= few:
            look()
            few, asked = FEW, 0
            continue
        asked += 1
        if asked % MORE_AFTER == 0:
            few *= 2
