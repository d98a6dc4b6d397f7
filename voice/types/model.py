"""What a model reads and writes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from voice.types.call import CallId, Json


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
    does not tell. `dropped_turns` is how many of the oldest did not fit into the model's context; `ignored`
    names what of the prompt the model was not shown: "tools", the end of a "system" message.
    """

    reason: FinishReason = "stop"
    usage: Usage = Usage()
    tool_calls: tuple[ToolCall, ...] = ()
    queued_s: float | None = None
    busy_s: float | None = None
    is_told: bool = True
    dropped_turns: int = 0
    ignored: tuple[str, ...] = ()


Hear = Callable[[str], object]
"""Takes the next piece of text as a model writes it. Never blocks; pieces may be cut anywhere.

An empty piece says that no more words will come, though the host has not told its end yet.
"""
