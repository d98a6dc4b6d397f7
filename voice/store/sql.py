"""Keeps calls in SQLite or PostgreSQL, chosen by the URL.

Imported only when the brain opens: SQLAlchemy takes a quarter of a second.
"""

from __future__ import annotations

import time
from collections.abc import Mapping

from voice.errors import StoreError
from voice.store.base import StoredCall
from voice.store.claims import Claims
from voice.store.pending import Pending
from voice.store.read import Reader
from voice.store.rows import answer_row, call_row, learned_row, note_row, storable, turn_row
from voice.store.url import parse, shown
from voice.store.write import GroupWriter
from voice.types import CallId, CallRecord, Json, Note, Turn


class SqlStore:
    """A Store behind `sqlite:///FILE` or `postgresql://…`. Raises StoreError for any other URL.

    Found is what is in the database: what waits is written first.
    """

    def __init__(self, url: str) -> None:
        self._url = parse(url)
        self._reader = Reader(self._url)
        self._writer = GroupWriter(self._url)
        self._pending = Pending(self._writer.write)
        self._claims: Claims | None = None  # None: not open
        self._last_came = 0

    async def open(self) -> None:
        """Reach the database and bring its tables up to date. Raises StoreError with what to do."""
        try:
            await self._reader.open()
        except BaseException:
            await self._reader.close()
            raise
        self._claims = Claims(self._url)
        self._pending.start()

    async def close(self) -> None:
        """Write everything that was kept, then let go. What cannot be written is logged as lost."""
        await self._pending.stop()
        await self._writer.close()
        claims, self._claims = self._claims, None
        if claims is not None:
            await claims.close()
        await self._reader.close()

    def keep_call(self, record: CallRecord) -> None:
        """Keep the call's record as it is now; a later one with the same id replaces it."""
        self._pending.keep("calls", call_row(record))

    def keep_turn(self, call_id: CallId, turn: Turn) -> None:
        """Keep the turn as it is now; a later one at the same position replaces it."""
        self._pending.keep("turns", turn_row(call_id, turn))

    def keep_note(self, note: Note) -> None:
        """Keep a note. When MAX_WAITING of them wait to be written, it is dropped with a warning."""
        self._last_came = max(self._last_came + 1, time.time_ns())
        self._pending.keep("notes", note_row(note, self._last_came))

    def keep_learned(self, key: str, value: Json) -> None:
        """Keep something learned in running; a later value replaces it."""
        self._pending.keep("learned", learned_row(key, value))

    async def learned(self) -> Mapping[str, Json]:
        """Everything that was learned, by key, including what waits to be written. Raises StoreError."""
        await self._pending.written()
        return await self._reader.learned()

    async def claim(self, key: str) -> bool:
        """True for exactly one of all who ask with this key. Raises StoreError."""
        if self._claims is None:
            raise StoreError(f"{shown(self._url)}: the store is not open")
        return await self._claims.claim(key)

    def keep_answer(self, key: str, answer: Json) -> None:
        """Keep what was answered to a claimed message, or drop it when MAX_WAITING of them wait."""
        self._pending.keep("claims", answer_row(key, answer))

    async def answer(self, key: str) -> Json:
        """What was kept as the answer, including what waits to be written. Raises StoreError."""
        await self._pending.written()
        return await self._reader.answer(key)

    async def committed(self) -> None:
        """Return when everything kept before this call is on disk. Raises StoreError when it cannot be."""
        await self._pending.written()

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        """The call with its turns and notes, including what waits to be written. Raises StoreError."""
        await self._pending.written_of(storable(call_id))
        return await self._reader.call(call_id, with_notes=with_notes)

    async def record(self, call_id: CallId) -> CallRecord | None:
        """The call's record alone, including what waits to be written. Raises StoreError."""
        await self._pending.written_of(storable(call_id))
        return await self._reader.record(call_id)

    async def newest(self, limit: int = 50) -> list[CallRecord]:
        """The records of the newest calls, newest first. Raises StoreError."""
        await self._pending.written()
        return await self._reader.newest(limit)
