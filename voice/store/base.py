"""Store: where calls, turns and notes are kept.

Keeping is immediate for the caller of it: rows go into a queue, and one task writes
them in groups. Whoever must know that a row is safe awaits `committed()`; everybody
else goes on. So no word waits for a disk, and a turn closes only when it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from voice.types import CallId, CallRecord, Note, Turn


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call as it is found again: its turns in order, its notes in the order they came."""

    record: CallRecord
    turns: Sequence[Turn] = field(default=())
    notes: Sequence[Note] = field(default=())


class Store(Protocol):
    """Keeps calls. One writer per call; readers see what was committed."""

    async def open(self) -> None:
        """Reach the database and bring its tables up to date. Raises StoreError with what to do."""
        ...

    async def close(self) -> None:
        """Write everything that was kept, then let go."""
        ...

    def keep_call(self, record: CallRecord) -> None:
        """Keep the call's record as it is now; a later one with the same id replaces it."""
        ...

    def keep_turn(self, call_id: CallId, turn: Turn) -> None:
        """Keep the turn as it is now; a later one at the same position replaces it."""
        ...

    def keep_note(self, note: Note) -> None:
        """Keep a note. When more than MAX_WAITING_NOTES wait, the newest is dropped with a warning."""
        ...

    async def committed(self) -> None:
        """Return when everything kept before this call is on disk. Raises StoreError when it cannot be."""
        ...

    async def find(self, call_id: CallId) -> StoredCall | None:
        """The call with its turns and notes, including what waits to be written. Raises StoreError."""
        ...

    async def newest(self, limit: int = 50) -> list[CallRecord]:
        """The records of the newest calls, newest first. Raises StoreError."""
        ...
