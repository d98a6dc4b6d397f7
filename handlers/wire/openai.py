"""OpenAI's chat completions: the request as clients send it, and the frames of the answer.

Frames are built as bytes: an answer is streamed on every turn of every call.

Source: https://platform.openai.com/docs/api-reference/chat (create, streaming); the shapes that
the `openai` client reads are checked by tests/handlers/test_openai.py.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Annotated, Any, Literal
from uuid import uuid4

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handlers.wire.reading import ForeignId, an_id, words
from voice.types import Message, Role, ToolCall, Turn

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


def text_of(content: object) -> str:
    """The text of a message's content: a string, a list of parts, or nothing. Pictures are left out."""
    if isinstance(content, str):
        return content
    if not isinstance(content, list):
        return ""
    parts = (part.get("text") if isinstance(part, dict) else part for part in content)
    return " ".join(part for part in parts if isinstance(part, str))


def as_switch(value: object) -> bool | None:
    """`stream` as platforms write it: true, "false", 0, null. None: not said."""
    if value is None or isinstance(value, bool):
        return value
    return str(value).strip().lower() not in {"false", "0", "no", "off", ""}


class ChatMessage(BaseModel):
    """One message of a chat. Content may be text, parts or null; roles nobody knows are left out."""

    model_config = ConfigDict(extra="ignore")

    role: str
    text: Annotated[str, BeforeValidator(text_of)] = Field("", alias="content")
    tool_calls: Any = None
    tool_call_id: ForeignId = None

    def message(self) -> Message | None:
        role = ROLES.get(self.role)
        if role is None:
            return None
        listed = self.tool_calls if isinstance(self.tool_calls, list) else ()
        calls = tuple(call for found in listed if (call := _tool_call(found)))
        return Message(role, self.text, calls, self.tool_call_id if role == "tool" else None)


def _tool_call(found: object) -> ToolCall | None:
    function = found.get("function") if isinstance(found, dict) else None
    if (
        not isinstance(found, dict)
        or not isinstance(function, dict)
        or not isinstance(function.get("name"), str)
    ):
        return None
    arguments = function.get("arguments")
    text = arguments if isinstance(arguments, str) else "{}"
    return ToolCall(str(found.get("id", "")), function["name"], text)


@dataclass(frozen=True, slots=True)
class Conversation:
    """A request's messages, taken apart: who to be, what was said before, and the newest words.

    `said` counts the caller's messages: with the words themselves it tells a turn from a repeat.
    """

    system: str | None
    history: tuple[Message, ...]
    words: str | None  # None: the caller has said nothing yet, or nothing that can be read
    said: int
    as_is: tuple[Message, ...]


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A chat-completions request. Sampling settings are the agent's own and not read."""

    model_config = ConfigDict(extra="ignore")

    model: str | None = None
    messages: list[ChatMessage]
    stream: Annotated[bool | None, BeforeValidator(as_switch)] = None
    stream_options: StreamOptions | None = None
    user: ForeignId = None
    metadata: dict[str, Any] | None = None

    def conversation(self) -> Conversation:
        """The messages as the brain takes them."""
        found = [message for one in self.messages if (message := one.message())]
        system = "\n\n".join(one.text.strip() for one in found if one.role == "system" and one.text.strip())
        talk = [one for one in found if one.role != "system"]
        last = max((place for place, one in enumerate(talk) if one.role == "user"), default=None)
        said = sum(one.role == "user" for one in talk)
        heard = words(talk[last].text) if last is not None else ""
        history = tuple(talk if last is None else talk[:last])
        return Conversation(system or None, history, heard or None, said, tuple(found))

    def named_call(self) -> str | None:
        """The call that `metadata.call_id` or `user` names."""
        return an_id_in(self.metadata, "call_id") or self.user

    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


def an_id_in(found: dict[str, Any] | None, *keys: str) -> str | None:
    """The first of these keys that holds an id."""
    return next((value for key in keys if (value := an_id((found or {}).get(key)))), None)


class ChatFrames:
    """The frames of one streamed completion, in the order in which a client wants them.

    The role comes first, then content, then the finish, then usage if it was asked for, then [DONE].
    Every frame has `choices`: Vapi ends the call at one that has none.
    """

    def __init__(self, model: str, *, with_usage: bool = False) -> None:
        head = {
            "id": f"chatcmpl-{uuid4().hex}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._head = b"data: " + orjson.dumps(head)[:-1]
        self._tail = b',"usage":null}\n\n' if with_usage else b"}\n\n"
        self._with_usage = with_usage
        self._has_text = False

    def begin(self) -> bytes:
        return self._frame(b'{"role":"assistant","content":""}')

    def text(self, text: str) -> bytes:
        """One piece of the reply; a space stands before it when it follows another."""
        piece = f" {text}" if self._has_text else text
        self._has_text = True
        return self._frame(b'{"content":' + orjson.dumps(piece) + b"}")

    def end(self, turn: Turn | None) -> bytes:
        """The last frames. `turn` is None for a line that no turn wrote."""
        frames = self._frame(b"{}", finish=b'"stop"')
        if self._with_usage:
            frames += self._head + b',"choices":[],"usage":' + orjson.dumps(usage_of(turn)) + b"}\n\n"
        return frames + b"data: [DONE]\n\n"

    def _frame(self, delta: bytes, finish: bytes = b"null") -> bytes:
        choice = b',"choices":[{"index":0,"delta":' + delta + b',"finish_reason":' + finish + b"}]"
        return self._head + choice + self._tail


def usage_of(turn: Turn | None) -> dict[str, int]:
    """What a turn cost in tokens, as far as the host told."""
    prompt = turn.usage.prompt_tokens if turn else 0
    written = turn.usage.completion_tokens if turn else 0
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def completion(model: str, text: str, turn: Turn | None) -> dict[str, Any]:
    """A whole completion, for clients that do not stream."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    finish: Literal["stop"] = "stop"
    return {
        "id": f"chatcmpl-{uuid4().hex}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": usage_of(turn),
    }


def model_entry(name: str) -> dict[str, Any]:
    """One line of the list of models."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "offhook"}
