"""Many lab turns in one row: shares, percentiles, and the promises that were not kept."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import asdict, dataclass

from voice.simulate.lab_report import Limits, Verdict
from voice.simulate.report import percentile
from voice.types import Json

COUNTED = (
    "silent", "technical", "doubled", "stale", "cut_off", "paused", "acted_twice", "misremembered",
    "misrecorded",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Figures:
    """Many turns in one row. Times in milliseconds, shares in percent."""

    name: str
    turns: int
    in_budget: float
    p50: float | None
    p95: float | None
    p99: float | None
    slowest: float | None
    gap: float
    silent: int
    technical: int
    doubled: int
    stale: int
    cut_off: int
    paused: int
    acted_twice: int
    misremembered: int
    misrecorded: int
    whole: float
    paid_twice: float
    local: float
    not_stopped: int

    def as_json(self) -> dict[str, Json]:
        return asdict(self)


def figures(name: str, verdicts: Collection[Verdict]) -> Figures:
    """The row of these turns."""
    times = [one.first_ms for one in verdicts if one.first_ms is not None]
    count = max(1, len(verdicts))

    def total(claim: str) -> int:
        return sum(bool(getattr(one, claim)) for one in verdicts)

    return Figures(
        name=name,
        turns=len(verdicts),
        in_budget=round(100 * (1 - total("late") / count), 3),
        p50=percentile(times, 50),
        p95=percentile(times, 95),
        p99=percentile(times, 99),
        slowest=max(times, default=None),
        gap=max((one.gap_ms for one in verdicts), default=0.0),
        silent=total("silent"),
        technical=total("technical"),
        doubled=total("doubled"),
        stale=total("stale"),
        cut_off=total("cut_off"),
        paused=total("paused"),
        acted_twice=total("acted_twice"),
        misremembered=total("misremembered"),
        misrecorded=total("misrecorded"),
        whole=round(100 * total("whole") / count, 1),
        paid_twice=round(100 * total("paid_twice") / count, 1),
        local=round(100 * total("local") / count, 1),
        not_stopped=sum(one.not_stopped for one in verdicts),
    )


def broken(row: Figures, limits: Limits) -> list[str]:
    """The promises that these turns did not keep, one line each."""
    lines = [f"{100 - row.in_budget:g} % late"] if row.in_budget < 100 else []
    for name in (
        "silent",
        "technical",
        "doubled",
        "stale",
        "cut_off",
        "paused",
        "acted_twice",
        "misrecorded",
    ):
        if number := getattr(row, name):
            lines.append(f"{number} {name.replace('_', ' ')}")
    # The first slow turn after a start is hedged, too, before any turn has earned it.
    if row.paid_twice * row.turns / 100 > limits.hedge_share * row.turns + 1:
        lines.append(f"{row.paid_twice:g} % paid twice, {100 * limits.hedge_share:g} % allowed")
    return lines
