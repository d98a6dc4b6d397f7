"""Keeps calls in this process only: for `memory://`, for trying things out and for tests."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from voice.store.base import StoredCall
from voice.types import CallId, CallRecord, Note, Turn

MAX_CALLS = 10_000  # about 100 MB at ten turns a call


@dataclass(slots=True)
class _Kept:
    record: CallRecord | None = None  # None: only notes or turns have come so far
    turns: dict[int, Turn] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


class MemoryStore:
    """A Store that forgets everything with the process, and the oldest call beyond MAX_CALLS.

    What was kept survives `close()`, so that a test may open a second brain on the same store.
    """

    def __init__(self) -> None:
        self._calls: dict[CallId, _Kept] = {}

    async def open(self) -> None:
        """Nothing to reach."""

    async def close(self) -> None:
        """Nothing to let go of."""

    def keep_call(self, record: CallRecord) -> None:
        """Keep a copy of the record."""
        self._of(record.call_id).record = replace(record)

    def keep_turn(self, call_id: CallId, turn: Turn) -> None:
        """Keep a copy of the turn."""
        self._of(call_id).turns[turn.position] = _copy(turn)

    def keep_note(self, note: Note) -> None:
        """Keep the note; none ever waits, so none is dropped."""
        self._of(note.call_id).notes.append(note)

    async def committed(self) -> None:
        """What is in memory is as safe as it gets here."""

    async def find(self, call_id: CallId) -> StoredCall | None:
        """A copy of what is kept of the call; None without its record."""
        kept = self._calls.get(call_id)
        if kept is None or kept.record is None:
            return None
        turns = [_copy(kept.turns[position]) for position in sorted(kept.turns)]
        return StoredCall(replace(kept.record), turns, list(kept.notes))

    async def newest(self, limit: int = 50) -> list[CallRecord]:
        """Copies of the newest calls' records."""
        records = [kept.record for kept in self._calls.values() if kept.record is not None]
        records.sort(key=lambda record: (record.began_on, record.call_id), reverse=True)
        return [replace(record) for record in records[:limit]]

    def _of(self, call_id: CallId) -> _Kept:
        kept = self._calls.get(call_id)
        if kept is None:
            if len(self._calls) >= MAX_CALLS:
                del self._calls[next(iter(self._calls))]
            kept = self._calls[call_id] = _Kept()
        return kept


def _copy(turn: Turn) -> Turn:
    return replace(turn, timing=replace(turn.timing))  # all else in it is a value
