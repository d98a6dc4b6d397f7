"""The shapes of load: how many turns at once, how they come, and how the model writes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from voice.cli.bench.host import Pace

BURST = Pace(first_s=0.0, every_s=0.0, words=20)  # all at once: a short reply of a very quick model
PACED = Pace(first_s=0.15, every_s=0.015, words=30)  # a warm GPU
DRIPPING = Pace(first_s=0.0, every_s=5.0, words=20)  # hardly a word, and never so long that it is given up

Loop = Literal["closed", "open", "held"]


@dataclass(frozen=True, slots=True)
class Shape:
    """One shape of load. `callers` at once, or `rate` turns a second; for `lasts_s`, or `turns` of each call.

    `warm_s` of the same load come before it and are not counted. `ramp_s`: callers begin within this time.
    """

    name: str
    title: str
    pace: Pace
    loop: Loop = "closed"
    callers: int = 1
    rate: float = 0.0
    lasts_s: float | None = None
    turns: int | None = None
    warm_s: float = 0.5
    ramp_s: float = 0.0

    @property
    def per_round_s(self) -> float:
        """About how long one round takes."""
        turns_s = (self.turns or 0) * (self.pace.lasts_s + 0.05) if self.lasts_s is None else self.lasts_s
        return self.warm_s + self.ramp_s + turns_s + min(self.pace.lasts_s, 1.0)


SHAPES = {
    one.name: one
    for one in (
        Shape("a-c1", "1 stream, 20 words at once", BURST, callers=1, lasts_s=2.0),
        Shape("a-c16", "16 streams, 20 words at once", BURST, callers=16, lasts_s=2.0),
        Shape("a-c64", "64 streams, 20 words at once", BURST, callers=64, lasts_s=2.0),
        Shape("b-open15", "15 turns a second at random", PACED, "open", rate=15.0, lasts_s=8.0, warm_s=1.0),
        Shape(
            "b-200",
            "200 streams at the pace of a GPU",
            PACED,
            callers=200,
            lasts_s=4.0,
            warm_s=1.3,
            ramp_s=0.6,
        ),
        Shape("c-idle1000", "1,000 open streams", DRIPPING, "held", callers=1000, lasts_s=2.0, warm_s=0.0),
    )
}
QUICK = ("a-c16", "a-c64", "b-200", "c-idle1000")  # what a plain run plays: enough for every mark
