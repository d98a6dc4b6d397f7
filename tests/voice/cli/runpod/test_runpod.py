"""`offhook runpod deploy`, `check`, `warm` and `schedule` against a played management API."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from tests.voice.cli.running import in_process
from voice.cli.runpod.hours import hours_of, least_at
from voice.cli.runpod.rules import endpoint_checks
from voice.cli.runpod.wanted import body_of, wanted
from voice.simulate.loopback import serving
from voice.simulate.runpod.faults import RunPodFaults
from voice.simulate.runpod.standin import RunPodStandIn

KEY = "rpa_the-key-that-nobody-may-see"
NEW = ("--image", "me/offhook-worker:1.0.0", "--gpu", "ADA_24,AMPERE_24")


class Account:
    """A played account, and the command run against it."""

    def __init__(self, runpod: RunPodStandIn, folder: Path) -> None:
        self.runpod, self._folder = runpod, folder

    @property
    def endpoint(self) -> dict[str, Any]:
        return self.runpod.rest.endpoints["endpoint"]

    @property
    def changes(self) -> list[str]:
        """The requests that change something."""
        return [f"{method} {path}" for method, path in self.runpod.rest.asked if method != "GET"]

    async def run(self, *args: str, **settings: str) -> Result:
        known = {
            "RUNPOD_API_KEY": KEY,
            "RUNPOD_ENDPOINT_ID": "endpoint",
            "OFFHOOK_RUNPOD_REST_URL": self.runpod.rest_url,
        }
        told = await asyncio.to_thread(in_process, "runpod", *args, folder=self._folder, **known | settings)
        assert KEY not in told.output
        return told


@asynccontextmanager
async def an_account(folder: Path, faults: RunPodFaults | None = None) -> AsyncIterator[Account]:
    async with asyncio.timeout(60), RunPodStandIn(key=KEY, faults=faults) as runpod:
        yield Account(runpod, folder)


async def test_an_endpoint_is_made_as_calls_need_it(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        told = await account.run("deploy", *NEW, "--yes", RUNPOD_ENDPOINT_ID="")
        made = next(one for one in account.runpod.rest.endpoints.values() if one["name"] == "offhook")

    assert told.exit_code == 0, told.output
    assert f"RUNPOD_ENDPOINT_ID={made['id']}" in told.stdout
    assert (made["type"], made["flashboot"], made["timeout"]) == ("QUEUE", "FLASHBOOT", 60_000)
    assert made["workers"] == {"min": 0, "max": 3, "idleTimeout": 60}
    assert made["scaling"] == {"type": "QUEUE_DELAY", "queueDelay": 1}
    assert made["gpu"] == {"pools": ["ADA_24", "AMPERE_24"]}
    assert made["env"] == {"OFFHOOK_WORKER_MODE": "queue"}


async def test_a_load_balancer_is_made_with_its_own_scaling_and_mode(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        await account.run("deploy", *NEW, "--lb", "--name", "lb", "--env", "OFFHOOK_WORKER_JOBS=16", "--yes")
        made = next(one for one in account.runpod.rest.endpoints.values() if one["name"] == "lb")

    assert made["type"] == "LOAD_BALANCER"
    assert made["scaling"] == {"type": "REQUEST_COUNT", "requestCount": 16}
    assert made["env"] == {"OFFHOOK_WORKER_MODE": "lb", "PORT": "80", "OFFHOOK_WORKER_JOBS": "16"}


async def test_what_was_chosen_at_runpod_stays_and_a_second_run_has_nothing_to_do(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        account.endpoint.update(
            name="offhook",
            env={"HF_TOKEN": "hf_abcdefghijklmnop"},
            gpu={"pools": ["ADA_24"], "count": 2, "excludedTypes": ["NVIDIA L4"]},
            dataCenterIds=["EU-RO-1"],
        )
        first = await account.run("deploy", "--image", "me/w:2", "--gpu", "AMPERE_24", "--max", "5", "--yes")
        second = await account.run("deploy", "--image", "me/w:2", "--gpu", "AMPERE_24", "--max", "5")

    assert first.exit_code == 0, first.output
    assert account.endpoint["env"] == {"HF_TOKEN": "hf_abcdefghijklmnop", "OFFHOOK_WORKER_MODE": "queue"}
    assert account.endpoint["gpu"] == {"pools": ["AMPERE_24"], "count": 2, "excludedTypes": ["NVIDIA L4"]}
    assert account.endpoint["workers"] == {"min": 0, "max": 5, "idleTimeout": 10}
    assert account.endpoint["dataCenterIds"] == ["EU-RO-1"]
    assert account.changes == ["PATCH /serverless/endpoint"]
    assert "hf_abcdefghijklmnop" not in first.output
    assert "nothing to do" in second.stdout


async def test_the_endpoint_of_the_settings_is_changed_and_keeps_the_name_it_has(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        account.endpoint["name"] = "front desk"
        told = await account.run("deploy", "--idle", "60", "--yes")
        kept = account.endpoint["name"]
        await account.run("deploy", "--id", "endpoint", "--name", "back office", "--yes")

    assert told.exit_code == 0, told.output
    assert account.endpoint["workers"]["idleTimeout"] == 60
    assert kept == "front desk"
    assert account.endpoint["name"] == "back office"


async def test_a_name_makes_an_endpoint_beside_the_one_of_the_settings(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        await account.run("deploy", *NEW, "--name", "another", "--yes")

    assert account.changes == ["POST /serverless"]


async def test_a_dry_run_shows_a_new_endpoint_once(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        told = await account.run("deploy", *NEW, "--dry-run", RUNPOD_ENDPOINT_ID="")

    assert told.stdout.count("me/offhook-worker:1.0.0") == 1


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("--image", "me/worker"), "--image me/worker names no version"),
        (("--image", "localhost:5000/worker"), "names no version"),
        (("--gpu", "FOO"), "--gpu FOO was no pool of RunPod's on "),
        (("--image", "me/worker:1", "--gpu", "ADA_24"), ""),
        (("--image", "me/worker@sha256:12"), ""),
    ],
)
async def test_what_runpod_takes_and_is_hardly_meant_is_told(
    tmp_path: Path, args: tuple[str, ...], says: str
) -> None:
    async with an_account(tmp_path) as account:
        told = await account.run("deploy", *args, "--dry-run")

    assert told.exit_code == 0, told.output
    assert (says in told.stderr) if says else not told.stderr


@pytest.mark.parametrize("args", [("deploy", *NEW), ("warm", "1"), ("schedule", "mon-sun 00:00-00:00=1")])
async def test_a_dry_run_shows_the_request_and_changes_nothing(tmp_path: Path, args: tuple[str, ...]) -> None:
    async with an_account(tmp_path) as account:
        told = await account.run(*args, "--dry-run")

    assert told.exit_code == 0, told.output
    assert "would send: " in told.stdout
    assert account.runpod.rest_url in told.stdout
    assert account.changes == []


@pytest.mark.parametrize("args", [("deploy", *NEW), ("warm", "1")])
async def test_nobody_who_does_not_say_yes_changes_anything(tmp_path: Path, args: tuple[str, ...]) -> None:
    async with an_account(tmp_path) as account:
        told = await account.run(*args)

    assert told.exit_code == 1
    assert "nothing was changed; --yes does not ask" in told.stderr
    assert account.changes == []


async def test_warm_keeps_workers_awake_allows_them_and_lets_them_go(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        await account.run("warm", "5", "--yes")
        kept = dict(account.endpoint["workers"])
        again = await account.run("warm", "5")
        await account.run("warm", "0", "--yes")

    assert kept == {"min": 5, "max": 5, "idleTimeout": 10}
    assert "nothing to do" in again.stdout
    assert account.endpoint["workers"]["min"] == 0


async def test_warm_waits_until_a_worker_is_awake_or_says_why_none_is(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        account.runpod.queue.staff.saw("w1")
        awake = await account.run("warm", "1", "--yes", "--wait", "5")
    async with an_account(tmp_path, RunPodFaults(crashes=-1)) as account:
        account.runpod.queue.capacity.want()
        crashing = await account.run("warm", "1", "--yes", "--wait", "1")

    assert "a worker is awake" in awake.stdout
    assert crashing.exit_code == 1
    assert "no worker is awake after 1 s (1 unhealthy)" in crashing.stderr


async def test_a_schedule_sets_what_its_hours_want_and_sends_nothing_twice(tmp_path: Path) -> None:
    always, never = "mon-sun 00:00-00:00=2", "mon 00:00-00:01=1"
    async with an_account(tmp_path) as account:
        await account.run("schedule", always, "--yes")
        kept = account.endpoint["workers"]["min"]
        await account.run("schedule", always, "--yes")
        sent = len(account.changes)

    assert (kept, sent) == (2, 1)
    assert least_at([hours_of(never)], datetime(2026, 11, 22, 12, tzinfo=UTC)) == 0


async def test_a_schedule_gives_the_line_for_a_crontab_without_asking_anybody(tmp_path: Path) -> None:
    told = in_process(
        "runpod", "schedule", "mon-fri 07:55-18:00=1", "--tz", "Europe/Berlin", "--crontab", folder=tmp_path
    )

    line = "*/5 * * * * offhook runpod schedule 'mon-fri 07:55-18:00=1' --tz Europe/Berlin --yes"
    assert told.stdout.strip() == line


async def test_a_check_tells_what_costs_callers_seconds(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        told = await account.run("check")
        as_json = await account.run("check", "--json")

    assert told.exit_code == 0
    for what in ("cold start", "idle timeout 10 s", "FlashBoot: off", "$1.12 an hour"):
        assert what in told.stdout
    assert json.loads(as_json.stdout)["ok"] is True


async def test_an_endpoint_that_runpod_has_cut_to_no_workers_is_broken(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        account.endpoint["workers"] = {"min": 0, "max": 0}
        told = await account.run("check")

    assert told.exit_code == 1
    assert "max 0: no job is ever taken" in told.stdout


@pytest.mark.parametrize(
    ("fields", "workers", "says"),
    [
        ({"workers": {"min": 1, "max": 1}}, {}, ("spare worker", "warn")),
        ({"workers": {"min": 1, "max": 3, "idleTimeout": 5}}, {}, ("workers", "ok")),
        ({"image": "me/worker:latest"}, {}, ("image", "warn")),
        ({"image": "registry:5000/me/worker"}, {}, ("image", "warn")),
        ({"networkVolumes": ["v1"]}, {}, ("volume", "warn")),
        ({"env": {"OFFHOOK_WORKER_MODE": "lb"}}, {}, ("mode", "broken")),
        ({"type": "LOAD_BALANCER", "env": {}}, {}, ("mode", "broken")),
        ({"scaling": {"type": "REQUEST_COUNT", "requestCount": 64}}, {}, ("scaling", "warn")),
        ({"timeout": 600_000}, {}, ("timeout", "warn")),
        ({"gpu": None}, {}, ("gpu", "ok")),
        ({}, {"unhealthy": 2, "total": 2}, ("workers now", "broken")),
        ({}, {"throttled": 3, "total": 3}, ("workers now", "warn")),
        ({}, {"unhealthy": 1, "idle": 1}, ("workers now", "ok")),
        ({"workers": "none", "env": [], "gpu": 3}, {"idle": "many"}, ("workers now", "ok")),
    ],
)
def test_a_rule_finds_what_it_is_for(
    fields: dict[str, Any], workers: dict[str, Any], says: tuple[str, str]
) -> None:
    found = endpoint_checks({"id": "e", "type": "QUEUE", **fields}, workers)

    assert says in [(check.what, check.state) for check in found]


@pytest.mark.parametrize(
    ("args", "settings", "says"),
    [
        (("deploy", "--image", "me/w:1"), {"RUNPOD_ENDPOINT_ID": ""}, "to make it, give --gpu"),
        (("deploy", "--id", "nobody", *NEW), {}, "RunPod knows no such endpoint"),
        (("deploy", "--id", "endpoint", "--lb"), {}, "is a QUEUE, which stays: leave out --lb"),
        (("deploy", *NEW, "--min", "9", "--yes"), {}, "min at most max"),
        (("check",), {"RUNPOD_ENDPOINT_ID": ""}, "set RUNPOD_ENDPOINT_ID or give --id"),
        (("check",), {"RUNPOD_API_KEY": ""}, "RUNPOD_API_KEY is not set"),
        (("check",), {"RUNPOD_API_KEY": "another"}, "RunPod answered 401"),
        (("check",), {"OFFHOOK_RUNPOD_REST_URL": "http://127.0.0.1:9"}, "was not reached (ConnectError)"),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_one_line(
    tmp_path: Path, args: Sequence[str], settings: dict[str, str], says: str
) -> None:
    async with an_account(tmp_path) as account:
        told = await account.run(*args, **settings)

    assert told.exit_code == 1
    assert says in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert account.changes in ([], ["PATCH /serverless/endpoint"])  # one that RunPod refuses


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (("deploy", *NEW, "--env", "HF_TOKEN"), "--env 'HF_TOKEN' must be KEY=VALUE"),
        (("deploy", "--lb", "--env", "OFFHOOK_WORKER_JOBS=many"), "=many must be a whole number"),
        (("deploy", "--image", ""), "must not be empty"),
        (("deploy", "--min", "5", "--max", "2"), "--min 5 is more than --max 2"),
        (("deploy", "--gpu", "ADA_24,L4"), "--gpu L4 is a GPU: name its pool, one of AMPERE_16"),
        (("schedule", "monday 8-9=1"), "is no plan: write it like mon-fri 07:55-18:00=1"),
        (("schedule", "mon 08:00-25:00=1"), "names no time of day"),
        (("schedule", "mon-xyz 08:00-09:00=1"), "names no day"),
        (("schedule", "mon 08:00-09:00=1", "--tz", "Mars/Base"), "is no time zone"),
    ],
)
async def test_what_is_given_wrong_is_wrong_usage(tmp_path: Path, args: Sequence[str], says: str) -> None:
    async with an_account(tmp_path) as account:
        told = await account.run(*args)

    assert told.exit_code == 2
    assert says in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1
    assert account.runpod.rest.asked == []


async def test_two_endpoints_of_one_name_are_not_guessed_between(tmp_path: Path) -> None:
    async with an_account(tmp_path) as account:
        for endpoint_id in ("a", "b"):
            account.runpod.rest.add(endpoint_id, name="offhook")
        told = await account.run("deploy", *NEW, RUNPOD_ENDPOINT_ID="")

    assert "2 endpoints are called 'offhook': name one with --id (a, b)" in told.stderr


async def test_a_management_api_that_says_429_is_asked_again_when_it_says(tmp_path: Path) -> None:
    asked = 0

    async def limited(scope: Any, receive: Any, send: Any) -> None:
        nonlocal asked
        asked += 1
        status, body = (429, b"{}") if asked == 1 else (200, b'{"id": "endpoint", "workers": {"min": 1}}')
        headers = [(b"retry-after", b"0"), (b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async with an_account(tmp_path) as account, serving(limited) as url:
        told = await account.run("warm", "1", OFFHOOK_RUNPOD_REST_URL=url)

    assert "nothing to do" in told.stdout
    assert asked == 2


async def test_a_page_in_place_of_json_is_one_line(tmp_path: Path) -> None:
    async def page(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"<html>\xff</html>"})

    async with an_account(tmp_path) as account, serving(page) as url:
        told = await account.run("check", OFFHOOK_RUNPOD_REST_URL=url)

    assert "does not answer with an object" in told.stderr


def test_a_body_holds_only_what_differs() -> None:
    ours = wanted(
        name="offhook", image=None, is_lb=False, pools=[], disk_gb=40, workers={"min": 1, "max": None}, env={}
    )

    body = body_of({**ours, "disk": 20, "workers": {"min": 1, "max": 3}, "id": "e"}, ours)

    assert body == {"disk": 40}
