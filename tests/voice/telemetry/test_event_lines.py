"""A line for each event, at the level that says who should care."""

from __future__ import annotations

import logging

import pytest

from tests.builders import a_turn, write_line
from voice.events import (
    CallStarted,
    Event,
    RequestRefused,
    RouteAsked,
    RouteCancelled,
    RouteChanged,
    RouteFailed,
    RouteWoken,
    TurnClosed,
    TurnStopped,
)
from voice.types import CallId, Door, Ending, Rung, Timing, Why

C1 = CallId("c1")


@pytest.mark.parametrize(
    ("event", "line", "level"),
    [
        (CallStarted(C1, Door.VAPI, "jamie"), "call.started", "INFO"),
        (RouteFailed(C1, "runpod", "RouteDown", "gone", "wait"), "route.failed", "WARNING"),
        (RouteAsked(C1, "runpod", 1, Why.HEDGE), "route.asked", "DEBUG"),
        (RouteCancelled(C1, "runpod"), "route.cancelled", "DEBUG"),
        (RouteWoken("runpod"), "route.woken", "INFO"),
        (RouteChanged("runpod", "cold", "no worker is up"), "route.changed", "INFO"),
        (RouteChanged("runpod", "broken", "401"), "route.changed", "ERROR"),
        (TurnStopped(C1, Door.VAPI, "superseded"), "turn.stopped", "INFO"),
        (RequestRefused("vapi", 401, "NotAllowed"), "request.refused", "WARNING"),
        (TurnClosed(C1, Door.VAPI, a_turn(), late=False), "turn.closed", "INFO"),
        (TurnClosed(C1, Door.VAPI, a_turn(), late=True), "turn.closed", "WARNING"),
        (TurnClosed(C1, Door.VAPI, a_turn(ending=Ending.FELL_BACK), late=False), "turn.closed", "WARNING"),
        (TurnClosed(C1, Door.VAPI, a_turn(ending=Ending.INTERRUPTED), late=False), "turn.closed", "INFO"),
    ],
)
def test_what_the_caller_noticed_is_a_warning(
    event: Event, line: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        write_line(event)

    assert [(record.message, record.levelname) for record in caplog.records] == [(line, level)]


def test_a_closed_turn_tells_its_times_its_routes_and_its_cost(caplog: pytest.LogCaptureFixture) -> None:
    rungs = [Rung("runpod", Why.FIRST, 5.0), Rung("llm", Why.HEDGE, 400.0, cost_usd=0.002)]
    turn = a_turn(rungs=rungs, timing=Timing(ttfc_ms=640.0, total_ms=1900.0))

    with caplog.at_level(logging.INFO):
        write_line(TurnClosed(C1, Door.VAPI, turn, late=False))

    told = vars(caplog.records[0])
    assert {name: told[name] for name in ("ttfc_ms", "total_ms", "routes_asked", "cost_usd")} == {
        "ttfc_ms": 640.0,
        "total_ms": 1900.0,
        "routes_asked": 2,
        "cost_usd": 0.002,
    }


def test_words_stand_under_keys_that_are_removed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        write_line(TurnClosed(C1, Door.VAPI, a_turn("My name is Ada.", "Hello Ada."), late=False))

    holding = [key for key, value in vars(caplog.records[0]).items() if "Ada" in str(value)]
    assert sorted(holding) == ["pii.said", "pii.spoken"]
