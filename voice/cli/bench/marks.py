"""What the product holds itself to: each figure with what it must be, what it shall be, and what it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from voice.cli.bench.callers import STREAMS
from voice.cli.bench.playing import Held
from voice.cli.bench.rounds import Round, Rounds
from voice.cli.bench.run import Measured

Verdict = Literal["goal", "must", "missed", "unsure"]

SIGNS: dict[Verdict, str] = {"goal": "✓✓", "must": "✓", "missed": "✗", "unsure": "?"}

ENOUGH = 100  # turns, for a share of one in a hundred
MAX_EXCUSED = 50.0  # percent of turns that were helped: then the route is down, and the machine not to blame


@dataclass(frozen=True, slots=True)
class Mark:
    """One promise. `counts`: it is a number of mishaps, which no busy machine excuses. `both_ways`: such a
    machine may make it better as well as worse.
    """

    name: str
    label: str
    unit: str
    must: float
    goal: float
    at_least: bool = False
    counts: bool = False
    both_ways: bool = False

    def verdict(self, value: float, *, is_calm: bool) -> Verdict:
        """How a value stands. One that misses on a busy machine is not told from the machine's own fault."""
        if self.both_ways and not is_calm:
            return "unsure"
        sign = -1 if self.at_least else 1
        if sign * value <= sign * self.goal:
            return "goal"
        if sign * value <= sign * self.must:
            return "must"
        return "missed" if is_calm or self.counts else "unsure"

    def limit(self, value: float) -> str:
        """A value that must be reached, or not be passed."""
        return f"{'≥' if self.at_least else '≤'} {self.shown(value)}" if value else "0"

    def shown(self, value: float) -> str:
        """A value with its unit."""
        number = f"{value:,.0f}" if value == int(value) or value >= 100 else f"{value:.2f}"
        return f"{number} {self.unit}".strip()


@dataclass(frozen=True, slots=True)
class Marked:
    """A promise, and what was measured of it through one door."""

    mark: Mark
    door: str
    value: float
    verdict: Verdict


Found: TypeAlias = tuple[Mark, float | None, bool]
"""A promise, its value, and whether the machine was calm."""

PACED_CPU = Mark("cpu_paced", "CPU per turn, 200 paced streams", "× floor", 4.0, 2.0)
BURST_CPU = Mark("cpu_burst", "CPU per turn, 16 bursts", "× floor", 6.0, 3.0)
GROWTH = Mark("cpu_growth", "CPU per turn, 64 bursts at once to 16", "×", 1.15, 1.05, both_ways=True)
ADDED_P50 = Mark("added_p50", "added to first words, 200 streams, p50", "ms", 1.5, 0.6)
ADDED_P99 = Mark("added_p99", "added to first words, 200 streams, p99", "ms", 10.0, 4.0)
PER_CORE = Mark("per_core", "paced turns a second and core", "", 345.0, 690.0, at_least=True)
MEMORY = Mark("memory", "resident memory, 1,000 open streams", "MB", 130.0, 100.0)
STAYED = Mark("stayed_open", "streams that stayed open, of 1,000", "", 1000, 1000, at_least=True)
LEFT_OPEN = Mark("left_open", "open at the host 0.5 s after hang-up", "", 0, 0)
WRONG_WORDS = Mark("wrong_words", "words lost, doubled, reordered or crossed", "", 0, 0, counts=True)
ERRORS = Mark("errors", "turns without an answer", "", 0, 0, counts=True)
HELPED = Mark("helped", "turns that another route or a filler helped", "%", 1.0, 0.0)
ROUTE_HELPED = Mark("route_helped", "turns that the route did not answer", "%", 50.0, 1.0, counts=True)
LATE = Mark("late", "turns late for their first words", "", 0, 0)


def marked(measured: Sequence[Measured]) -> list[Marked]:
    """Every promise of which something was measured, door by door."""
    doors = dict.fromkeys(one.door for one in measured)
    return [mark for door in doors for mark in _of_door(door, [one for one in measured if one.door == door])]


def cpu_ratio(one: Measured) -> float | None:
    """The CPU of a turn, in times the floor's."""
    ours = one.ours.of(lambda each: each.cpu_ms)
    floor = one.floor.of(lambda each: each.cpu_ms) if one.floor else None
    return ours / floor if ours and floor else None


def per_core(one: Measured) -> float | None:
    """Turns a second that one core can take, if all of it is theirs."""
    ours = one.ours.of(lambda each: each.cpu_ms)
    return 1000 / ours if ours else None


def _of_door(door: str, measured: Sequence[Measured]) -> list[Marked]:
    turned = [one for one in measured if one.ours.rounds]
    found = [
        *(_of_turns(turned) if door in STREAMS else ()),
        *(mark for one in measured if one.held for mark in _of_held(one.held, has_stream=door in STREAMS)),
        *(_mishaps(turned) if turned else ()),
    ]
    return [
        Marked(mark, door, value, mark.verdict(value, is_calm=calm))
        for mark, value, calm in found
        if value is not None
    ]


def _of_turns(measured: Sequence[Measured]) -> Iterator[Found]:
    """What is promised of a turn, with a model behind a network, beside the floor of the same run."""
    shapes = {one.shape.name: one for one in measured if one.floor is not None}
    paced, burst, many = (shapes.get(name) for name in ("b-200", "a-c16", "a-c64"))
    if paced:
        yield PACED_CPU, cpu_ratio(paced), _is_calm(paced)
    if burst:
        yield BURST_CPU, cpu_ratio(burst), _is_calm(burst)
    if burst and many:
        yield GROWTH, _growth(burst.ours, many.ours), _is_calm(burst, many)
    if paced:
        yield ADDED_P50, paced.ours.place(_added, 50), _is_calm(paced)
        yield ADDED_P99, paced.ours.place(_added, 99), _is_calm(paced)
        yield PER_CORE, per_core(paced), _is_calm(paced)


def _of_held(held: Held, *, has_stream: bool) -> Iterator[Found]:
    """What is promised of open streams; where some have ended, the others say nothing."""
    yield STAYED, 1000 * held.open / held.asked, held.is_calm
    if held.open == held.asked:
        yield MEMORY, held.rss_mb if has_stream else None, True
        yield LEFT_OPEN, held.left_open, held.is_calm


def _mishaps(measured: Sequence[Measured]) -> Iterator[Found]:
    """Over all shapes of a door, all rounds."""
    calm = _is_calm(*measured)
    faults = [one.ours.faults for one in measured]
    wrong = sum(one.lost + one.doubled + one.reordered + one.crossed for one in faults)
    answered = sum(len(each.first) for one in measured for each in one.ours.rounds)
    helped = 100 * sum(one.ours.helped for one in measured) / max(1, answered)
    if all(one.numbered for one in measured):
        yield WRONG_WORDS, wrong, calm
        is_telling = answered >= ENOUGH or helped > MAX_EXCUSED  # one of 20 would be 5 %
        yield HELPED, helped if is_telling else None, calm or helped > MAX_EXCUSED
    if any(one.route for one in measured):
        yield ROUTE_HELPED, helped, calm
    yield ERRORS, sum(sum(one.ours.errors.values()) for one in measured), calm
    yield LATE, sum(one.ours.late for one in measured), calm


def _is_calm(*measured: Measured) -> bool:
    return all(one.ours.are_calm and (one.floor is None or one.floor.are_calm) for one in measured)


def _growth(few: Rounds, many: Rounds) -> float | None:
    one, other = few.of(lambda each: each.cpu_ms), many.of(lambda each: each.cpu_ms)
    return other / one if one and other else None


def _added(one: Round) -> Sequence[float]:
    return one.added
