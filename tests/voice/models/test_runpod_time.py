"""The RunPod client on played time: what jobs tell of the workers, waking them, and cancelling in time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from tests.builders import a_deadline, a_prompt
from tests.conftest import VirtualTime
from voice.clock import now
from voice.errors import WorkerCold
from voice.models.base import Health
from voice.models.runpod import RunPodClient, Way
from voice.simulate.runpod.faults import RunPodFaults
from voice.simulate.runpod.standin import RunPodStandIn, Worker
from voice.types import Json

LINE_S = 0.05  # from us to RunPod
LAST: Json = {"text": "", "finish_reason": "stop", "timing": {"total_ms": 1}}


def a_worker(*, first_s: float = 0.1, hangs: bool = False) -> Worker:
    async def answer(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        await asyncio.sleep(first_s)
        yield {"text": "Which unit?"}
        if hangs:
            await asyncio.Event().wait()
        yield LAST

    return answer


def operation_of(request: httpx.Request) -> str:
    return request.url.path.split("/")[3]


@dataclass
class Line:
    """A client and its endpoint in memory; `asked_at`: when the client sent which operation."""

    runpod: RunPodStandIn
    client: RunPodClient
    asked_at: list[tuple[str, float]] = field(default_factory=list)
    cancelling: int = 0  # now
    most_cancelling: int = 0

    async def sent(self, request: httpx.Request) -> None:
        operation = operation_of(request)
        self.asked_at.append((operation, now()))
        self.cancelling += operation == "cancel"
        self.most_cancelling = max(self.most_cancelling, self.cancelling)

    async def answered(self, response: httpx.Response) -> None:
        self.cancelling -= operation_of(response.request) == "cancel"

    def instants(self, operation: str) -> list[float]:
        return [at for name, at in self.asked_at if name == operation]

    async def told_after(self, after_s: float) -> Health | None:
        await asyncio.sleep(after_s)
        return self.client.told()


@asynccontextmanager
async def a_line(
    worker: Worker | None, *ways: Way, cold_s: float = 0.0, line_s: float = LINE_S, at_once: int = 1000
) -> AsyncIterator[Line]:
    runpod = RunPodStandIn(worker=worker, at_once=at_once, faults=RunPodFaults(cold_s=cold_s))
    async with runpod.in_memory(line_s) as http:
        client = RunPodClient("runpod", "endpoint", "key", runpod.url, ways or ("stream",), http=http)
        line = Line(runpod, client)
        http.event_hooks = {"request": [line.sent], "response": [line.answered]}
        await client.open()
        try:
            yield line
        finally:
            await client.close()


def state(health: Health | None) -> str | None:
    return health and health.state


def writing(line: Line, hear: list[str] | None = None) -> asyncio.Task[object]:
    heard = [] if hear is None else hear
    return asyncio.create_task(line.client.write(a_prompt(), a_deadline(), heard.append))


# What jobs tell


@pytest.mark.parametrize("way", ["stream", "run"])
async def test_a_job_that_nobody_takes_is_told_as_cold_while_its_turn_still_waits(
    virtual_time: VirtualTime, way: Way
) -> None:
    async with a_line(None, way) as line:
        turn = writing(line)
        before = await line.told_after(0.55)
        at_once = await line.told_after(0.25)
        still_waits = not turn.done()
        turn.cancel()
        await asyncio.wait([turn])

    assert before is None
    assert state(at_once) == "cold"
    assert still_waits


async def test_a_job_that_one_request_waits_for_is_told_as_cold_when_that_returns(
    virtual_time: VirtualTime,
) -> None:
    async with a_line(None, "runsync") as line:
        turn = writing(line)
        told = await line.told_after(2.2)
        turn.cancel()
        await asyncio.wait([turn])

    assert state(told) == "cold"


async def test_a_worker_that_came_late_is_told_as_warm_from_then_on(virtual_time: VirtualTime) -> None:
    async with a_line(a_worker(), cold_s=3.0) as line:
        turn = writing(line)
        cold = await line.told_after(2.9)
        warm = await line.told_after(0.5)
        await turn

    assert (state(cold), state(warm)) == ("cold", "warm")


async def test_a_slow_worker_that_has_the_job_is_warm_and_not_cold(virtual_time: VirtualTime) -> None:
    async with a_line(a_worker(first_s=2.0)) as line:
        turn = writing(line)
        told = await line.told_after(0.9)
        await turn

    assert state(told) == "warm"


async def test_a_job_that_waits_while_another_is_worked_on_waits_for_its_turn_only(
    virtual_time: VirtualTime,
) -> None:
    async with a_line(a_worker(hangs=True), at_once=1) as line:
        first = writing(line)
        await asyncio.sleep(1.5)
        second = writing(line)
        told = await line.told_after(0.8)
        for turn in (first, second):
            turn.cancel()
        await asyncio.wait([first, second])

    assert state(told) == "warm"


async def test_nothing_is_told_before_a_job_and_after_health_was_asked(virtual_time: VirtualTime) -> None:
    async with a_line(a_worker()) as line:
        at_first = line.client.told()
        await writing(line)
        after_a_job = line.client.told()
        health = await line.client.health()

        assert at_first is None
        assert state(after_a_job) == "warm"
        assert health.state == "warm"
        assert line.client.told() is None


async def test_a_quick_turn_costs_no_request_to_learn_whether_the_worker_is_warm(
    virtual_time: VirtualTime,
) -> None:
    async with a_line(a_worker()) as line:
        await writing(line)

    assert [name for name, _ in line.asked_at] == ["run", "stream", "status"]


@pytest.mark.parametrize("way", ["stream", "runsync", "run"])
async def test_a_finish_tells_how_long_the_job_waited_and_was_worked_on(
    virtual_time: VirtualTime, way: Way
) -> None:
    heard: list[str] = []
    async with a_line(a_worker(first_s=0.4), way, cold_s=1.5) as line:
        finish = await line.client.write(a_prompt(), a_deadline(), heard.append)

    assert "".join(heard) == "Which unit?"
    assert finish.queued_s == pytest.approx(1.5, abs=0.01)
    assert finish.busy_s == pytest.approx(0.4, abs=0.01)


async def test_a_reply_is_not_kept_waiting_for_its_times(virtual_time: VirtualTime) -> None:
    async with a_line(a_worker()) as line:
        line.runpod.refuses = {"status": 500}
        finish = await line.client.write(a_prompt(), a_deadline(), lambda _: None)

    assert finish.reason == "stop"
    assert finish.busy_s is None
    assert line.instants("cancel") == []


# Waking


async def test_a_ring_gives_a_job_of_one_token_that_dies_soon(virtual_time: VirtualTime) -> None:
    async with a_line(None) as line:
        woken = await line.client.wake()
        took_s = virtual_time.elapsed_s
        await asyncio.sleep(0.2)
        (job,) = line.runpod.queue.jobs.values()
        await asyncio.sleep(10)
        left = len(line.runpod.queue.jobs)

    assert woken
    assert took_s == 0
    assert isinstance(job.input, dict)
    assert job.input["max_tokens"] == 1
    assert job.input["messages"]
    assert job.execution_s == 5.0
    assert left == 0  # its ttl is over


async def test_a_wake_up_tells_whether_a_worker_is_there_before_the_first_turn(
    virtual_time: VirtualTime,
) -> None:
    async with a_line(None) as asleep, a_line(a_worker()) as awake:
        await asleep.client.wake()
        await awake.client.wake()
        await asyncio.sleep(0.8)

        assert state(asleep.client.told()) == "cold"
        assert state(awake.client.told()) == "warm"


async def test_many_rings_wake_once_in_ten_seconds(virtual_time: VirtualTime) -> None:
    async with a_line(None) as line:
        woken = []
        for _ in range(21):
            woken.append(await line.client.wake())
            await asyncio.sleep(1)

    assert [second for second, was in enumerate(woken) if was] == [0, 10, 20]
    assert len(line.instants("run")) == 3


async def test_a_worker_that_was_just_seen_is_not_woken(virtual_time: VirtualTime) -> None:
    async with a_line(a_worker()) as line:
        await writing(line)
        after_a_job = await line.client.wake()
        await asyncio.sleep(20)
        await line.client.health()
        after_health = await line.client.wake()
        await asyncio.sleep(20)
        later = await line.client.wake()

    assert (after_a_job, after_health, later) == (False, False, True)


@pytest.mark.parametrize("status", [401, 404, 429, 500])
async def test_a_wake_up_that_is_refused_harms_nobody(virtual_time: VirtualTime, status: int) -> None:
    async with a_line(None) as line:
        line.runpod.refuses = {"run": status}
        woken = await line.client.wake()
        await asyncio.sleep(1)

    assert woken
    assert line.client.told() is None


async def test_closing_ends_a_wake_up_at_once(virtual_time: VirtualTime) -> None:
    async with a_line(None, line_s=3.0) as line:
        await line.client.wake()
        await line.client.close()

    assert virtual_time.elapsed_s == 0
    assert not line.runpod.queue.jobs


# Cancelling


@pytest.mark.parametrize("way", ["stream", "run"])
@pytest.mark.parametrize("after_s", [0.3, 1.0, 2.5])
async def test_a_turn_that_is_stopped_reaches_runpods_cancel_within_200_ms(
    virtual_time: VirtualTime, way: Way, after_s: float
) -> None:
    async with a_line(a_worker(hangs=True), way) as line:
        turn = writing(line)
        await asyncio.sleep(after_s)
        turn.cancel()
        await asyncio.wait([turn])
        stopped_after_s = virtual_time.elapsed_s - after_s
        await asyncio.sleep(0.2)
        (job,) = line.runpod.queue.jobs.values()

    assert stopped_after_s == 0  # whoever stopped it did not wait
    assert job.status == "CANCELLED"
    assert line.instants("cancel") == [pytest.approx(after_s)]


async def test_a_turn_that_is_stopped_while_its_job_is_on_its_way_leaves_no_job(
    virtual_time: VirtualTime,
) -> None:
    async with a_line(a_worker(hangs=True), line_s=0.15) as line:
        turn = writing(line)
        await asyncio.sleep(0.05)  # the job arrives at 0.15
        turn.cancel()
        await asyncio.wait([turn])
        await asyncio.sleep(0.3)
        (job,) = line.runpod.queue.jobs.values()

    assert job.status == "CANCELLED"
    assert line.instants("cancel") == [pytest.approx(0.15)]


async def test_a_job_that_one_request_waits_for_is_cancelled_as_soon_as_its_name_is_known(
    virtual_time: VirtualTime,
) -> None:
    async with a_line(a_worker(hangs=True), "runsync") as line:
        turn = writing(line)
        await asyncio.sleep(0.3)
        turn.cancel()
        await asyncio.wait([turn])
        await asyncio.sleep(2.0)
        (job,) = line.runpod.queue.jobs.values()

    assert job.status == "CANCELLED"
    assert line.instants("cancel") == [pytest.approx(2.05)]


async def test_a_turn_that_is_out_of_time_cancels_its_job_too(virtual_time: VirtualTime) -> None:
    async with a_line(None) as line:
        with pytest.raises(WorkerCold):
            await line.client.write(a_prompt(), a_deadline(1.2, 3.0), lambda _: None)

    assert line.instants("cancel") == [pytest.approx(3.0)]


async def test_runpod_is_never_asked_for_more_cancels_than_it_takes(virtual_time: VirtualTime) -> None:
    """150 callers hang up in the same instant; more do so later."""
    async with a_line(a_worker(hangs=True)) as line:
        turns = [writing(line) for _ in range(150)]
        await asyncio.sleep(1)
        for turn in turns:
            turn.cancel()
        await asyncio.wait(turns)
        await asyncio.sleep(5)
        at_once = len(line.instants("cancel"))
        late = writing(line)
        await asyncio.sleep(6)
        late.cancel()
        await asyncio.wait([late])
        await asyncio.sleep(1)
        in_all = len(line.instants("cancel"))
        await asyncio.sleep(30)
        left = [job for job in line.runpod.queue.jobs.values() if not job.is_final]

    assert line.most_cancelling == 20
    assert at_once == 100
    assert in_all == 101
    assert left == []  # the others ended by their own limits
