"""Deadline: how long is left.

One `Deadline` is made per turn, at the door, and handed down through everything. Nobody
below it has a timeout of their own; they ask what is left. All instants are on the event
loop's clock, so a test that plays time plays every deadline, too.
"""

from __future__ import annotations

from asyncio import get_running_loop
from dataclasses import dataclass

MARGIN_S = 0.05  # what is due at an instant must have left by then, not begun to leave


def now() -> float:
    """The present instant on the loop's monotonic clock, in seconds."""
    return get_running_loop().time()


@dataclass(frozen=True, slots=True)
class Budget:
    """How long things may take, per agent. Defaults: what callers bear before they say "hello?"."""

    first_chunk_s: float = 1.2
    gap_s: float = 1.5
    reply_s: float = 8.0
    gather_hop_s: float = 4.0  # in place of first_chunk_s at Gather; Twilio's own limit is 15 s

    def deadline(self, heard_at: float, first_chunk_s: float | None = None) -> Deadline:
        """The deadline of the turn whose utterance was heard at `heard_at`."""
        first = self.first_chunk_s if first_chunk_s is None else first_chunk_s
        # Whoever speaks at the very deadline has at least a gap's time to go on.
        reply_s = max(self.reply_s, first + self.gap_s)
        return Deadline(heard_at, heard_at + first, heard_at + reply_s, self.gap_s)


@dataclass(frozen=True, slots=True)
class Deadline:
    """The instants one turn is held to: `at` for the first chunk, `reply_at` for the last.

    `gap_s` is the longest pause between two chunks once speech has begun.
    """

    heard_at: float
    at: float
    reply_at: float
    gap_s: float

    @property
    def must_speak_at(self) -> float:
        """When the first chunk must begin to leave."""
        return self.at - MARGIN_S

    @property
    def budget_s(self) -> float:
        """What the first chunk was given."""
        return self.at - self.heard_at

    def left_s(self) -> float:
        """Seconds until the first chunk must be out; never negative."""
        return max(0.0, self.at - now())

    def reply_left_s(self) -> float:
        """Seconds until the reply must have ended; never negative."""
        return max(0.0, self.reply_at - now())

    def since_ms(self, instant: float) -> float:
        """Milliseconds from the end of the utterance to `instant`, for logs and metrics."""
        return round((instant - self.heard_at) * 1000, 2)
