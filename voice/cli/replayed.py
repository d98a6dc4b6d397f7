"""One turn of a call then and now: what was said, how soon, over which route, with which tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from voice.simulate.report import TurnReport
from voice.types import Ending, Json, Turn, join_words, words


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent answered. `route` and `tools` are None where nobody tells them."""

    words: str
    first_ms: float | None
    total_ms: float | None
    late: bool
    silent: bool
    fell_back: bool
    route: str | None
    tools: Sequence[str] | None

    def line(self) -> str:
        """Times, route and tools in one line."""
        parts = ["no words" if self.first_ms is None else f"{self.first_ms:.0f} ms to the first words"]
        if self.total_ms is not None:
            parts.append(f"{self.total_ms:.0f} ms in all")
        parts.append("a fallback" if self.fell_back else self.route or "route unknown")
        return " · ".join([*parts, *(self.tools or ())])


@dataclass(frozen=True, slots=True)
class Compared:
    """One utterance and both answers to it. `now` None: the line was over. `differs` names what counts."""

    said: str
    then: Answer
    now: Answer | None
    differs: Sequence[str]

    def as_json(self) -> dict[str, Json]:
        told: dict[str, Json] = asdict(self)
        return told


def told_of(turn: Turn, due_ms: float) -> Answer:
    """The answer that is stored. `due_ms`: when its first words were due."""
    first, fell_back = turn.timing.ttfc_ms, turn.ending is Ending.FELL_BACK
    said = join_words(turn.filler, turn.spoken)
    names = [call.name for message in turn.tools for call in message.tool_calls]
    handed = [call.name for call in turn.handed]
    return Answer(
        said,
        first,
        turn.timing.total_ms,
        first is None or first > due_ms,
        not words(said),
        fell_back,
        turn.route,
        [*names, *handed],
    )


def answer_of(report: TurnReport, told: Mapping[str, Any] | None, due_ms: float) -> Answer:
    """The answer that a caller has just heard; `told` is the turn as the server tells it.

    The server's times are those that are stored, too; a caller's hold the way there and back besides.
    """
    if told is None:
        first, total = report.ttfc_ms, report.total_ms
        return Answer(report.heard, first, total, report.late, report.silent, False, None, None)
    first, total = told["timing"]["ttfc_ms"], told["timing"]["total_ms"]
    asked = [call for message in told["tools"] for call in message["tool_calls"]]
    return Answer(
        report.heard,
        first,
        total,
        first is None or first > due_ms,
        report.silent,
        told["ending"] == Ending.FELL_BACK,
        told["route"],
        [call["name"] for call in [*asked, *told["handed"]]],
    )


def compared(said: str, then: Answer, now: Answer | None, *, strict: bool) -> Compared:
    """What is worse now than it was then; with `strict` other words count, too."""
    if now is None:
        return Compared(said, then, now, ["the line was over"])
    worse = {
        "late": now.late and not then.late,
        "silent": now.silent and not then.silent,
        "a fallback": now.fell_back and not then.fell_back,
        "other words": strict and words(now.words) != words(then.words),
    }
    missing = (
        Counter(then.tools or ()) - Counter(now.tools or ()) if now.tools is not None else Counter[str]()
    )
    differs = [name for name, is_so in worse.items() if is_so]
    return Compared(said, then, now, [*differs, *(f"no {tool}" for tool in sorted(missing))])
