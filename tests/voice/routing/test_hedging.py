"""How many turns may be paid for twice."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.routing.hedging import MOST_SAVED, HedgePurse


def hedged(share: float, wanted: list[bool]) -> int:
    """How many of these turns are paid for twice, of those that want it."""
    purse, paid = HedgePurse(share), 0
    for wants in wanted:
        purse.earn()
        if wants and purse.can_pay:
            purse.spend()
            paid += 1
    return paid


def test_the_first_slow_turn_is_hedged() -> None:
    assert hedged(0.1, [True]) == 1


@given(st.sampled_from((0.0, 0.01, 0.1, 0.25, 0.5)), st.lists(st.booleans(), max_size=400))
def test_never_more_than_the_share_is_paid_twice(share: float, wanted: list[bool]) -> None:
    assert hedged(share, wanted) <= 1 + share * len(wanted)


def test_all_of_the_share_can_be_used() -> None:
    assert hedged(0.1, [True] * 1000) >= 99


def test_a_quiet_morning_does_not_pay_for_an_hour_of_hedges() -> None:
    assert hedged(0.1, [False] * 10_000 + [True] * 100) <= MOST_SAVED + 100 * 0.1


@pytest.mark.parametrize(("share", "paid"), [(0.0, 0), (1.0, 50)])
def test_a_share_may_be_none_or_all(share: float, paid: int) -> None:
    assert hedged(share, [True] * 50) == paid


def test_turns_that_had_to_be_paid_twice_are_waited_for_by_later_ones() -> None:
    purse = HedgePurse(0.5)
    for _ in range(100):
        purse.spend()  # nobody else was left to ask

    turns = 0
    while not purse.can_pay:
        purse.earn()
        turns += 1

    assert turns == 12  # five hedges of debt and one to spend: a bad hour does not end hedging for a day
