"""A place of a spoken form that is written otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

DETECTED = "multi"  # in place of a language: whichever the caller speaks

Spelled = Literal["", "code", "phone"]


@dataclass(frozen=True, slots=True)
class Reading:
    """A place of a spoken form, from `start` to `end`, that is written otherwise: "ten dollars" for "$10".

    `spelled` names what is told sign by sign there; "": it is words.
    """

    start: int
    end: int
    written: str
    spelled: Spelled = ""


def moved(readings: Iterable[Reading], by: int) -> Iterator[Reading]:
    """The places when so many characters more stand before them, without those that began before 0."""
    return (
        Reading(one.start + by, one.end + by, one.written, one.spelled)
        for one in readings
        if one.start + by >= 0
    )
