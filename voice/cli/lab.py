"""`offhook lab`: callers against model hosts with every fault, and whether each promise was kept.

The brain is the real one, with the real clients of RunPod and of OpenAI-compatible hosts; only the hosts
and the callers are played (voice/simulate/). Time is played, too, unless `--sockets`: the same seed
gives the same run, in seconds.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from voice.cli.lab_run import Outcome, Plan, run
from voice.cli.screen import Failed, console, dim, need_place, table
from voice.settings import load_settings
from voice.simulate.faults import BY_NAME, FAULTS, HEALTHY, Fault
from voice.simulate.lab_figures import Figures, broken, figures
from voice.simulate.virtual_time import VirtualLoop
from voice.types import Json

SEED = 20261121
STOOD_STILL_S = 0.03  # more than half of the margin that a turn has
SHOWN = 3  # broken promises in full; --json has them all

app = typer.Typer(add_completion=False, rich_markup_mode=None)


@app.command()
def lab(
    faults: Annotated[str, typer.Option(help="all, or names with commas between them.")] = "all",
    turns: Annotated[int, typer.Option(min=1, help="Turns for each fault.")] = 200,
    calls: Annotated[int, typer.Option(min=1, help="Calls at once.")] = 50,
    mixed: Annotated[
        int | None,
        typer.Option(min=1, help="So many turns, each with faults of its own."),
    ] = None,
    both: Annotated[bool, typer.Option("--both", help="Both remote routes have the fault.")] = False,
    local: Annotated[bool, typer.Option(help="The local model is there, too.")] = True,
    rests: Annotated[
        bool, typer.Option("--breakers", help="With --mixed: let failing routes rest, as usual.")
    ] = False,
    sockets: Annotated[
        bool, typer.Option("--sockets", help="Real time, over real sockets on loopback.")
    ] = False,
    seed: Annotated[int, typer.Option(help="What everything random begins from.")] = SEED,
    as_json: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file, too.")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="Print the faults; play nothing.")] = False,
) -> None:
    """Play calls against model hosts with every fault.

    A remote route with the fault comes first, a healthy one second, the local model last. Exit status 1
    when a promise was broken: a turn late, silent, technical, said twice, stale, or cut off.

    \b
    Examples:
      offhook lab
      offhook lab --faults cold,cut --turns 1000
      offhook lab --mixed 10000 --json lab.json
      offhook lab --sockets --faults all --turns 100
    """
    if listed:
        _list()
        return
    need_place(as_json)
    chosen, options = _chosen(faults), Options(turns, calls, seed, both, local, rests, sockets)
    plans = [options.mixed(mixed, chosen)] if mixed is not None else [options.of(one) for one in chosen]
    with _progress(plans) as advance:
        rows = [Row(plan, _play(plan, advance)) for plan in plans]
    time = "real time, over sockets" if sockets else "played time"
    typer.echo(f"{sum(row.figures.turns for row in rows)} turns, {calls} calls at once, {time}, seed {seed}")
    if as_json:
        report = {"seed": seed, "calls": calls, "sockets": sockets, "rows": [row.as_json() for row in rows]}
        as_json.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")
    tell(rows)


@dataclass(frozen=True, slots=True)
class Row:
    """One fault's run and what became of its turns."""

    plan: Plan
    outcome: Outcome

    @property
    def figures(self) -> Figures:
        return figures(self.plan.name, self.outcome.verdicts)

    @property
    def broken(self) -> list[str]:
        """The promises that were not kept, one line each."""
        crashes = Counter(self.outcome.crashes).most_common()
        told = [f"{number} × {crash}" for crash, number in crashes]
        return told + broken(self.figures, self.outcome.limits)

    def as_json(self) -> dict[str, Json]:
        hosts: dict[str, Json] = {host.name: asdict(host.counts) for host in self.outcome.hosts}
        worst: list[Json] = [one.as_json() for one in self.outcome.verdicts if one.broken]
        return {**self.figures.as_json(), "broken": [*self.broken], "hosts": hosts, "broken_turns": worst}


@dataclass(frozen=True, slots=True)
class Options:
    """How every fault of this run is played."""

    turns: int
    calls: int
    seed: int
    both: bool
    local: bool
    rests: bool
    sockets: bool

    def of(self, fault: Fault) -> Plan:
        """One fault, on the first remote route or on both."""
        second = fault if self.both else HEALTHY
        plan = Plan(fault.name, self.turns, self.calls, self.seed, (fault,), (second,))
        return replace(plan, local=self.local, sockets=self.sockets)

    def mixed(self, turns: int, faults: Sequence[Fault]) -> Plan:
        """Every turn draws a fault for each remote route. Unless these rest, every turn meets its fault."""
        all_of_them = tuple(faults)
        return replace(
            self.of(HEALTHY),
            name="mixed",
            turns=turns,
            first=all_of_them,
            second=all_of_them,
            rests=self.rests,
        )


def _chosen(names: str) -> list[Fault]:
    """The faults of these names. Raises Failed."""
    if names == "all":
        return list(FAULTS)
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    for name in wanted:
        if name not in BY_NAME:
            raise Failed(f"no fault is called {name!r}; `offhook lab --list` shows them all")
    if not wanted:
        raise Failed("no fault is named; `offhook lab --list` shows them all")
    return [BY_NAME[name] for name in wanted]


def _play(plan: Plan, advance: Callable[[int], None]) -> Outcome:
    factory = asyncio.new_event_loop if plan.sockets else VirtualLoop
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(run(plan, load_settings(), advance))


@contextmanager
def _progress(plans: Sequence[Plan]) -> Iterator[Callable[[int], None]]:
    """A bar that leaves nothing behind; none where nobody sees it."""
    out = console(sys.stderr)
    with Progress(console=out, transient=True, disable=not out.is_terminal) as bar:
        task = bar.add_task("turns", total=sum(plan.turns for plan in plans))
        yield lambda turns: bar.advance(task, turns)


# What is printed

COLUMNS: Sequence[tuple[str, str, str]] = (
    ("turns", "turns", "{}"),
    ("in_budget", "in budget", "{:g} %"),
    ("p50", "p50", "{:.0f}"),
    ("p95", "p95", "{:.0f}"),
    ("p99", "p99", "{:.0f}"),
    ("slowest", "max", "{:.0f}"),
    ("gap", "gap", "{:.0f}"),
    ("silent", "silent", "{}"),
    ("technical", "technical", "{}"),
    ("doubled", "doubled", "{}"),
    ("stale", "stale", "{}"),
    ("cut_off", "cut off", "{}"),
    ("whole", "whole", "{:.0f} %"),
    ("paid_twice", "paid twice", "{:g} %"),
    ("local", "local", "{:.0f} %"),
    ("not_stopped", "ran on", "{}"),
)


def tell(rows: Sequence[Row]) -> None:
    """Print the table, and on stderr every broken promise with turns that show it. Exit status 1 with any."""
    titles = [title for _, title, _ in COLUMNS]
    drawn = table("fault", *titles, right=tuple(titles))
    for row in rows:
        found = asdict(row.figures)
        cells = ["–" if found[name] is None else form.format(found[name]) for name, _, form in COLUMNS]
        drawn.add_row(row.plan.name, *cells)
    console().print(drawn)
    typer.echo(dim("First words and gaps in milliseconds. What each column counts: docs/lab.md"))
    if (still_s := max((row.outcome.stood_still_s for row in rows), default=0.0)) >= STOOD_STILL_S:
        typer.echo(f"This machine was busy: for {still_s * 1000:.0f} ms nothing could be done at all.")
    for row in rows:
        for line in row.broken:
            typer.echo(f"✗ {row.plan.name}: {line}", err=True)
        for one in [one for one in row.outcome.verdicts if one.broken][:SHOWN]:
            typer.echo(f"    {one.told()}", err=True)
    if any(row.broken for row in rows):
        raise typer.Exit(1)


def _list() -> None:
    drawn = table("fault", "what the host does")
    for fault in FAULTS:
        drawn.add_row(fault.name, fault.says)
    console().print(drawn)
