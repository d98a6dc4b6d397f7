"""Store: where calls, turns and notes are kept.

Keeping is immediate for the caller of it: rows go into a queue, and one task writes
them in groups. Whoever must know that a row is safe awaits `committed()`; everybody
else goes on. So no word waits for a disk, and a turn closes only when it is kept.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from voice.types import CallId, CallRecord, Json, Note, Rung, Turn

MAX_WROTE_CHARS = 8_000  # of what one route wrote; a reply of a whole minute has a tenth of it


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
        """Keep a note. When MAX_WAITING of them wait to be written, it is dropped with a warning."""
        ...

    def keep_learned(self, key: str, value: Json) -> None:
        """Keep something learned in running, such as "latency/runpod"; a later value replaces it."""
        ...

    async def learned(self) -> Mapping[str, Json]:
        """Everything that was learned, by key. Raises StoreError."""
        ...

    async def claim(self, key: str) -> bool:
        """True for exactly one of all who ever ask with this key, in whatever process. Raises StoreError.

        So a message that is sent twice has its effect once. Claims older than a day may be forgotten.
        """
        ...

    def keep_answer(self, key: str, answer: Json) -> None:
        """Keep what was answered to the message whose key was claimed; dropped as notes are."""
        ...

    async def answer(self, key: str) -> Json:
        """What was kept as the answer to this key, including what waits to be written; None: nothing.

        Raises StoreError.
        """
        ...

    async def committed(self) -> None:
        """Return when everything kept before this call is on disk. Raises StoreError when it cannot be."""
        ...

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        """The call with its turns and notes, including what waits to be written. Raises StoreError.

        A long call has hundreds of notes: who needs none is quicker without them.
        """
        ...

    async def record(self, call_id: CallId) -> CallRecord | None:
        """The call's record alone, which is quick however much is kept of the call. Raises StoreError."""
        ...

    async def newest(self, limit: int = 50) -> list[CallRecord]:
        """The records of the newest calls, newest first. Raises StoreError."""
        ...


def bounded(rung: Rung) -> Rung:
    """The rung, or its copy with no more of what it wrote than a store keeps: some routes never end."""
    if len(rung.wrote) <= MAX_WROTE_CHARS:
        return rung
    return replace(rung, wrote=rung.wrote[:MAX_WROTE_CHARS])
