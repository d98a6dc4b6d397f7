"""`offhook bench`: many calls at once, beside a floor that is measured in the same run.

The calls are the simulated ones of `offhook call`, over one pool of connections. Server and floor are
processes of their own (voice/cli/bench_server.py), so that their CPU is theirs alone. Machines are
noisy: what counts is the ratio between the two.
"""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import Progress

from voice.cli.bench_hedging import Hedged, as_rows, bench_hedging
from voice.cli.bench_process import BenchProcess, recorded_answers
from voice.cli.bench_server import BenchServer
from voice.cli.lines import HttpDoor, open_line
from voice.cli.screen import console, need_place, table
from voice.models.http import open_http
from voice.settings import Settings
from voice.simulate.caller import play
from voice.simulate.report import CallReport, percentile
from voice.simulate.script import AC_REPAIR, Script

# Thirty words, the first after 150 ms, then one every 15 ms: a warm GPU at a usual length of reply.
REPLY = (
    "I'm sorry to hear that, I'll get it looked after right away. Could you tell me which unit you are in, "
    "and when somebody may come in to have a look at it?"
)
FIRST_S, EVERY_S = 0.150, 0.015
RAMP_S = 1.0  # calls do not ring in the same millisecond

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@dataclass(frozen=True, slots=True)
class Figures:
    """One server under load. Times in milliseconds; `cpu_ms` is the server's own, per turn."""

    turns: int
    turns_per_s: float
    ttfc_p50: float | None
    ttfc_p95: float | None
    ttfc_p99: float | None
    ttfc_max: float | None
    late: int
    silent: int
    errors: int
    cpu_ms: float | None
    rss_mb: float | None


@app.command()
def bench(
    calls: Annotated[int, typer.Option(min=1, help="Calls at once.")] = 50,
    turns: Annotated[int, typer.Option(min=1, help="Turns of each call.")] = 5,
    door: Annotated[HttpDoor, typer.Option(help="The door they come through.")] = "vapi",
    model: Annotated[
        Literal["scripted", "embedded"], typer.Option(help="Who writes the replies.")
    ] = "scripted",
    hedging: Annotated[
        int, typer.Option(min=100, help="Turns on played time that show what hedging gains.")
    ] = 2000,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file, too.")
    ] = None,
) -> None:
    """Measure many calls at once beside a bare floor.

    The floor is a bare ASGI app that plays the same frames at the same instants, without thread, store
    or model. Exit status 1 with any late or silent turn, or any error.

    \b
    Examples:
      offhook bench
      offhook bench --calls 200 --door gather --json bench.json
    """
    need_place(as_json)
    ours, floor = asyncio.run(_bench(calls, turns, door, model))
    hedged = bench_hedging(hedging)
    _print(ours, floor, f"{calls} calls × {turns} turns through {door}, {model} model")
    _print_hedging(hedged)
    if as_json:
        report = {"calls": calls, "turns": turns, "door": door, "model": model}
        figures: dict[str, object] = {
            "offhook": asdict(ours),
            "floor": asdict(floor) if floor else None,
            "ratio": _ratios(ours, floor),
        }
        figures["hedging"] = as_rows(hedged)
        as_json.write_text(json.dumps(report | figures, indent=2) + "\n", encoding="utf-8")
    if ours.late or ours.silent or ours.errors:
        raise typer.Exit(1)


async def _bench(
    calls: int, turns: int, door: HttpDoor, model: Literal["scripted", "embedded"]
) -> tuple[Figures, Figures | None]:
    """Our figures and the floor's; the embedded model has no floor, its pace is its own."""
    script = Script.saying("bench", *(AC_REPAIR.says[turn % len(AC_REPAIR.says)] for turn in range(turns)))
    with tempfile.TemporaryDirectory(prefix="offhook-bench-") as folder, _progress() as bar:
        server = BenchServer("offhook", folder, model, REPLY, FIRST_S, EVERY_S, max_calls=calls + 1)
        task = bar.add_task("offhook", total=calls * turns)
        warm_up = replace(script, steps=script.steps[:1])
        async with BenchProcess(server) as ours:
            await _load(ours.url, door, 1, warm_up, lambda: None)  # warms it, and is what the floor plays
            answers = await recorded_answers(ours.url)
            measured = await _measure(ours, door, calls, script, lambda: bar.advance(task))
        if model == "embedded":
            return measured, None
        task = bar.add_task("floor", total=calls * turns)
        async with BenchProcess(replace(server, kind="floor", answers=answers)) as floor:
            await _load(floor.url, door, 1, warm_up, lambda: None)
            return measured, await _measure(floor, door, calls, script, lambda: bar.advance(task))


def _progress() -> Progress:
    """A bar that leaves nothing behind; none where nobody sees it."""
    import sys

    out = console(sys.stderr)
    return Progress(console=out, transient=True, disable=not out.is_terminal)


async def _measure(
    server: BenchProcess, door: HttpDoor, calls: int, script: Script, turned: Callable[[], None]
) -> Figures:
    """The figures of one server under `calls` calls at once."""
    before_s, began_s = server.cpu_s(), time.perf_counter()
    reports = await _load(server.url, door, calls, script, turned)
    took_s, after_s = time.perf_counter() - began_s, server.cpu_s()
    turns = [turn for report in reports for turn in report.turns]
    times = [turn.ttfc_ms for turn in turns if turn.ttfc_ms is not None]
    cpu_s = None if before_s is None or after_s is None else after_s - before_s
    return Figures(
        turns=len(turns),
        turns_per_s=round(len(turns) / took_s, 1),
        ttfc_p50=percentile(times, 50),
        ttfc_p95=percentile(times, 95),
        ttfc_p99=percentile(times, 99),
        ttfc_max=max(times, default=None),
        late=sum(turn.late for turn in turns),
        silent=sum(turn.silent for turn in turns),
        errors=sum(report.error is not None for report in reports),
        cpu_ms=None if cpu_s is None or not turns else round(cpu_s / len(turns) * 1000, 2),
        rss_mb=server.rss_mb()
        if server.is_whole
        else None,  # the floor's says nothing: it loads our code, too
    )


async def _load(
    url: str, door: HttpDoor, calls: int, script: Script, turned: Callable[[], None]
) -> list[CallReport]:
    """So many calls at once, begun within RAMP_S."""
    settings = Settings.model_validate({})

    async def one(number: int) -> CallReport:
        await asyncio.sleep(RAMP_S * number / calls)
        line = open_line(door, url, settings, http=http)
        return await play(line, script, lambda _: turned())

    async with open_http() as http:
        return await asyncio.gather(*(one(number) for number in range(calls)))


def _ratios(ours: Figures, floor: Figures | None) -> dict[str, float | None]:
    """How many times the floor we are, figure by figure."""
    if floor is None:
        return {}
    mine, bare = asdict(ours), asdict(floor)
    names = ("turns_per_s", "ttfc_p50", "ttfc_p95", "ttfc_p99", "ttfc_max", "cpu_ms")
    return {name: round(mine[name] / bare[name], 2) if mine[name] and bare[name] else None for name in names}


def _print_hedging(runs: list[tuple[Hedged, Hedged]]) -> None:
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


ROWS = (
    ("turns", "turns", "{}"),
    ("turns_per_s", "turns a second", "{:.1f}"),
    ("ttfc_p50", "first words, p50", "{:.0f} ms"),
    ("ttfc_p95", "first words, p95", "{:.0f} ms"),
    ("ttfc_p99", "first words, p99", "{:.0f} ms"),
    ("ttfc_max", "first words, slowest", "{:.0f} ms"),
    ("late", "late", "{}"),
    ("silent", "silent", "{}"),
    ("errors", "calls with errors", "{}"),
    ("cpu_ms", "server's CPU per turn", "{:.2f} ms"),
    ("rss_mb", "server's memory", "{:.0f} MB"),
)


def _print(ours: Figures, floor: Figures | None, title: str) -> None:
    drawn = table("", "offhook", "floor", "ratio", right=("offhook", "floor", "ratio"))
    ratios, mine, bare = _ratios(ours, floor), asdict(ours), asdict(floor) if floor else {}
    for name, label, form in ROWS:
        cells = [form.format(side[name]) if side.get(name) is not None else "–" for side in (mine, bare)]
        ratio = ratios.get(name)
        drawn.add_row(label, *cells, "" if ratio is None else f"{ratio:.2f} ×")
    typer.echo(title)
    console().print(drawn)
