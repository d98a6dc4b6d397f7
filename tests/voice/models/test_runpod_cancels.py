"""Many callers hang up at once: what becomes of their jobs at RunPod. Time is played."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import VirtualTime
from tests.voice.models.test_runpod_time import a_line, a_worker, writing
from voice.models.runpod import Way


async def test_jobs_beyond_the_limit_are_cancelled_as_soon_as_runpod_takes_more(
    virtual_time: VirtualTime,
) -> None:
    """Sixty callers hang up, and eight seconds later sixty more: of those RunPod takes forty at once."""
    async with a_line(a_worker(hangs=True)) as line:
        for begins_at in (0.0, 8.0):
            await asyncio.sleep(begins_at - virtual_time.elapsed_s)
            turns = [writing(line) for _ in range(60)]
            await asyncio.sleep(1)
            for turn in turns:
                turn.cancel()
            await asyncio.wait(turns)
        await asyncio.sleep(2.5)
        ended = {job.status for job in line.runpod.queue.jobs.values()}

    assert [round(at) for at in line.instants("cancel")] == [1] * 60 + [9] * 40 + [11] * 20
    assert line.most_cancelling == 20
    assert ended == {"CANCELLED"}


async def test_a_cancel_that_runpod_refuses_for_now_is_sent_again(virtual_time: VirtualTime) -> None:
    async with a_line(a_worker(hangs=True)) as line:
        turn = writing(line)
        await asyncio.sleep(0.5)
        line.runpod.refuses = {"cancel": 429}
        turn.cancel()
        await asyncio.wait([turn])
        await asyncio.sleep(0.2)
        line.runpod.refuses = {}
        await asyncio.sleep(0.3)
        (job,) = line.runpod.queue.jobs.values()

    assert len(line.instants("cancel")) == 2
    assert job.status == "CANCELLED"


async def test_closing_does_not_wait_for_cancels_that_runpod_does_not_take(virtual_time: VirtualTime) -> None:
    async with a_line(a_worker(hangs=True)) as line:
        turns = [writing(line) for _ in range(150)]
        await asyncio.sleep(1)
        for turn in turns:
            turn.cancel()
        await asyncio.wait(turns)
        await line.client.close()

    assert virtual_time.elapsed_s < 2


async def test_closing_does_not_wait_for_a_cancel_that_is_refused_meanwhile(
    virtual_time: VirtualTime,
) -> None:
    async with a_line(a_worker(hangs=True)) as line:
        turn = writing(line)
        await asyncio.sleep(0.5)
        line.runpod.refuses = {"cancel": 429}
        turn.cancel()
        await asyncio.wait([turn])
        await line.client.close()

    assert virtual_time.elapsed_s < 0.7


@pytest.mark.parametrize("way", ["stream", "runsync"])
async def test_who_hangs_up_before_their_job_has_left_gives_none(virtual_time: VirtualTime, way: Way) -> None:
    """RunPod takes 200 /run at once, and 400 /runsync: the others wait for their turn."""
    most = {"stream": 200, "runsync": 400}[way]
    async with a_line(a_worker(hangs=True), way, line_s=0.5) as line:
        turns = [writing(line) for _ in range(most + 100)]
        await asyncio.sleep(0.2)
        for turn in turns:
            turn.cancel()
        await asyncio.wait(turns)
        await asyncio.sleep(5)

    assert len(line.runpod.queue.jobs) == most
