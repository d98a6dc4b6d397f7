"""The words everyone uses: what is heard, written, said and remembered.

Values are frozen; what lives (a `Turn`) is mutable and belongs to one call.
Instants (`…_at`) are on the event loop's clock, moments (`…_on`) are UTC.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Literal, NewType

CallId = NewType("CallId", str)  # the platform's own id

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Door(StrEnum):
    """Where a call came in."""

    VAPI = "vapi"
    GATHER = "gather"
    OPENAI = "openai"
    CHAT = "chat"
    WEBHOOK = "webhook"  # the developer's plain body at /vapi/webhook

    @property
    def holds_chars(self) -> int:
        """So many characters a platform waits for before it says any: a shorter filler stays unheard."""
        return 30 if self is Door.VAPI else 0

    @property
    def is_unreported(self) -> bool:
        """Whether our words are spoken here and nobody tells us how many of them the caller heard."""
        return self is Door.GATHER


# What the model reads and writes


@dataclass(frozen=True, slots=True)
class ToolCall:
    """What the model asks to have done. `arguments` is a JSON object as text, as the model wrote it."""

    id: str
    name: str
    arguments: str = "{}"


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A tool as the model is told of it. `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: Mapping[str, Json]


E164 = re.compile(r"\+[1-9][0-9]{6,14}")  # a number as every telephone network can dial it
PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")  # in an HttpTool's url


@dataclass(frozen=True, slots=True)
class TransferTarget:
    """Whom an agent may transfer a call to. `to` can be dialled: +1…, sip:… or a listed short code."""

    name: str
    to: str
    purpose: str  # what for, as the model reads it
    say: str = ""  # the words before it


@dataclass(frozen=True, slots=True)
class HttpTool:
    """A request that an agent may have made. Each {placeholder} of `url` is a needed parameter of `spec`."""

    spec: ToolSpec
    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # secrets are in it
    timeout_s: float = 5.0
    is_private: bool = False  # whether its host may have an address that is not public


# Before words that were said over a reply. As the caller's own, since not every chat template takes a
# system message in the middle of a call.
SPOKE_OVER = "(I spoke over you and heard no more than that.)"

Role = Literal["system", "user", "assistant", "tool"]


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of a chat. `tool_call_id` belongs to role "tool", `tool_calls` to role "assistant"."""

    role: Role
    text: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


@dataclass(frozen=True, slots=True)
class Prompt:
    """All that a model is asked with. `call_id` lets an engine reuse what it has read of the call.

    `so_far` is what the caller has already heard of the reply, begun by a writer who could not finish:
    the new one goes on behind it and does not say it again.
    """

    messages: tuple[Message, ...]
    max_tokens: int = 120
    temperature: float = 0.3
    tools: tuple[ToolSpec, ...] = ()
    stop: tuple[str, ...] = ()
    call_id: CallId | None = None
    so_far: str = ""


class Action(StrEnum):
    """What can be done to a call besides talking; the door does it in its platform's way."""

    END_CALL = "end_call"
    TRANSFER = "transfer"
    DTMF = "dtmf"
    VOICEMAIL = "voicemail"
    HANDOFF = "handoff"


@dataclass(frozen=True, slots=True)
class Effect:
    """What a tool wants done to the call.

    `to`: whom to transfer to (+1…, sip:…), or the agent to hand off to. `digits`: the keys to press.
    `say`: the last words before it; "" when the reply has said what there is to say.
    """

    action: Action
    to: str | None = None
    digits: str = ""
    say: str = ""


FinishReason = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply, as far as the host tells."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """How a model's writing ended.

    `is_told` is False where a stream only closed: a worker that dies in mid-sentence looks the same.
    `queued_s` is how long the host let the job wait, `busy_s` how long it worked on it: None where it
    does not tell.
    """

    reason: FinishReason = "stop"
    usage: Usage = Usage()
    tool_calls: tuple[ToolCall, ...] = ()
    queued_s: float | None = None
    busy_s: float | None = None
    is_told: bool = True


Hear = Callable[[str], None]
"""Takes the next piece of text as a model writes it. Never blocks; pieces may be cut anywhere.

An empty piece says that no more words will come, though the host has not told its end yet.
"""


# What the caller hears


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
    None: the words themselves and the place in the thread decide.
    """

    text: str
    heard_at: float
    language: str = "en-US"
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece worth saying aloud: cleaned text, and the raw words it stands for."""

    text: str
    sent: str
    kind: ChunkKind = ChunkKind.REPLY


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
    usage: Usage = Usage()
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
        pairs = zip(self.left, self.left[1:], strict=False)
        return max((later.at_ms - earlier.at_ms for earlier, later in pairs), default=None)


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
    usage: Usage = Usage()
    tools: tuple[Message, ...] = ()  # what tools were asked and answered within this turn
    rungs: list[Rung] = field(default_factory=list)  # every route asked, in the order of asking
    effect: Effect | None = None  # what the door is to do to the call when the last word is said
    handed: tuple[ToolCall, ...] = ()  # tools that the platform runs: it asks again with what they answered

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
    return [word.replace("’", "'").casefold() for word in WORD.findall(text)]


# What is remembered of a call


@dataclass(slots=True)
class CallRecord:
    """One call as it is stored, without its turns. What platforms told of it are its notes."""

    call_id: CallId
    door: Door
    agent: str
    caller: str | None = None
    began_on: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_on: datetime | None = None
    ended_reason: str | None = None
    greeting: str = ""


@dataclass(frozen=True, slots=True)
class Note:
    """Something a platform or a tool told about a call: a status, a transcript line, a report."""

    call_id: CallId
    kind: str  # "status", "transcript", "report", "tool", …
    payload: Mapping[str, Json]
    noted_on: datetime = field(default_factory=lambda: datetime.now(UTC))
