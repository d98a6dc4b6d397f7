"""Reads the reply out of whatever a RunPod worker gives.

Workers differ by version and author: plain text, `{"text"}` and its many cousins, chat completions,
lists of any of these, server-sent events cut anywhere, JSON within a string, errors within success.
`OutputReader` takes them one stream item at a time and gives the text that may be spoken. Tracebacks,
JSON, thoughts and status words are never text. Shapes with their sources: tests/wire/runpod/outputs.json
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Mapping
from typing import Literal

from voice.errors import EmptyReply, ReplyBroken
from voice.models.text import Spoken
from voice.types import Finish, FinishReason, Json, ToolCall, Usage

TEXT_KEYS = (
    "text",
    "generated_text",
    "output_text",
    "response",
    "content",
    "message",
    "reply",
    "answer",
    "tokens",
)
NESTED_KEYS = ("output", "outputs", "result", "results", "data")
ERROR_KEYS = ("message", "error_message", "error", "detail", "msg")
STATUS_WORDS = frozenset(
    ("IN_QUEUE", "IN_PROGRESS", "RUNNING", "COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT", "null", "None")
)
TRACEBACK = "Traceback (most recent call last)"
DAMAGE = "\ufffd"  # half of a character that a worker decoded piece by piece
MAX_DEPTH = 16
MAX_REPR_CHARS = 20_000  # of a Python object's text that is worth reading
MAX_REASON_CHARS = 200
MAX_HELD_CHARS = 1_000_000  # of a string that is not whole: what is longer is no reply

FINISH_REASONS: Mapping[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}  # everything else is "stop"

Kind = Literal["plain", "events", "json"]


class OutputReader:
    """Reads one reply. `route` is named in errors. Feed it every item, then `end`, then `finish`."""

    def __init__(self, route: str) -> None:
        self.is_over = False  # the worker has said that nothing follows
        self._route = route
        self._spoken = Spoken()
        self._kind: Kind | None = None  # of the strings; None: not clear yet
        self._held = ""  # of a string that is not clear yet, or not whole
        self._said = False
        self._reason: FinishReason | None = None
        self._usage = Usage()
        self._calls: dict[int, ToolCall] = {}

    def feed(self, item: Json) -> str:
        """The text of the next item; empty when it has none yet.

        Raises ReplyBroken when the item is an error, or nothing that may be spoken.
        """
        return self._checked(self._read(item))

    def end(self) -> str:
        """The text that was held back until it was clear what it is."""
        held, self._held = self._held, ""
        if self._kind == "json":
            raise ReplyBroken(f"route {self._route!r} answered with something that is no text")
        if self._kind == "events":
            held = self._read_events(held + "\n")
        return self._checked(held, is_last=True)

    def finish(self) -> Finish:
        """How the reply ended. Raises EmptyReply when there was nothing to say or do."""
        calls = tuple(self._calls[place] for place in sorted(self._calls) if self._calls[place].name)
        if not self._said and not calls:
            raise EmptyReply(f"route {self._route!r} answered without a word")
        reason = "tool_calls" if calls else self._reason
        return Finish(reason or "stop", self._usage, calls, is_told=reason is not None)

    def _checked(self, text: str, *, is_last: bool = False) -> str:
        text = self._spoken.feed(text.replace(DAMAGE, "")) + (self._spoken.end() if is_last else "")
        if TRACEBACK in text or (not self._said and text.strip() in STATUS_WORDS):
            raise ReplyBroken(f"route {self._route!r} answered with something that is no text")
        self._said = self._said or bool(text.strip())
        return text

    def _read(self, item: Json, depth: int = 0) -> str:
        if depth > MAX_DEPTH:
            return ""
        if isinstance(item, str):
            return self._read_string(item, depth)
        if isinstance(item, list):
            return "".join(self._read(part, depth + 1) for part in item)
        return self._read_object(item, depth) if isinstance(item, dict) else ""

    # Strings: plain, server-sent events, or JSON; each may come in pieces

    def _read_string(self, text: str, depth: int) -> str:
        if self._kind == "plain":
            return text
        self._held += text
        if len(self._held) > MAX_HELD_CHARS:
            raise ReplyBroken(f"route {self._route!r} does not end its answer")
        self._kind = self._kind or _kind_of(self._held)
        if self._kind is None:
            return ""
        held, self._held = self._held, ""
        if self._kind == "plain":
            return held
        if self._kind == "events":
            return self._read_events(held)
        parsed = _parsed(held)
        if parsed is None:
            self._held = held
            return ""
        self._kind = None
        return self._read(parsed, depth + 1)

    def _read_events(self, text: str) -> str:
        *lines, self._held = text.replace("\r\n", "\n").split("\n")
        return "".join(self._read_event(line) for line in lines if line.startswith("data:"))

    def _read_event(self, line: str) -> str:
        data = line.removeprefix("data:").strip()
        if data == "[DONE]":
            self.is_over = True
            return ""
        if not data.startswith(("{", "[")):
            return line.removeprefix("data:").removeprefix(" ")  # some workers stream bare words
        try:
            parsed: Json = json.loads(data)
        except ValueError as exc:
            if self._reason is not None:  # a cut end behind the last word
                return ""
            raise ReplyBroken(f"route {self._route!r} sent a damaged event") from exc
        return "" if isinstance(parsed, str) else self._read(parsed)

    # Objects

    def _read_object(self, fields: Mapping[str, Json], depth: int) -> str:
        if (reason := _error_in(fields)) is not None:
            raise ReplyBroken(f"route {self._route!r} failed: {reason}")
        self._note_end(fields)
        choices = fields.get("choices")
        if isinstance(choices, list):
            first = choices[0] if choices else None
            return self._read_choice(first, depth) if isinstance(first, dict) else ""
        for key in TEXT_KEYS:
            if fields.get(key):
                return self._read_text(fields[key], depth + 1)
        for key in NESTED_KEYS:
            if fields.get(key):
                return self._read(fields[key], depth + 1)
        return ""

    def _read_choice(self, choice: Mapping[str, Json], depth: int) -> str:
        self._note_end(choice)
        for key in ("delta", "message"):
            part = choice.get(key)
            if isinstance(part, dict):
                self._note_end(part)
                return self._read_text(part.get("content"), depth + 1)
        return self._read_text(choice.get("text") or choice.get("tokens"), depth + 1)

    def _read_text(self, value: Json, depth: int) -> str:
        """A value that is text by its key: it is not searched for events or JSON."""
        if isinstance(value, str):
            return value
        if isinstance(value, list) and depth <= MAX_DEPTH:
            return "".join(self._read_text(part, depth + 1) for part in value)
        return self._read(value, depth + 1) if isinstance(value, dict) else ""

    def _note_end(self, fields: Mapping[str, Json]) -> None:
        reason = fields.get("finish_reason") or fields.get("stop_reason")
        if isinstance(reason, str):
            self._reason = FINISH_REASONS.get(reason, "stop")
            # Our own worker's last chunk. Others write a reason into chunks that are not the last.
            self.is_over = self.is_over or "timing" in fields
        if isinstance(usage := fields.get("usage"), dict):
            self._usage = Usage(
                _count(usage, "prompt_tokens", "input_tokens", "input"),
                _count(usage, "completion_tokens", "output_tokens", "output"),
            )
        if isinstance(calls := fields.get("tool_calls"), list):
            for place, call in enumerate(calls):
                if isinstance(call, dict):
                    self._note_call(call, place)

    def _note_call(self, call: Mapping[str, Json], place: int) -> None:
        """Tool calls come whole, or in deltas that name their place and add to the arguments."""
        at, function = call.get("index"), call.get("function")
        at = at if isinstance(at, int) else place
        before = self._calls.get(at, ToolCall("", "", ""))
        named, more, called = None, None, call.get("id")
        if isinstance(function, dict):
            named, more = function.get("name"), function.get("arguments")
        self._calls[at] = ToolCall(
            called if isinstance(called, str) and called else before.id,
            named if isinstance(named, str) and named else before.name,
            before.arguments + (more if isinstance(more, str) else ""),
        )


def error_sentence(error: Json) -> str:
    """An error of any shape as one short line: without traceback, quotes of code or JSON around it."""
    if isinstance(error, str):
        parsed = _parsed(error) if error.lstrip()[:1] == "{" else None
        if isinstance(parsed, dict):
            return error_sentence(parsed)
        line = re.split(r"\s*(?:traceback:|Traceback \(most recent)", error, maxsplit=1)[0].strip()
        line = line.splitlines()[0].strip() if line else ""
        return line[:MAX_REASON_CHARS] or "no reason given"
    if isinstance(error, dict):
        for key in ERROR_KEYS:
            if error.get(key):
                return error_sentence(error[key])
    if isinstance(error, list) and error:
        return error_sentence(error[0])
    return "no reason given"


def _error_in(fields: Mapping[str, Json]) -> str | None:
    """The reason, when an object inside a success tells of a failure."""
    if fields.get("error"):
        return error_sentence(fields["error"])
    is_error = fields.get("object") == "error" or fields.get("success") is False
    status = fields.get("status")
    if is_error or (isinstance(status, str) and status.lower() in ("error", "failed")):
        return error_sentence(dict(fields))
    return None


def _kind_of(text: str) -> Kind | None:
    """What a string is by its beginning; None while that is not clear."""
    begins = text.lstrip("\ufeff \t\r\n")
    if any(begins.startswith(word) for word in ("data:", "event:", ": ")):
        return "events"
    if not begins or any(word.startswith(begins) for word in ("data:", "event:", ":", "[")):
        return None
    # "[laughs] Hello" is text, "[{" and its like are not.
    return "json" if re.match(r'\{|\[\s*[\[{"\]]', begins) else "plain"


def _parsed(text: str) -> Json:
    """A list or an object from its JSON, or from a Python object's text; None: neither, or not whole."""
    text = text.strip().strip("\ufeff")
    if not text.endswith(("}", "]")):
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        if len(text) > MAX_REPR_CHARS:
            return None
        try:
            value = ast.literal_eval(text)
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return None
    return value if isinstance(value, list | dict) else None


def _count(usage: Mapping[str, Json], *keys: str) -> int:
    return next((value for key in keys if isinstance(value := usage.get(key), int)), 0)
