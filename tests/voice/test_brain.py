"""What settings make of a brain: which routes it asks, and what it refuses to start with."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.builders import settings_from
from voice.brain import Brain
from voice.errors import SetupError
from voice.models.scripted import ScriptedClient
from voice.settings import RouteSettings, Settings


async def routes_of(settings: Settings) -> list[str]:
    async with Brain.open(settings) as brain:
        return [route.name for route in brain.routes]


def remote(tmp_path: Path, **changes: object) -> Settings:
    return settings_from(tmp_path, database_url="memory://", strategy="remote_only", **changes)


async def test_runpod_comes_first_then_the_model_server_then_further_routes(tmp_path: Path) -> None:
    further = RouteSettings(name="berlin", kind="openai", url="http://127.0.0.1:9/v1", model="m")

    names = await routes_of(
        remote(
            tmp_path,
            runpod_endpoint_id="abc",
            runpod_api_key="k",
            llm_endpoint="http://127.0.0.1:9/v1",
            llm_model="m",
            routes=(further,),
        )
    )

    assert names == ["runpod", "llm", "berlin"]


async def test_a_route_that_the_settings_name_is_held_until_its_thought_ends(tmp_path: Path) -> None:
    further = RouteSettings(name="berlin", kind="openai", url="http://127.0.0.1:9/v1", model="m")
    server = {"llm_endpoint": "http://127.0.0.1:9/v1", "llm_model": "m"}
    settings = remote(tmp_path, **server, routes=(further,), thinking_routes="berlin")

    async with Brain.open(settings) as brain:
        thinking = {route.name: route.thinking.is_on for route in brain.routes}

    assert thinking == {"llm": False, "berlin": True}


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({}, "OFFHOOK_STRATEGY is remote_only without a remote route"),
        ({"runpod_endpoint_id": "abc"}, "route 'runpod' asks RunPod without a key; set RUNPOD_API_KEY"),
        ({"llm_endpoint": "http://127.0.0.1:9/v1"}, "LLM_MODEL is not set"),
        (
            {"routes": (RouteSettings(name="x", kind="runpod", endpoint_id="a", key_env="NOT_SET"),)},
            "set NOT_SET",
        ),
        (
            {"routes": (RouteSettings(name="x", kind="runpod"),), "runpod_api_key": "k"},
            "routes.x.endpoint_id is missing",
        ),
        (
            {"routes": tuple(RouteSettings(name="x", kind="openai", url="u", model="m") for _ in range(2))},
            "two routes have the same name",
        ),
    ],
)
async def test_a_route_that_cannot_be_asked_ends_the_start_with_what_to_set(
    tmp_path: Path, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(SetupError) as caught:
        await routes_of(remote(tmp_path, **changes))

    assert complaint in str(caught.value)


async def test_a_brain_is_ready_when_a_route_can_be_asked(tmp_path: Path) -> None:
    settings = settings_from(tmp_path, database_url="memory://")

    async with Brain.open(settings, clients=[ScriptedClient()]) as brain:
        assert await brain.ready() == []
    async with Brain.open(settings, clients=[]) as brain:
        assert "no route can be asked" in (await brain.ready())[0]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"embedded_model": Path("/nowhere")}, "OFFHOOK_EMBEDDED_MODEL is /nowhere: no model is there"),
        (
            {"routes": (RouteSettings(name="jamie", kind="embedded"),)},
            "an agent and a route are both called 'jamie'",
        ),
    ],
)
async def test_a_start_that_would_leave_callers_with_fallbacks_is_refused(
    tmp_path: Path, changes: dict[str, object], complaint: str
) -> None:
    with pytest.raises(SetupError) as caught:
        await routes_of(settings_from(tmp_path, database_url="memory://", **changes))

    assert complaint in str(caught.value)
