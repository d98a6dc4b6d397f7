from __future__ import annotations

import logging

import pytest

from voice.events import Bus, Event, RequestRefused, RouteWoken


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


def test_a_listener_hears_of_the_kinds_that_it_asked_for_in_the_order_of_all() -> None:
    bus, heard = Bus(), list[tuple[str, Event]]()
    woken, refused = RouteWoken("runpod"), RequestRefused("vapi", 401, "NotAllowed")

    bus.subscribe(lambda event: heard.append(("woken", event)), RouteWoken)
    bus.publish(refused)
    bus.subscribe(lambda event: heard.append(("all", event)))
    bus.subscribe(lambda event: heard.append(("both", event)), RouteWoken, RequestRefused)
    bus.publish(woken)
    bus.publish(refused)

    assert heard == [
        ("woken", woken),
        ("all", woken),
        ("both", woken),
        ("all", refused),
        ("both", refused),
    ]
