"""Chunks that sound like thoughts, and what came behind them, until it is clear what they are.

Some models think aloud without a tag and close it with a lone `</think>`: then all of it was a thought. If
that does not come within HOLD_CHARS and HOLD_S, the chunks were a reply, but for those that speak of the
caller as of somebody else.
"""

from __future__ import annotations

from math import inf

from voice.speech.technical import SAY, Verdict
from voice.types import Chunk

HOLD_CHARS = 600  # about 150 tokens
HOLD_S = 0.8  # two thirds of what a caller waits for the first word


class Held:
    """What is held back of one reply."""

    __slots__ = ("_chunks", "_since", "is_empty")

    def __init__(self) -> None:
        self.is_empty = True  # asked for each token, so no property
        self._chunks: list[tuple[Chunk, Verdict]] = []
        self._since: float | None = None

    def hold(self, chunk: Chunk, verdict: Verdict) -> None:
        """Hold a chunk that is, or stands behind, what sounds like a thought."""
        self.is_empty = False
        self._chunks.append((chunk, verdict))

    def forget(self) -> None:
        """All of it was a thought."""
        self.is_empty, self._chunks, self._since = True, [], None

    def released(self, at_s: float = inf) -> list[Chunk]:
        """What was held for long enough at an instant, on any clock: all of it by `inf`."""
        if not self._chunks:
            return []
        self._since = at_s if self._since is None else self._since
        chars = sum(len(chunk.sent) for chunk, _ in self._chunks)
        if at_s < inf and at_s - self._since < HOLD_S and chars < HOLD_CHARS:
            return []
        said = [chunk for chunk, verdict in self._chunks if verdict is SAY]
        self.forget()
        return said
