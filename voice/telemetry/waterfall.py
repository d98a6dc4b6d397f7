"""The waterfall of one turn: who was asked when, what came of it, and what left the door.

    turn 1 · answered · llm · first words 640 ms · longest pause 700 ms · 1910 ms in all
    runpod    first    ···················░░░░░░░          lost, cancelled  $0.00280
    llm       hedge           ··░░███████████████████████  won  $0.00030
    said                    f     ▲         ▲           ▲
                       0                    │1200    1910

Pure: a turn becomes numbers (`bars_of`), numbers become lines of text (`waterfall`).
"""

from __future__ import annotations

from dataclasses import dataclass
from textwrap import wrap

from voice.types import ChunkKind, Ending, Outcome, Rung, Turn, Why

WAITING, WRITING, SPEAKABLE = "·", "░", "█"  # until the first token, the first clause, the end
MARKS = {
    ChunkKind.REPLY: "▲",
    ChunkKind.FILLER: "f",
    ChunkKind.FALLBACK: "!",
    ChunkKind.GREETING: "▲",
}
DEADLINE = "│"
HELD = "\N{NO-BREAK SPACE}"
LEGEND = "· asked  ░ writing  █ speakable  ▲ said  f filler  ! fallback  │ deadline"

MIN_WIDTH, MAX_WIDTH = 60, 200  # columns; below, the bars have no room
MIN_BAR = 16  # columns; names and reasons give way before it
MAX_NAME = 16  # columns of a route's name
MAX_REASON = 34  # columns behind the bars: "failed: WorkerCold" and a cost

ENDINGS = {
    None: "still open",
    Ending.ANSWERED: "answered",
    Ending.FELL_BACK: "no route answered",
    Ending.CUT_SHORT: "cut short",
    Ending.INTERRUPTED: "interrupted",
    Ending.HUNG_UP: "hung up",
}


@dataclass(frozen=True, slots=True)
class Bar:
    """One route asked, in milliseconds since the utterance was heard. None: did not happen."""

    label: str
    why: Why
    start_ms: float
    token_ms: float | None
    clause_ms: float | None
    end_ms: float
    outcome: str  # "won", "lost, cancelled", "failed: WorkerCold", "writing", "stopped"
    cost_usd: float | None


def end_of(turn: Turn, now_ms: float | None = None) -> float:
    """When a turn ended, in milliseconds: its own word, else `now_ms`, else the last thing known of it."""
    if turn.timing.total_ms is not None:
        return turn.timing.total_ms
    known = [left.at_ms for left in turn.timing.left]
    for rung in turn.rungs:
        times = (rung.asked_ms, rung.token_ms, rung.answer_ms, rung.clause_ms, rung.ended_ms)
        known.extend(at_ms for at_ms in times if at_ms is not None)
    if turn.ending is None and now_ms is not None:
        known.append(now_ms)
    return max(known, default=0.0)


def bars_of(turn: Turn, now_ms: float | None = None) -> list[Bar]:
    """A bar for each route asked, in the order of asking. `now_ms` is where an open turn has come to."""
    ended_ms = end_of(turn, now_ms)
    return [
        Bar(
            rung.route,
            rung.why,
            rung.asked_ms,
            rung.answer_ms if rung.token_ms is None else rung.token_ms,
            rung.clause_ms,
            max(rung.asked_ms, ended_ms if rung.ended_ms is None else rung.ended_ms),
            _outcome(rung, is_open=turn.ending is None),
            rung.cost_usd,
        )
        for rung in turn.rungs
    ]


def waterfall(
    turn: Turn, width: int = 100, *, deadline_ms: float | None = None, now_ms: float | None = None
) -> list[str]:
    """The turn as lines of at most `width` columns; no words of anybody are in them.

    `deadline_ms` is when the first chunk was due.
    """
    bars = bars_of(turn, now_ms)
    width = min(MAX_WIDTH, max(MIN_WIDTH, width))
    names = max([len("said"), *(min(MAX_NAME, len(bar.label)) for bar in bars)])
    reasons = [_reason(bar) for bar in bars]
    lead = names + 2 + max(len(why.value) for why in Why) + 2
    longest = max([len(one) for one in reasons], default=0)
    behind = min(MAX_REASON, longest, width - lead - MIN_BAR - 2)
    span_ms = max([end_of(turn, now_ms), deadline_ms or 0.0, *(bar.end_ms for bar in bars)])
    scale = _Scale(width - lead - behind - 2, span_ms)
    lines = _headline(turn, width)
    for bar, reason in zip(bars, reasons, strict=True):
        name = f"{_cut(bar.label, names):<{names}}  {bar.why.value:<{lead - names - 2}}"
        lines.append(f"{name}{scale.bar(bar, deadline_ms)}  {_cut(reason, behind)}")
    if turn.timing.left:
        lines.append(f"{'said':<{lead}}{scale.marks(turn, deadline_ms)}")
    lines.append(f"{'':<{lead}}{scale.axis(deadline_ms)}")
    lines += [f"  {rung.detail[: width - 2]}" for rung in turn.rungs if rung.detail]
    return [line.rstrip() for line in lines]


@dataclass(frozen=True, slots=True)
class _Scale:
    """Milliseconds as columns."""

    columns: int
    span_ms: float

    def column(self, at_ms: float) -> int:
        share = at_ms / self.span_ms if self.span_ms > 0 else 0.0
        return min(self.columns - 1, max(0, int(share * self.columns)))

    def bar(self, bar: Bar, deadline_ms: float | None) -> str:
        row = self._empty(deadline_ms)
        start, end = self.column(bar.start_ms), self.column(bar.end_ms)
        token = end + 1 if bar.token_ms is None else self.column(bar.token_ms)
        clause = end + 1 if bar.clause_ms is None else self.column(bar.clause_ms)
        for place in range(start, end + 1):
            row[place] = SPEAKABLE if place >= clause else WRITING if place >= token else WAITING
        return "".join(row)

    def marks(self, turn: Turn, deadline_ms: float | None) -> str:
        row = self._empty(deadline_ms)
        for left in turn.timing.left:
            place = self.column(left.at_ms)
            # Many chunks may leave in one column; the first one tells when speech began.
            if row[place] in (" ", DEADLINE):
                row[place] = MARKS[left.kind]
        return "".join(row)

    def axis(self, deadline_ms: float | None) -> str:
        """0 at the left, the whole time at the right, the deadline where it was."""
        row = list("0".ljust(self.columns))
        _write(row, self.columns - len(_ms(self.span_ms)), _ms(self.span_ms))
        if deadline_ms is not None:
            place, told = self.column(deadline_ms), f"{DEADLINE}{_ms(deadline_ms)}"
            before = f"{_ms(deadline_ms)}{DEADLINE}"
            if place + len(told) + len(_ms(self.span_ms)) < self.columns:
                _write(row, place, told)
            elif place >= len(before):
                row[place:] = " " * (self.columns - place)
                _write(row, place - len(before) + 1, before)
        return "".join(row)

    def _empty(self, deadline_ms: float | None) -> list[str]:
        row = [" "] * self.columns
        if deadline_ms is not None:
            row[self.column(deadline_ms)] = DEADLINE
        return row


def _headline(turn: Turn, width: int) -> list[str]:
    """How the turn went, in a line or two; no part is broken."""
    timing = turn.timing
    parts = [f"turn {turn.position + 1}", ENDINGS[turn.ending], turn.route]
    parts.append(None if turn.heard is None else "heard in part")
    parts.append(None if timing.ttfc_ms is None else f"first words {_ms(timing.ttfc_ms)} ms")
    parts.append(None if timing.gap_ms is None else f"longest pause {_ms(timing.gap_ms)} ms")
    parts.append(None if timing.total_ms is None else f"{_ms(timing.total_ms)} ms in all")
    parts.append(None if turn.cost_usd is None else _usd(turn.cost_usd))
    held = [part.replace(" ", HELD) for part in parts if part]
    lines = wrap(f"{HELD}· ".join(held), width, subsequent_indent="  ")
    return [line.replace(HELD, " ") for line in lines]


def _outcome(rung: Rung, *, is_open: bool) -> str:
    if rung.outcome is None:
        told = "writing" if is_open and rung.ended_ms is None else "stopped"
    elif rung.outcome in (Outcome.FAILED, Outcome.BROKE) and rung.error:
        told = f"{rung.outcome.value}: {rung.error}"
    else:
        told = rung.outcome.value
    return f"{told}, cancelled" if rung.was_cancelled else told


def _reason(bar: Bar) -> str:
    return bar.outcome if bar.cost_usd is None else f"{bar.outcome}  {_usd(bar.cost_usd)}"


def _usd(cost: float) -> str:
    return "$0" if cost == 0 else f"${cost:.5f}" if cost < 0.1 else f"${cost:.2f}"


def _ms(after_ms: float) -> str:
    return f"{after_ms:.0f}"


def _cut(text: str, columns: int) -> str:
    return text if len(text) <= columns else f"{text[: columns - 1]}…"


def _write(row: list[str], place: int, text: str) -> None:
    row[place : place + len(text)] = text
