"""What a model in this process writes: numbers become a token, tokens become text, and an end is found.

The sampling is ours, not the library's: there it is fixed for the life of a cache, here it
is the turn's; and numbers that are not finite choose some word instead of ending the process.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from voice.engines.tool_syntax import ToolSyntax
from voice.types import FinishReason, ToolCall

TOP_K = 40  # candidates; beyond them a small model mostly has noise
TOP_P = 0.95  # of the candidates' probability
GREEDY_BELOW = 0.01  # temperatures under this choose the likeliest token
DAMAGE = "\ufffd"  # what the tokenizer makes of bytes that are no character

# A model that has lost its way says the same again and again. A loop is ended at its third time,
# a very short one when it is as long as three of the shortest loops that could be meant ("no, no, no").
LOOP_TOKENS = (12, 48)
LOOP_TIMES = 3

NO_MARKS: Final[Mapping[int, str]] = {}


class TextStream(Protocol):
    """The library's tokenizer as it is fed one token at a time: it keeps half characters back."""

    def decode(self, token: int) -> str: ...


def pick(logits: NDArray[np.float32], temperature: float, chance: np.random.Generator) -> int:
    """The next token, by top-k, temperature and top-p."""
    finite = np.nan_to_num(logits, nan=-1e9, posinf=1e9, neginf=-1e9)
    if temperature < GREEDY_BELOW:
        return int(finite.argmax())
    best = np.argpartition(finite, -min(TOP_K, finite.size))[-TOP_K:]
    best = best[np.argsort(-finite[best])]
    weights = np.exp((finite[best] - finite[best[0]]) / temperature, dtype=np.float64)
    sums = weights.cumsum()
    kept = int(np.searchsorted(sums, TOP_P * sums[-1])) + 1
    place = int(np.searchsorted(sums[:kept], chance.random() * sums[kept - 1], side="right"))
    return int(best[min(place, kept - 1)])


def loops(tokens: Sequence[int]) -> bool:
    """Whether the end of `tokens` says the same thing for the third time."""
    shortest, longest = LOOP_TOKENS
    for length in range(1, longest + 1):
        size = max(length, shortest) * LOOP_TIMES
        if size > len(tokens):
            return False
        if tokens[-1] == tokens[-1 - length] and tokens[-size + length :] == tokens[-size:-length]:
            return True
    return False


class StopWords:
    """Finds stop strings in text that comes in pieces."""

    def __init__(self, stops: Sequence[str]) -> None:
        self._stops = tuple(stop for stop in stops if stop)
        self._held = ""  # may be the beginning of a stop

    def add(self, text: str) -> tuple[str, bool]:
        """What may be said of the text so far, and whether a stop was found."""
        if not self._stops:
            return text, False
        text = self._held + text
        found = [at for stop in self._stops if (at := text.find(stop)) >= 0]
        if found:
            self._held = ""
            return text[: min(found)], True
        held = max(self._begun(text, stop) for stop in self._stops)
        self._held = text[len(text) - held :]
        return text[: len(text) - held], False

    def rest(self) -> str:
        """What was held back and turned out to be no stop."""
        held, self._held = self._held, ""
        return held

    @staticmethod
    def _begun(text: str, stop: str) -> int:
        longest = min(len(stop) - 1, len(text))
        return next((size for size in range(longest, 0, -1) if text.endswith(stop[:size])), 0)


class Reply:
    """One reply while it is written. `ends` are the tokens that end it.

    `syntax` parts tool calls from words; `marks` are the tokens that begin calls, with the text that the
    stream would swallow.
    """

    def __init__(
        self,
        stream: TextStream,
        ends: frozenset[int],
        stops: Sequence[str],
        max_tokens: int,
        syntax: ToolSyntax | None = None,
        marks: Mapping[int, str] = NO_MARKS,
    ) -> None:
        self.tokens: list[int] = []
        self.reason: FinishReason | None = None  # None: it goes on
        self.max_tokens = max_tokens
        self._stream = stream
        self._ends = ends
        self._stops = StopWords(stops)
        self._syntax = syntax
        self._marks = marks if syntax else NO_MARKS

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """What the model wants done, as far as it has said so."""
        return tuple(self._syntax.calls) if self._syntax else ()

    def add(self, token: int) -> str:
        """The text that may be said after this token; sets `reason` when it is the last."""
        self.tokens.append(token)
        if token in self._ends:
            return self._end("stop")
        text = self._marks.get(token) or self._stream.decode(token).replace(DAMAGE, "")
        text, stopped = self._stops.add(self._syntax.add(text) if self._syntax else text)
        if stopped:
            self.reason = "tool_calls" if self.calls else "stop"
            return text
        if loops(self.tokens):
            return text + self._end("stop")
        if len(self.tokens) >= self.max_tokens:
            return text + self._end("length")
        return text

    def add_all(self, tokens: Sequence[int]) -> str:
        """The text that may be said after `tokens`, all of the reply so far, some of which may be known."""
        text = ""
        for token in tokens[len(self.tokens) :]:
            if self.reason is None:
                text += self.add(token)
        return text

    def _end(self, reason: FinishReason) -> str:
        text, stopped = self._stops.add(self._syntax.end()) if self._syntax else ("", False)
        self.reason = "tool_calls" if self.calls else reason
        return text if stopped else text + self._stops.rest()
