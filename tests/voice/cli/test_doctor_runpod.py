"""`offhook doctor runpod`: what it says of a good endpoint, and of each state that one may be in."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.voice.cli.running import in_process
from voice.cli.checks import Check, checks
from voice.cli.runpod.doctor import consult
from voice.cli.vapi.doctor import Consultation
from voice.engines.scripted import ScriptedEngine
from voice.engines.worker import work
from voice.settings import Settings, load_settings
from voice.simulate.runpod.faults import RunPodFaults
from voice.simulate.runpod.standin import RunPodStandIn
from voice.types import Json

KEY = "rpa_the-key-that-nobody-may-see"


async def answers(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
    engine = ScriptedEngine(("Yes, ", "I am."))
    await engine.start()
    async for chunk in work(job, engine):
        yield chunk


@asynccontextmanager
async def an_endpoint(
    worker: Any = answers, faults: RunPodFaults | None = None
) -> AsyncIterator[RunPodStandIn]:
    async with asyncio.timeout(60), RunPodStandIn(key=KEY, worker=worker, faults=faults) as runpod:
        yield runpod


def ours(runpod: RunPodStandIn, **settings: object) -> Settings:
    known = {
        "runpod_base_url": runpod.url,
        "runpod_endpoint_id": runpod.endpoint_id,
        "runpod_api_key": KEY,
        "runpod_rest_url": runpod.rest_url,
    }
    return load_settings(Path("/nonexistent"), **known | settings)


def the(found: Consultation, what: str) -> Check:
    return next(one for one in found.checks if one.what == what)


async def test_a_good_endpoint_answers_by_every_way_and_tells_its_times() -> None:
    async with an_endpoint() as runpod:
        runpod.rest.endpoints["endpoint"]["workers"] = {"min": 1, "max": 3, "idleTimeout": 60}
        settings = ours(
            runpod, runpod_lb_url=runpod.lb_url, runpod_via="lb,openai,stream,runsync,run", runpod_gpu="L4"
        )
        found = await consult(settings, None)

    ways = [check for check in found.checks if check.what.startswith("way ")]
    assert [check.what for check in ways] == ["way lb", "way openai", "way stream", "way runsync", "way run"]
    assert {check.state for check in ways} <= {"ok", "warn"}  # a busy machine may be slow
    assert {said.agent for said in found.heard} == {"Yes, I am."}
    assert the(found, "workers").state == "ok"
    assert "in the queue" in the(found, "way run").says
    assert the(found, "price").says == "L4: $0.68 an hour, as listed on 2026-08-20"


@pytest.mark.parametrize(
    ("told", "state", "says"),
    [
        ({"throttled": 3}, "warn", "second GPU type"),
        ({"unhealthy": 1, "initializing": 1}, "broken", "worker's log"),
        ({"initializing": 1}, "warn", "wait"),
        ({"idle": 0, "running": 0}, "warn", "scaled to zero"),
        ({"running": 1}, "ok", "workers.max"),
    ],
)
async def test_each_state_of_the_workers_comes_with_what_to_do(
    told: dict[str, Json], state: str, says: str
) -> None:
    async with an_endpoint() as runpod:
        runpod.tells_health = {"jobs": {"inQueue": 2}, "workers": told}
        found = await consult(ours(runpod, runpod_via="run"), None)

    assert found.checks[0].state == state
    assert says in found.checks[0].to_do


async def test_the_plain_doctor_says_the_same_of_the_workers_and_what_to_do(tmp_path: Path) -> None:
    async with an_endpoint() as runpod:
        runpod.tells_health = {"jobs": {"inQueue": 2}, "workers": {"throttled": 3}}
        settings = ours(runpod, runpod_via="run", strategy="remote_only", data_dir=tmp_path)
        special = the(await consult(settings, None), "workers")
        plain = next(one for one in await checks(settings) if one.what == "route runpod")

    assert (plain.state, plain.says, plain.to_do) == (special.state, special.says, special.to_do)


async def test_an_endpoint_where_no_worker_starts_is_told_as_cold_not_waited_for() -> None:
    async with an_endpoint(None) as runpod:
        found = await consult(ours(runpod, runpod_via="stream"), None, reply_s=0.5)

    assert the(found, "way stream").state == "broken"
    assert "waited in the queue all the time" in the(found, "way stream").says


async def test_a_host_that_is_not_runpods_own_and_does_not_answer_is_named_with_its_setting() -> None:
    async with an_endpoint() as runpod:
        nowhere = "http://127.0.0.1:9/v2"
        found = await consult(ours(runpod, runpod_base_url=nowhere), None)

    assert the(found, "way stream").state == "broken"
    assert the(found, "way stream").to_do.startswith(f"RUNPOD_BASE_URL is {nowhere}, not RunPod's own")


async def test_two_endpoints_are_both_asked() -> None:
    async with an_endpoint() as runpod:
        found = await consult(ours(runpod, runpod_endpoint_id="endpoint, other", runpod_via="run"), None)

    assert the(found, "way run endpoint").says.startswith("first word after")
    assert the(found, "workers other").state == "broken"


async def test_a_key_that_may_not_manage_still_answers_calls() -> None:
    async with an_endpoint() as runpod:
        found = await consult(ours(runpod, runpod_rest_url=f"{runpod.url}/endpoint"), None)

    assert the(found, "settings").state == "warn"
    assert the(found, "way stream").state in ("ok", "warn")


async def test_a_wrong_key_is_told_once_and_nothing_more_is_tried() -> None:
    async with an_endpoint() as runpod:
        found = await consult(ours(runpod, runpod_api_key="wrong"), None)

    assert [check.what for check in found.checks] == ["workers", "price"]
    assert "check RUNPOD_API_KEY" in found.checks[0].says


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({}, "set RUNPOD_ENDPOINT_ID"),
        ({"RUNPOD_ENDPOINT_ID": "e"}, "RUNPOD_API_KEY is not set"),
    ],
)
def test_what_is_not_set_is_told(tmp_path: Path, settings: dict[str, str], says: str) -> None:
    told = in_process("doctor", "runpod", folder=tmp_path, **settings)

    assert told.exit_code == 1
    assert says in told.stdout


async def test_the_command_tells_it_in_json_and_shows_no_key(tmp_path: Path) -> None:
    async with an_endpoint() as runpod:
        told = await asyncio.to_thread(
            in_process,
            "doctor",
            "runpod",
            "--json",
            folder=tmp_path,
            RUNPOD_BASE_URL=runpod.url,
            RUNPOD_ENDPOINT_ID=runpod.endpoint_id,
            RUNPOD_API_KEY=KEY,
            OFFHOOK_RUNPOD_REST_URL=runpod.rest_url,
        )

    assert json.loads(told.stdout)["ok"] is True
    assert KEY not in told.output


def test_a_url_is_not_taken_for_runpods(tmp_path: Path) -> None:
    told = in_process("doctor", "runpod", "--url", "http://127.0.0.1:9", folder=tmp_path)

    assert told.exit_code == 1
    assert "RunPod is asked at RUNPOD_BASE_URL" in told.stderr
