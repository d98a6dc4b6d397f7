from __future__ import annotations

import pytest

from voice.models.scripted import ScriptedClient
from voice.routing.breaker import Breaker
from voice.routing.strategy import in_turn, ranked
from voice.routing.table import Route
from voice.settings import Strategy


def some_routes() -> list[Route]:
    return [
        Route(ScriptedClient("runpod")),
        Route(ScriptedClient("embedded"), is_local=True),
        Route(ScriptedClient("llm")),
    ]


@pytest.mark.parametrize(
    ("strategy", "order"),
    [
        ("remote_first", ["runpod", "llm", "embedded"]),
        ("remote_only", ["runpod", "llm"]),
        ("local_only", ["embedded"]),
        ("local_first", ["embedded", "runpod", "llm"]),
    ],
)
def test_a_strategy_orders_the_routes(strategy: Strategy, order: list[str]) -> None:
    assert [route.name for route in ranked(some_routes(), strategy)] == order


def failed_thrice(breaker: Breaker, now: float = 100.0) -> Breaker:
    for _ in range(3):
        breaker.failed(now)
    return breaker


def test_a_route_that_failed_three_times_rests() -> None:
    breaker = failed_thrice(Breaker(rest_s=20.0))

    assert breaker.rests(119.9)
    assert not breaker.rests(120.0)


def test_after_its_rest_one_turn_may_probe_the_route() -> None:
    breaker = failed_thrice(Breaker(rest_s=20.0))

    breaker.asked(120.0)

    assert breaker.rests(120.1)


def test_looking_at_a_rested_route_does_not_use_up_its_probe() -> None:
    breaker = failed_thrice(Breaker(rest_s=20.0))

    assert not breaker.rests(121.0)
    assert not breaker.rests(122.0)


def test_a_success_forgets_the_failures() -> None:
    breaker = Breaker()
    breaker.failed(1.0)
    breaker.failed(2.0)
    breaker.succeeded()
    breaker.failed(3.0)

    assert not breaker.rests(3.0)


def test_a_resting_route_is_asked_last_but_not_left_out() -> None:
    routes = some_routes()
    failed_thrice(routes[0].breaker)

    assert [route.name for route in in_turn(routes, 101.0)] == ["embedded", "llm", "runpod"]
