"""What settings make of RunPod: its routes, their prices, and which of two endpoints a turn asks."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.builders import settings_from
from voice.brain import Brain
from voice.clock import now
from voice.errors import SetupError
from voice.models.base import Health
from voice.models.http import open_http
from voice.models.runpod import RunPodClient
from voice.models.runpod_prices import AS_OF, USD_PER_S
from voice.models.scripted import ScriptedClient
from voice.routing.strategy import in_turn
from voice.routing.table import Price, Route
from voice.settings import RouteSettings, load_settings
from voice.simulate.runpod.standin import RunPodStandIn
from voice.types import Json, Usage


async def routes_of(tmp_path: Path, **changes: object) -> list[Route]:
    """The remote routes of a brain with these settings."""
    known = {"database_url": "memory://", "strategy": "remote_only", "runpod_api_key": "k"}
    async with Brain.open(settings_from(tmp_path, **known | changes)) as brain:
        return brain.routes


def order_of(*routes: Route) -> list[str]:
    return [route.name for route in in_turn(routes, 0.0)]


def a_twin(name: str, state: str) -> Route:
    route = Route(ScriptedClient(name), twins="runpod")
    route.warmth.saw(Health(state))  # type: ignore[arg-type]  # a state, as text
    return route


async def test_several_endpoints_are_routes_of_their_own_and_stand_in_for_one_another(tmp_path: Path) -> None:
    berlin = RouteSettings(name="berlin", kind="runpod", endpoint_id="x")
    other = RouteSettings(name="other", kind="runpod", endpoint_id="y", model="another")

    routes = await routes_of(tmp_path, runpod_endpoint_id="abc, def", routes=(berlin, other))

    assert [route.name for route in routes] == ["runpod", "runpod-2", "berlin", "other"]
    assert routes[0].twins == routes[1].twins == routes[2].twins != routes[3].twins


async def test_a_load_balancer_alone_is_a_route(tmp_path: Path) -> None:
    routes = await routes_of(tmp_path, runpod_lb_url="http://127.0.0.1:9")

    assert [route.name for route in routes] == ["runpod"]


@pytest.mark.parametrize(
    ("changes", "usd"),
    [
        ({}, None),
        ({"runpod_gpu": "ADA_24"}, 1.116),
        ({"runpod_gpu": "NVIDIA L4"}, 0.684),
        ({"runpod_gpu": "ADA_24", "runpod_usd_per_hour": 0.5}, 0.5),
        ({"runpod_gpu": "T4", "runpod_usd_per_hour": 0.3}, 0.3),
    ],
)
async def test_a_job_costs_what_its_gpu_does(
    tmp_path: Path, changes: dict[str, object], usd: float | None
) -> None:
    (route,) = await routes_of(tmp_path, runpod_endpoint_id="abc", **changes)

    if usd is None:
        assert route.price is None
    else:
        assert isinstance(route.price, Price)
        assert route.price.of(Usage(100, 20), busy_s=3600) == pytest.approx(usd)


async def test_a_gpu_without_a_listed_price_ends_the_start_with_what_to_set(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="set OFFHOOK_RUNPOD_USD_PER_HOUR"):
        await routes_of(tmp_path, runpod_endpoint_id="abc", runpod_gpu="T4")


def test_the_prices_that_are_documented_are_those_that_count() -> None:
    page = (Path(__file__).parents[3] / "docs/runpod.md").read_text(encoding="utf-8")
    listed = page[page.index("Flex prices per hour") :].partition("Look at")[0]

    assert AS_OF in listed
    for gpu, per_s in USD_PER_S.items():
        assert gpu in listed
        assert f"${per_s * 3600:.2f}" in listed


@pytest.mark.parametrize("url", ["runpod", "ftp://x", "https://"])
def test_a_load_balancers_url_must_be_one(tmp_path: Path, url: str) -> None:
    with pytest.raises(SetupError, match="RUNPOD_LB_URL"):
        load_settings(tmp_path, runpod_lb_url=url)


def test_of_two_endpoints_that_are_awake_the_one_where_no_jobs_wait_is_asked_first() -> None:
    busy, warm = a_twin("runpod", "busy"), a_twin("runpod-2", "warm")
    llm = Route(ScriptedClient("llm"))

    assert order_of(busy, llm, warm) == ["runpod-2", "llm", "runpod"]


@pytest.mark.parametrize("state", ["cold", "starting", "throttled", "broken"])
def test_an_endpoint_that_sleeps_is_asked_behind_its_twin(state: str) -> None:
    assert order_of(a_twin("runpod", state), a_twin("runpod-2", "busy")) == ["runpod-2", "runpod"]


def test_routes_of_different_models_keep_the_order_of_the_settings() -> None:
    first, second = a_twin("runpod", "busy"), a_twin("other", "warm")
    second.twins = "another model"

    assert order_of(first, second) == ["runpod", "other"]


async def test_the_health_of_two_endpoints_decides_which_region_answers() -> None:
    throttled: Json = {"jobs": {"inQueue": 3}, "workers": {"throttled": 2}}
    async with (
        asyncio.timeout(20),
        RunPodStandIn(endpoint_id="eu") as eu,
        RunPodStandIn(endpoint_id="us") as us,
        open_http() as http,
    ):
        us.queue.staff.saw("w1")
        eu.tells_health = throttled
        routes = [
            Route(RunPodClient(one.endpoint_id, one.endpoint_id, "key", one.url, http=http), twins="runpod")
            for one in (eu, us)
        ]
        for route in routes:
            route.warmth.saw(await route.client.health())

    assert [route.name for route in in_turn(routes, now())] == ["us", "eu"]
