"""Builders of the things that most tests need: only what a test names matters to it."""

from __future__ import annotations

from voice.clock import Budget, Deadline, now
from voice.types import CallId, Ending, Message, Prompt, Turn


def a_prompt(words: str = "My sink leaks.", call_id: str | None = None) -> Prompt:
    return Prompt(
        (Message("system", "You are Jamie."), Message("user", words)),
        call_id=CallId(call_id) if call_id else None,
    )


def a_deadline(first_chunk_s: float = 1.2, reply_s: float = 8.0) -> Deadline:
    return Budget(first_chunk_s=first_chunk_s, reply_s=reply_s).deadline(now())


def a_turn(said: str = "My sink leaks.", spoken: str = "Which unit?", **changes: object) -> Turn:
    turn = Turn(0, said, "key", sent=spoken, spoken=spoken, ending=Ending.ANSWERED)
    for name, value in changes.items():
        setattr(turn, name, value)
    return turn
