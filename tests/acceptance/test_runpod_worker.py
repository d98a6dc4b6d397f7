"""The real worker in a process of its own, driven by RunPod's real SDK, behind a stand-in of RunPod."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from voice.clock import Budget, Deadline, now
from voice.errors import ReplyBroken
from voice.models.http import open_http
from voice.models.runpod import RunPodClient
from voice.simulate.runpod.standin import RunPodStandIn
from voice.types import Message, Prompt

ROOT = Path(__file__).parents[2]
REAL = ROOT / "runpod_handler.py"
SCRIPTED = ROOT / "tests/acceptance/scripted_worker.py"

pytestmark = pytest.mark.slow


class Worker:
    """The worker's process, and what it has written on its error stream so far."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log = ""

    async def says(self, words: str, times: int = 1) -> None:
        """Waits until the worker has logged `words`."""
        assert self.process.stdout is not None
        while self.log.count(words) < times:
            line = await self.process.stdout.readline()
            assert line, f"the worker ended:\n{self.log}"
            self.log += line.decode()


@asynccontextmanager
async def a_worker(entry: Path, runpod: RunPodStandIn, **env: str) -> AsyncIterator[Worker]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(entry),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), **runpod.worker_env(), **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**20,
    )
    try:
        yield Worker(process)
    finally:
        if process.returncode is None:
            process.terminate()
            await runpod.close()  # the SDK ends when its long polls do, and its jobs
        try:
            async with asyncio.timeout(20):
                await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()


@asynccontextmanager
async def a_line(entry: Path, **env: str) -> AsyncIterator[tuple[RunPodStandIn, RunPodClient, Worker]]:
    async with asyncio.timeout(60), RunPodStandIn() as runpod, open_http() as http:
        client = RunPodClient("runpod", runpod.endpoint_id, runpod.key, runpod.url, http=http)
        async with a_worker(entry, runpod, **env) as worker:
            await runpod.was_asked.until(lambda: "job-take-batch" in runpod.asked, 30)
            yield runpod, client, worker
            await client.close()


def a_prompt(words: str) -> Prompt:
    return Prompt((Message("user", words),), max_tokens=40)


def a_deadline() -> Deadline:
    return Budget(reply_s=20).deadline(now())


async def test_a_caller_is_answered_by_the_real_worker():
    heard: list[str] = []
    async with a_line(SCRIPTED) as (runpod, client, _):
        finish = await client.write(a_prompt("hello"), a_deadline(), heard.append)
        (job,) = runpod.queue.jobs.values()
        health = await client.health()

    assert "".join(heard) == "Good morning, how can I help?"
    assert finish.usage.completion_tokens == 4
    assert job.worker == "worker-1"
    assert health.state == "warm"


async def test_callers_are_answered_together_and_one_too_many_waits_for_a_place():
    heard = [asyncio.Event() for _ in range(4)]  # as many as the worker does at once
    late: list[str] = []
    async with a_line(SCRIPTED) as (_, client, worker):
        talking = [
            asyncio.create_task(client.write(a_prompt("hang"), a_deadline(), lambda _, one=one: one.set()))
            for one in heard
        ]
        await asyncio.gather(*(one.wait() for one in heard))
        waiting = asyncio.create_task(client.write(a_prompt("hello"), a_deadline(), late.append))
        talking[0].cancel()
        await waiting
        for task in talking:
            task.cancel()
        await worker.says("engine.stopped", times=4)

    assert "".join(late) == "Good morning, how can I help?"


async def test_a_barge_in_stops_the_engine_in_the_worker():
    heard = asyncio.Event()
    async with a_line(SCRIPTED) as (runpod, client, worker):
        writing = asyncio.create_task(client.write(a_prompt("hang"), a_deadline(), lambda _: heard.set()))
        await heard.wait()
        writing.cancel()
        await worker.says("engine.stopped")
        after: list[str] = []
        await client.write(a_prompt("hello"), a_deadline(), after.append)
        statuses = [job.status for job in runpod.queue.jobs.values()]

    assert statuses == ["CANCELLED", "COMPLETED"]
    assert "".join(after) == "Good morning, how can I help?"


async def test_an_engine_that_fails_ends_the_job_with_one_sentence():
    heard: list[str] = []
    async with a_line(SCRIPTED) as (_, client, _worker):
        with pytest.raises(ReplyBroken) as broken:
            await client.write(a_prompt("fail"), a_deadline(), heard.append)

    assert heard == ["Well, "]
    assert str(broken.value).endswith("FAILED: The request could not be answered (OSError).")


async def test_a_caller_whose_engine_dies_in_mid_sentence_hears_the_rest_of_it():
    heard: list[str] = []
    async with a_line(SCRIPTED) as (_, client, _worker):
        await client.write(a_prompt("die"), a_deadline(), heard.append)

    assert "".join(heard) == "Well, here I am."


async def test_what_callers_say_and_hear_is_not_in_the_workers_log():
    async with a_line(SCRIPTED) as (_, client, worker):
        await client.write(a_prompt("my sink leaks"), a_deadline(), lambda _: None)
        await worker.says("Finished.")

    assert "sink" not in worker.log
    assert "Good morning" not in worker.log


async def test_the_worker_ends_in_order_when_it_is_told_to():
    async with a_line(SCRIPTED) as (_, client, worker):
        await client.write(a_prompt("hello"), a_deadline(), lambda _: None)

    assert worker.process.returncode == 0


async def test_runpod_hears_that_the_worker_lives():
    async with a_line(SCRIPTED) as (runpod, _, _worker):
        await runpod.was_asked.until(lambda: bool(runpod.pings), 20)

    assert runpod.pings[0].keys() >= {"runpod_version"}


async def test_the_packaged_model_answers_in_the_worker():
    heard: list[str] = []
    async with a_line(REAL) as (_, client, worker):
        finish = await client.write(a_prompt("My sink leaks."), a_deadline(), heard.append)
        await worker.says('"event":"job.done"')

    assert "".join(heard).strip()
    assert 1 <= finish.usage.completion_tokens <= 40
    assert worker.process.returncode == 0
