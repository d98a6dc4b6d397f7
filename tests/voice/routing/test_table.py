"""What a reply cost."""

from __future__ import annotations

import pytest

from voice.models.scripted import ScriptedClient
from voice.routing.table import Price, Route
from voice.types import Usage


@pytest.mark.parametrize(
    ("price", "usd"),
    [
        (Price(), 0.0),
        (Price(usd_per_hour=3.6), 0.002),
        (Price(usd_per_1m_prompt=2.0), 0.003),
        (Price(usd_per_1m_completion=10.0), 0.0005),
        (Price(3.6, 2.0, 10.0), 0.0055),
    ],
)
def test_a_reply_costs_its_hosts_time_and_its_tokens(price: Price, usd: float) -> None:
    assert price.of(Usage(prompt_tokens=1500, completion_tokens=50), busy_s=2.0) == pytest.approx(usd)


def test_a_reply_that_was_not_begun_costs_nothing() -> None:
    assert Price(3.6, 2.0, 10.0).of(Usage(), busy_s=0.0) == 0.0


def test_routes_learn_apart_from_each_other() -> None:
    one, other = Route(ScriptedClient("one")), Route(ScriptedClient("other"))

    one.latency.saw("clause", 1.0)
    one.breaker.failed(0.0)

    assert (one.name, other.name) == ("one", "other")
    assert not other.latency.has_news
    assert one.breaker != other.breaker
