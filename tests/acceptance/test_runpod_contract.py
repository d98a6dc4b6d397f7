"""Our client, every way to ask RunPod, and the real worker in its own process: the contract of the three.

The queue's ways go through RunPod's SDK; the load balancer's goes to the worker's own web server, through
our stand-in of RunPod's edge.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from tests.acceptance.test_runpod_worker import ROOT, SCRIPTED, Worker, a_deadline, a_prompt, a_worker
from tests.voice.engines.asked import free_port
from voice.errors import ModelError
from voice.models.http import open_http
from voice.models.runpod import ALL_WAYS, RunPodClient
from voice.models.runpod_ways import Way
from voice.simulate.runpod.standin import RunPodStandIn

pytestmark = pytest.mark.slow

HELLO = "Good morning, how can I help?"


@asynccontextmanager
async def a_balanced_worker() -> AsyncIterator[tuple[RunPodStandIn, Worker]]:
    """The worker in load-balancing mode, and RunPod's edge before it."""
    port = free_port()
    target = f"http://127.0.0.1:{port}"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(SCRIPTED),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "OFFHOOK_WORKER_MODE": "lb", "PORT": str(port)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with RunPodStandIn(lb_target=target) as runpod, httpx.AsyncClient(trust_env=False) as http:
            await _listens(http, target)
            yield runpod, Worker(process)
    finally:
        process.terminate()
        try:
            async with asyncio.timeout(20):
                await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


async def _listens(http: httpx.AsyncClient, target: str) -> None:
    """Returns when the worker's process says that it is ready."""
    while True:
        try:
            if (await http.get(f"{target}/ping")).status_code == 200:
                return
        except httpx.TransportError:
            await asyncio.sleep(0.02)  # a process starts in real time, and there is nothing else to wait for


@asynccontextmanager
async def a_line(way: Way) -> AsyncIterator[tuple[RunPodStandIn, RunPodClient, Worker]]:
    async with asyncio.timeout(90), open_http() as http:
        if way == "lb":
            async with a_balanced_worker() as (runpod, worker):
                yield runpod, await _client(way, runpod, http), worker
            return
        async with RunPodStandIn() as runpod, a_worker(SCRIPTED, runpod) as worker:
            await runpod.was_asked.until(lambda: "job-take-batch" in runpod.asked, 60)
            client = await _client(way, runpod, http)
            yield runpod, client, worker
            await client.close()


async def _client(way: Way, runpod: RunPodStandIn, http: httpx.AsyncClient) -> RunPodClient:
    client = RunPodClient(
        "runpod", runpod.endpoint_id, runpod.key, runpod.url, (way,), http=http, lb_url=runpod.lb_url
    )
    await client.open()
    return client


@pytest.mark.parametrize("way", ALL_WAYS)
async def test_every_way_carries_replies_failures_and_the_next_turn(way: Way) -> None:
    """One worker's process for each way: callers are answered, a failure is one error, the worker goes on."""
    heard: list[list[str]] = [[], [], []]
    async with a_line(way) as (_, client, _worker):
        first = await client.write(a_prompt("hello"), a_deadline(), heard[0].append)
        with pytest.raises(ModelError) as failed:
            await client.write(a_prompt("fail"), a_deadline(), heard[1].append)
        await client.write(a_prompt("hello"), a_deadline(), heard[2].append)

    assert ["".join(one) for one in (heard[0], heard[2])] == [HELLO, HELLO]
    assert "".join(heard[1]) in ("", "Well, ", "Well,")  # the words before it, where the way streams
    assert "no such file" not in str(failed.value)
    assert (first.reason, first.usage.completion_tokens) == ("stop", 4)


@pytest.mark.parametrize("way", ["lb", "openai", "stream"])
async def test_a_way_that_streams_is_heard_at_once_and_a_caller_who_speaks_over_it_stops_the_engine(
    way: Way,
) -> None:
    heard = asyncio.Event()
    async with a_line(way) as (_, client, worker):
        turn = asyncio.create_task(client.write(a_prompt("hang"), a_deadline(), lambda _: heard.set()))
        await heard.wait()
        turn.cancel()
        await asyncio.wait([turn])
        await worker.says("engine.stopped")

    assert turn.cancelled()


async def test_the_workers_of_every_way_are_well_when_asked() -> None:
    states = []
    for way in ("lb", "stream"):
        async with a_line(way) as (_, client, _worker):
            states.append((await client.health()).state)

    assert states == ["warm", "warm"]
