"""The figures of a run on the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import typer

from voice.cli.bench.hedging import Hedged
from voice.cli.bench.marks import SIGNS, Marked, cpu_ratio, per_core
from voice.cli.bench.playing import Held
from voice.cli.bench.rounds import Rounds
from voice.cli.bench.run import Measured
from voice.cli.bench.stages import STAGES
from voice.cli.screen import console, dim, table

NOTHING = "–"
BUSY = "~ every round was disturbed: its times tell as much of the machine as of the server"
LEGEND = (
    "✓✓ reaches the goal · ✓ keeps what must be · ✗ misses it · ? misses it on a machine too busy to tell"
    f" · {NOTHING} not known, or of too few turns"
)


def show(measured: Sequence[Measured], marks: Sequence[Marked]) -> None:
    """Everything, the verdicts last: they are what one looks for."""
    for door in dict.fromkeys(one.door for one in measured):
        of_door = [one for one in measured if one.door == door]
        _show_turns(door, [one for one in of_door if one.ours.rounds])
        for one in of_door:
            if one.held:
                _show_held(one.held)
            if one.stages:
                _show_stages(one)
    _show_marks(marks)
    for route in dict.fromkeys(one.route for one in measured if one.route and one.ours.helped):
        helped, turns = _answered([one.ours for one in measured if one.route == route])
        typer.echo(
            f"! route {route!r} did not answer {helped} of {turns} turns: the embedded model did, or nobody"
        )
    if marks:
        typer.echo(dim(LEGEND))
    if any(not one.ours.are_calm for one in measured if one.ours.rounds):
        typer.echo(dim(BUSY))


def _answered(found: Sequence[Rounds]) -> tuple[int, int]:
    """How many turns were helped, of how many that had an answer."""
    return sum(one.helped for one in found), sum(len(each.first) for one in found for each in one.rounds)


def _show_turns(door: str, measured: Sequence[Measured]) -> None:
    if not measured:
        return
    columns = ("turns", "CPU a turn", "floor", "×", "turns/s·core", "late", "errors", "helped")
    cost = table(door, *columns, right=columns)
    for one in measured:
        ours = one.ours
        cost.add_row(
            _name(one),
            str(sum(each.turns for each in ours.rounds)),
            _ms(ours.of(lambda each: each.cpu_ms), 2),
            _ms(one.floor.of(lambda each: each.cpu_ms) if one.floor else None, 2),
            _plain(cpu_ratio(one), 2),
            _plain(per_core(one), 0),
            str(ours.late),
            str(sum(ours.errors.values())),
            str(ours.helped),
        )
    console().print(cost)
    columns = ("first words", "added p50", "p95", "p99", "floor p50", " p99", "later p99", "gaps p99")
    times = table(door, *columns, right=columns)
    for one in measured:
        ours, floor = one.ours, one.floor or Rounds()
        times.add_row(
            _name(one),
            _ms(ours.place(lambda each: each.first, 50), 0),
            *(_ms(ours.place(lambda each: each.added, share), 1) for share in (50, 95, 99)),
            *(_ms(floor.place(lambda each: each.added, share), 1) for share in (50, 99)),
            _ms(ours.place(lambda each: each.later, 99), 1),
            _ms(ours.place(lambda each: each.gaps, 99), 0),
        )
    console().print(times)


def _name(one: Measured) -> str:
    return one.shape.name + ("" if one.ours.are_calm else " ~")


def _show_held(held: Held) -> None:
    parts = [f"{held.open:,} of {held.asked:,} streams open"]
    if held.rss_mb is not None:
        parts += [f"{held.rss_mb:.0f} MB ({held.tree_mb:.0f} MB with the embedded model's process)"]
        parts += [
            f"{held.kb_per_call:.0f} kB a call",
            f"{held.cpu_share:.1%} of a core while they are",
        ]
    gone = "some for ever" if held.gone_s is None else f"none after {held.gone_s:.1f} s"
    parts += [
        f"{held.left_open} open at the host 0.5 s after hang-up" + (f", {gone}" if held.left_open else "")
    ]
    typer.echo(" · ".join(parts))


def stage_ms(one: Measured) -> dict[str, float]:
    """The CPU of a turn by stage in milliseconds: shares of a round that is looked into, of a counted one."""
    if not one.stages:
        return {}
    seconds = {stage: float(one.stages["stages"].get(stage, 0.0)) for stage in STAGES}
    seconds["other threads"] = sum(map(float, one.stages["threads"].values()))
    whole = sum(seconds.values())
    cpu_ms = one.ours.of(lambda each: each.cpu_ms) or 0.0
    return {stage: used / whole * cpu_ms for stage, used in seconds.items()} if whole else {}


def _show_stages(one: Measured) -> None:
    found: dict[str, Any] = stage_ms(one)
    whole = sum(found.values()) or 1.0
    title = f"{one.door} {one.shape.name}: where a turn's CPU goes"
    drawn = table(title, "ms", "share", right=("ms", "share"))
    for stage, used in found.items():
        drawn.add_row(stage, f"{used:.2f}", f"{used / whole:.0%}")
    console().print(drawn)


def _show_marks(marks: Sequence[Marked]) -> None:
    if not marks:
        return
    columns = ("is", "must", "goal", "")
    drawn = table("what we hold ourselves to", "door", *columns, right=columns[:3])
    for one in marks:
        mark = one.mark
        limits = (mark.limit(mark.must), mark.limit(mark.goal))
        drawn.add_row(mark.label, one.door, mark.shown(one.value), *limits, SIGNS[one.verdict])
    console().print(drawn)


def show_hedging(runs: list[tuple[Hedged, Hedged]]) -> None:
    """What hedging gains."""
    columns = ("p50", "p99", "p99 hedged", "ratio", "paid twice")
    drawn = table("first words, two routes whose p99 is 20 × their median", *columns, right=columns)
    for bare, hedged in runs:
        drawn.add_row(
            bare.tail,
            f"{bare.p50_ms:.0f} ms",
            f"{bare.p99_ms:.0f} ms",
            f"{hedged.p99_ms:.0f} ms",
            f"{bare.p99_ms / hedged.p99_ms:.1f} ×",
            f"{hedged.paid_twice:.1%}",
        )
    console().print(drawn)


def _ms(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:.{digits}f} ms"


def _plain(value: float | None, digits: int) -> str:
    return NOTHING if value is None else f"{value:,.{digits}f}"
