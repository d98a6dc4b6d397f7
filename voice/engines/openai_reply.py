"""Reads the stream of a model server on loopback: chat completion chunks, as OpenAI defines them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from voice.engines.tool_syntax import ToolSyntax
from voice.errors import EngineDied
from voice.models.sse import DamagedEvent, EventReader
from voice.types import Finish, FinishReason, Json, ToolCall, Usage

DAMAGE = "\ufffd"  # half a character, as servers write it that decode token by token
REASONS: dict[str, FinishReason] = {"length": "length", "tool_calls": "tool_calls"}  # else "stop"


class Deltas:
    """One reply. Feed it every piece of the body, then `end`, then `finish`.

    `syntax` reads the calls that the server leaves in its words.
    """

    def __init__(self, syntax: ToolSyntax | None = None) -> None:
        self._events = EventReader()
        self._syntax = syntax
        self._calls: dict[int, ToolCall] = {}
        self._reason: FinishReason | None = None  # None: the server has not told the end
        self._usage = Usage()
        self._dropped_turns = 0
        self._ignored: tuple[str, ...] = ()

    def feed(self, some: bytes) -> Iterator[str]:
        """The text in the next piece. Raises EngineDied when it is damaged or tells of an error."""
        try:
            values = self._events.feed(some)
        except DamagedEvent as exc:
            raise EngineDied("the model server sent a damaged event") from exc
        for value in values:
            if isinstance(value, dict):
                yield from self._read(value)

    def end(self) -> str:
        """The last words, which might have been the beginning of a call; none of a reply that broke off."""
        return self._syntax.end() if self._syntax and self._reason is not None else ""

    def finish(self) -> Finish:
        """How it ended. Raises EngineDied when the server broke off before it told so."""
        if self._reason is None:
            raise EngineDied("the model server broke off in the middle of its reply")
        written = self._syntax.calls if self._syntax else ()
        calls = (*(self._calls[place] for place in sorted(self._calls)), *written)
        reason: FinishReason = "tool_calls" if calls else self._reason
        return Finish(reason, self._usage, calls, dropped_turns=self._dropped_turns, ignored=self._ignored)

    def _read(self, value: dict[str, Json]) -> Iterator[str]:
        if "error" in value:  # its words may be the caller's: they stay here
            raise EngineDied("the model server failed at this reply")
        if isinstance(usage := value.get("usage"), dict):
            self._usage = Usage(_count(usage.get("prompt_tokens")), _count(usage.get("completion_tokens")))
        self._dropped_turns = _count(value.get("dropped_turns")) or self._dropped_turns
        if isinstance(ignored := value.get("ignored"), list):
            self._ignored = tuple(str(one) for one in ignored)
        choices = value.get("choices")
        for choice in choices if isinstance(choices, list) else []:
            if isinstance(choice, dict):
                yield from self._read_choice(choice)

    def _read_choice(self, choice: dict[str, Json]) -> Iterator[str]:
        delta = choice.get("delta")
        if isinstance(delta, dict):
            if isinstance(text := delta.get("content"), str) and (whole := text.replace(DAMAGE, "")):
                yield self._syntax.add(whole) if self._syntax else whole
            for call in _objects(delta.get("tool_calls")):
                self._add_call(call)
        if isinstance(reason := choice.get("finish_reason"), str):
            self._reason = REASONS.get(reason, "stop")

    def _add_call(self, given: dict[str, Json]) -> None:
        place = _count(given.get("index"))
        call = self._calls.get(place, ToolCall("", "", ""))
        function = given.get("function")
        fields = function if isinstance(function, dict) else {}
        self._calls[place] = replace(
            call,
            id=call.id or str(given.get("id") or ""),
            name=call.name or str(fields.get("name") or ""),
            arguments=call.arguments + str(fields.get("arguments") or ""),
        )


def _objects(given: Json) -> list[dict[str, Json]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _count(given: Json) -> int:
    return given if isinstance(given, int) else 0
