"""`offhook bench`: what a turn costs, measured beside a bare floor in the same run.

Server, mock model host and floor are processes of their own (server.py); servers have one core to themselves,
host and load another. Rounds of floor and product are played in turn, because machines are noisy: what counts
is the ratio between the two.
"""

from __future__ import annotations

import asyncio
import json
import os
import platform
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

import typer

from voice.cli.bench.hedging import Hedged, as_rows, bench_hedging
from voice.cli.bench.marks import Marked, cpu_ratio, marked, per_core
from voice.cli.bench.options import (
    Calls,
    Door,
    EveryMs,
    FirstMs,
    Full,
    HedgingTurns,
    JsonFile,
    Loop,
    PictureFile,
    Rate,
    RoundCount,
    RouteName,
    ShapeNames,
    Turns,
    WhoWrites,
    WordCount,
)
from voice.cli.bench.picture import picture
from voice.cli.bench.plan import Asked, plan_of
from voice.cli.bench.run import Bench, Measured, Plan
from voice.cli.bench.show import show, show_hedging, stage_ms
from voice.cli.screen import need_place
from voice.cli.server import loop_factory

HEDGING_S = 10.0  # about, for two thousand turns
LINE_EVERY_S = 10.0  # at the least, where progress goes into a file

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def bench(
    door: Door = "",
    shape: ShapeNames = "",
    full: Full = False,
    rounds: RoundCount = None,
    calls: Calls = None,
    turns: Turns = None,
    loop: Loop = "closed",
    rate: Rate = None,
    model: WhoWrites = "host",
    route: RouteName = None,
    first_ms: FirstMs = None,
    every_ms: EveryMs = None,
    words: WordCount = None,
    hedging: HedgingTurns = 2000,
    as_json: JsonFile = None,
    as_picture: PictureFile = None,
) -> None:
    """Measure what a turn costs beside a bare floor.

    Plain, it plays four shapes of load through Vapi's door: 1,000 open streams, 16 and 64 bursts at once and
    200 paced streams. Exit status 1 with any turn without an answer or wrong word, and when a figure is not
    what it must be on a machine that was calm enough to tell.

    \b
    Examples:
      offhook bench
      offhook bench --shape b-200 --door v1 --rounds 5
      offhook bench --loop open --rate 15 --door gather
      offhook bench --full --json bench.json --picture bench.svg
    """
    need_place(as_json)
    need_place(as_picture)
    own = (calls, turns, loop, rate, rounds, model, route, first_ms, every_ms, words, full)
    plan = plan_of(Asked(door, shape, *own))
    began_on, began_at = datetime.now(UTC), time.monotonic()
    measured = _measured(plan, began_at, HEDGING_S * hedging / 2000)
    _progress(began_at, 0.0)("what hedging gains" if hedging else "")
    hedged = bench_hedging(hedging) if hedging else []
    _progress(began_at, 0.0)("")
    marks = marked(measured)
    show(measured, marks)
    if hedged:
        show_hedging(hedged)
    if as_json:
        found = report(plan, measured, marks, hedged, began_on)
        as_json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if as_picture:
        as_picture.write_text(picture(measured, marks, began_on), encoding="utf-8")
    if any(one.verdict == "missed" for one in marks):
        raise typer.Exit(1)


def _measured(plan: Plan, began_at: float, after_s: float) -> list[Measured]:
    with (
        tempfile.TemporaryDirectory(prefix="offhook-bench-", ignore_cleanup_errors=True) as folder,
        asyncio.Runner(loop_factory=loop_factory()) as runner,
    ):
        told = _progress(began_at, plan.lasts_s + after_s)
        return runner.run(Bench(plan, Path(folder), told).run())


def _progress(began_at: float, lasts_s: float) -> Callable[[str], None]:
    """Says what is going on, between rounds: a bar that moves would cost what is measured.

    Into a file it says so on a line, now and then.
    """
    line_at = -LINE_EVERY_S

    def told(what: str) -> None:
        nonlocal line_at
        took_s = time.monotonic() - began_at
        of = f" of about {max(lasts_s, took_s):.0f} s" if lasts_s else " s"
        if sys.stderr.isatty():
            sys.stderr.write(f"\r\x1b[K{f'{took_s:.0f}{of} · {what}' if what else ''}")
        elif what and took_s - line_at >= LINE_EVERY_S:
            line_at = took_s
            sys.stderr.write(f"{took_s:.0f}{of} · {what}\n")
        sys.stderr.flush()

    return told


def report(
    plan: Plan,
    measured: Sequence[Measured],
    marks: Sequence[Marked],
    hedged: list[tuple[Hedged, Hedged]],
    began_on: datetime,
) -> dict[str, Any]:
    """Everything that was measured, for a file."""
    return {
        "offhook": metadata.version("offhook"),
        "began_on": began_on.isoformat(timespec="seconds"),
        "machine": {
            "system": platform.platform(),
            "python": platform.python_version(),
            "cores": os.cpu_count(),
            "load": list(os.getloadavg()),
        },
        "model": plan.route or plan.model,
        "marks": [
            {
                "name": one.mark.name,
                "door": one.door,
                "value": round(one.value, 3),
                "must": one.mark.must,
                "goal": one.mark.goal,
                "at_least": one.mark.at_least,
                "verdict": one.verdict,
            }
            for one in marks
        ],
        "measured": [
            {
                **one.as_json(),
                "cpu_times_floor": _rounded(cpu_ratio(one)),
                "turns_per_s_and_core": _rounded(per_core(one)),
                "stage_ms": {stage: round(used, 4) for stage, used in stage_ms(one).items()},
            }
            for one in measured
        ],
        "hedging": as_rows(hedged),
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
