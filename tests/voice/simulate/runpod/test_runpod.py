"""The stand-in of RunPod's queue keeps RunPod's rules, as clients and workers meet them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from voice.models.http import open_http
from voice.simulate.loopback import serving
from voice.simulate.runpod.clients import health_told
from voice.simulate.runpod.faults import RunPodFaults
from voice.simulate.runpod.queue import JobQueue
from voice.simulate.runpod.standin import RunPodStandIn
from voice.simulate.runpod.webhooks import Webhooks


class Platform:
    """Both sides of the stand-in as plain requests: `ask` as a client does it, `work` as the SDK does it."""

    def __init__(self, runpod: RunPodStandIn, http: httpx.AsyncClient) -> None:
        self.runpod, self.http = runpod, http
        self.root = f"{runpod.url}/{runpod.endpoint_id}"

    async def ask(self, method: str, path: str, body: Any = None, key: str = "Bearer key") -> httpx.Response:
        return await self.http.request(
            method, f"{self.root}/{path}", json=body, headers={"Authorization": key}
        )

    async def given(self, **fields: Any) -> str:
        """The id of a new job."""
        answer = await self.ask("POST", "run", {"input": {"prompt": "hi"}, **fields})
        return str(answer.json()["id"])

    async def work(self, method: str, path: str, body: Any = None) -> httpx.Response:
        return await self.ask(method, path, body, key="key")


@asynccontextmanager
async def a_platform() -> AsyncIterator[Platform]:
    async with asyncio.timeout(20), RunPodStandIn() as runpod, open_http() as http:
        yield Platform(runpod, http)


async def test_a_job_goes_from_the_queue_through_a_worker_to_its_result():
    async with a_platform() as platform:
        job_id = await platform.given()
        taken = (await platform.work("GET", "job-take/w1?gpu=none&job_in_progress=0")).json()
        running = (await platform.ask("GET", f"status/{job_id}")).json()
        await platform.work("POST", f"job-stream/w1/{job_id}?isStream=false", {"output": {"text": "Hi."}})
        await platform.work("POST", f"job-done/w1/{job_id}?isStream=true", {"output": [{"text": "Hi."}]})
        streamed = (await platform.ask("GET", f"stream/{job_id}")).json()
        drained = (await platform.ask("POST", f"stream/{job_id}")).json()
        done = (await platform.ask("POST", f"status/{job_id}")).json()

    assert taken == {"id": job_id, "input": {"prompt": "hi"}}
    assert running["status"] == "IN_PROGRESS"
    assert streamed == {"status": "COMPLETED", "stream": [{"output": {"text": "Hi."}}]}
    assert drained == {"status": "COMPLETED", "stream": []}
    assert done["output"] == [{"text": "Hi."}]
    assert done.keys() == {"id", "status", "output", "delayTime", "executionTime", "workerId"}


async def test_a_batch_of_jobs_is_taken_in_order_and_not_twice():
    async with a_platform() as platform:
        ids = [await platform.given() for _ in range(3)]
        two = (await platform.work("GET", "job-take-batch/w1?gpu=none&batch_size=2")).json()
        rest = (await platform.work("GET", "job-take-batch/w2?gpu=none&batch_size=9")).json()

    assert [job["id"] for job in [*two, *rest]] == ids


async def test_a_worker_waits_for_a_job_and_is_told_at_once():
    async with a_platform() as platform:
        waiting = asyncio.create_task(platform.work("GET", "job-take/w1?gpu=none"))
        await platform.runpod.was_asked.until(lambda: "job-take" in platform.runpod.asked, 5)
        job_id = await platform.given()

        assert (await waiting).json()["id"] == job_id


async def test_a_worker_that_hangs_up_while_it_waits_is_given_no_job():
    async with a_platform() as platform:
        waiting = asyncio.create_task(platform.work("GET", "job-take/w1?gpu=none"))
        await platform.runpod.was_asked.until(lambda: "job-take" in platform.runpod.asked, 5)
        waiting.cancel()
        await asyncio.wait([waiting])
        health = await platform.ask("GET", "health")  # behind it, the hang-up has been seen
        await platform.given()
        status = (await platform.work("GET", "job-take/w2?gpu=none")).status_code

    assert health.status_code == 200
    assert status == 200


async def test_a_worker_is_told_once_which_jobs_to_stop():
    async with a_platform() as platform:
        job_id = await platform.given()
        await platform.work("GET", "job-take/w1?gpu=none")
        cancelled = (await platform.ask("POST", f"cancel/{job_id}")).json()
        stops = (await platform.work("GET", "job-stop/w1?gpu=none")).json()
        late = await platform.work("POST", f"job-done/w1/{job_id}?isStream=true", {"output": []})
        status = (await platform.ask("GET", f"status/{job_id}")).json()["status"]

    assert cancelled == {"id": job_id, "status": "CANCELLED"}
    assert stops == {"jobsToStop": [job_id]}
    assert late.status_code == 200
    assert status == "CANCELLED"


async def test_a_cancelled_job_that_waited_is_given_to_nobody():
    async with a_platform() as platform:
        await platform.ask("POST", f"cancel/{await platform.given()}")
        kept = await platform.given()
        taken = (await platform.work("GET", "job-take-batch/w1?gpu=none&batch_size=5")).json()

    assert [job["id"] for job in taken] == [kept]


async def test_a_worker_that_fails_ends_the_job_with_its_text():
    async with a_platform() as platform:
        job_id = await platform.given()
        await platform.work("GET", "job-take/w1?gpu=none")
        await platform.work("POST", f"job-done/w1/{job_id}?isStream=true", {"error": "boom"})
        streamed = (await platform.ask("GET", f"stream/{job_id}")).json()
        status = (await platform.ask("GET", f"status/{job_id}")).json()

    assert streamed == {"status": "FAILED", "stream": []}  # the reason is in /status only
    assert (status["status"], status["error"]) == ("FAILED", "boom")


async def test_runsync_that_is_not_done_in_its_wait_gives_the_unfinished_job():
    async with a_platform() as platform:
        answer = await platform.ask("POST", "runsync?wait=1000", {"input": {"prompt": "hi"}})

    assert answer.status_code == 200
    assert answer.json()["status"] == "IN_QUEUE"
    assert answer.json()["id"].startswith("sync-")


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("POST", "run", {}, 400),
        ("POST", "run", [], 400),
        ("GET", "run", None, 405),
        ("GET", "status/unknown", None, 404),
        ("GET", "nonsense", None, 404),
    ],
)
async def test_a_wrong_request_is_refused(method, path, body, status):
    async with a_platform() as platform:
        assert (await platform.ask(method, path, body)).status_code == status


async def test_a_wrong_key_is_refused():
    async with a_platform() as platform:
        assert (await platform.ask("GET", "health", key="Bearer wrong")).status_code == 401


async def test_long_polls_end_when_the_platform_does():
    async with asyncio.timeout(5), RunPodStandIn() as runpod, open_http() as http:
        platform = Platform(runpod, http)
        polls = [
            asyncio.create_task(platform.work("GET", f"{op}/w1?gpu=none")) for op in ("job-take", "job-stop")
        ]
        polls.append(asyncio.create_task(platform.ask("GET", f"stream/{await platform.given()}?wait=300000")))
        await runpod.was_asked.until(lambda: {"job-stop", "stream"} <= {*runpod.asked}, 5)
        await runpod.close()

        assert [poll.status_code for poll in await asyncio.gather(*polls)][1:] == [204, 200]


async def test_a_job_that_runs_too_long_fails_and_is_stopped(virtual_time):
    queue = JobQueue()
    job = queue.submit({}, {"executionTimeout": 6000}, "run")
    queue.take("w1", 1)

    await asyncio.sleep(5.9)
    before = job.status
    await asyncio.sleep(0.2)

    assert before == "IN_PROGRESS"
    assert job.told()["error"] == "executionTimeout exceeded"
    assert queue.staff.stops_for("w1") == [job.id]
    queue.close()


async def test_a_job_past_its_ttl_is_gone_in_any_state(virtual_time):
    queue = JobQueue()
    waiting = queue.submit({}, {"ttl": 1}, "run")  # RunPod's least is 10 s
    running = queue.submit({}, {"ttl": 12_000}, "run")

    await asyncio.sleep(9.9)
    before = len(queue.jobs)
    await asyncio.sleep(0.2)
    queue.take("w1", 5)
    await asyncio.sleep(2)

    assert before == 2
    assert waiting.id not in queue.jobs
    assert running.id not in queue.jobs
    assert queue.staff.stops_for("w1") == [running.id]
    queue.close()


async def test_a_result_is_kept_for_its_time_only(virtual_time):
    queue = JobQueue()
    jobs = [queue.submit({}, {}, operation) for operation in ("run", "runsync")]
    for job in queue.take("w1", 2):
        queue.end(job, "COMPLETED", {"output": "Hi."})

    await asyncio.sleep(61)

    assert list(queue.jobs) == [jobs[0].id]
    assert health_told(queue)["jobs"]["completed"] == 2
    queue.close()


async def test_in_memory_a_cold_worker_takes_its_time_and_does_so_many_jobs_at_once(virtual_time):
    async def answer(job):
        await asyncio.sleep(2)
        yield "Hi."

    runpod = RunPodStandIn(worker=answer, at_once=2, faults=RunPodFaults(cold_s=10))
    async with runpod.in_memory(line_s=0.1) as http:
        platform = Platform(runpod, http)
        ids = [await platform.given() for _ in range(3)]  # at 0.1, 0.2 and 0.3 s
        await asyncio.sleep(14)
        jobs = [(await platform.ask("GET", f"status/{job_id}")).json() for job_id in ids]

    waited_s = [round(job["delayTime"] / 1000, 1) for job in jobs]
    assert waited_s == [10.0, 9.9, 11.8]
    assert [job["executionTime"] for job in jobs[:2]] == [2000, 2000]


async def test_in_memory_a_request_that_is_given_up_on_its_way_is_not_heard(virtual_time):
    runpod = RunPodStandIn()
    async with runpod.in_memory(line_s=0.1) as http:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await Platform(runpod, http).given()

    assert runpod.asked == []


class Listener:
    """Somebody's server behind a webhook's URL: answers with `statuses` in order, then 200."""

    def __init__(self, *statuses: int) -> None:
        self.heard: list[tuple[float, dict[str, Any]]] = []
        self._statuses = list(statuses)

    async def __call__(self, url: str, body: bytes) -> int:
        self.heard.append((asyncio.get_running_loop().time(), json.loads(body)))
        return self._statuses.pop(0) if self._statuses else 200


async def test_a_webhook_is_told_of_the_end_and_again_until_it_says_200_three_times_at_most(virtual_time):
    async def worker(job: Any) -> Any:
        yield {"text": "Hi."}

    heard: dict[tuple[int, ...], list[tuple[float, dict[str, Any]]]] = {}
    for statuses in ((), (500,), (0, 404, 500)):
        listener = Listener(*statuses)
        runpod = RunPodStandIn(worker=worker)
        runpod.queue.webhooks = Webhooks(listener)
        async with runpod.in_memory() as http:
            platform = Platform(runpod, http)
            job_id = await platform.given(webhook="http://shop.test/done")
            await asyncio.sleep(60)
        heard[statuses] = listener.heard
        assert {told["id"] for _, told in listener.heard} == {job_id}

    assert [len(told) for told in heard.values()] == [1, 2, 3]
    assert heard[()][0][1]["status"] == "COMPLETED"
    assert heard[()][0][1]["output"] == [{"text": "Hi."}]
    (first_at, _), (second_at, _), (third_at, _) = heard[(0, 404, 500)]
    assert (second_at - first_at, third_at - second_at) == (10.0, 10.0)


async def test_a_webhook_is_posted_over_a_real_line_as_json():
    got = asyncio.Queue[dict[str, Any]]()

    async def shop(scope: Any, receive: Any, send: Any) -> None:
        await got.put({"path": scope["path"], "body": (await receive())["body"]})
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with serving(shop, 0) as url, a_platform() as platform:
        job_id = await platform.given(webhook=f"{url}/done")
        await platform.ask("POST", f"cancel/{job_id}")
        told = await got.get()

    assert told["path"] == "/done"
    assert json.loads(told["body"]) == {"id": job_id, "status": "CANCELLED"}


async def test_a_webhook_that_is_no_url_is_refused():
    async with a_platform() as platform:
        answer = await platform.ask("POST", "run", {"input": {"prompt": "hi"}, "webhook": "shop"})

    assert (answer.status_code, answer.json()) == (400, {"error": "webhook must be a URL"})


async def test_status_sync_waits_for_the_end(virtual_time):
    async def worker(job: Any) -> Any:
        await asyncio.sleep(5)
        yield {"text": "Hi."}

    runpod = RunPodStandIn(worker=worker)
    async with runpod.in_memory() as http:
        platform = Platform(runpod, http)
        job_id = await platform.given()
        early = (await platform.ask("GET", f"status-sync/{job_id}?wait=2000")).json()
        done = (await platform.ask("GET", f"status-sync/{job_id}")).json()

    assert (early["status"], done["status"]) == ("IN_PROGRESS", "COMPLETED")
    assert virtual_time.elapsed_s == pytest.approx(5.0)


async def test_a_job_of_low_priority_starts_no_worker(virtual_time):
    runpod = RunPodStandIn(faults=RunPodFaults(cold_s=1.0))
    async with runpod.in_memory() as http:
        platform = Platform(runpod, http)
        await platform.given(policy={"lowPriority": True})
        asleep = runpod.queue.capacity.state
        await platform.given()

    assert (asleep, runpod.queue.capacity.state) == ("cold", "initializing")
