# ruff: noqa: T201 (a measurement prints its table)
"""Figures beside what they are held to."""

from __future__ import annotations

import statistics
from collections.abc import Sequence


def row(what: str, figure: str, bound: str = "", holds: bool | None = None) -> None:
    """One line, printed when it is known. `holds`: whether the figure keeps its bound; None: it has none."""
    mark = "" if holds is None else "holds" if holds else "DOES NOT HOLD"
    print(f"{what:<62} {figure:<34} {bound:<10} {mark}".rstrip(), flush=True)


def at_least(what: str, ratio: float, bound: float | None, beside: str = "") -> None:
    if bound is None:
        row(what, f"{ratio:.2f} x {beside}")
    else:
        row(what, f"{ratio:.2f} x {beside}", f">= {bound:.2f} x", ratio >= bound)


def at_most_ms(what: str, figure_ms: float, bound_ms: float, beside: str = "") -> None:
    row(what, f"{figure_ms:.1f} ms {beside}", f"<= {bound_ms:g} ms", figure_ms <= bound_ms)


def share_ms(values_s: Sequence[float], share: float) -> float:
    """The value in milliseconds below which this share of the values lies."""
    ordered = sorted(values_s)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


def median_ms(values_s: Sequence[float]) -> float:
    return statistics.median(values_s) * 1000
