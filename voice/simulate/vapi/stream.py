"""A custom LLM's stream as Vapi reads it: strictly, since what it cannot read ends a real call.

Beside it the voice: it holds what it gets until it has enough for a sentence, so short words that are
followed by a pause are heard only after the pause.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from voice.clock import now
from voice.errors import BadRequest
from voice.simulate.aloud import Aloud
from voice.simulate.report import milliseconds

FLUSH = re.compile(r"<\s*/?\s*flush\s*/?>", re.IGNORECASE)  # "speak what you have": not spoken itself
BOUNDARY = re.compile(r"[.!?;:,)。，।॥|،؛۔]")  # voice.chunkPlan.punctuationBoundaries
MAX_SHOWN_CHARS = 80


@dataclass(slots=True)
class Asked:
    """A tool that the stream asks for. `arguments` is JSON as text."""

    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(slots=True)
class Stream:
    """What has come of one reply; a reply that asks for tools goes on in a further stream."""

    asked_at: float
    words: str = ""
    first_at: float | None = None
    last_at: float = 0.0
    gap_ms: float = 0.0
    finished: bool = False
    done: bool = False
    asked: dict[int, Asked] = field(default_factory=dict)  # by the index that the stream gives them
    from_char: int = 0  # where the words of the newest stream begin

    def take(self, data: str) -> str:
        """One frame; the words in it. Raises BadRequest where a strict client would end the call."""
        if self.done:
            raise BadRequest("a frame follows [DONE]")
        if data == "[DONE]":
            if not self.finished:
                raise BadRequest("[DONE] came without a finish_reason")
            self.done = True
            return ""
        try:
            frame = json.loads(data)
        except ValueError:
            raise BadRequest(f"a frame is not JSON: {data[:MAX_SHOWN_CHARS]!r}") from None
        choices = frame.get("choices") if isinstance(frame, dict) else None
        if not isinstance(choices, list):
            raise BadRequest(f"a frame has no choices: {data[:MAX_SHOWN_CHARS]!r}")
        return "".join(self._choose(choice) for choice in choices)

    def begin(self) -> None:
        """The next stream of the same reply is read."""
        self.finished, self.done, self.asked, self.from_char = False, False, {}, len(self.words)

    @property
    def tools(self) -> list[Asked]:
        """The tools that this stream has asked for."""
        return [self.asked[place] for place in sorted(self.asked)]

    @property
    def has_words(self) -> bool:
        """Whether words stand beside them."""
        return bool(self.words[self.from_char :].strip())

    def _choose(self, choice: dict[str, Any]) -> str:
        delta = choice.get("delta") or {}
        content = delta.get("content") or ""
        reason, tools = choice.get("finish_reason"), delta.get("tool_calls") or []
        if (content or tools) and self.finished:
            raise BadRequest("words follow the finish_reason")
        for one in tools:
            function = one.get("function") or {}
            asked = self.asked.setdefault(one.get("index", 0), Asked())
            asked.id, asked.name = asked.id or one.get("id") or "", asked.name + (function.get("name") or "")
            asked.arguments += function.get("arguments") or ""
        if reason is not None and self.asked and reason != "tool_calls":
            raise BadRequest(f"tools were asked for, but the finish_reason is {reason!r}")
        self.hear(content)
        self.finished = self.finished or reason is not None
        return str(content)

    def hear(self, text: str) -> None:
        """Words that the caller hears now, from the stream or from what it made Vapi say."""
        self.words += text
        if not text.strip():
            return
        at = now()
        if self.first_at is None:
            self.first_at = at
        else:
            self.gap_ms = max(self.gap_ms, milliseconds(self.last_at, at))
        self.last_at = at


@dataclass(slots=True)
class Voice:
    """Vapi's voice for one reply. It begins a piece at a punctuation mark, not before `min_chars` are there.

    0: it speaks whatever comes. `spoken` tells what it began to speak, and when, in milliseconds since the
    request.
    """

    aloud: Aloud
    min_chars: int
    asked_at: float
    spoken: list[tuple[float, str]] = field(default_factory=list)
    _waits: str = ""

    def add(self, text: str) -> None:
        if self.min_chars == 0:
            self._speak(FLUSH.sub(" ", text))
            return
        *flushed, self._waits = FLUSH.split(self._waits + text)
        for piece in flushed:
            self._speak(piece)
        ends = [found.end() for found in BOUNDARY.finditer(self._waits)]
        if ends and len(self._waits[: ends[-1]].strip()) >= self.min_chars:
            self._speak(self._waits[: ends[-1]])
            self._waits = self._waits[ends[-1] :]

    def end(self) -> None:
        """The stream is over: whatever waits is spoken."""
        self._speak(self._waits)
        self._waits = ""

    def _speak(self, text: str) -> None:
        if not text.strip():
            return
        self.spoken.append((milliseconds(self.asked_at, now()), " ".join(text.split())))
        self.aloud.add(text)


def growing(text: str, times: int) -> Sequence[str]:
    """What is asked with while a caller talks on: ever more of the words, the last time all of them."""
    words = text.split()
    return [" ".join(words[: -(-len(words) * (time + 1) // times)]) for time in range(times)]


def retold(text: str) -> str:
    """Words as speech recognition writes down what it heard: "Unit 4B. Right?" → "unit 4b right"."""
    return " ".join(re.sub(r"[^\w\s'’]", " ", text).lower().split())
