"""What a command line of the bench asks for, and what it may not ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import typer

from voice.cli.bench.plan import DOORS, Asked, plan_of
from voice.cli.bench.route import routes_in, with_route
from voice.cli.bench.shapes import QUICK, SHAPES
from voice.errors import SetupError
from voice.settings import RouteSettings, Settings


def test_plain_it_measures_every_promise_through_vapis_door_within_a_minute_and_a_half() -> None:
    plan = plan_of(Asked())

    assert plan.doors == ("vapi",)
    assert tuple(one.name for one in plan.shapes) == QUICK
    assert plan.lasts_s < 80


def test_full_is_every_shape_through_every_door() -> None:
    plan = plan_of(Asked(full=True))

    assert plan.doors == DOORS
    assert {one.name for one in plan.shapes} == set(SHAPES)


def test_several_names_are_parted_by_commas() -> None:
    plan = plan_of(Asked(doors="gather, v1", shapes="b-200,a-c1"))

    assert plan.doors == ("v1", "gather")
    assert [one.name for one in plan.shapes] == ["a-c1", "b-200"]


def test_a_load_of_ones_own_is_looked_into_too() -> None:
    plan = plan_of(Asked(calls=7, turns=3, every_ms=5, words=12))

    (shape,) = plan.shapes
    assert (shape.callers, shape.turns, shape.loop) == (7, 3, "closed")
    assert (shape.pace.first_s, shape.pace.every_s, shape.pace.words) == (0.15, 0.005, 12)
    assert plan.call_turns == 3
    assert plan.profiled == shape.name


def test_an_open_loop_lasts_a_while_or_so_many_turns() -> None:
    while_, turns = (plan_of(Asked(loop="open", rate=15, turns=one)).shapes[0] for one in (None, 40))

    assert (while_.lasts_s, while_.turns) == (8.0, None)
    assert (turns.lasts_s, turns.turns) == (None, 40)


def test_replies_of_a_model_that_writes_itself_are_not_held_open() -> None:
    assert all(one.loop != "held" for one in plan_of(Asked(model="embedded")).shapes)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"doors": "telegraph"}, "there is no 'telegraph'; there are vapi, v1, chat, gather, relay, and all"),
        ({"shapes": ","}, "--shape: there is no ','"),
        ({"shapes": "b-200", "calls": 5}, "--shape names a whole load"),
        ({"full": True, "turns": 5}, "--full plays every shape"),
        ({"loop": "open"}, "--loop open needs --rate"),
        ({"rate": 3.0}, "--rate is for --loop open"),
        ({"loop": "open", "rate": 3.0, "calls": 5}, "--calls is for a closed loop"),
        ({"route": "llm", "model": "embedded"}, "give one of them"),
        ({"model": "embedded", "words": 5}, "leave it out here"),
        ({"model": "embedded", "shapes": "c-idle1000"}, "only the mock host's replies can be held open"),
    ],
)
def test_options_that_do_not_go_together_are_told_in_one_line(options: dict[str, Any], says: str) -> None:
    with pytest.raises(typer.BadParameter, match=says.replace("(", r"\(")):
        plan_of(Asked(**options))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "data_dir": tmp_path,
            "vapi_secret": "a secret of the doors",
            "runpod_endpoint_id": "abc",
            "llm_endpoint": "http://127.0.0.1:1/v1",
            "routes": [RouteSettings(name="groq", kind="openai", url="http://127.0.0.1:2/v1", model="m")],
        }
    )


def test_every_route_of_the_settings_can_be_named(settings: Settings) -> None:
    assert routes_in(settings) == ["runpod", "llm", "groq", "embedded"]


def test_of_the_remote_routes_only_the_named_one_is_asked(settings: Settings) -> None:
    groq, llm = with_route(settings, "groq"), with_route(settings, "llm")

    assert (groq.runpod_endpoint_id, groq.llm_endpoint) == (None, None)
    assert [one.name for one in groq.routes] == ["groq"]
    assert (llm.runpod_endpoint_id, llm.llm_endpoint, llm.routes) == (None, settings.llm_endpoint, ())


def test_nothing_but_the_route_is_taken_from_the_settings(settings: Settings) -> None:
    llm = with_route(settings, "llm")

    assert llm.vapi_secret is None
    assert llm.data_dir != settings.data_dir


def test_a_route_that_nobody_has_is_told_with_those_there_are(settings: Settings) -> None:
    with pytest.raises(SetupError, match="no route 'gpt'; they have runpod, llm, groq, embedded"):
        with_route(settings, "gpt")
