"""The ways to ask RunPod: which is tried, what of a failure is the way's, and what RunPod's limits allow."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest

from tests.builders import a_deadline, a_prompt
from tests.conftest import VirtualTime
from voice.engines.scripted import ScriptedEngine
from voice.engines.worker import work
from voice.errors import ModelError, ReplyBroken, RouteBusy, RouteDown, RouteRefused
from voice.models.http import open_http
from voice.models.runpod import ALL_WAYS, RunPodClient
from voice.models.runpod_api import _OperationRefused
from voice.models.runpod_prices import USD_PER_S, usd_per_hour
from voice.models.runpod_rates import Rates, rest_in
from voice.models.runpod_ways import Way, Ways, rest_after
from voice.simulate.runpod.faults import RunPodFaults
from voice.simulate.runpod.standin import RunPodStandIn, Worker
from voice.types import CallId, Json

WORDS = ("Which", " unit?")


def our_worker(*pieces: str, hangs: bool = False) -> Worker:
    """The generator that runs on RunPod, over an engine that is told what to write."""
    engine = ScriptedEngine(pieces or WORDS, hangs=hangs)

    async def worker(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        await engine.start()
        async for chunk in work(job, engine):
            yield chunk

    return worker


@asynccontextmanager
async def a_route(
    *ways: Way,
    worker: Worker | None = None,
    faults: RunPodFaults | None = None,
    has_queue: bool = True,
    model: str | None = None,
    line_s: float = 0.0,
) -> AsyncIterator[tuple[RunPodStandIn, RunPodClient]]:
    """A client and its endpoint, in memory, so that time may be played."""
    runpod = RunPodStandIn(worker=worker, faults=faults)
    async with runpod.in_memory(line_s) as http:
        client = RunPodClient(
            "runpod",
            runpod.endpoint_id if has_queue else None,
            runpod.key,
            runpod.url,
            ways or ALL_WAYS,
            http=http,
            lb_url=runpod.lb_url,
            model=model,
        )
        yield runpod, client
        await client.close()


async def reply_of(client: RunPodClient, call_id: str | None = None) -> str:
    heard: list[str] = []
    prompt = replace(a_prompt(), call_id=CallId(call_id) if call_id else None)
    await client.write(prompt, a_deadline(), heard.append)
    return "".join(heard)


@pytest.mark.parametrize("way", ALL_WAYS)
async def test_each_way_alone_gives_the_reply(way: Way) -> None:
    async with asyncio.timeout(20), RunPodStandIn(worker=our_worker()) as runpod, open_http() as http:
        client = RunPodClient(
            "runpod", "endpoint", "key", runpod.url, (way,), http=http, lb_url=runpod.lb_url
        )
        heard: list[str] = []
        finish = await client.write(a_prompt(), a_deadline(), heard.append)
        await client.close()

    assert "".join(heard) == "Which unit?"
    assert (finish.reason, finish.usage.completion_tokens) == ("stop", 2)
    assert runpod.asked[0] == {"stream": "run"}.get(way, way)


async def test_the_load_balancer_is_asked_first_and_gives_no_job(virtual_time: VirtualTime) -> None:
    async with a_route(worker=our_worker()) as (runpod, client):
        heard = await reply_of(client)

    assert heard == "Which unit?"
    assert runpod.asked == ["lb"]


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 502, 503, 524])
async def test_a_load_balancer_that_fails_is_left_for_the_queue_and_for_a_while(
    virtual_time: VirtualTime, status: int
) -> None:
    async with a_route("lb", "stream", worker=our_worker()) as (runpod, client):
        runpod.refuses = {"lb": status}
        first = await reply_of(client)
        runpod.asked.clear()
        second = await reply_of(client)

    assert (first, second) == ("Which unit?", "Which unit?")
    assert runpod.asked[0] == "run"


async def test_a_load_balancer_is_tried_again_when_it_has_rested(virtual_time: VirtualTime) -> None:
    async with a_route("lb", "stream", worker=our_worker()) as (runpod, client):
        runpod.refuses = {"lb": 503}
        await reply_of(client)
        runpod.refuses = {}
        await asyncio.sleep(11)
        runpod.asked.clear()
        await reply_of(client)

    assert runpod.asked == ["lb"]


@pytest.mark.parametrize("status", [404, 405, 429, 500])
async def test_a_worker_that_does_not_speak_openai_is_asked_by_the_queue(
    virtual_time: VirtualTime, status: int
) -> None:
    async with a_route("openai", "stream", worker=our_worker()) as (runpod, client):
        runpod.refuses = {"openai": status}

        assert await reply_of(client) == "Which unit?"


async def test_the_reply_of_a_load_balancer_that_breaks_after_its_first_words_is_not_begun_again(
    virtual_time: VirtualTime,
) -> None:
    async def breaks(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        yield 'data: {"choices": [{"index": 0, "delta": {"content": "Which "}}]}\n\n'
        yield 'data: {"error": {"message": "CUDA out of memory"}}\n\n'

    heard: list[str] = []
    async with a_route("lb", "stream", worker=breaks) as (runpod, client):
        with pytest.raises(ReplyBroken):
            await client.write(a_prompt(), a_deadline(), heard.append)

    assert heard == ["Which "]
    assert runpod.asked == ["lb"]


async def test_a_call_stays_at_the_worker_that_holds_its_beginning(virtual_time: VirtualTime) -> None:
    async with a_route("lb", worker=our_worker()) as (runpod, client):
        for call_id in ("a", "a", "b", None):
            await reply_of(client, call_id)

    assert runpod.balancer.wanted == [None, "inside", None, None]


async def test_a_route_may_be_a_load_balancer_alone(virtual_time: VirtualTime) -> None:
    async with a_route("stream", worker=our_worker(), has_queue=False) as (runpod, client):
        heard, health = await reply_of(client), await client.health()

    assert heard == "Which unit?"
    assert health.state == "warm"
    assert {*runpod.asked} == {"lb"}


async def test_a_silent_load_balancer_is_known_within_two_seconds_and_the_next_turn_asks_the_queue(
    virtual_time: VirtualTime,
) -> None:
    """Without a worker it holds a request for two minutes: no turn can wait to learn that."""
    async with a_route("lb", "stream", line_s=0.02) as (runpod, client):
        turn = asyncio.create_task(client.write(a_prompt(), a_deadline(), lambda _: None))
        await asyncio.sleep(1.8)
        turn.cancel()
        await asyncio.wait([turn])
        runpod.asked.clear()
        second = asyncio.create_task(client.write(a_prompt(), a_deadline(), lambda _: None))
        await asyncio.sleep(0.1)
        second.cancel()
        await asyncio.wait([second])

    assert runpod.asked[0] == "run"


async def test_a_load_balancer_alone_without_a_worker_tells_that_it_is_cold(
    virtual_time: VirtualTime,
) -> None:
    async with a_route("lb", has_queue=False) as (_, client):
        turn = asyncio.create_task(client.write(a_prompt(), a_deadline(), lambda _: None))
        await asyncio.sleep(1.8)
        told = client.told()
        turn.cancel()
        await asyncio.wait([turn])

    assert told is not None
    assert told.state == "cold"


@pytest.mark.parametrize(
    ("faults", "state"),
    [
        (RunPodFaults(), "warm"),
        (RunPodFaults(cold_s=30), "starting"),
        (RunPodFaults(throttled_s=30), "cold"),
        (RunPodFaults(crashes=-1), "cold"),
    ],
)
async def test_a_ping_tells_how_the_load_balancer_is(
    virtual_time: VirtualTime, faults: RunPodFaults, state: str
) -> None:
    async with a_route("lb", worker=our_worker(), faults=faults, has_queue=False) as (_, client):
        assert (await client.health()).state == state


async def test_a_load_balancer_without_a_worker_leaves_the_next_turns_to_a_queue_that_is_warm(
    virtual_time: VirtualTime,
) -> None:
    async with a_route("lb", "stream", worker=our_worker()) as (runpod, client):
        runpod.refuses = {"lb": 502}
        health = await client.health()
        runpod.asked.clear()
        heard = await reply_of(client)
        runpod.refuses = {}
        well = await client.health()
        asked = [*runpod.asked]
        runpod.asked.clear()
        await reply_of(client)

    assert health.state == "warm"
    assert "502 from the load balancer" in health.detail
    assert heard == "Which unit?"
    assert asked[0] == "run"
    assert well.detail == "the load balancer's worker is ready"
    assert runpod.asked == ["lb"]


async def test_a_queue_that_comes_first_is_asked_for_its_health(virtual_time: VirtualTime) -> None:
    async with a_route("stream", "lb", worker=our_worker()) as (runpod, client):
        await client.health()

    assert runpod.asked == ["health"]


@pytest.mark.parametrize(("status", "state"), [(401, "refused"), (404, "unknown"), (503, "unknown")])
async def test_a_ping_that_fails_otherwise_says_nothing_of_the_workers(
    virtual_time: VirtualTime, status: int, state: str
) -> None:
    async with a_route("lb", worker=our_worker(), has_queue=False) as (runpod, client):
        runpod.refuses = {"lb": status}

        assert (await client.health()).state == state


async def test_a_ring_wakes_the_load_balancer(virtual_time: VirtualTime) -> None:
    async with a_route("lb", worker=our_worker(), faults=RunPodFaults(cold_s=30)) as (runpod, client):
        woken = await client.wake()
        await asyncio.sleep(31)
        heard = await reply_of(client)

    assert woken
    assert heard == "Which unit?"
    assert {*runpod.asked} == {"lb"}


async def test_a_ring_tells_that_the_load_balancer_is_awake_before_the_first_turn(
    virtual_time: VirtualTime,
) -> None:
    async with a_route("lb", "stream", worker=our_worker()) as (_, client):
        await client.wake()
        await asyncio.sleep(0.1)
        told = client.told()

    assert told is not None
    assert told.state == "warm"


async def test_a_cancelled_turn_stops_the_writing_behind_a_load_balancer() -> None:
    engine = ScriptedEngine(WORDS, hangs=True)
    await engine.start()
    heard = asyncio.Event()
    async with (
        asyncio.timeout(20),
        RunPodStandIn(worker=lambda job: work(job, engine)) as runpod,
        open_http() as http,
    ):
        client = RunPodClient(
            "runpod", None, "key", runpod.url, ("lb",), http=http, lb_url=f"{runpod.lb_url}/v1"
        )
        turn = asyncio.create_task(client.write(a_prompt(), a_deadline(), lambda _: heard.set()))
        await heard.wait()
        turn.cancel()
        await asyncio.wait([turn])
        await engine.was_stopped.wait()
        await client.close()

    assert turn.cancelled()


async def test_a_cancelled_turn_by_the_openai_route_cancels_the_job_that_our_worker_names() -> None:
    async with (
        asyncio.timeout(20),
        RunPodStandIn(worker=our_worker("Which unit?", hangs=True)) as runpod,
        open_http() as http,
    ):
        client = RunPodClient("runpod", "endpoint", "key", runpod.url, ("openai",), http=http)
        heard = asyncio.Event()
        turn = asyncio.create_task(client.write(a_prompt(), a_deadline(), lambda _: heard.set()))
        await heard.wait()
        turn.cancel()
        await asyncio.wait([turn])
        await client.close()

    assert runpod.asked == ["openai", "cancel"]


async def test_a_finished_turn_by_the_openai_route_cancels_nothing(virtual_time: VirtualTime) -> None:
    async with a_route("openai", worker=our_worker()) as (runpod, client):
        await reply_of(client)

    assert runpod.asked == ["openai"]


@pytest.mark.parametrize("way", ["lb", "openai"])
async def test_our_worker_is_told_of_the_call_and_how_long_somebody_listens_in_streams_too(
    virtual_time: VirtualTime, way: Way
) -> None:
    asked: list[Mapping[str, Json]] = []

    async def worker(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        asked.append(job["input"]["openai_input"])  # type: ignore[index]  # a job of that shape
        async for chunk in our_worker()(job):
            yield chunk

    async with a_route(way, worker=worker) as (_, client):
        await client.write(
            replace(a_prompt(), call_id=CallId("CA1"), so_far="Which"), a_deadline(), lambda _: None
        )

    (given,) = asked
    assert (given["call_id"], given["so_far"]) == ("CA1", "Which")
    assert 0 < given["reply_ms"] <= 10_000


async def test_the_model_that_is_set_is_named_in_every_way(virtual_time: VirtualTime) -> None:
    asked: list[object] = []

    async def worker(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        given = job["input"]
        assert isinstance(given, dict)
        asked.append(given.get("openai_input", given)["model"])
        yield {"choices": [{"index": 0, "message": {"content": "Hi."}, "finish_reason": "stop"}]}

    for way in ALL_WAYS:
        async with a_route(way, worker=worker, model="night-lora") as (_, client):
            await reply_of(client)

    assert asked == ["night-lora"] * len(ALL_WAYS)


# RunPod's limits


async def test_a_429_sends_the_turn_the_next_way_at_once_and_later_turns_ask_again(
    virtual_time: VirtualTime,
) -> None:
    async with a_route("stream", "runsync", worker=our_worker()) as (runpod, client):
        runpod.refuses = {"run": 429}
        first = await reply_of(client)
        asked_first, took_s = [*runpod.asked], virtual_time.elapsed_s
        runpod.asked.clear()
        await reply_of(client)  # at once: RunPod is not asked for what it has just refused
        asked_second = [*runpod.asked]
        runpod.refuses = {}
        await asyncio.sleep(1)
        runpod.asked.clear()
        await reply_of(client)

    assert first == "Which unit?"
    assert asked_first[:2] == ["run", "runsync"]
    assert took_s < 0.2
    assert asked_second[0] == "runsync"
    assert runpod.asked[0] == "run"


async def test_a_poll_that_is_answered_429_is_repeated_and_the_reply_is_whole(
    virtual_time: VirtualTime,
) -> None:
    async with a_route("stream", worker=our_worker()) as (runpod, client):
        runpod.refuses = {"stream": 429}
        turn = asyncio.create_task(reply_of(client))
        await asyncio.sleep(0.5)
        runpod.refuses = {}

        assert await turn == "Which unit?"


async def test_more_turns_than_runpod_takes_at_once_are_all_answered(virtual_time: VirtualTime) -> None:
    """500 callers speak in the same instant; the stand-in answers 429 to whoever asks too often."""
    async with a_route("stream", "runsync", "run", worker=our_worker(), line_s=0.05) as (_, client):
        heard = await asyncio.gather(*(reply_of(client) for _ in range(500)))

    assert {*heard} == {"Which unit?"}


async def test_no_more_is_sent_in_ten_seconds_than_runpod_takes(virtual_time: VirtualTime) -> None:
    rates = Rates()

    taken = [rates.take("cancel") for _ in range(101)]
    left_s = rates.wait_s("cancel")
    await rates.room("cancel")

    assert taken == [True] * 100 + [False]
    assert left_s == pytest.approx(10)
    assert virtual_time.elapsed_s == pytest.approx(10)


async def test_each_429_in_a_row_doubles_the_rest_and_an_answer_ends_that(virtual_time: VirtualTime) -> None:
    rates, rests = Rates(), []
    for _ in range(8):
        rates.refused("run", None)
        rests.append(rates.wait_s("run"))
        await asyncio.sleep(rests[-1])
    rates.accepted("run")
    rates.refused("run", None)

    assert rests == [pytest.approx(s) for s in (0.25, 0.5, 1, 2, 4, 8, 10, 10)]
    assert rates.wait_s("run") == pytest.approx(0.25)


@pytest.mark.parametrize(
    ("retry_after", "rate_limit", "rest_s"),
    [
        ("3", None, 3.0),
        ("0.5", None, 0.5),
        (None, '"minute";r=0;t=12, "hour";r=100;t=900', 12.0),
        (None, '"minute";r=0;t=12, "hour";r=0;t=900', 900.0),
        (None, '"minute";r=5;t=12', None),
        ("Wed, 21 Oct 2026 07:28:00 GMT", None, None),
        ("-1", "nonsense", None),
        (None, None, None),
    ],
)
def test_a_429_names_its_rest_in_either_header(
    retry_after: str | None, rate_limit: str | None, rest_s: float | None
) -> None:
    assert rest_in(retry_after, rate_limit) == rest_s


@pytest.mark.parametrize(
    ("way", "exc", "rest_s"),
    [
        ("lb", RouteRefused(), 300.0),
        ("lb", RouteDown(), 10.0),
        ("lb", RouteBusy(), 10.0),
        ("lb", ReplyBroken(), None),
        ("openai", ReplyBroken(), 300.0),
        ("stream", _OperationRefused(), 300.0),
        ("stream", RouteBusy(), 0.0),
        ("stream", RouteDown(), None),
        ("run", RouteRefused(), None),
    ],
)
def test_a_failure_belongs_to_the_way_or_to_the_model(
    way: Way, exc: ModelError, rest_s: float | None
) -> None:
    assert rest_after(way, exc) == rest_s


async def test_when_every_way_rests_all_are_tried(virtual_time: VirtualTime) -> None:
    ways = Ways("runpod", ("stream", "run"))
    ways.rest("stream", 10)
    one = ways.now_open()
    ways.rest("run", 10)

    assert one == ("run",)
    assert ways.now_open() == ("stream", "run")


# Prices


@pytest.mark.parametrize(
    ("gpu", "usd"),
    [
        ("L4", 0.684),
        ("NVIDIA L40S", 1.908),
        ("NVIDIA GeForce RTX 4090", 1.116),
        ("NVIDIA RTX A6000", 1.224),
        ("NVIDIA RTX 6000 Ada Generation", 1.908),
        ("NVIDIA RTX PRO 6000 Blackwell", 3.996),
        ("NVIDIA A100 80GB PCIe", 2.736),
        ("ada_24", 1.116),
        ("HOPPER_141", 5.58),
        ("T4", None),
        ("", None),
    ],
)
def test_a_gpu_has_its_price_however_it_is_spelled(gpu: str, usd: float | None) -> None:
    assert usd_per_hour(gpu) == (None if usd is None else pytest.approx(usd))


def test_every_gpu_in_the_list_finds_itself() -> None:
    assert {name: usd_per_hour(name) for name in USD_PER_S} == {
        name: price * 3600 for name, price in USD_PER_S.items()
    }
