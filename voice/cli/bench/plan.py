"""What a command line asks the bench to do, checked before anything is started."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

import typer

from voice.cli.bench.callers import BenchDoor
from voice.cli.bench.host import Pace
from voice.cli.bench.route import with_route
from voice.cli.bench.run import Plan
from voice.cli.bench.server import Model
from voice.cli.bench.shapes import PACED, QUICK, SHAPES, Shape
from voice.cli.bench.words import MAX_WORDS
from voice.settings import load_settings

Name = TypeVar("Name", bound=str)

DOORS: tuple[BenchDoor, ...] = get_args(BenchDoor)
CALLS, TURNS = 50, 5
RAMP_S, EACH_S = 1.0, 0.02  # callers do not ring in the same millisecond: one after the other, this at most
OPEN_S = 8.0  # of an open loop without a number of turns
QUICK_ROUNDS, FULL_ROUNDS = 2, 3
PROFILED = "b-200"


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of `offhook bench` that say what to measure; None, or "": not given."""

    doors: str = ""
    shapes: str = ""
    calls: int | None = None
    turns: int | None = None
    loop: Literal["closed", "open"] = "closed"
    rate: float | None = None
    rounds: int | None = None
    model: Literal["host", "scripted", "embedded"] = "host"
    route: str | None = None
    first_ms: float | None = None
    every_ms: float | None = None
    words: int | None = None
    full: bool = False

    @property
    def has_own_load(self) -> bool:
        """Whether it is not one of the shapes that have a name."""
        own = (self.calls, self.turns, self.rate, self.first_ms, self.every_ms, self.words)
        return self.loop == "open" or any(one is not None for one in own)


def plan_of(asked: Asked) -> Plan:
    """The plan. Raises typer.BadParameter, with one line, where options do not go together."""
    _check(asked)
    doors = _names("--door", asked.doors or ("all" if asked.full else "vapi"), DOORS)
    shapes = (_own_load(asked),) if asked.has_own_load else _named(asked)
    model: Model = "route" if asked.route else asked.model
    if model != "host":
        shapes = tuple(one for one in shapes if one.loop != "held")
        if not shapes:
            raise typer.BadParameter(
                "only the mock host's replies can be held open; those of a model end by themselves"
            )
    rounds = asked.rounds or (FULL_ROUNDS if asked.full else QUICK_ROUNDS)
    return Plan(
        doors,
        shapes,
        rounds,
        model,
        asked.route or "",
        asked.turns or TURNS,
        profiled=PROFILED if len(shapes) > 1 or not asked.has_own_load else shapes[0].name,
    )


def _check(asked: Asked) -> None:
    if asked.shapes and asked.has_own_load:
        raise typer.BadParameter(
            "--shape names a whole load; leave --calls, --turns, --loop, --rate and the pace out"
        )
    if asked.full and (asked.shapes or asked.has_own_load):
        raise typer.BadParameter("--full plays every shape; leave the options of one load out")
    if asked.loop == "open" and asked.rate is None:
        raise typer.BadParameter("--loop open needs --rate: turns a second")
    if asked.rate is not None and asked.loop != "open":
        raise typer.BadParameter("--rate is for --loop open")
    if asked.calls is not None and asked.loop == "open":
        raise typer.BadParameter("--calls is for a closed loop; in an open one --rate says how many come")
    if asked.route and asked.model != "host":
        raise typer.BadParameter("--route and --model both say who writes; give one of them")
    writes_itself = asked.route or asked.model == "embedded"
    if writes_itself and (asked.first_ms, asked.every_ms, asked.words) != (None, None, None):
        raise typer.BadParameter("the pace is that of the mock host or the scripted model; leave it out here")
    if asked.route:
        with_route(load_settings(), asked.route)  # raises SetupError, before anything is started


def _named(asked: Asked) -> tuple[Shape, ...]:
    if not (asked.full or asked.shapes):
        return tuple(SHAPES[name] for name in QUICK)
    return tuple(SHAPES[name] for name in _names("--shape", asked.shapes or "all", tuple(SHAPES)))


def _names(option: str, given: str, known: tuple[Name, ...]) -> tuple[Name, ...]:
    """The names in a list with commas between them."""
    if given == "all":
        return known
    wanted = [part.strip() for part in given.split(",") if part.strip()]
    if not wanted or not {*wanted} <= {*known}:
        wrong = next((one for one in wanted if one not in known), given)
        raise typer.BadParameter(f"{option}: there is no {wrong!r}; there are {', '.join(known)}, and all")
    return tuple(one for one in known if one in wanted)


def _own_load(asked: Asked) -> Shape:
    pace = Pace(
        PACED.first_s if asked.first_ms is None else asked.first_ms / 1000,
        PACED.every_s if asked.every_ms is None else asked.every_ms / 1000,
        min(asked.words or PACED.words, MAX_WORDS),
    )
    if asked.loop == "open":
        assert asked.rate is not None
        lasts_s = None if asked.turns else OPEN_S
        title = f"{asked.rate:g} turns a second at random"
        return Shape(
            "open", title, pace, "open", rate=asked.rate, lasts_s=lasts_s, turns=asked.turns, warm_s=1.0
        )
    calls, turns = asked.calls or CALLS, asked.turns or TURNS
    title = f"{calls} calls at once, {turns} turns each"
    return Shape(
        "calls", title, pace, callers=calls, turns=turns, warm_s=0.5, ramp_s=min(RAMP_S, EACH_S * calls)
    )
