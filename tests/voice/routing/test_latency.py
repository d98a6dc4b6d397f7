"""What is learned of a route's pace: exact enough, soon forgotten, kept over restarts."""

from __future__ import annotations

import json
from timeit import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.routing.latency import CEILING_S, ENOUGH, FLOOR_S, NEWEST, Latency

times = st.floats(0.005, 30.0)
many = st.lists(times, min_size=ENOUGH, max_size=NEWEST // 2)


def learned(*values: float) -> Latency:
    latency = Latency()
    for value in values:
        latency.saw("clause", value)
    return latency


def restarted(latency: Latency) -> Latency:
    """What another process knows that reads what this one wrote down."""
    another = Latency()
    another.recall(json.loads(json.dumps(latency.known())))
    return another


def quantile(latency: Latency, share: float) -> float:
    value = latency.quantile_s("clause", share)
    assert value is not None
    return value


@given(many, st.floats(0.0, 1.0))
def test_every_quantile_is_a_reply_that_was_seen(values: list[float], share: float) -> None:
    assert quantile(learned(*values), share) == sorted(values)[int(share * (len(values) - 1))]


@given(st.permutations(range(1, 2 * NEWEST)), st.floats(0.0, 1.0))
def test_of_many_replies_the_newest_count(order: list[int], share: float) -> None:
    values = [place / 100 for place in order]

    newest = sorted(values[-NEWEST:])

    assert quantile(learned(*values), share) == newest[int(share * (NEWEST - 1))]


def test_before_enough_was_seen_nothing_is_claimed() -> None:
    latency = learned(*[0.4] * (ENOUGH - 1))

    assert not latency.is_learned("clause")
    assert latency.p95_s("clause", 0.7) == 0.7
    assert latency.quantile_s("clause", 0.5) is None
    assert latency.chance("clause", 5.0, 0.1) == 1.0  # the benefit of the doubt


def test_stages_are_learned_apart() -> None:
    latency = learned(*[0.4] * ENOUGH)

    assert not latency.is_learned("token")


@pytest.mark.parametrize(("took_s", "p95_s"), [(0.0, FLOOR_S), (0.01, FLOOR_S), (60.0, CEILING_S)])
def test_a_p95_has_a_floor_and_a_ceiling(took_s: float, p95_s: float) -> None:
    assert learned(*[took_s] * 100).p95_s("clause", 1.0) == p95_s


def test_a_p95_is_what_nineteen_of_twenty_replies_stay_under() -> None:
    values = [0.2] * 94 + [2.0] * 6

    assert learned(*values).p95_s("clause", 1.0) == pytest.approx(2.0, rel=0.02)
    assert learned(*values[2:]).p95_s("clause", 1.0) == pytest.approx(2.0, rel=0.02)
    assert learned(*([0.2] * 97), *values[97:]).p95_s("clause", 1.0) == pytest.approx(0.2, rel=0.02)


@given(many, times, times, times)
def test_a_chance_is_a_share_and_grows_with_the_time_that_is_left(
    values: list[float], silent_s: float, one_s: float, other_s: float
) -> None:
    latency = learned(*values)

    less, more = (latency.chance("clause", silent_s, within_s) for within_s in sorted((one_s, other_s)))

    assert 0.0 <= less <= more <= 1.0


@given(many, times)
def test_in_no_time_nothing_is_likely(values: list[float], silent_s: float) -> None:
    assert learned(*values).chance("clause", silent_s, 0.0) == 0.0


def test_a_reply_that_is_later_than_any_other_is_not_waited_for() -> None:
    assert learned(*[0.4] * 100).chance("clause", 1.0, 5.0) == 0.0


def test_a_chance_follows_what_was_seen() -> None:
    latency = learned(*(number / 100 for number in range(100)))

    assert latency.chance("clause", 0.0, 0.5) == pytest.approx(0.5, abs=0.05)
    assert latency.chance("clause", 0.5, 0.25) == pytest.approx(0.5, abs=0.05)


def test_what_was_seen_long_ago_is_forgotten() -> None:
    latency = learned(*[5.0] * NEWEST, *[0.2] * NEWEST)

    assert quantile(latency, 1.0) == pytest.approx(0.2, rel=0.02)


def test_the_newest_replies_outweigh_what_was_looked_up_before() -> None:
    latency = learned(*[0.2] * (NEWEST // 2))
    assert latency.p95_s("clause", 1.0) == pytest.approx(0.2, rel=0.02)

    for _ in range(NEWEST // 2):
        latency.saw("clause", 2.0)

    assert latency.p95_s("clause", 1.0) == pytest.approx(2.0, rel=0.02)


def test_a_reply_that_was_stopped_late_counts_as_slow() -> None:
    latency = learned(*[0.4] * 100)

    for _ in range(10):
        latency.gave_up("clause", 1.2)

    assert latency.p95_s("clause", 1.0) == CEILING_S  # slower than all that was seen
    assert latency.chance("clause", 1.2, 1.0) == pytest.approx(0.0, abs=0.3)


def test_a_reply_that_was_stopped_would_have_taken_as_long_as_others_that_were_slow() -> None:
    latency = learned(*[0.4] * 80, *[1.5] * 20)

    for _ in range(20):
        latency.gave_up("clause", 1.1)

    assert latency.p95_s("clause", 1.0) == pytest.approx(1.5, rel=0.03)


def test_a_reply_that_was_stopped_early_tells_nothing() -> None:
    latency = learned(*[0.4] * 100)
    latency.known()

    latency.gave_up("clause", 0.1)
    Latency().gave_up("clause", 9.0)

    assert not latency.has_news


@given(many)
def test_what_was_learned_survives_a_restart(values: list[float]) -> None:
    before = learned(*values)
    after = restarted(before)
    exact = sorted(values)

    assert after.is_learned("clause")
    for share in (0.0, 0.5, 0.95, 1.0):
        low, high = (int(max(0.0, share - 0.06) * (len(values) - 1)), int(share * (len(values) - 1)))
        assert exact[low] * 0.95 <= quantile(after, share) <= exact[high] * 1.05


@given(many)
def test_many_restarts_change_no_more_than_one(values: list[float]) -> None:
    once = often = restarted(learned(*values))
    for _ in range(10):
        often = restarted(often)

    for share in (0.0, 0.5, 0.95, 1.0):
        assert quantile(often, share) == pytest.approx(quantile(once, share), rel=0.045)


def test_what_a_new_process_sees_soon_outweighs_what_it_recalls() -> None:
    latency = restarted(learned(*[2.0] * NEWEST))

    for _ in range(ENOUGH * 20):
        latency.saw("clause", 0.2)

    assert latency.p95_s("clause", 1.0) == pytest.approx(0.2, rel=0.02)


@pytest.mark.parametrize(
    "known", [None, 3, "fast", [1, 2], {}, {"clause": "fast"}, {"clause": []}, {"clause": [None, "x", -1]}]
)
def test_what_cannot_be_read_is_forgotten(known: object) -> None:
    latency = Latency()

    latency.recall(known)  # type: ignore[arg-type]  # whatever a store holds

    assert not latency.is_learned("clause")
    assert latency.p95_s("clause", 0.7) == 0.7


def test_of_a_list_the_times_are_read() -> None:
    latency = Latency()

    latency.recall({"clause": [0.4, float("inf"), float("nan"), 0.4]})

    assert quantile(latency, 1.0) == pytest.approx(0.4, rel=0.02)


def test_there_is_news_until_it_is_written_down() -> None:
    latency = Latency()
    news = [latency.has_news]

    latency.saw("clause", 0.4)
    news.append(latency.has_news)
    latency.known()
    news.append(latency.has_news)

    assert news == [False, True, False]


def test_a_route_that_was_never_asked_has_nothing_to_tell() -> None:
    assert Latency().known() == {}


def test_a_look_costs_next_to_nothing() -> None:
    latency = learned(*(number / 100 for number in range(1, 600)))

    def look() -> None:
        latency.p95_s("clause", 1.0)
        latency.chance("clause", 0.4, 0.5)

    assert min(repeat(look, number=1000, repeat=5)) / 1000 < 20e-6  # 2 µs here; it was 10
