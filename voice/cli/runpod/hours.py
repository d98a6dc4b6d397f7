"""How many workers stay awake when: `mon-fri 07:55-18:00=1`, in the local time of one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Final

from voice.errors import BadRequest

DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_LINE = re.compile(
    r"\s*(?P<days>[a-z,\-]+)\s+(?P<begins>\d{1,2}:\d{2})\s*-\s*(?P<ends>\d{1,2}:\d{2})\s*=\s*(?P<least>\d{1,3})\s*"
)
FORM: Final = "write it like mon-fri 07:55-18:00=1"


@dataclass(frozen=True, slots=True)
class Hours:
    """On these days (0: Monday) from `begins` until `ends`, `least` workers. Ends that come first are of the
    day after; 24:00 is its midnight."""

    days: frozenset[int]
    begins: time
    ends: time
    least: int

    def holds(self, at: datetime) -> bool:
        """Whether they are at this local time."""
        today, clock = at.weekday(), at.time()
        if self.begins < self.ends:
            return today in self.days and self.begins <= clock < self.ends
        return (today in self.days and clock >= self.begins) or (
            (today - 1) % 7 in self.days and clock < self.ends
        )


def hours_of(line: str) -> Hours:
    """Reads one. Raises BadRequest, with the line and how to write it."""
    found = _LINE.fullmatch(line.lower())
    if found is None:
        raise BadRequest(f"{line!r} is no plan: {FORM}")
    try:
        begins = time.fromisoformat(found["begins"].zfill(5))
        ends = time() if found["ends"] == "24:00" else time.fromisoformat(found["ends"].zfill(5))
    except ValueError:
        raise BadRequest(f"{line!r} names no time of day: {FORM}") from None
    return Hours(frozenset(_days(found["days"], line)), begins, ends, int(found["least"]))


def least_at(plan: Sequence[Hours], at: datetime) -> int:
    """How many workers stay awake then: the most that any of the hours wants."""
    return max((hours.least for hours in plan if hours.holds(at)), default=0)


def next_change(plan: Sequence[Hours], at: datetime) -> tuple[datetime, int] | None:
    """When that is different next, and how many then; None: never."""
    now_least = least_at(plan, at)
    edges = {clock for hours in plan for clock in (hours.begins, hours.ends)}
    moments = sorted(
        datetime.combine(at.date() + timedelta(days=day), clock, at.tzinfo)
        for day in range(9)
        for clock in edges
    )
    for moment in moments:
        if moment > at and least_at(plan, moment) != now_least:
            return moment, least_at(plan, moment)
    return None


def _days(text: str, line: str) -> set[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last and last not in DAYS):
            raise BadRequest(f"{line!r} names no day: {', '.join(DAYS)}; {FORM}")
        begin = DAYS.index(first)
        length = (DAYS.index(last or first) - begin) % 7
        days |= {(begin + step) % 7 for step in range(length + 1)}
    return days
