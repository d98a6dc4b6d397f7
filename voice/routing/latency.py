"""Learns how long a route takes, so that a turn knows when its silence is unusual.

The newest replies are kept per stage of a reply, and sorted now and then: any quantile is one look. What was
seen long ago is forgotten.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import deque
from collections.abc import Mapping
from typing import Literal, get_args

from voice.types import Json

Stage = Literal["token", "clause", "pause", "whole"]
"""From the asking to the first token, to the first clause, the longest pause between tokens, to the end."""

ENOUGH = 20  # replies; with fewer a p95 is the slowest of them
NEWEST = 600  # replies kept: two hours of one busy line, 20 KB
FLOOR_S, CEILING_S = 0.1, 3.0  # a p95 below is noise of the machine; above it a caller has given up
SHORTEST_S = 0.001  # what took less is noise
GRACE = 1.04  # what is so little slower than all before it has not yet failed to come
NEARLY_ALL = 0.99  # … until then some may still come
KEPT = 20  # equal shares in which a stage is written down


class Latency:
    """What was learned of one route, per stage. Times in seconds."""

    def __init__(self) -> None:
        self._stages: dict[Stage, _Recent] = {}
        self.has_news = False  # since it was last written down

    def saw(self, stage: Stage, took_s: float) -> None:
        """One reply took so long."""
        recent = self._stages.get(stage)
        if recent is None:
            recent = self._stages[stage] = _Recent()
        recent.newest.append(took_s if took_s > SHORTEST_S else SHORTEST_S)
        recent.fresh += 1
        self.has_news = True

    def gave_up(self, stage: Stage, after_s: float) -> None:
        """One reply was stopped after so long without having come so far.

        It would have taken longer still: as long as half of those that took longer, by what was seen. To
        leave it out would make a route that is hedged look quicker and quicker; to count a quick loss (the
        caller spoke on) would make it look quick, too.
        """
        if not self.is_learned(stage):
            return
        seen = self._stages[stage]
        gone = seen.share_under(after_s)
        if gone >= 0.5:
            self.saw(stage, CEILING_S if gone >= 1.0 else seen.middle_above(after_s))

    def is_learned(self, stage: Stage) -> bool:
        """Whether enough replies were seen to go by."""
        recent = self._stages.get(stage)
        return recent is not None and len(recent.newest) >= ENOUGH

    def p95_s(self, stage: Stage, unlearned_s: float) -> float:
        """What 19 of 20 replies stay under, within FLOOR_S and CEILING_S; `unlearned_s` before ENOUGH."""
        p95_s = self.quantile_s(stage, 0.95)
        return unlearned_s if p95_s is None else min(CEILING_S, max(FLOOR_S, p95_s))

    def quantile_s(self, stage: Stage, share: float) -> float | None:
        """What this share of replies stay under; None before ENOUGH."""
        recent = self._stages.get(stage)
        return None if recent is None or len(recent.newest) < ENOUGH else recent.quantile(share)

    def chance(self, stage: Stage, silent_s: float, within_s: float) -> float:
        """How likely a reply that has been silent for `silent_s` gets so far in `within_s` more; 0 to 1.

        A route that is not learned yet is given the benefit of the doubt: 1.
        """
        if not self.is_learned(stage):
            return 1.0
        seen = self._stages[stage]
        gone, by_then = seen.share_under(silent_s), seen.share_under(silent_s + within_s)
        return (by_then - gone) / (1.0 - gone) if gone < 1.0 else 0.0

    def known(self) -> Json:
        """All of it, to be written down; `recall` reads it."""
        self.has_news = False
        return {stage: recent.known() for stage, recent in self._stages.items()}

    def recall(self, known: Json) -> None:
        """Take up what an earlier process had learned. What cannot be read is forgotten."""
        if not isinstance(known, Mapping):
            return
        for stage in get_args(Stage):
            if isinstance(values := known.get(stage), list):
                self._stages[stage] = _Recent.recalled(values)


class _Recent:
    """The NEWEST values of one stage."""

    def __init__(self) -> None:
        self.newest: deque[float] = deque(maxlen=NEWEST)
        self.fresh = 0  # values that came since they were sorted
        self._sorted: list[float] = []

    def quantile(self, share: float) -> float:
        values = self._values()
        return values[int(share * (len(values) - 1))]

    def share_under(self, value: float) -> float:
        """The share of replies that took at most so long."""
        values = self._values()
        if value >= GRACE * values[-1]:
            return 1.0
        return min(NEARLY_ALL, bisect_right(values, value) / len(values))

    def middle_above(self, value: float) -> float:
        """What half of those stay under that took longer than `value`; the value itself where none did."""
        values = self._values()
        first = bisect_right(values, value)
        return values[(first + len(values)) // 2] if first < len(values) else value

    def known(self) -> Json:
        # From the least to the greatest: between them alone a range would shrink with every restart.
        shares = [step / (KEPT - 1) for step in range(KEPT)]
        return [round(self.quantile(share), 4) for share in shares] if self.newest else []

    def _values(self) -> list[float]:
        """All of them, from the least to the greatest."""
        # A 25th more of values moves a share by no more than that, and to sort 600 costs 20 µs.
        if 25 * self.fresh > len(self._sorted):
            self._sorted, self.fresh = sorted(self.newest), 0
        return self._sorted

    @classmethod
    def recalled(cls, values: list[Json]) -> _Recent:
        recent = cls()
        numbers = [float(value) for value in values if isinstance(value, int | float) and _is_time(value)]
        for number in numbers * math.ceil(ENOUGH / max(1, len(numbers))):  # enough to go by, soon outweighed
            recent.newest.append(max(number, SHORTEST_S))
            recent.fresh += 1
        return recent


def _is_time(value: float) -> bool:
    return math.isfinite(value) and value >= 0.0
