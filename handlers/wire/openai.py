"""OpenAI's chat completions: the request as clients send it, and the frames of the answer.

Frames are built as bytes: an answer is streamed on every turn of every call.

Source: https://platform.openai.com/docs/api-reference/chat (create, streaming); the shapes that
the `openai` client reads are checked by tests/handlers/test_openai.py.
"""

from __future__ import annotations

import hashlib
import os
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handlers.wire.declared import NOTHING, Declared, declared_in
from handlers.wire.reading import ForeignId, an_id, newest, words
from voice.threads.window import without_orphans
from voice.types import Message, Role, ToolCall, Turn

ROLES: dict[str, Role] = {
    "system": "system",
    "developer": "system",
    "user": "user",
    "assistant": "assistant",
    "tool": "tool",
    "function": "tool",
}


# "Speak what you have", to Vapi, which then keeps silent when nothing follows: no model may say it.
FLUSH = re.compile(r"<\s*/?\s*flush\s*/?>", re.IGNORECASE)


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
    """One message of a chat. Content may be text, parts or null; roles nobody knows are left out.

    `function_call`, and a message of role function that answers it, are what tools were before they had
    ids: their name is all that joins them.
    """

    model_config = ConfigDict(extra="ignore")

    role: str
    text: Annotated[str, BeforeValidator(text_of)] = Field("", alias="content")
    tool_calls: Any = None
    function_call: Any = None
    tool_call_id: ForeignId = None
    name: ForeignId = None

    def message(self) -> Message | None:
        role = ROLES.get(self.role)
        if role is None:
            return None
        if role == "tool":
            return answer_of_tool(self.text, self.tool_call_id, self.name)
        if role == "assistant":
            return said_by_us(self.text, self.tool_calls, self.function_call)
        return Message(role, self.text)


def answer_of_tool(text: str, call_id: str | None, name: str | None) -> Message:
    """What a tool has answered, to the question of this id, or to the older form, which has none."""
    return Message("tool", text, tool_call_id=call_id or _old_id(name))


def said_by_us(text: str, tool_calls: object, function_call: object) -> Message:
    """What an assistant has said, and asked tools for."""
    if tool_calls is None and function_call is None:
        return Message("assistant", text)
    listed = tool_calls if isinstance(tool_calls, list) else ()
    calls = tuple(call for found in listed if (call := _tool_call(found)))
    if not calls and (old := _tool_call({"function": function_call})):
        calls = (replace(old, id=_old_id(old.name) or ""),)
    return Message("assistant", text, calls)


def _tool_call(found: object) -> ToolCall | None:
    function = found.get("function") if isinstance(found, dict) else None
    if (
        not isinstance(found, dict)
        or not isinstance(function, dict)
        or not isinstance(function.get("name"), str)
    ):
        return None
    return ToolCall(str(found.get("id", "")), function["name"], _as_text(function.get("arguments")))


def _as_text(arguments: object) -> str:
    if isinstance(arguments, dict):
        return orjson.dumps(arguments).decode()
    return arguments if isinstance(arguments, str) else "{}"


def _old_id(name: str | None) -> str | None:
    return f"function_{name}" if name else None


@dataclass(slots=True)  # not frozen: made on each turn, and that would take four times as long
class Conversation:
    """A request's messages, taken apart: who to be, what was said before, and the newest words.

    `said` counts the caller's messages: with the words themselves it tells a turn from a repeat.
    `told` are the tools that the platform has run for the newest words, each with its answer. `since` is
    what else stands behind those words: what was answered to them, what an operator tells the model.
    `system` says who the model is to be, `added` what it was told later, in the middle of the call.
    """

    system: str | None
    history: tuple[Message, ...]
    words: str | None  # None: the caller has said nothing yet, or nothing that can be read
    said: int
    as_is: tuple[Message, ...]
    told: tuple[Message, ...] = ()
    since: tuple[Message, ...] = ()
    added: str | None = None

    @property
    def goes_on(self) -> bool:
        """Whether the agent is to speak though the caller has said nothing that was not answered."""
        return bool(self.since) and (self.words is None or any(one.role == "assistant" for one in self.since))

    @property
    def told_since(self) -> str:
        """What the agent is to answer to where it goes on; "": nothing."""
        return " ".join(words(one.text) for one in self.since if one.role == "system")

    @property
    def mark(self) -> str:
        """What tells a turn from another for the same words: what stands behind them. "": nothing does."""
        if not self.since:
            return ""
        text = self.told_since or " ".join(one.text for one in self.since)
        return f"~{hashlib.blake2b(text.encode(errors='replace'), digest_size=6).hexdigest()}"

    @property
    def answers(self) -> int:
        """How many tools have answered since the caller spoke: each time the platform asks anew."""
        return [one.role for one in self.told].count("tool")


class StreamOptions(BaseModel):
    model_config = ConfigDict(extra="ignore")

    include_usage: bool = False


class ChatRequest(BaseModel):
    """A chat-completions request. Sampling settings are the agent's own and not read."""

    model_config = ConfigDict(extra="ignore")

    model: str | None = None
    messages: Annotated[list[ChatMessage], BeforeValidator(newest)]
    stream: Annotated[bool | None, BeforeValidator(as_switch)] = None
    stream_options: StreamOptions | None = None
    user: ForeignId = None
    metadata: dict[str, Any] | None = None
    tools: Any = None
    functions: Any = None  # what `tools` were called before
    tool_choice: Any = None

    def conversation(self) -> Conversation:
        """The messages as the brain takes them."""
        return conversation_of([message for one in self.messages if (message := one.message())])

    def declared(self) -> Declared:
        """The tools that the model may ask for; none where the client forbids them."""
        return NOTHING if self.tool_choice == "none" else declared_in(self.tools, self.functions)

    def named_call(self) -> str | None:
        """The call that `metadata.call_id` or `user` names."""
        return an_id_in(self.metadata, "call_id") or self.user

    def wants_usage(self) -> bool:
        return self.stream_options is not None and self.stream_options.include_usage


def an_id_in(found: Mapping[str, Any] | None, *keys: str) -> str | None:
    """The first of these keys that holds an id."""
    if found:
        for key in keys:
            if value := an_id(found.get(key)):
                return value
    return None


def conversation_of(found: Sequence[Message]) -> Conversation:
    """A chat's messages, taken apart."""
    size, begun = len(found), 0
    while begun < size and found[begun].role == "system":
        begun += 1
    talk = [one for one in found[begun:] if one.role != "system"]
    last = len(talk) - 1
    while last >= 0 and talk[last].role != "user":
        last -= 1
    after, is_plain = talk[last + 1 :], len(talk) == size - begun  # plain: the model was told nothing more
    told = tuple(without_orphans(after)) if after and after[-1].role == "tool" else ()
    since = () if told or (is_plain and not after) else _since(found)
    talked = Conversation(
        _system_in(found[:begun]) if begun else None,
        tuple(talk[:last] if last >= 0 else () if told else talk),
        (words(talk[last].text) or None) if last >= 0 else None,
        [one.role for one in talk].count("user"),
        tuple(found),
        told,
        since,
        None if is_plain else _system_in(found[begun:]),
    )
    return replace(talked, history=tuple(talk)) if since and talked.goes_on else talked


def _system_in(messages: Sequence[Message]) -> str | None:
    texts = [text for one in messages if one.role == "system" and (text := one.text.strip())]
    return "\n\n".join(texts) or None


def _since(found: Sequence[Message]) -> tuple[Message, ...]:
    """What stands behind the caller's newest words; without any, what the model is told after the opening."""
    last = max((place for place, one in enumerate(found) if one.role == "user"), default=None)
    if last is None:
        opening = next((place for place, one in enumerate(found) if one.role == "assistant"), len(found))
        return tuple(one for one in found[opening:] if one.role == "system" and one.text.strip())
    behind = (one for one in found[last + 1 :] if one.role in {"system", "assistant"})
    return tuple(one for one in behind if one.text.strip() and not one.tool_calls)


class ChatFrames:
    """The frames of one streamed completion, in the order in which a client wants them.

    The role comes first, then content, then the finish, then usage if it was asked for, then [DONE].
    Every frame has `choices`: Vapi ends the call at one that has none.
    """

    def __init__(self, model: str, *, with_usage: bool = False) -> None:
        head = {
            "id": f"chatcmpl-{os.urandom(16).hex()}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": model,
        }
        self._head = b"data: " + orjson.dumps(head)[:-1]
        self._delta = self._head + b',"choices":[{"index":0,"delta":'
        self._tail = b',"usage":null}\n\n' if with_usage else b"}\n\n"
        self._with_usage = with_usage
        self._joins_by = ""  # what stands between the last piece and the next

    def begin(self) -> bytes:
        return self._frame(b'{"role":"assistant","content":""}')

    def text(self, text: str, *, waits: bool = False) -> bytes:
        """One piece of the reply; a space stands between it and the one before.

        One that `waits` is to be spoken though nothing follows it yet. Platforms hold text back until it
        ends as a sentence does, and see that by the blank behind.
        """
        if "<" in text:
            text = FLUSH.sub("", text).strip()
        piece = self._joins_by + (f"{_as_sentence(text)} " if waits else text)
        self._joins_by = "" if waits else " "
        return self._frame(b'{"content":' + orjson.dumps(piece) + b"}")

    def end(self, turn: Turn | None, calls: Sequence[ToolCall] = ()) -> bytes:
        """The last frames. `turn` is None for a line that no turn wrote.

        `calls` leave each in one piece, and the finish says so: without that Vapi writes a call down and
        does nothing.
        """
        delta = {"tool_calls": [{"index": place, **_call(one)} for place, one in enumerate(calls)]}
        frames = self._frame(orjson.dumps(delta)) if calls else b""
        frames += self._frame(b"{}", finish=b'"tool_calls"' if calls else b'"stop"')
        if self._with_usage:
            frames += self._head + b',"choices":[],"usage":' + orjson.dumps(usage_of(turn)) + b"}\n\n"
        return frames + b"data: [DONE]\n\n"

    def _frame(self, delta: bytes, finish: bytes = b"null") -> bytes:
        return self._delta + delta + b',"finish_reason":' + finish + b"}]" + self._tail


def _as_sentence(text: str) -> str:
    """The same with an end that every platform knows: none of them takes "…" for one."""
    return text if text.endswith((".", "!", "?")) else text.rstrip("…,;:–— ") + "."


def usage_of(turn: Turn | None) -> dict[str, int]:
    """What a turn cost in tokens, as far as the host told."""
    prompt = turn.usage.prompt_tokens if turn else 0
    written = turn.usage.completion_tokens if turn else 0
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def completion(model: str, text: str, turn: Turn | None, calls: Sequence[ToolCall] = ()) -> dict[str, Any]:
    """A whole completion, for clients that do not stream."""
    message: dict[str, Any] = {"role": "assistant", "content": text, "refusal": None}
    finish: Literal["stop", "tool_calls"] = "stop"
    if calls:
        message |= {"content": text or None, "tool_calls": [_call(one) for one in calls]}
        finish = "tool_calls"
    return {
        "id": f"chatcmpl-{os.urandom(16).hex()}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": finish}],
        "usage": usage_of(turn),
    }


def _call(one: ToolCall) -> dict[str, Any]:
    return {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}


def model_entry(name: str) -> dict[str, Any]:
    """One line of the list of models."""
    return {"id": name, "object": "model", "created": 0, "owned_by": "offhook"}
