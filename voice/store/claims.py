"""Claims: of all who ever ask with the same key, in whatever process, one gets it.

A claim is one INSERT, committed by itself on a connection of its own: it must be certain before
its claimer acts, and must not wait for a group of rows, nor fall with one. Straight to the driver,
as in `write.py`: a caller waits meanwhile.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

import aiosqlite
from sqlalchemy import Delete, Dialect, Insert, Select, bindparam, delete, select
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as aiosqlite_dialect
from sqlalchemy.engine import URL

from voice.store.faults import foreign, translated, was_cut
from voice.store.rows import claim_key
from voice.store.tables import claims
from voice.store.url import connect_postgres, connect_sqlite, is_sqlite, shown
from voice.store.write import for_sqlite

KEPT_FOR = timedelta(days=1)  # platforms send a message again within minutes
FORGET_EVERY = 1_000  # claims of this process
FORGET_AT_MOST = 2_000  # then: more than came meanwhile, few enough for a caller to wait (about 7 ms)

# As text, because SQLAlchemy's LIMIT for SQLite has a parameter more.
OLDEST = f"ORDER BY claimed_on LIMIT {FORGET_AT_MOST}"
FORGET_SQLITE = f"DELETE FROM claims WHERE key IN (SELECT key FROM claims WHERE claimed_on < ? {OLDEST})"
# Two processes that forget at once share the work instead of waiting for each other's rows in a ring.
FORGET_POSTGRES = (
    "DELETE FROM claims WHERE key IN "
    f"(SELECT key FROM claims WHERE claimed_on < $1 {OLDEST} FOR UPDATE SKIP LOCKED)"
)


class Claims:
    """Claims keys, one at a time: each takes one round trip, and a connection answers no two at once.

    Who waits has a deadline; the lock is their queue, and a cancelled one leaves it.
    """

    def __init__(self, url: URL) -> None:
        self._shown = shown(url)
        self._desk: _Desk = _SqliteDesk(url) if is_sqlite(url) else _PostgresDesk(url)
        self._turn = asyncio.Lock()
        self._made = 0  # since some were forgotten

    async def claim(self, key: str) -> bool:
        """Whether this asker is the first one. Raises StoreError."""
        async with self._turn:
            with translated(self._shown):
                claimed_on = datetime.now(UTC)
                if self._made >= FORGET_EVERY:  # before the claim: who has it must not hear of a failure
                    await self._desk.forget(claimed_on - KEPT_FOR)
                    self._made = 0
                is_first = await self._desk.insert(claim_key(key), claimed_on)
                self._made += is_first
                return is_first

    async def close(self) -> None:
        """Let go of the connection; the next claim opens another."""
        async with self._turn:
            await self._desk.close()


def forget_all(now_on: datetime) -> Delete:
    """What removes every claim that is too old, for when nobody waits."""
    return delete(claims).where(claims.c.claimed_on < now_on - KEPT_FOR)


class _Desk(Protocol):
    """Where a database takes claims. Raises the driver's exceptions."""

    async def insert(self, key: str, claimed_on: datetime) -> bool: ...

    async def forget(self, before: datetime) -> None: ...

    async def close(self) -> None: ...


class _SqliteDesk:
    def __init__(self, url: URL) -> None:
        self._url = url
        self._connection: aiosqlite.Connection | None = None
        self._insert = _compiled(sqlite.insert(claims).on_conflict_do_nothing(), aiosqlite_dialect())

    async def insert(self, key: str, claimed_on: datetime) -> bool:
        connection = await self._reach()
        cursor = await connection.execute(self._insert, for_sqlite((key, claimed_on)))
        return cursor.rowcount == 1

    async def forget(self, before: datetime) -> None:
        connection = await self._reach()
        await connection.execute(FORGET_SQLITE, for_sqlite((before,)))

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()

    async def _reach(self) -> aiosqlite.Connection:
        if self._connection is None:
            self._connection = await connect_sqlite(self._url)
        return self._connection


class _PostgresDesk:
    def __init__(self, url: URL) -> None:
        self._url = url
        self._connection: Any = None  # asyncpg's, which is not typed
        from sqlalchemy.dialects import postgresql  # 2 MB that SQLite does not need
        from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect

        dialect = asyncpg_dialect()  # type: ignore[no-untyped-call]  # SQLAlchemy's, not annotated
        insert = postgresql.insert(claims).on_conflict_do_nothing().returning(claims.c.key)
        self._insert = _compiled(insert, dialect)
        self._look = _compiled(select(claims.c.claimed_on).where(claims.c.key == bindparam("key")), dialect)

    async def insert(self, key: str, claimed_on: datetime) -> bool:
        was_reached = await self._reach()
        try:
            return await self._connection.fetchval(self._insert, key, claimed_on) is not None
        except foreign() as exc:
            if was_reached or not was_cut(exc):
                raise
            self._connection.terminate()
        # It was cut, and nobody knows whether before or after the row was in.
        await self._reach()
        if await self._connection.fetchval(self._insert, key, claimed_on) is not None:
            return True
        return bool(await self._connection.fetchval(self._look, key) == claimed_on)  # the row is ours

    async def forget(self, before: datetime) -> None:
        await self._reach()
        await self._connection.execute(FORGET_POSTGRES, before)

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            await connection.close(timeout=1.0)

    async def _reach(self) -> bool:
        """Connect unless we are; whether that was needed."""
        if self._connection is not None and not self._connection.is_closed():
            return False
        self._connection = await connect_postgres(self._url)
        return True


def _compiled(statement: Insert | Select[Any], dialect: Dialect) -> str:
    columns = ["key", "claimed_on"] if isinstance(statement, Insert) else None
    return str(statement.compile(dialect=dialect, column_keys=columns))
