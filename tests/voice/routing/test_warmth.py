"""Whether a route's host is awake, as far as anybody knows."""

from __future__ import annotations

import pytest

from voice.models.base import Health, HealthState
from voice.routing.warmth import Warmth


@pytest.mark.parametrize(
    ("state", "is_asleep"),
    [
        ("warm", False),
        ("busy", False),
        ("unknown", False),
        ("cold", True),
        ("starting", True),
        ("throttled", True),
        ("broken", True),
    ],
)
def test_a_host_is_asleep_when_a_job_would_wait_for_a_worker(state: HealthState, is_asleep: bool) -> None:
    warmth = Warmth()

    warmth.saw(Health(state))

    assert warmth.is_asleep is is_asleep


def test_a_host_that_tells_nothing_counts_as_awake() -> None:
    assert not Warmth().is_asleep


def test_the_newest_word_counts() -> None:
    warmth = Warmth()

    warmth.saw(Health("cold"))
    warmth.saw(Health("warm"))

    assert not warmth.is_asleep


def test_only_another_state_is_news() -> None:
    warmth = Warmth()

    assert warmth.saw(Health("cold", "no worker"))
    assert not warmth.saw(Health("cold", "no worker for 9 s"))
    assert warmth.health.detail == "no worker for 9 s"


def test_a_reply_wakes_nobody_who_is_awake() -> None:
    warmth = Warmth()

    assert not warmth.answered()
    warmth.saw(Health("busy"))
    assert not warmth.answered()
    assert warmth.health.state == "busy"


def test_a_host_that_has_answered_is_awake() -> None:
    warmth = Warmth()
    warmth.saw(Health("cold"))

    assert warmth.answered()
    assert not warmth.is_asleep
