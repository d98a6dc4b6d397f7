"""The load: how many turns at once, when they come, and from when they are timed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from itertools import pairwise

import pytest

from tests.conftest import VirtualTime
from voice.cli.bench.callers import Heard
from voice.cli.bench.load import Load, arrivals

REPLY_S = 0.5


class Played:
    """Calls whose turns take REPLY_S, and do not begin before `stalled_until`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self.calls, self.hung_up, self.at_once, self.most = 0, 0, 0, 0
        self.stalled_until = 0.0

    def opens(self) -> Played:
        self.calls += 1
        return self

    async def turn(self, heard: Heard, began: Callable[[], None] | None = None) -> None:
        self.at_once += 1
        self.most = max(self.most, self.at_once)
        try:
            await asyncio.sleep(max(0.0, self.stalled_until - self.clock()))
            if began is not None:
                began()
                await asyncio.sleep(1000.0)
            await asyncio.sleep(REPLY_S)
        finally:
            self.at_once -= 1
        heard.pieces.append((self.clock(), "words"))

    async def hang_up(self) -> None:
        self.hung_up += 1


@pytest.fixture
def played(virtual_time: VirtualTime) -> Played:
    return Played(virtual_time.loop.time)


def a_load(played: Played, turns: int = 5) -> Load:
    return Load(played.opens, turns, first=100, clock=played.clock)


async def test_a_closed_loop_says_the_next_turn_when_the_last_one_has_ended(played: Played) -> None:
    load = a_load(played)

    await load.closed(4, lasts_s=None, ramp_s=0.0, turns=3)

    assert len(load.heard) == 12
    assert (played.calls, played.most) == (4, 4)
    assert sorted(one.number for one in load.heard) == list(range(101, 113))


async def test_a_call_has_so_many_turns_and_then_another_one_begins(played: Played) -> None:
    load = a_load(played, turns=2)

    await load.closed(1, lasts_s=3.0, ramp_s=0.0)

    assert len(load.heard) == 6
    assert played.calls == 3


async def test_callers_begin_within_the_ramp(played: Played, virtual_time: VirtualTime) -> None:
    load = a_load(played)

    await load.closed(10, lasts_s=None, ramp_s=1.0, turns=1)

    assert virtual_time.elapsed_s == pytest.approx(0.9 + REPLY_S)


async def test_an_open_loop_does_not_wait_for_the_server(played: Played) -> None:
    played.stalled_until = played.clock() + 5.0
    load = a_load(played)

    await load.open(20.0, 5.0)

    assert played.most == len(load.heard) > 60  # all of them were kept waiting at once


async def test_an_open_loop_times_a_turn_from_when_it_was_due(played: Played) -> None:
    began_at = played.clock()
    played.stalled_until = began_at + 5.0
    load = a_load(played)

    await load.open(20.0, 5.0)

    waits = [one.pieces[0][0] - one.due_at for one in load.heard]
    assert max(waits) > 4.0
    assert min(waits) < 1.0


async def test_calls_that_are_free_take_the_next_turn_of_an_open_loop(played: Played) -> None:
    load = a_load(played, turns=1000)

    await load.open(1.0, 200.0)

    assert played.calls < len(load.heard) / 10


async def test_held_turns_stay_open_until_they_are_hung_up(played: Played) -> None:
    load = a_load(played)

    held = await load.hold(120)

    assert played.at_once == 120
    for task in held:
        task.cancel()
    await asyncio.gather(*held, return_exceptions=True)
    assert (played.at_once, load.heard) == (0, [])


async def test_every_call_is_hung_up_once(played: Played) -> None:
    load = a_load(played)
    await load.closed(7, lasts_s=None, ramp_s=0.0, turns=1)

    await load.hang_up()
    await load.hang_up()

    assert played.hung_up == 7


def test_turns_come_at_random_at_their_rate() -> None:
    at = list(arrivals(random.Random(1), 15.0, 400.0))
    distances = [later - earlier for earlier, later in pairwise(at)]
    mean = sum(distances) / len(distances)
    spread = sum((one - mean) ** 2 for one in distances) / len(distances)

    assert mean == pytest.approx(1 / 15, rel=0.05)
    assert spread**0.5 == pytest.approx(mean, rel=0.05)  # as those of a Poisson process do


def test_an_open_loop_may_have_a_number_of_turns() -> None:
    assert len(list(arrivals(random.Random(1), 15.0, float("inf"), 40))) == 40
