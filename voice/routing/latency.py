"""Learns how long a route takes, so that a turn knows when its silence is unusual.

One quantile sketch per stage of a reply: its relative error is 2 % at every quantile, whatever
the shape of the distribution. What was seen long ago is forgotten: a sketch that is full becomes
the older of two, and the one before it is dropped.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from ddsketch import DDSketch

from voice.types import Json

Stage = Literal["token", "clause", "pause", "whole"]
"""From the asking to the first token, to the first clause, the longest pause between tokens, to the end."""

ERROR = 0.02  # relative; a hedge that is 8 ms early at 400 ms harms nobody
ENOUGH = 20  # replies; with fewer a p95 is the slowest of them
FULL = 300  # replies per sketch: an hour of one busy line
FLOOR_S, CEILING_S = 0.1, 3.0  # a p95 below is noise of the machine; above it a caller has given up
GRID = (*(step / 20 for step in range(20)), 0.975, 0.99, 1.0)  # the quantiles that are looked up
SHORTEST_S = 0.001  # what took less is noise, and would widen a sketch by hundreds of bins
KEPT = 20  # equal shares in which a sketch is written down


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
        recent.add(took_s)
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
            self.saw(stage, CEILING_S if gone >= 1.0 else max(after_s, seen.quantile((1.0 + gone) / 2)))

    def is_learned(self, stage: Stage) -> bool:
        """Whether enough replies were seen to go by."""
        return stage in self._stages and self._stages[stage].count >= ENOUGH

    def p95_s(self, stage: Stage, unlearned_s: float) -> float:
        """What 19 of 20 replies stay under, within FLOOR_S and CEILING_S; `unlearned_s` before ENOUGH."""
        if not self.is_learned(stage):
            return unlearned_s
        return min(CEILING_S, max(FLOOR_S, self._stages[stage].quantile(0.95)))

    def quantile_s(self, stage: Stage, share: float) -> float | None:
        """What this share of replies stay under; None before ENOUGH."""
        return self._stages[stage].quantile(share) if self.is_learned(stage) else None

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
    """The newest FULL to 2 × FULL values of one stage."""

    def __init__(self) -> None:
        self._newer, self._older = DDSketch(ERROR), DDSketch(ERROR)
        self._grid: list[float] = []  # the values at GRID; made anew when they are asked for
        self._grid_count = 0.0

    @property
    def count(self) -> float:
        return float(self._newer.count + self._older.count)

    def add(self, value: float) -> None:
        if self._newer.count >= FULL:
            self._newer, self._older = DDSketch(ERROR), self._newer
        self._newer.add(max(value, SHORTEST_S))

    def quantile(self, share: float) -> float:
        grid = self._values()
        place = min(bisect_left(GRID, share), len(GRID) - 1)
        return grid[place]

    def share_under(self, value: float) -> float:
        """The share of replies that took at most so long, between two grid points in proportion."""
        grid = self._values()
        # The sketch itself errs: what is a little slower than all before it has not yet failed to come.
        end = grid[-1] * (1 + 2 * ERROR)
        if value < grid[0]:
            return 0.0
        if value >= end:
            return 1.0
        place = min(bisect_right(grid, value), len(grid) - 1)
        low, high = grid[place - 1], grid[place] if place < len(grid) - 1 else end
        below, above = GRID[place - 1], GRID[place]
        return below + (above - below) * (value - low) / (high - low)

    def known(self) -> Json:
        # From the least to the greatest: between them alone a range would shrink with every restart.
        shares = [step / (KEPT - 1) for step in range(KEPT)]
        return [round(value, 4) for value in self._at(shares)] if self.count else []

    @classmethod
    def recalled(cls, values: list[Json]) -> _Recent:
        recent = cls()
        numbers = [float(value) for value in values if isinstance(value, int | float) and _is_time(value)]
        for number in numbers:
            # Enough to go by, soon outweighed.
            recent._older.add(max(number, SHORTEST_S), ENOUGH / len(numbers))
        return recent

    def _at(self, shares: Sequence[float]) -> list[float]:
        both = DDSketch(ERROR)
        both.merge(self._older)
        both.merge(self._newer)
        return [float(both.get_quantile_value(share) or 0.0) for share in shares]

    def _values(self) -> list[float]:
        # A 25th more of values moves a share by no more than that, and a new grid costs 60 µs.
        if not self._grid or not self._grid_count <= self.count < 1.04 * self._grid_count:
            self._grid, self._grid_count = self._at(GRID), self.count
        return self._grid


def _is_time(value: float) -> bool:
    return math.isfinite(value) and value >= 0.0
