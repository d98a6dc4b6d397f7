"""The developer's plain body, and what answers it: `curl -d '{"message": "My sink leaks."}'`.

Taken at /chat and at /vapi/webhook. The answer is one JSON object, or events when asked for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr

from handlers.wire.reading import OwnId, words
from voice.speech.output import Markup, marked
from voice.types import CallId, Chunk, ToolCall, Turn, Utterance

MAX_MESSAGE_CHARS = 8_000  # eight minutes of speech; more is no utterance
MAX_CALLER_CHARS = 64


def _some_words(text: str) -> str:
    line = words(text)
    if not line:
        raise ValueError("must hold at least one word")
    return line


class PlainMessage(BaseModel):
    """What a developer says to an agent. With the `call_id` of an answer the same call goes on."""

    model_config = ConfigDict(extra="ignore")

    message: Annotated[StrictStr, Field(max_length=MAX_MESSAGE_CHARS), AfterValidator(_some_words)]
    caller: Annotated[StrictStr, Field(max_length=MAX_CALLER_CHARS), AfterValidator(words)] | None = None
    call_id: OwnId = None
    agent: Annotated[StrictStr, Field(max_length=100)] | None = None

    def utterance(self, heard_at: float, language: str) -> Utterance:
        return Utterance(self.message, heard_at, language)


def answer_of(turn: Turn, call_id: CallId, agent: str, markup: Markup = Markup.NONE) -> dict[str, Any]:
    """The plain answer to one turn. Milliseconds since the message came; null: did not happen.

    `effect` is what is to be done to the call after the last word: null, or an action with whom to
    connect it to.
    """
    timing = {
        "first_token": turn.timing.ttft_ms,
        "first_chunk": turn.timing.ttfc_ms,
        "total": turn.timing.total_ms,
    }
    effect = turn.effect and {
        "action": turn.effect.action.value,
        "to": turn.effect.to,
        "digits": turn.effect.digits,
    }
    return {
        "reply": marked(Chunk(turn.spoken, "", readings=turn.readings), markup),
        "call_id": call_id,
        "agent": agent,
        "effect": effect,
        "timing_ms": timing,
    }


class PlainEvents:
    """A turn as server-sent events: `chunk` for each piece said, `done` with the plain answer."""

    def __init__(self, call_id: CallId, agent: str, markup: Markup = Markup.NONE) -> None:
        self._call_id, self._agent, self._markup = call_id, agent, markup

    def begin(self) -> bytes:
        return b""

    def text(self, text: str, *, waits: bool = False) -> bytes:
        return b"event: chunk\ndata: " + orjson.dumps({"text": text}) + b"\n\n"

    def end(self, turn: Turn, calls: Sequence[ToolCall] = ()) -> bytes:
        answer = answer_of(turn, self._call_id, self._agent, self._markup)
        return b"event: done\ndata: " + orjson.dumps(answer) + b"\n\n"
