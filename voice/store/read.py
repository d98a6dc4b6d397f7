"""Finds again what is in the database, through SQLAlchemy's pool; calls in a SQLite file as `look` does."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar

from sqlalchemy import Connection, Engine, desc, select
from sqlalchemy.engine import URL

from voice.errors import StoreError
from voice.store.base import StoredCall
from voice.store.claims import forget_all
from voice.store.faults import foreign, translated, was_cut
from voice.store.look import SqliteLook
from voice.store.rows import call_of, claim_key, note_of, storable, turn_of
from voice.store.schema import bring_up_to_date
from voice.store.tables import calls, claims, learned, notes, turns
from voice.store.url import asked, is_sqlite, make_engine, shown
from voice.types import CallId, CallRecord, Json

_Answer = TypeVar("_Answer")


class Reader:
    """Asks the database, once it is open. Every question raises StoreError."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._shown = shown(url)
        self._engine: Engine | None = None
        self._look: SqliteLook | None = None  # None: PostgreSQL, or not open

    async def open(self) -> None:
        """Reach the database, bring its tables up to date, and forget what is too old to matter."""
        self._engine = make_engine(self._url)
        with translated(self._shown):
            await asked(_begin, self._engine, self._shown)
            if is_sqlite(self._url):
                self._look = await SqliteLook.open(self._url)

    async def close(self) -> None:
        """Let go of the connections."""
        look, self._look = self._look, None
        if look is not None:
            await look.close()
        engine, self._engine = self._engine, None
        if engine is not None:
            await asked(engine.dispose)

    async def call(self, call_id: CallId, *, with_notes: bool) -> StoredCall | None:
        """The call with its turns in order and its notes as they came."""
        if self._look is not None:
            with translated(self._shown):
                return await self._look.call(storable(call_id), with_notes=with_notes)
        return await self._ask(lambda connection: _call(connection, storable(call_id), with_notes))

    async def record(self, call_id: CallId) -> CallRecord | None:
        """The call's record alone."""
        if self._look is not None:
            with translated(self._shown):
                return await self._look.record(storable(call_id))
        return await self._ask(lambda connection: _record(connection, storable(call_id)))

    async def newest(self, limit: int) -> list[CallRecord]:
        """The records of the newest calls, newest first."""
        return await self._ask(lambda connection: _newest(connection, limit))

    async def learned(self) -> dict[str, Json]:
        """Everything that was learned, by key."""
        return await self._ask(_learned)

    async def answer(self, key: str) -> Json:
        """The answer kept to a claim; None: there is none."""
        return await self._ask(lambda connection: _answer(connection, claim_key(key)))

    async def _ask(self, question: Callable[[Connection], _Answer]) -> _Answer:
        engine = self._engine
        if engine is None:
            raise StoreError(f"{self._shown}: the store is not open")
        with translated(self._shown):
            try:
                return await asked(_answered, engine, question)
            except foreign() as exc:
                if not was_cut(exc):
                    raise
            await asked(engine.dispose)  # the others of its pool are cut, too
            return await asked(_answered, engine, question)


def _begin(engine: Engine, shown_url: str) -> None:
    with engine.execution_options(writes=True).begin() as connection:
        bring_up_to_date(connection, shown_url)
        connection.execute(forget_all(datetime.now(UTC)))


def _answered(engine: Engine, question: Callable[[Connection], _Answer]) -> _Answer:
    with engine.connect() as connection:
        return question(connection)


def _call(connection: Connection, call_id: str, with_notes: bool) -> StoredCall | None:
    row = connection.execute(select(calls).where(calls.c.call_id == call_id)).mappings().first()
    if row is None:
        return None  # most calls are new: one question is enough for them
    said = connection.execute(select(turns).where(turns.c.call_id == call_id).order_by(turns.c.position))
    spoken = [turn_of(turn) for turn in said.mappings()]
    if not with_notes:
        return StoredCall(call_of(row), spoken)
    noted = connection.execute(select(notes).where(notes.c.call_id == call_id).order_by(notes.c.came))
    return StoredCall(call_of(row), spoken, [note_of(note) for note in noted.mappings()])


def _record(connection: Connection, call_id: str) -> CallRecord | None:
    row = connection.execute(select(calls).where(calls.c.call_id == call_id)).mappings().first()
    return call_of(row) if row is not None else None


def _newest(connection: Connection, limit: int) -> list[CallRecord]:
    order = desc(calls.c.began_on), desc(calls.c.call_id)
    found = connection.execute(select(calls).order_by(*order).limit(limit))
    return [call_of(row) for row in found.mappings()]


def _learned(connection: Connection) -> dict[str, Json]:
    found = connection.execute(select(learned.c.key, learned.c.value))
    return {row["key"]: row["value"] for row in found.mappings()}


def _answer(connection: Connection, key: str) -> Json:
    answer: Json = connection.execute(select(claims.c.answer).where(claims.c.key == key)).scalar()
    return answer
