"""One turn of a call then and now: what was said, how soon, over which route, with which tools."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from voice.simulate.report import TurnReport
from voice.types import Action, Ending, Json, Turn, join_words, words

ENDINGS = (Action.TRANSFER, Action.END_CALL)  # what ends the line here; the rest is done in the middle of it


@dataclass(frozen=True, slots=True)
class Answer:
    """What the agent answered. `route`, `tools` and `done` are None where nobody tells them.

    `done` is what was done to the call: "transfer to +1…", "end_call".
    """

    words: str
    first_ms: float | None
    total_ms: float | None
    late: bool
    silent: bool
    fell_back: bool
    route: str | None
    tools: Sequence[str] | None
    done: Sequence[str] | None = ()
    besides: Sequence[str] = ()  # what the caller heard of others: no reply of ours, so it is not compared

    def line(self) -> str:
        """Times, route and tools in one line."""
        parts = ["no words" if self.first_ms is None else f"{self.first_ms:.0f} ms to the first words"]
        if self.total_ms is not None:
            parts.append(f"{self.total_ms:.0f} ms in all")
        parts.append("a fallback" if self.fell_back else self.route or "route unknown")
        return " · ".join([*parts, *(self.tools or ()), *(self.done or ())])


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
    said, done = _said(turn), [] if turn.effect is None else [_done(turn.effect.action, turn.effect.to)]
    names = [call.name for message in turn.tools for call in message.tool_calls]
    handed = [call.name for call in turn.handed]
    return Answer(
        said,
        first,
        turn.timing.total_ms,
        _is_late(first, turn.timing.total_ms, due_ms, acted=bool(done)),
        not words(said) and not done,
        fell_back,
        turn.route,
        [*names, *handed],
        done,
        [aside.text for aside in turn.asides],
    )


def _said(turn: Turn) -> str:
    """What was said. Words beside a transfer were held back, and what its target's `say` holds was said."""
    effect = turn.effect
    if effect is None or effect.action is not Action.TRANSFER or turn.was_heard:
        return join_words(turn.filler, turn.spoken)
    return join_words(turn.filler, effect.say)


def _done(action: str, to: str | None) -> str:
    return f"{action} to {to}" if to else str(action)


def answer_of(report: TurnReport, told: Mapping[str, Any] | None, due_ms: float) -> Answer:
    """The answer that a caller has just heard; `told` is the turn as the server tells it.

    The server's times are those that are stored, too; a caller's hold the way there and back besides.
    """
    if told is None:
        first, total, done = report.ttfc_ms, report.total_ms, None if report.acted else ()
        return Answer(report.heard, first, total, report.late, report.silent, False, None, None, done)
    first, total = told["timing"]["ttfc_ms"], told["timing"]["total_ms"]
    asked = [call for message in told["tools"] for call in message["tool_calls"]]
    return Answer(
        report.heard,
        first,
        total,
        _is_late(first, total, due_ms, acted=report.acted),
        report.silent,
        told["ending"] == Ending.FELL_BACK or _takes_back(report, told),
        told["route"],
        [call["name"] for call in [*asked, *told["handed"]]],
        _done_now(report, told["effect"]),
    )


def _is_late(first_ms: float | None, total_ms: float | None, due_ms: float, *, acted: bool) -> bool:
    """Whether the first words came too late, or what was done in place of words."""
    came_ms = total_ms if first_ms is None and acted else first_ms
    return came_ms is None or came_ms > due_ms


def _done_now(report: TurnReport, wanted: Mapping[str, Any] | None) -> list[str]:
    """What was done to the call: of what ends the line, only what was seen there."""
    if wanted is None or (wanted["action"] in ENDINGS and not report.acted):
        return []
    return [_done(wanted["action"], wanted["to"])]


def _takes_back(report: TurnReport, told: Mapping[str, Any]) -> bool:
    """Whether a fallback stands behind the words or in their place, since something could not be done."""
    wanted = told["effect"]
    is_undone = wanted is not None and not _done_now(report, wanted)
    has_own_words = bool(words(join_words(told["filler"], told["spoken"])))
    return is_undone or (bool(report.heard) and not has_own_words and not report.acted)


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
    differs = [name for name, is_so in worse.items() if is_so]
    less = {*_more(then.tools, now.tools), *_more(then.done, now.done)}
    more = sorted(_more(now.done, then.done))
    return Compared(
        said, then, now, [*differs, *(f"no {one}" for one in sorted(less)), *(f"new: {one}" for one in more)]
    )


def _more(ones: Sequence[str] | None, others: Sequence[str] | None) -> Counter[str]:
    """What `ones` have and `others` lack; nothing where either is not known."""
    return Counter[str]() if ones is None or others is None else Counter(ones) - Counter(others)
