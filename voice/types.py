"""The words everyone uses: what is heard, written, said and remembered.

Values are frozen; what lives (a `Turn`) is mutable and belongs to one call.
Instants (`…_at`) are on the event loop's clock, moments (`…_on`) are UTC.
"""

from __future__ import annotations

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
    """All that a model is asked with. `call_id` lets an engine reuse what it has read of the call."""

    messages: tuple[Message, ...]
    max_tokens: int = 120
    temperature: float = 0.3
    tools: tuple[ToolSpec, ...] = ()
    stop: tuple[str, ...] = ()
    call_id: CallId | None = None


FinishReason = Literal["stop", "length", "tool_calls"]


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one reply, as far as the host tells."""

    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Finish:
    """How a model's writing ended."""

    reason: FinishReason = "stop"
    usage: Usage = Usage()
    tool_calls: tuple[ToolCall, ...] = ()


Hear = Callable[[str], None]
"""Takes the next piece of text as a model writes it. Never blocks; pieces may be cut anywhere."""


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


@dataclass(slots=True)
class Timing:
    """The instants of one turn in milliseconds since the utterance was heard. None: did not happen."""

    asked_ms: float | None = None
    ttft_ms: float | None = None  # first token from the route that won
    ttfc_ms: float | None = None  # first chunk at the door
    total_ms: float | None = None


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

    def add(self, chunk: Chunk) -> None:
        """Remember a chunk the moment it left: a barge-in may come at any await."""
        if chunk.kind is ChunkKind.FILLER:
            self.filler = join_words(self.filler, chunk.text)
            return
        self.sent += chunk.sent
        self.spoken = join_words(self.spoken, chunk.text)

    @property
    def was_heard(self) -> str:
        """What the caller heard of the reply, as far as we know."""
        return self.spoken if self.heard is None else self.heard


def join_words(before: str, after: str) -> str:
    """Two pieces of speech with one space between them."""
    return f"{before} {after}".strip() if before else after


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
