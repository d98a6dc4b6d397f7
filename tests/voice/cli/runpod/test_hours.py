"""The hours of `offhook runpod schedule`: how many workers stay awake when, and what is no plan."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from voice.cli.runpod.hours import hours_of, least_at, next_change
from voice.errors import BadRequest


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-11-{text}").replace(tzinfo=UTC)  # the 23rd is a Monday


@pytest.mark.parametrize(
    ("moment", "least"),
    [
        ("23 07:54", 0), ("23 07:55", 2), ("23 10:59", 2), ("23 11:00", 1), ("24 08:30", 1),
        ("27 17:59", 1), ("27 18:00", 0), ("28 12:00", 0), ("28 22:00", 3), ("29 01:59", 3), ("29 02:00", 0),
        ("25 19:59", 0), ("25 20:00", 4), ("25 23:59", 4), ("26 00:00", 0),
    ],
)  # fmt: skip
def test_the_hours_of_a_plan(moment: str, least: int) -> None:
    lines = ("mon-fri 07:55-18:00=1", "MON 7:55 - 11:00 = 2", "sat 22:00-02:00=3", "wed 20:00-24:00=4")
    plan = [hours_of(line) for line in lines]

    assert least_at(plan, at(moment)) == least


def test_the_next_change_is_told() -> None:
    plan = [hours_of("fri-mon 08:00-18:00=1")]

    assert next_change(plan, at("23 12:00")) == (at("23 18:00"), 0)
    assert next_change(plan, at("24 12:00")) == (at("27 08:00"), 1)
    assert next_change([hours_of("mon-sun 00:00-00:00=1")], at("24 12:00")) is None


@pytest.mark.parametrize("line", ["", "mon", "mon 08:00-09:00", "08:00-09:00=1", "mon 08:00-09:00=-1"])
def test_a_plan_that_is_none_is_named(line: str) -> None:
    with pytest.raises(BadRequest, match="is no plan"):
        hours_of(line)
