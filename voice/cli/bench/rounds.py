"""One round: a load at one server, and what it took; many rounds: their medians.

What a server adds to a turn is told exactly: the time its caller waited, less the time that the mock host had
the request before it wrote the word which completes what was heard. Both are read from the machine's one
monotonic clock, so a late timer of host or load is nobody's fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median

from voice.cli.bench.callers import Heard
from voice.cli.bench.host import Pace
from voice.cli.bench.proc import Machine, Usage
from voice.cli.bench.route import RUNPOD
from voice.cli.bench.words import Faults, Words, words_in
from voice.simulate.report import percentile

Marks = Mapping[
    int, tuple[float, Sequence[float]]
]  # by turn: when the host was asked, when it wrote each word

# A round in which more than this of the server's time went elsewhere is not calm.
MAX_WAITED = 0.05  # of its wall time the server could run and was not let
MAX_STOLEN = 0.02  # of it the hypervisor kept
PLACES = (50, 95, 99)


@dataclass(slots=True)
class Round:
    """One load at one server. Times in milliseconds, each list of one value per turn, or per piece of speech.

    `first`: from the utterance to the first words. `added`: what of it was the server's own. `later`: the
    same for the words after them. `gaps`: silences between two pieces. `helped`: turns in which the caller
    heard words that the measured model did not write, or that another route than the measured one answered.
    """

    turns: int = 0
    wall_s: float = 0.0
    cpu_ms: float | None = None  # per turn, of the process tree
    rss_mb: float | None = None  # of the server's process, without what it has started
    tree_mb: float | None = None
    waited: float = 0.0
    stolen: float = 0.0
    switched: int = 0
    first: list[float] = field(default_factory=list)
    added: list[float] = field(default_factory=list)
    later: list[float] = field(default_factory=list)
    gaps: list[float] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    late: int = 0
    helped: int = 0
    errors: Counter[str] = field(default_factory=Counter)

    @property
    def is_calm(self) -> bool:
        """Whether the machine was the server's own, as far as the system tells."""
        return self.waited <= MAX_WAITED and self.stolen <= MAX_STOLEN

    @property
    def turns_per_s(self) -> float:
        return self.turns / self.wall_s if self.wall_s else 0.0

    def hear(self, heard: Sequence[Heard], marks: Marks, pace: Pace | None, budget_s: float) -> None:
        """Take what the callers heard. Without a mark the host is taken to have kept its pace; without a
        pace somebody else wrote, of whose words nothing is known.
        """
        for one in heard:
            self.turns += 1
            if one.error is not None:
                self.errors[one.error] += 1
                continue
            self._hear(one, marks.get(one.number), pace, budget_s)

    def _hear(
        self, heard: Heard, mark: tuple[float, Sequence[float]] | None, pace: Pace | None, budget_s: float
    ) -> None:
        first_s = heard.pieces[0][0] - heard.due_at
        self.first.append(first_s * 1000)
        self.late += first_s > budget_s
        self.gaps += [(then - at) * 1000 for (at, _), (then, _) in pairwise(heard.pieces)]
        if pace is not None:
            self._read(heard, mark, pace)

    def _read(self, heard: Heard, mark: tuple[float, Sequence[float]] | None, pace: Pace) -> None:
        """The numbered words of a turn: are they all there, and how long after they were written?"""
        said = Words()
        for place, (at, text) in enumerate(heard.pieces):
            words = words_in(text, heard.number)
            said += words
            into = self.later if place else self.added
            if words.own and (host_s := _written_s(max(words.own), mark, pace)) is not None:
                into.append((at - heard.due_at - host_s) * 1000)
        self.helped += said.others > 0
        self.faults += said.faults(pace.words)

    def use(self, before: Usage | None, after: Usage | None) -> None:
        """Take what the server has used."""
        if before is None or after is None:
            return
        self.cpu_ms = (after.cpu_s - before.cpu_s) * 1000 / max(1, self.turns)
        self.rss_mb, self.tree_mb = after.own_rss / 1e6, after.rss / 1e6
        self.waited = (after.waited_s - before.waited_s) / max(self.wall_s, 1e-9)
        self.switched = after.switched - before.switched

    def answered_by(self, routes: Mapping[str, int], measured: str) -> None:
        """Take who answered: how many turns each route did, "" for those that none did."""
        others = sum(turns for name, turns in routes.items() if not is_route(name, measured))
        self.helped = min(others, len(self.first))

    def lose(self, before: Machine | None, after: Machine | None) -> None:
        """Take what the hypervisor kept of the machine."""
        if before is not None and after is not None:
            self.stolen = (after.stolen_s - before.stolen_s) / max(self.wall_s, 1e-9) / len(after.busy_s)


@dataclass(slots=True)
class Rounds:
    """All rounds of one shape at one server."""

    rounds: list[Round] = field(default_factory=list)

    @property
    def counted(self) -> list[Round]:
        """The calm rounds; all of them where none was."""
        return [one for one in self.rounds if one.is_calm] or self.rounds

    @property
    def are_calm(self) -> bool:
        return bool(self.rounds) and all(one.is_calm for one in self.counted)

    def of(self, figure: Callable[[Round], float | None]) -> float | None:
        """The median of a figure over the calm rounds; None where no round has it."""
        values = [value for one in self.counted if (value := figure(one)) is not None]
        return median(values) if values else None

    def place(self, times: Callable[[Round], Sequence[float]], share: float) -> float | None:
        """The median of each calm round's percentile; None where too few times were taken to know it."""

        def known(one: Round) -> float | None:
            taken = times(one)
            return percentile(taken, share) if share <= 50 or len(taken) * (100 - share) >= 100 else None

        return self.of(known)

    @property
    def faults(self) -> Faults:
        """Of all rounds: a busy machine excuses no lost word."""
        return sum((one.faults for one in self.rounds), Faults())

    @property
    def errors(self) -> Counter[str]:
        return sum((one.errors for one in self.rounds), Counter[str]())

    @property
    def late(self) -> int:
        return sum(one.late for one in self.rounds)

    @property
    def helped(self) -> int:
        return sum(one.helped for one in self.rounds)

    def as_json(self) -> dict[str, object]:
        """The figures for a file, rounded as far as they are known."""
        return {
            "turns": sum(one.turns for one in self.rounds),
            "rounds": len(self.rounds),
            "calm": sum(one.is_calm for one in self.rounds),
            "cpu_ms_per_turn": _rounded(self.of(lambda one: one.cpu_ms)),
            "cpu_ms_by_round": [_rounded(one.cpu_ms) for one in self.rounds],
            "turns_per_s": _rounded(self.of(lambda one: one.turns_per_s)),
            "rss_mb": _rounded(self.of(lambda one: one.rss_mb)),
            "tree_mb": _rounded(self.of(lambda one: one.tree_mb)),
            "first_ms": self._places(lambda one: one.first),
            "added_first_ms": self._places(lambda one: one.added),
            "added_later_ms": self._places(lambda one: one.later),
            "gap_ms": self._places(lambda one: one.gaps),
            "waited_share": [_rounded(one.waited) for one in self.rounds],
            "stolen_share": [_rounded(one.stolen) for one in self.rounds],
            "switched": [one.switched for one in self.rounds],
            "late": self.late,
            "helped": self.helped,
            "errors": dict(self.errors),
            "lost": self.faults.lost,
            "doubled": self.faults.doubled,
            "reordered": self.faults.reordered,
            "crossed": self.faults.crossed,
        }

    def _places(self, times: Callable[[Round], Sequence[float]]) -> dict[str, float | None]:
        found = {f"p{share}": _rounded(self.place(times, share)) for share in PLACES}
        return {
            **found,
            "max": _rounded(max((max(times(one), default=0.0) for one in self.counted), default=0.0)),
        }


def is_route(name: str, measured: str) -> bool:
    """Whether a route is the measured one; RunPod's further endpoints are numbered."""
    first, _, place = name.rpartition("-")
    return name == measured or (measured == first == RUNPOD and place.isdecimal())


def _written_s(word: int, mark: tuple[float, Sequence[float]] | None, pace: Pace) -> float | None:
    """How long the host had a request before it wrote a word; None where it wrote fewer."""
    if mark is None:
        return pace.first_s + pace.every_s * word
    asked_at, written = mark
    return written[word] - asked_at if word < len(written) else None


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
