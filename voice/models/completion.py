"""Reads a chat completion: streamed as events, or one JSON object; as many hosts write it.

Thinking is left out, whichever field it comes in, or between tags within the text. Tool calls are put
together from their deltas.
"""

from __future__ import annotations

from codecs import BOM_UTF8
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import orjson

from voice.errors import EmptyReply, ModelError, ReplyBroken
from voice.models.frame import END, Frame, frame_of
from voice.models.http import MAX_BODY_BYTES, Host, json_of, refusal
from voice.models.sse import DONE, DamagedEvent, EventReader
from voice.models.text import Spoken
from voice.types import Finish, FinishReason, Hear, Json, ToolCall, Usage

DAMAGE = "\ufffd"  # half of a character that a host decoded piece by piece
LOOKS = 8  # at events of a reply that are not in its frame: a role, a thought, the first word with a role
REASONS: Mapping[str, FinishReason] = {
    "length": "length",
    "max_tokens": "length",
    "tool_calls": "tool_calls",
    "function_call": "tool_calls",
}  # everything else is "stop"


@dataclass(frozen=True, slots=True)
class _Part:
    """A tool call as far as it has come. `index` is the host's; None where it gives none."""

    index: int | None
    call: ToolCall


class CompletionReader:
    """Reads one completion. Feed it every piece of the body, then `end`, then `finish`.

    `hear` is given the text of each piece at once, however many events it held; `named` the completion's id,
    once; `over` is called once, when nothing follows that could be spoken.
    """

    __slots__ = (
        "_began", "_body", "_bytes", "_done", "_events", "_frame", "_hear", "_host", "_looks", "_named",
        "_over", "_parts", "_reason", "_spoken", "_text", "_usage", "_words", "is_over", "said",
    )  # fmt: skip

    def __init__(
        self,
        host: Host,
        hear: Hear,
        named: Callable[[str], None] | None = None,
        over: Callable[[], None] | None = None,
    ) -> None:
        self.said = False  # some word was given
        self.is_over = False  # the host has said that nothing follows that could be spoken
        self._host, self._hear, self._named, self._over = host, hear, named, over
        self._text: list[str] = []  # of the piece at hand, thoughts included
        self._words = ""  # of the same, when its host has told their end
        self._events = EventReader()
        self._frame: Frame | None = None
        self._looks = LOOKS  # at events, to find it
        self._spoken = Spoken()
        self._body: bytearray | None = None  # of an answer that is no stream
        self._bytes = 0  # fed so far
        self._began = False
        self._done = False
        self._reason: FinishReason | None = None
        self._usage = Usage()
        self._parts: list[_Part] = []

    def feed(self, some: bytes) -> None:
        """Take the next piece of the body. Raises a ModelError when it holds an error, or damage."""
        self._bytes += len(some)
        if self._bytes > MAX_BODY_BYTES:
            raise self._broken("does not end its answer")
        if not self._began:
            begins = some.lstrip(BOM_UTF8 + b" \t\r\n")[:1]
            self._began = bool(begins)
            self._body = bytearray() if begins in (b"{", b"[", b"<") else None
        if self._body is not None:
            self._body += some
            return
        try:
            some = self._without_words(some)
            while self._looks and END in some:
                some = self._without_words(self._look_at(some))
            if some:
                self._read_events(some)
        finally:
            self._give()  # what was read before an error is the model's all the same

    def end(self) -> None:
        """The body has ended: give the text that was held back until then. Raises a ModelError."""
        if self._body is not None:
            values = [json_of(bytes(self._body), self._host)]
        else:
            try:
                values = self._events.end()
            except DamagedEvent as exc:
                raise self._broken("broke off in the middle of an event") from exc
        try:
            self._read_all(values)
            self._end_words()
        finally:
            self._give()

    def finish(self) -> Finish:
        """How it ended. Raises EmptyReply or ReplyBroken when that is no usable reply."""
        calls = tuple(
            replace(part.call, arguments=part.call.arguments.strip() or "{}")
            for part in self._parts
            if part.call.name
        )
        if self._reason is None and not self._done and (self.said or calls):
            raise self._broken("broke off in the middle of its answer")
        if not self.said and not calls:
            raise EmptyReply(f"route {self._host.route!r} answered without a word")
        return Finish("tool_calls" if calls else self._reason or "stop", self._usage, calls)

    def _broken(self, how: str) -> ReplyBroken:
        return ReplyBroken(f"route {self._host.route!r} {how}")

    def _without_words(self, some: bytes) -> bytes:
        """Take the words that come in the frame that is known; what follows them."""
        if self._frame is not None and self._events.is_between:
            words, some = self._frame.words_in(some)
            self._text.append(words)
        return some

    def _look_at(self, some: bytes) -> bytes:
        """Read one event, which may show the frame of those that follow; what follows it."""
        event, end, some = some.partition(END)
        begins_here = self._events.is_between
        values = self._read_events(event + end)
        self._looks -= 1
        if begins_here and len(values) == 1:
            self._frame = frame_of(event + end, values[0]) or self._frame
        return some

    def _read_events(self, some: bytes) -> Sequence[Json]:
        """Take the events that are whole now, and give them back."""
        try:
            values = self._events.feed(some)
        except DamagedEvent as exc:
            self._read_all(exc.before)
            raise self._broken("sent a damaged event") from exc
        self._read_all(values)
        return values

    def _read_all(self, values: Sequence[Json]) -> None:
        for value in values:
            self._read(value)

    def _give(self) -> None:
        words = self._words + self._new_words()
        if words:
            self._words = ""
            self.said = self.said or not words.isspace()
            self._hear(words)
        if self.is_over and self._over is not None:
            over, self._over = self._over, None
            over()

    def _new_words(self) -> str:
        """All text of the piece at hand is one for whoever looks for thoughts in it, and who hears it."""
        text = "".join(self._text).replace(DAMAGE, "")
        self._text.clear()
        return text if self._spoken.is_idle and "<" not in text else self._spoken.feed(text)

    def _end_words(self) -> None:
        """What might have been the beginning of a thought is none."""
        self._words += self._new_words() + self._spoken.end()

    def _read(self, value: Json) -> None:
        if not isinstance(value, dict):
            if value == DONE:
                self._done = self.is_over = True
                self._end_words()
            return
        if value.get("error") or value.get("object") == "error":
            self._give()
            raise self._failure(value)
        if self._named is not None and isinstance(name := value.get("id"), str):
            named, self._named = self._named, None
            named(name)
        if isinstance(usage := value.get("usage"), dict):
            self._usage = Usage(_count(usage, "prompt_tokens"), _count(usage, "completion_tokens"))
        choices = value.get("choices")
        for choice in choices if isinstance(choices, list) else ():
            if not isinstance(choice, dict) or choice.get("index") not in (0, None):
                continue
            part = choice.get("delta") or choice.get("message")
            if isinstance(part, dict):
                if content := part.get("content"):
                    self._text.append(content if isinstance(content, str) else _text(content))
                if calls := part.get("tool_calls"):
                    self._add_calls(calls)
            if isinstance(reason := choice.get("finish_reason"), str) and reason:
                self._reason = REASONS.get(reason, "stop")
                self.is_over = True
                self._end_words()

    def _add_calls(self, calls: Json) -> None:
        for call in calls if isinstance(calls, list) else ():
            if isinstance(call, dict):
                self._add_call(call)

    def _add_call(self, given: Mapping[str, Json]) -> None:
        index, called, function = given.get("index"), given.get("id"), given.get("function")
        index = index if isinstance(index, int) else None
        called = called if isinstance(called, str) else ""
        fields = function if isinstance(function, dict) else {}
        name, more = fields.get("name"), fields.get("arguments")
        if isinstance(more, dict):  # hosts that do not write it as text
            more = orjson.dumps(more).decode()
        place = self._place(index, called)
        before = self._parts[place].call
        self._parts[place] = _Part(
            index,
            ToolCall(
                before.id or called,
                before.name or (name if isinstance(name, str) else ""),
                before.arguments + (more if isinstance(more, str) else ""),
            ),
        )

    def _place(self, index: int | None, called: str) -> int:
        """Where a delta belongs. Some hosts give no index, some give every call the index 0: an id of
        its own is then what makes a call a new one."""
        for place, part in reversed(list(enumerate(self._parts))):
            is_same = part.index == index or index is None
            if (called and part.call.id == called) or (is_same and (not called or not part.call.id)):
                return place
        self._parts.append(_Part(index, ToolCall("", "", "")))
        return len(self._parts) - 1

    def _failure(self, value: Mapping[str, Json]) -> ModelError:
        """The error that fits one told inside a success; its words are the host's and are not repeated."""
        error = value.get("error")
        fields = error if isinstance(error, dict) else value
        status = next((fields[key] for key in ("code", "status") if fields.get(key)), None)
        number = int(status) if isinstance(status, int | str) and str(status).isdigit() else 0
        if not self.said and 400 <= number < 600:
            return refusal(number, self._host)
        return self._broken("told of an error in the middle of its answer")


def _text(content: Json) -> str:
    """The text in a list of parts of which some are text and some are thinking."""
    return "".join(
        str(part.get("text") or "")
        for part in (content if isinstance(content, list) else ())
        if isinstance(part, dict) and part.get("type") in ("text", "output_text")
    )


def _count(usage: Mapping[str, Json], key: str) -> int:
    value = usage.get(key)
    return value if isinstance(value, int) else 0
