"""One utterance, and everything we said to it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from operator import sub

from voice.types.effect import Effect
from voice.types.model import FinishReason, Message, ToolCall, Usage
from voice.types.reading import Reading, moved

NONE_YET = Usage()


class ChunkKind(StrEnum):
    """Why a chunk is said."""

    GREETING = "greeting"
    REPLY = "reply"
    FILLER = "filler"
    FALLBACK = "fallback"


@dataclass(frozen=True, slots=True)
class Utterance:
    """What the caller said, once endpointing has decided they have finished.

    `key` tells one turn from a repeat of it where the platform gives counters;
    None: the words themselves and the place in the thread decide. `sent_ms` is the platform's own clock
    when it sent them, in milliseconds; None: it does not say. Where the caller has said nothing
    new, `text` is "" and `told` what the agent is to answer to instead ("": it just goes on).
    """

    text: str
    heard_at: float
    language: str = "en-US"
    key: str | None = None
    told: str | None = None
    sent_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece worth saying aloud: its spoken form, and the raw words it stands for."""

    text: str
    sent: str
    kind: ChunkKind = ChunkKind.REPLY
    readings: tuple[Reading, ...] = ()  # of `text`, in order

    def rest(self, text: str) -> Chunk:
        """What is left to be said of it: `text`, its end. What was read in part is said as words."""
        ahead = len(text) - len(self.text)
        return Chunk(text, text, self.kind, tuple(moved(self.readings, ahead)))


Say = Callable[[Chunk], Awaitable[None]]
"""Says a chunk to the caller. Waits while the door's socket is full."""


class Ending(StrEnum):
    """How a turn ended."""

    ANSWERED = "answered"
    FELL_BACK = "fell_back"  # no route answered: a fallback was said
    CUT_SHORT = "cut_short"  # the reply was ended with what there was
    INTERRUPTED = "interrupted"  # barge-in, or newer words of the same turn
    HUNG_UP = "hung_up"


class Why(StrEnum):
    """Why a route was asked."""

    FIRST = "first"  # the best one of this turn
    AHEAD = "ahead"  # the same, while the caller was still speaking
    HEDGE = "hedge"  # a better one had been silent for longer than its own p95
    DUE = "due"  # the deadline was so near that nothing else might have landed
    FAILED = "failed"  # a better one had failed
    GOES_ON = "goes_on"  # to finish what another had begun


class Outcome(StrEnum):
    """What became of a route that was asked."""

    WON = "won"  # the caller heard it, to its end
    BROKE = "broke"  # the caller heard its beginning; then it stalled, broke or went in circles
    LOST = "lost"  # another was quicker or better
    FAILED = "failed"  # it gave nothing that could be said


@dataclass(slots=True)
class Rung:
    """One route asked within a turn, and what came of it.

    Times in milliseconds since the utterance was heard; None: did not happen. `error` is the class of
    the failure. `wrote` is all that it wrote, heard or not. `cost_usd` is None where no price is set.
    """

    route: str
    why: Why
    asked_ms: float
    token_ms: float | None = None  # the first sign of writing, be it thinking aloud
    answer_ms: float | None = None  # the first token of the answer
    clause_ms: float | None = None  # the first clause that could be said
    ended_ms: float | None = None
    queued_ms: float | None = None  # how long the host let the job wait
    outcome: Outcome | None = None
    finish_reason: FinishReason | None = None  # as the host told it; None: it was not heard to its end
    error: str | None = None
    detail: str | None = None  # what went wrong, in our own words: nothing that the caller said
    was_cancelled: bool = False
    wrote: str = ""
    usage: Usage = NONE_YET
    cost_usd: float | None = None


@dataclass(frozen=True, slots=True)
class Left:
    """A chunk as it left the door: when, in milliseconds since the utterance was heard, and its length."""

    at_ms: float
    chars: int
    kind: ChunkKind


@dataclass(slots=True)
class Timing:
    """The instants of one turn in milliseconds since the utterance was heard. None: did not happen."""

    asked_ms: float | None = None
    ttft_ms: float | None = None  # first token of the answer from the route that won
    ttfc_ms: float | None = None  # first chunk at the door
    total_ms: float | None = None
    left: list[Left] = field(default_factory=list)

    @property
    def gap_ms(self) -> float | None:
        """The longest pause between two chunks; None with fewer than two."""
        at = [left.at_ms for left in self.left]
        return max(map(sub, at[1:], at), default=None)


@dataclass(frozen=True, slots=True)
class Aside:
    """Words that the caller heard and no model of ours wrote: an operator's, or the platform's own.

    `text` is their spoken form. They were heard after so many characters of that of the reply.
    """

    text: str
    after: int = 0
    readings: tuple[Reading, ...] = ()  # of `text`, in order


@dataclass(slots=True)
class Turn:
    """One utterance and everything we said to it.

    `sent` holds the model's words, `spoken` their spoken form, `heard` what the
    caller heard of it (None: all of `spoken`, as far as we know).
    """

    position: int  # from 0, in the order of the call
    said: str  # the caller's words
    key: str
    began_on: datetime = field(default_factory=lambda: datetime.now(UTC))
    sent: str = ""
    spoken: str = ""
    heard: str | None = None
    filler: str = ""
    route: str | None = None
    ending: Ending | None = None  # None: still open
    timing: Timing = field(default_factory=Timing)
    usage: Usage = NONE_YET
    tools: tuple[Message, ...] = ()  # what tools were asked and answered within this turn
    rungs: list[Rung] = field(default_factory=list)  # every route asked, in the order of asking
    effect: Effect | None = None  # what the door is to do to the call when the last word is said
    led: Effect | None = None  # a handoff to one of our own agents, which is done; not stored
    handed: tuple[ToolCall, ...] = ()  # tools that the platform runs: it asks again with what they answered
    asides: tuple[Aside, ...] = ()  # what the caller heard meanwhile, in its order
    agent: str | None = None  # who answered; None: not known
    readings: tuple[Reading, ...] = ()  # of `spoken`, in order

    def add(self, chunk: Chunk, at_ms: float) -> None:
        """Remember a chunk the moment it left: a barge-in may come at any await."""
        self.timing.left.append(Left(at_ms, len(chunk.text), chunk.kind))
        if self.timing.ttfc_ms is None:
            self.timing.ttfc_ms = at_ms
        if chunk.kind is ChunkKind.FILLER:
            self.filler = join_words(self.filler, chunk.text)
            return
        self.sent += chunk.sent
        self.spoken = join_words(self.spoken, chunk.text)
        if chunk.readings:
            at = len(self.spoken) - len(chunk.text)
            self.readings = (*self.readings, *moved(chunk.readings, at))

    @property
    def fillers(self) -> list[str]:
        """The fillers one by one, in their order."""
        lines, place = list[str](), 0
        for left in self.timing.left:
            if left.kind is ChunkKind.FILLER:
                lines.append(self.filler[place : place + left.chars])
                place += left.chars + 1  # the space between two
        return lines or ([self.filler] if self.filler else [])

    @property
    def cost_usd(self) -> float | None:
        """What all its routes cost together; None when no price is known."""
        known = [rung.cost_usd for rung in self.rungs if rung.cost_usd is not None]
        return sum(known) if known else None

    @property
    def was_heard(self) -> str:
        """What the caller heard of the reply, as far as we know."""
        return self.spoken if self.heard is None else self.heard

    @property
    def was_cut(self) -> bool:
        """Whether the caller heard a beginning of the reply, and spoke before its end."""
        return bool(self.was_heard) and (self.heard is not None or self.ending is Ending.INTERRUPTED)


def join_words(before: str, after: str) -> str:
    """Two pieces of speech with one space between them."""
    return f"{before} {after}".strip() if before else after


WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")


def words(text: str) -> list[str]:
    """The words alone, lower-cased: "Unit 4B, please." → ["unit", "4b", "please"]."""
    if text.isascii():  # nearly always, and a tenth of the time: each chunk is looked at in five ways
        return WORD.findall(text.lower())
    return [word.replace("’", "'").casefold() for word in WORD.findall(text)]
