from __future__ import annotations

import logging

import pytest

from tests.builders import a_turn
from voice.events import CallStarted, RequestRefused, RouteFailed, TurnClosed
from voice.telemetry.event_lines import write_line
from voice.types import CallId, Door, Ending

C1 = CallId("c1")


@pytest.mark.parametrize(
    ("event", "line", "level"),
    [
        (CallStarted(C1, Door.VAPI, "jamie"), "call.started", "INFO"),
        (RouteFailed(C1, "runpod", "RouteDown", "gone", "wait"), "route.failed", "WARNING"),
        (RequestRefused("vapi", 401, "NotAllowed"), "request.refused", "WARNING"),
        (TurnClosed(C1, Door.VAPI, a_turn(), late=False), "turn.closed", "INFO"),
        (TurnClosed(C1, Door.VAPI, a_turn(), late=True), "turn.closed", "WARNING"),
        (TurnClosed(C1, Door.VAPI, a_turn(ending=Ending.FELL_BACK), late=False), "turn.closed", "WARNING"),
        (TurnClosed(C1, Door.VAPI, a_turn(ending=Ending.INTERRUPTED), late=False), "turn.closed", "INFO"),
    ],
)
def test_what_the_caller_noticed_is_a_warning(
    event: CallStarted, line: str, level: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        write_line(event)

    assert [(record.message, record.levelname) for record in caplog.records] == [(line, level)]


def test_words_stand_under_keys_that_are_removed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        write_line(TurnClosed(C1, Door.VAPI, a_turn("My name is Ada.", "Hello Ada."), late=False))

    holding = [key for key, value in vars(caplog.records[0]).items() if "Ada" in str(value)]
    assert sorted(holding) == ["pii.said", "pii.spoken"]
