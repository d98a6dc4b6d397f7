"""One call over two endpoints of RunPod's, on played time: what the caller hears when a region goes dark."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from tests.builders import a_brain, a_deadline, an_utterance, chunks_of
from tests.conftest import VirtualTime
from voice.brain import Brain
from voice.engines.scripted import ScriptedEngine
from voice.engines.worker import work
from voice.models.runpod import RunPodClient
from voice.routing.table import Price, Route
from voice.simulate.runpod.faults import RunPodFaults
from voice.simulate.runpod.standin import RunPodStandIn, Worker
from voice.types import CallId, Door, Json, Turn

C1 = CallId("c1")
PIECES = ("Which ", "unit ", "is it?")


def a_worker() -> Worker:
    engine = ScriptedEngine(PIECES, gap_s=0.1)

    async def worker(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        await engine.start()
        async for chunk in work(job, engine):
            yield chunk

    return worker


@dataclass
class Regions:
    """Two endpoints of one model, and the brain that asks them."""

    eu: RunPodStandIn
    us: RunPodStandIn
    brain: Brain

    async def turn(self) -> tuple[str, Turn]:
        call = await self.brain.calls.pick_up(C1, Door.CHAT)
        live = await self.brain.calls.hear(call, an_utterance(), a_deadline())
        words = " ".join(chunk.text for chunk in await chunks_of(live))
        return words, live.turn


@asynccontextmanager
async def two_regions(eu: RunPodFaults | None = None) -> AsyncIterator[Regions]:
    one = RunPodStandIn(endpoint_id="eu", worker=a_worker(), faults=eu)
    other = RunPodStandIn(endpoint_id="us", worker=a_worker())
    async with one.in_memory(0.02) as eu_http, other.in_memory(0.02) as us_http:
        routes = [
            Route(
                RunPodClient(played.endpoint_id, played.endpoint_id, "key", played.url, http=http),
                price=Price(usd_per_hour=3.6),
                twins="runpod",
            )
            for played, http in ((one, eu_http), (other, us_http))
        ]
        async with a_brain(*routes) as brain:
            await asyncio.sleep(0.1)  # the hosts are looked at
            yield Regions(one, other, brain)


async def test_the_first_region_answers_while_it_is_well_and_tells_what_it_cost(
    virtual_time: VirtualTime,
) -> None:
    async with two_regions() as regions:
        words, turn = await regions.turn()

    assert words == "Which unit is it?"
    (rung,) = turn.rungs
    assert rung.route == "eu"
    assert rung.cost_usd == pytest.approx(0.0003, rel=0.05)  # 0.3 s of work at $3.60 an hour


async def test_a_region_without_gpus_is_passed_over_from_the_first_turn_on(virtual_time: VirtualTime) -> None:
    async with two_regions(RunPodFaults(throttled_s=3600)) as regions:
        await regions.brain.routes[0].client.wake()
        await asyncio.sleep(1)
        words, turn = await regions.turn()

    assert words == "Which unit is it?"
    assert turn.rungs[0].route == "us"


async def test_a_region_that_goes_dark_in_mid_call_is_taken_over_in_the_same_turn(
    virtual_time: VirtualTime,
) -> None:
    async with two_regions() as regions:
        await regions.turn()
        regions.eu.refuses = dict.fromkeys(("run", "runsync", "status", "stream", "health"), 500)
        words, turn = await regions.turn()

    assert words == "Which unit is it?"
    assert [rung.route for rung in turn.rungs] == ["eu", "us"]
    assert turn.timing.ttfc_ms is not None
    assert turn.timing.ttfc_ms < 1200


async def test_a_region_at_its_rate_limit_is_taken_over_without_a_word_lost(
    virtual_time: VirtualTime,
) -> None:
    async with two_regions(RunPodFaults(rates=0.001)) as regions:
        heard = [(await regions.turn())[0] for _ in range(3)]

    assert heard == ["Which unit is it?"] * 3
