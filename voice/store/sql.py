"""Keeps calls in SQLite or PostgreSQL, chosen by the URL.

Imported only when the brain opens: SQLAlchemy takes a quarter of a second.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from sqlalchemy import desc, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from voice.errors import RowsRefused, StoreError
from voice.store.base import StoredCall
from voice.store.faults import foreign, is_of_the_row, meaning, translated, was_cut
from voice.store.pending import Group, Pending
from voice.store.rows import call_of, note_of, storable, turn_of
from voice.store.schema import bring_up_to_date
from voice.store.tables import calls, notes, turns
from voice.store.url import make_engine, parse, shown
from voice.store.write import Batch, make_writer
from voice.types import CallId, CallRecord, Note, Turn

log = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")


class SqlStore:
    """A Store behind `sqlite:///FILE` or `postgresql://…`. Raises StoreError for any other URL.

    Found is what is in the database: what waits is written first.
    """

    def __init__(self, url: str) -> None:
        self._url = parse(url)
        self._shown = shown(self._url)
        self._engine: AsyncEngine | None = None
        self._writer = make_writer(self._url)
        self._pending = Pending(self._write)

    async def open(self) -> None:
        """Reach the database and bring its tables up to date. Raises StoreError with what to do."""
        self._engine = make_engine(self._url)
        try:
            with translated(self._shown):
                async with self._engine.execution_options(writes=True).begin() as connection:
                    await bring_up_to_date(connection, self._shown)
        except BaseException:
            await self._let_go()
            raise
        self._pending.start()

    async def close(self) -> None:
        """Write everything that was kept, then let go. What cannot be written is logged as lost."""
        await self._pending.stop()
        await self._let_go()

    def keep_call(self, record: CallRecord) -> None:
        """Keep the call's record as it is now; a later one with the same id replaces it."""
        self._pending.keep_call(record)

    def keep_turn(self, call_id: CallId, turn: Turn) -> None:
        """Keep the turn as it is now; a later one at the same position replaces it."""
        self._pending.keep_turn(call_id, turn)

    def keep_note(self, note: Note) -> None:
        """Keep a note. When more than MAX_WAITING_NOTES wait, it is dropped with a warning."""
        self._pending.keep_note(note)

    async def committed(self) -> None:
        """Return when everything kept before this call is on disk. Raises StoreError when it cannot be."""
        await self._pending.written()

    async def find(self, call_id: CallId) -> StoredCall | None:
        """The call with its turns and notes, including what waits to be written. Raises StoreError."""
        await self._pending.written()
        return await self._ask(lambda connection: _find(connection, storable(call_id)))

    async def newest(self, limit: int = 50) -> list[CallRecord]:
        """The records of the newest calls, newest first. Raises StoreError."""
        await self._pending.written()
        return await self._ask(lambda connection: _newest(connection, limit))

    async def _ask(self, question: Callable[[AsyncConnection], Awaitable[_Answer]]) -> _Answer:
        if self._engine is None:
            raise StoreError(f"{self._shown}: the store is not open")
        with translated(self._shown):
            try:
                async with self._engine.connect() as connection:
                    return await question(connection)
            except foreign() as exc:
                if not was_cut(exc):
                    raise
            await self._engine.dispose()  # the others of its pool are cut, too
            async with self._engine.connect() as connection:
                return await question(connection)

    async def _write(self, group: Group) -> None:
        """Put a group into the database; when it refuses a row for what is in it, all others."""
        try:
            try:
                await self._writer.write(_batches(group))
            except foreign() as exc:
                if not is_of_the_row(exc):
                    raise
                await self._write_one_by_one(_batches(group))
        except foreign() as exc:
            raise StoreError(f"{self._shown}: {meaning(exc)}") from exc

    async def _write_one_by_one(self, batches: Sequence[Batch]) -> None:
        refused = 0
        for table, rows in batches:
            for row in rows:
                try:
                    await self._writer.write([(table, [row])])
                except foreign() as exc:
                    if not is_of_the_row(exc):
                        raise
                    refused += 1
                    log.error("store.row_refused", extra={"table": table, "error": meaning(exc)})
        if refused:
            raise RowsRefused(f"{self._shown}: refused {refused} rows for what is in them")

    async def _let_go(self) -> None:
        engine, self._engine = self._engine, None
        await self._writer.close()
        if engine is not None:
            await engine.dispose()


async def _find(connection: AsyncConnection, call_id: str) -> StoredCall | None:
    record = await connection.execute(select(calls).where(calls.c.call_id == call_id))
    if (row := record.mappings().first()) is None:
        return None  # most calls are new: one question is enough for them
    said = await connection.execute(
        select(turns).where(turns.c.call_id == call_id).order_by(turns.c.position)
    )
    noted = await connection.execute(select(notes).where(notes.c.call_id == call_id).order_by(notes.c.came))
    return StoredCall(
        call_of(row),
        [turn_of(turn) for turn in said.mappings()],
        [note_of(note) for note in noted.mappings()],
    )


async def _newest(connection: AsyncConnection, limit: int) -> list[CallRecord]:
    order = desc(calls.c.began_on), desc(calls.c.call_id)
    found = await connection.execute(select(calls).order_by(*order).limit(limit))
    return [call_of(row) for row in found.mappings()]


def _batches(group: Group) -> list[Batch]:
    batches = [
        (calls.name, list(group.calls.values())),
        (turns.name, list(group.turns.values())),
        (notes.name, list(group.notes.values())),
    ]
    return [(table, rows) for table, rows in batches if rows]
