"""Writes groups of rows, each in one transaction, on a connection of its own.

Straight to the driver: for a group of one turn SQLAlchemy's asynchronous layer takes 0.70 ms of
CPU, this 0.13 ms (SQLite, two cores), and a whole turn is allowed about 1.4 ms. The statements
are still SQLAlchemy's, made once from the tables.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, Protocol

import aiosqlite
from sqlalchemy import Dialect, Table
from sqlalchemy.dialects import sqlite
from sqlalchemy.dialects.sqlite.aiosqlite import dialect as aiosqlite_dialect
from sqlalchemy.engine import URL

from voice.errors import RowsRefused, StoreError
from voice.store.faults import foreign, is_of_the_row, meaning, was_cut
from voice.store.group import Batch, Group
from voice.store.rows import Row
from voice.store.tables import metadata
from voice.store.url import connect_postgres, connect_sqlite, is_sqlite, shown

log = logging.getLogger(__name__)


class GroupWriter:
    """Puts groups into the database; when it refuses a row for what is in it, all others."""

    def __init__(self, url: URL) -> None:
        self._shown = shown(url)
        self._writer = make_writer(url)

    async def write(self, group: Group) -> None:
        """Write the group in one transaction. Raises StoreError; RowsRefused when the others are written."""
        try:
            try:
                await self._writer.write(group.batches())
            except foreign() as exc:
                if not is_of_the_row(exc):
                    raise
                await self._write_one_by_one(group.batches())
        except foreign() as exc:
            raise StoreError(f"{self._shown}: {meaning(exc)}") from exc

    async def close(self) -> None:
        """Let go of the connection; the next write opens another."""
        await self._writer.close()

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


class Writer(Protocol):
    """Puts batches into the database. Raises the driver's exceptions."""

    async def write(self, batches: Sequence[Batch]) -> None:
        """Write all or nothing; a row whose primary key is there replaces that one."""
        ...

    async def close(self) -> None:
        """Let go of the connection; the next write opens another."""
        ...


def make_writer(url: URL) -> Writer:
    """The writer for the URL; connects at its first write."""
    return SqliteWriter(url) if is_sqlite(url) else PostgresWriter(url)


class SqliteWriter:
    """Writes to a SQLite file."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._connection: aiosqlite.Connection | None = None
        self._upserts = _upserts(aiosqlite_dialect(), sqlite.insert)

    async def write(self, batches: Sequence[Batch]) -> None:
        if self._connection is None:
            self._connection = await connect_sqlite(self._url)
        connection = self._connection
        try:
            await connection._execute(self._put, connection._conn, batches)  # type: ignore[no-untyped-call]  # aiosqlite's own way
        except BaseException:
            await self.close()  # which rolls back
            raise

    def _put(self, connection: sqlite3.Connection, batches: Sequence[Batch]) -> None:
        """All of it in one visit to the connection's thread: each costs the loop a wake-up, 60 µs."""
        connection.execute("BEGIN IMMEDIATE")
        for table, rows in batches:
            connection.executemany(self._upserts[table], [for_sqlite(row) for row in rows])
        connection.commit()

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            await connection.close()


class PostgresWriter:
    """Writes to PostgreSQL."""

    def __init__(self, url: URL) -> None:
        self._url = url
        self._connection: Any = None  # asyncpg's, which is not typed
        from sqlalchemy.dialects import postgresql  # 2 MB that SQLite does not need
        from sqlalchemy.dialects.postgresql.asyncpg import dialect

        self._upserts = _upserts(dialect(), postgresql.insert)  # type: ignore[no-untyped-call]  # SQLAlchemy's, not annotated

    async def write(self, batches: Sequence[Batch]) -> None:
        if self._connection is None or self._connection.is_closed():
            self._connection = await connect_postgres(self._url)
            await self._write(batches)
            return
        try:
            await self._write(batches)
        except foreign() as exc:
            if not was_cut(exc):
                raise
            # It was cut while nobody looked. A row that is written twice is the same row.
            self._connection = await connect_postgres(self._url)
            await self._write(batches)

    async def _write(self, batches: Sequence[Batch]) -> None:
        connection = self._connection
        try:
            async with connection.transaction():
                for table, rows in batches:
                    await connection.executemany(self._upserts[table], rows)
        except BaseException:
            if not connection.is_closed():
                connection.terminate()  # its state is unknown, and a dead server answers no farewell
            raise

    async def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None and not connection.is_closed():
            await connection.close(timeout=1.0)


def _upserts(dialect: Dialect, insert_into: Callable[[Table], Any]) -> dict[str, str]:
    return {table.name: _upsert(table, dialect, insert_into) for table in metadata.tables.values()}


def _upsert(table: Table, dialect: Dialect, insert_into: Callable[[Table], Any]) -> str:
    """INSERT … ON CONFLICT DO UPDATE with one parameter for each column, in the table's order."""
    insert = insert_into(table)
    keys = [column.name for column in table.primary_key]
    changed = {
        column.name: insert.excluded[column.name] for column in table.columns if not column.primary_key
    }
    statement = insert.on_conflict_do_update(index_elements=keys, set_=changed)
    return str(statement.compile(dialect=dialect, column_keys=list(table.columns.keys())))


def for_sqlite(row: Row) -> Row:
    """Moments as SQLAlchemy writes them into SQLite: text that sorts, without a zone."""
    return tuple(
        [
            value.replace(tzinfo=None).isoformat(" ", "microseconds") if type(value) is datetime else value
            for value in row
        ]
    )
