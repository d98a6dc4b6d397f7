from __future__ import annotations

import logging

import pytest

from voice.events import Bus, Event, RequestRefused


def test_a_listener_that_fails_stops_neither_the_road_nor_the_others(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bus, heard = Bus(), list[Event]()

    def broken(_: Event) -> None:
        raise RuntimeError

    bus.subscribe(broken)
    bus.subscribe(heard.append)
    with caplog.at_level(logging.ERROR):
        bus.publish(RequestRefused("vapi", 401, "NotAllowed"))

    assert len(heard) == 1
    assert [record.message for record in caplog.records] == ["subscriber.failed"]
