"""What a simulated call was like for the caller: each turn's words and times, and percentiles over many."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from voice.types import Json


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One turn as the platform's side saw it.

    `ttfc_ms` is the time from the end of the utterance to the first words (None: none came), `gap_ms` the
    longest silence after them. `hops` counts the requests that fetched the reply. `filler` is what was said
    only to bridge the wait, where the door tells it apart. `budget_ms` is what both times are held to.
    `cut`: the caller spoke over the reply; `heard` is what they had heard of it by then. `acted`: something
    was done to the call in it, such as a transfer, for which nobody needs to say a word.
    """

    said: str
    heard: str
    ttfc_ms: float | None
    total_ms: float
    budget_ms: float
    gap_ms: float = 0.0
    hops: int = 1
    filler: str = ""
    cut: bool = False
    acted: bool = False

    @property
    def only_listened(self) -> bool:
        """Whether the caller said nothing, and heard nothing while they listened: nobody owed a word."""
        return not self.said and not self.heard and self.ttfc_ms is None and not (self.cut or self.acted)

    @property
    def silent(self) -> bool:
        """Whether nothing came: no word that could be said aloud, and nothing was done to the call."""
        return not (self.cut or self.acted or self.only_listened) and not any(
            letter.isalnum() for letter in self.heard
        )

    @property
    def late(self) -> bool:
        """Whether the caller waited longer than the budget for the first words, or for what was done."""
        has_end = self.cut or self.acted
        waited_ms = self.total_ms if has_end and self.ttfc_ms is None else self.ttfc_ms
        if self.only_listened:
            return False
        return waited_ms is None or waited_ms > self.budget_ms

    def as_json(self) -> dict[str, Json]:
        return {
            "said": self.said,
            "heard": self.heard,
            "ttfc_ms": self.ttfc_ms,
            "gap_ms": self.gap_ms,
            "total_ms": self.total_ms,
            "hops": self.hops,
            "filler": self.filler,
            "cut": self.cut,
            "acted": self.acted,
            "late": self.late,
            "silent": self.silent,
        }


@dataclass(slots=True)
class CallReport:
    """One simulated call. `error` says what ended it before its time, in one sentence."""

    door: str
    call_id: str
    greeting: str = ""
    turns: list[TurnReport] = field(default_factory=list)
    error: str | None = None

    @property
    def good(self) -> bool:
        """Whether every turn was answered in time."""
        return (
            self.error is None
            and bool(self.turns)
            and not any(turn.late or turn.silent for turn in self.turns)
        )

    def as_json(self) -> dict[str, Json]:
        return {
            "door": self.door,
            "call_id": self.call_id,
            "greeting": self.greeting,
            "turns": [turn.as_json() for turn in self.turns],
            "error": self.error,
            "good": self.good,
        }


def summary(calls: Sequence[CallReport]) -> dict[str, Json]:
    """Many calls in one line: how many turns, how late, how quick (milliseconds)."""
    turns = [turn for call in calls for turn in call.turns]
    times = [turn.ttfc_ms for turn in turns if turn.ttfc_ms is not None]
    return {
        "calls": len(calls),
        "turns": len(turns),
        "late": sum(turn.late for turn in turns),
        "silent": sum(turn.silent for turn in turns),
        "errors": sum(call.error is not None for call in calls),
        "ttfc_ms": {f"p{share}": percentile(times, share) for share in (50, 95, 99)},
    }


def percentile(values: Iterable[float], share: float) -> float | None:
    """The smallest value that `share` percent of all do not exceed (nearest rank); None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, math.ceil(share / 100 * len(ordered)) - 1)]


def milliseconds(since_s: float, until_s: float) -> float:
    """The time between two instants as reports show it."""
    return round((until_s - since_s) * 1000, 1)
