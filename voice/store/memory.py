"""Keeps calls in this process only: for `memory://`, for trying things out and for tests."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace

from voice.store.base import StoredCall, bounded
from voice.types import CallId, CallRecord, Json, Note, Turn

MAX_CALLS = 10_000  # about 200 MB at ten turns a call and two routes a turn
MAX_CLAIMS = 10_000  # about 20 MB with their answers; a message is sent again within minutes


@dataclass(slots=True)
class _Kept:
    record: CallRecord | None = None  # None: only notes or turns have come so far
    turns: dict[int, Turn] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)


class MemoryStore:
    """A Store that forgets everything with the process, the oldest call beyond MAX_CALLS,
    and the oldest claim beyond MAX_CLAIMS.

    What was kept survives `close()`, so that a test may open a second brain on the same store.
    """

    def __init__(self) -> None:
        self._calls: dict[CallId, _Kept] = {}
        self._learned: dict[str, Json] = {}
        self._answers: dict[str, Json] = {}  # by what was claimed; None: not answered yet

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

    def keep_learned(self, key: str, value: Json) -> None:
        """Keep a copy of the value."""
        self._learned[key] = deepcopy(value)

    async def learned(self) -> Mapping[str, Json]:
        """A copy of everything that was learned."""
        return deepcopy(self._learned)

    async def claim(self, key: str) -> bool:
        """True for the first who asks; there is one process only."""
        if key in self._answers:
            return False
        self.keep_answer(key, None)
        return True

    def keep_answer(self, key: str, answer: Json) -> None:
        """Keep a copy of the answer."""
        if key not in self._answers and len(self._answers) >= MAX_CLAIMS:
            del self._answers[next(iter(self._answers))]
        self._answers[key] = deepcopy(answer)

    async def answer(self, key: str) -> Json:
        """A copy of the answer."""
        return deepcopy(self._answers.get(key))

    async def committed(self) -> None:
        """What is in memory is as safe as it gets here."""

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        """A copy of what is kept of the call; None without its record."""
        kept = self._calls.get(call_id)
        if kept is None or kept.record is None:
            return None
        turns = [_copy(kept.turns[position]) for position in sorted(kept.turns)]
        return StoredCall(replace(kept.record), turns, list(kept.notes) if with_notes else ())

    async def record(self, call_id: CallId) -> CallRecord | None:
        """A copy of the call's record."""
        kept = self._calls.get(call_id)
        return replace(kept.record) if kept is not None and kept.record is not None else None

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
    timing = replace(turn.timing, left=list(turn.timing.left))
    return replace(turn, timing=timing, rungs=[replace(bounded(rung)) for rung in turn.rungs])
