"""What goes wrong at a played RunPod reaches whoever asks it, as it does at the real one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.conftest import VirtualTime
from voice.engines.scripted import ScriptedEngine
from voice.engines.worker import work
from voice.errors import BadRequest
from voice.simulate.runpod.faults import RunPodFaults, faults_in, faults_of
from voice.simulate.runpod.standin import RunPodStandIn
from voice.types import Json


async def a_worker(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
    yield {"text": "Hi."}


async def an_openai_worker(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
    given = job["input"]
    assert isinstance(given, dict)
    if given["openai_route"] == "/v1/models":
        yield {"object": "list", "data": []}
    elif given["openai_input"].get("stream"):
        yield 'data: {"a": 1}\n\n'
        yield "data: [DONE]\n\n"
    else:
        yield {"error": {"message": "no"}}


class Client:
    def __init__(self, runpod: RunPodStandIn, http: httpx.AsyncClient) -> None:
        self.runpod, self.http = runpod, http

    async def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.runpod.key}"}
        roots = {"lb": self.runpod.lb_url, "rest": self.runpod.rest_url}
        first, _, rest = path.partition("/")
        url = f"{roots[first]}/{rest}" if first in roots else f"{self.runpod.url}/endpoint/{path}"
        return await self.http.request(method, url, json=body, headers=headers)

    async def job(self, operation: str = "run", **policy: int) -> str:
        answer = await self.ask("POST", operation, {"input": {"prompt": "hi"}, "policy": policy})
        return str(answer.json()["id"])

    async def told(self, job_id: str) -> dict[str, Any]:
        told: dict[str, Any] = (await self.ask("GET", f"status/{job_id}")).json()
        return told

    async def workers(self) -> list[str]:
        """The states that a worker is in."""
        told = (await self.ask("GET", "health")).json()["workers"]
        return [state for state, count in told.items() if count]


@asynccontextmanager
async def an_endpoint(worker: Any = a_worker, **faults: Any) -> AsyncIterator[Client]:
    runpod = RunPodStandIn(worker=worker, faults=RunPodFaults(**faults))
    async with runpod.in_memory() as http:
        yield Client(runpod, http)


async def test_a_cold_endpoint_starts_with_its_first_job_and_sleeps_again(virtual_time: VirtualTime) -> None:
    async with an_endpoint(cold_s=20, idle_s=60) as client:
        asleep = await client.workers()
        job_id = await client.job()
        await asyncio.sleep(10)
        starting, waiting = await client.workers(), await client.told(job_id)
        await asyncio.sleep(11)
        awake, done = await client.workers(), await client.told(job_id)
        await asyncio.sleep(61)
        later = await client.workers()
        again = await client.job()
        await asyncio.sleep(21)

        assert (asleep, starting, awake, later) == ([], ["initializing"], ["idle", "ready"], [])
        assert (waiting["status"], done["status"]) == ("IN_QUEUE", "COMPLETED")
        assert done["delayTime"] == 20_000
        assert (await client.told(again))["delayTime"] == 20_000


@pytest.mark.parametrize("path", ["runsync", "lb/v1/models"])
async def test_a_worker_that_works_is_not_idle_however_long_that_takes(
    virtual_time: VirtualTime, path: str
) -> None:
    async def slow(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        await asyncio.sleep(30)
        yield {"text": "Hi."}

    method, body = ("GET", None) if path.startswith("lb") else ("POST", {"input": {"prompt": "hi"}})
    async with an_endpoint(slow, cold_s=5, idle_s=10) as client:
        asked = asyncio.create_task(client.ask(method, path, body))
        await asyncio.sleep(40)
        just_done = client.runpod.queue.capacity.state
        await asyncio.sleep(6)
        later = client.runpod.queue.capacity.state

    assert asked.done()
    assert (just_done, later) == ("ready", "cold")


async def test_a_throttled_endpoint_has_no_worker_for_a_while(virtual_time: VirtualTime) -> None:
    async with an_endpoint(throttled_s=30, cold_s=5) as client:
        job_id = await client.job()
        states = []
        for _ in range(3):
            states.append(await client.workers())
            await asyncio.sleep(16)
        told = await client.told(job_id)

    assert states == [["throttled"], ["throttled"], ["initializing"]]
    assert told["delayTime"] == 35_000


async def test_workers_crash_until_one_does_not(virtual_time: VirtualTime) -> None:
    async with an_endpoint(crashes=2, cold_s=3, crash_s=4) as client:
        job_id = await client.job()
        states = []
        for _ in range(17):
            states += await client.workers()
            await asyncio.sleep(1)

        assert list(dict.fromkeys(states)) == ["initializing", "unhealthy"]
        assert (await client.told(job_id))["delayTime"] == 17_000


async def test_in_a_crash_loop_jobs_wait_until_their_ttl(virtual_time: VirtualTime) -> None:
    async with an_endpoint(crashes=-1) as client:
        job_id = await client.job(ttl=60_000)
        await asyncio.sleep(59)
        waiting, workers = await client.told(job_id), await client.workers()
        await asyncio.sleep(2)
        gone = await client.ask("GET", f"status/{job_id}")

    assert (waiting["status"], workers) == ("IN_QUEUE", ["unhealthy"])
    assert gone.status_code == 404


async def test_a_late_end_is_told_late(virtual_time: VirtualTime) -> None:
    async with an_endpoint(late_s=5) as client:
        job_id = await client.job()
        await asyncio.sleep(4)
        early = await client.told(job_id)
        await asyncio.sleep(2)
        late = await client.told(job_id)

    assert (early["status"], late["status"]) == ("IN_PROGRESS", "COMPLETED")


async def test_a_lost_end_is_a_failure_that_points_nowhere(virtual_time: VirtualTime) -> None:
    async with an_endpoint(lost=1.0) as client:
        job_id = await client.job()
        await asyncio.sleep(39)
        before = await client.told(job_id)
        await asyncio.sleep(2)
        after = await client.told(job_id)

    assert before["status"] == "IN_PROGRESS"
    assert (after["status"], after["error"], after["retries"]) == (
        "FAILED",
        "job timed out after 1 retries",
        1,
    )


async def test_a_share_of_answers_fails_and_the_same_seed_fails_the_same(virtual_time: VirtualTime) -> None:
    runs = []
    for seed in (7, 7, 8):
        async with an_endpoint(fails=0.5, seed=seed) as client:
            runs.append([(await client.ask("GET", "health")).status_code for _ in range(20)])

    assert {*runs[0]} == {200, 500}
    assert runs[0] == runs[1] != runs[2]


async def test_a_job_names_its_region(virtual_time: VirtualTime) -> None:
    async with an_endpoint(region="e1") as client:
        ids = await client.job(), await client.job("runsync")

    assert ids[0].endswith("-e1")
    assert ids[1].startswith("sync-")
    assert ids[1].endswith("-e1")


@pytest.mark.parametrize(("rates", "taken"), [(0.005, 5), (0, 20)])
async def test_too_many_requests_are_answered_429_for_ten_seconds(
    virtual_time: VirtualTime, rates: float, taken: int
) -> None:
    body = {"input": {"prompt": "hi"}}
    async with an_endpoint(rates=rates) as client:
        statuses = [(await client.ask("POST", "run", body)).status_code for _ in range(20)]
        await asyncio.sleep(10.1)
        later = (await client.ask("POST", "run", body)).status_code

    assert statuses == [200] * taken + [429] * (20 - taken)
    assert later == 200


async def test_too_many_requests_at_once_are_answered_429(virtual_time: VirtualTime) -> None:
    async with an_endpoint(rates=0.01, line_s=1) as client:
        answers = await asyncio.gather(
            *(client.ask("POST", "run", {"input": {"prompt": "hi"}}) for _ in range(4))
        )

    assert sorted(answer.status_code for answer in answers) == [200, 200, 429, 429]


async def test_a_failed_job_may_be_tried_again_and_a_finished_one_may_not(virtual_time: VirtualTime) -> None:
    async def fails(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        yield {"error": "boom"}

    async with an_endpoint(fails) as client:
        job_id = await client.job()
        await asyncio.sleep(1)
        before = await client.told(job_id)
        again = await client.ask("POST", f"retry/{job_id}")
    async with an_endpoint() as client:
        done = await client.job()
        await asyncio.sleep(1)
        refused = await client.ask("POST", f"retry/{done}")

    assert before["status"] == "FAILED"
    assert again.json() == {"id": job_id, "status": "IN_QUEUE"}
    assert refused.status_code == 400


async def test_purging_cancels_the_jobs_that_wait(virtual_time: VirtualTime) -> None:
    async with an_endpoint(cold_s=60) as client:
        ids = [await client.job() for _ in range(3)]
        purged = await client.ask("POST", "purge-queue")
        statuses = [(await client.told(job_id))["status"] for job_id in ids]

    assert purged.json() == {"removed": 3, "status": "completed"}
    assert statuses == ["CANCELLED"] * 3


@pytest.mark.parametrize("root", ["openai", "lb"])
async def test_chat_completions_are_carried_as_the_worker_writes_them(
    virtual_time: VirtualTime, root: str
) -> None:
    path = f"{root}/v1/chat/completions"
    async with an_endpoint(an_openai_worker) as client:
        streamed = await client.ask("POST", path, {"stream": True})
        models = await client.ask("GET", f"{root}/v1/models")
        failed = await client.ask("POST", path, {"stream": False})
        garbage = await client.ask("POST", path, ["no", "object"])

    assert streamed.text == 'data: {"a": 1}\n\ndata: [DONE]\n\n'
    assert streamed.headers["content-type"] == "text/event-stream"
    assert models.json() == {"object": "list", "data": []}
    assert failed.status_code in (400, 500)
    assert garbage.status_code == 400


@pytest.mark.parametrize("root", ["openai", "lb"])
async def test_a_model_that_is_not_here_is_404_by_both_roads(virtual_time: VirtualTime, root: str) -> None:
    engine = ScriptedEngine(("Hi.",))
    await engine.start()
    async with an_endpoint(lambda job: work(job, engine)) as client:
        asked = {"model": "nobody's", "messages": [{"role": "user", "content": "Hi."}]}
        answer = await client.ask("POST", f"{root}/v1/chat/completions", asked)

    assert answer.status_code == 404
    assert "is not here" in answer.text


async def test_a_load_balanced_worker_tells_how_it_is_as_a_real_one(virtual_time: VirtualTime) -> None:
    async with an_endpoint() as client:
        ping = await client.ask("GET", "lb/ping")
        health = await client.ask("GET", "lb/health")

    assert (ping.status_code, ping.content) == (200, b"")
    assert (health.status_code, health.json()) == (200, {"status": "ready"})


async def test_a_load_balancer_without_a_worker_says_so_after_two_minutes(virtual_time: VirtualTime) -> None:
    async with an_endpoint(None) as client:
        answer = await client.ask("POST", "lb/v1/chat/completions", {})

    assert (answer.status_code, answer.json()) == (400, {"error": "no workers available"})
    assert virtual_time.elapsed_s == pytest.approx(120)


async def test_a_load_balancer_whose_worker_listens_elsewhere_is_a_bad_gateway() -> None:
    async with (
        asyncio.timeout(10),
        RunPodStandIn(lb_target="http://127.0.0.1:9") as runpod,
        httpx.AsyncClient(trust_env=False) as http,
    ):
        answer = await Client(runpod, http).ask("GET", "lb/ping")

    assert answer.status_code == 502


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "says"),
    [
        ("POST", "serverless", {"name": "x", "type": "QUEUE", "gpu": {"pools": ["L4"]}}, 422, "image"),
        ("POST", "serverless", {"name": 3, "type": "QUEUE", "gpu": 1}, 422, "gpu must be an object"),
        ("POST", "serverless", {"type": "QUEUE"}, 422, "name is required"),
        ("PATCH", "serverless/endpoint", {"workers": {"min": "x"}}, 422, "must be counts"),
        ("PATCH", "serverless/endpoint", {"workers": {"min": 5}}, 422, "min at most max"),
        ("PATCH", "serverless/endpoint", {"workers": {"idleTimeout": 9000}}, 422, "from 1 to 3600"),
        ("PATCH", "serverless/endpoint", {"scaling": 3}, 422, "scaling must be an object"),
        ("PATCH", "serverless/endpoint", {"type": "LOAD_BALANCER"}, 422, "type cannot be changed"),
        ("PATCH", "serverless/endpoint", {"flashboot": True}, 422, "flashboot must be one of"),
        ("PATCH", "serverless/endpoint", {"workersMin": 1}, 422, "workersMin: unknown field"),
        ("PATCH", "serverless/endpoint", [1], 400, "not an object"),
        ("PATCH", "serverless/another", {}, 404, "does not exist"),
        ("DELETE", "serverless/endpoint", None, 404, "nothing here"),
    ],
)
async def test_what_the_management_api_refuses_is_a_problem_in_json(
    virtual_time: VirtualTime, method: str, path: str, body: Any, status: int, says: str
) -> None:
    async with an_endpoint() as client:
        answer = await client.ask(method, f"rest/{path}", body)

    assert (answer.status_code, answer.json()["status"]) == (status, status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("path", ["", "/v2", "/v2/another/run", "/v2/endpoint", "/rest", "/lb/v1/models"])
async def test_a_path_that_is_none_is_no_error_of_ours(virtual_time: VirtualTime, path: str) -> None:
    async with an_endpoint(an_openai_worker) as client:
        base = client.runpod.url.removesuffix("/v2")
        answer = await client.http.get(f"{base}{path}", headers={"Authorization": "Bearer key"})

    assert answer.status_code == (200 if path.startswith("/lb") else 404)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"colds": 3}, "there is no 'colds'"),
        ({"cold_s": "40"}, "cold_s must be a number"),
        ({"cold_s": True}, "cold_s must be a number"),
        ({"cold_s": -1}, "cold_s must be from 0"),
        ({"cold_s": float("nan")}, "cold_s must be from 0"),
        ({"lost": 2}, "lost must be from 0 to 1"),
        ({"crashes": 1.5}, "crashes must be a whole number"),
        ({"crashes": -2}, "crashes must be from 0"),
        ({"region": ""}, "region must be letters and digits"),
        ({"region": 3}, "region must be letters and digits"),
    ],
)
def test_a_wrong_fault_is_named(given: dict[str, Any], says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        faults_of(given)


def test_faults_come_from_a_file_and_flags_win(tmp_path: Path) -> None:
    file = tmp_path / "bad-day.toml"
    file.write_text('cold_s = 40\nregion = "e1"\n')

    assert faults_in(file, {"cold_s": 3.0}) == RunPodFaults(cold_s=3.0, region="e1")


@pytest.mark.parametrize("text", [b"cold_s = ", b"\xff\xfe", b'[cold]\ns = "3"'])
def test_a_file_that_holds_no_faults_is_named(tmp_path: Path, text: bytes) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(text)

    with pytest.raises(BadRequest, match=r"bad\.toml"):
        faults_in(file, {})


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadRequest, match="cannot be read"):
        faults_in(tmp_path / "none.toml", {})
