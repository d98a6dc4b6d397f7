"""The garbage collector holds nobody's call up."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest

from tests.conftest import VirtualTime
from voice.cli.garbage import FEW, MORE_AFTER, PATIENCE_S, calm_collector, look_when_quiet

HOUR_S = MORE_AFTER * PATIENCE_S


@pytest.fixture
def own_collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@asynccontextmanager
async def looking(live: list[int], *, due: bool = True) -> AsyncIterator[list[float]]:
    """The instants of looks, while the last of `live` is how many calls there are."""
    loop, looks = asyncio.get_running_loop(), list[float]()
    began_at = loop.time()
    task = asyncio.create_task(
        look_when_quiet(lambda: live[-1], lambda: due, lambda: looks.append(loop.time() - began_at))
    )
    yield looks
    task.cancel()


async def test_a_look_through_all_waits_until_few_callers_are_on_the_line(virtual_time: VirtualTime) -> None:
    live = [1000]
    async with looking(live) as looks:
        await asyncio.sleep(10 * PATIENCE_S + 1)
        before = list(looks)
        live.append(FEW)
        await asyncio.sleep(PATIENCE_S)

    assert before == []
    assert looks == [pytest.approx(11 * PATIENCE_S)]


async def test_nothing_is_looked_through_that_has_not_changed(virtual_time: VirtualTime) -> None:
    async with looking([0], due=False) as looks:
        await asyncio.sleep(HOUR_S)

    assert looks == []


async def test_a_house_that_is_never_quiet_is_looked_through_once_in_hours(virtual_time: VirtualTime) -> None:
    async with looking([FEW * 8]) as looks:
        await asyncio.sleep(7 * HOUR_S)

    assert [round(at / HOUR_S) for at in looks] == [3, 6]


def test_python_itself_never_looks_through_all(own_collector: None) -> None:
    calm_collector()
    looks = [one["collections"] for one in gc.get_stats()][2]
    kept = [[number] for number in range(300_000)]
    later = [one["collections"] for one in gc.get_stats()][2]

    assert len(kept) == 300_000
    assert later == looks
