"""A database's URL becomes connections: SQLite through aiosqlite, PostgreSQL through asyncpg."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import aiosqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.util import greenlet_spawn

from voice.clock import now
from voice.errors import StoreError

BUSY_S = 5.0  # how long SQLite waits for another process's write
BUSY_PAUSE_S = 0.01  # between two tries where SQLite itself does not wait
CONNECT_S = 5.0  # PostgreSQL: a server that does not answer is down
COMMAND_S = 10.0  # PostgreSQL: no statement of ours takes a second; a dead network answers never
FORMS = "write sqlite:///FILE, postgresql://USER:PASSWORD@HOST/DATABASE or memory://"
_Answer = TypeVar("_Answer")

LIBPQ_ONLY = ("channel_binding", "gssencmode")  # asyncpg takes them for settings of the server
# hide_parameters: they are what callers said, and exceptions reach the log.
ENGINE: dict[str, Any] = {"pool_size": 4, "max_overflow": 0, "hide_parameters": True}


def parse(url: str) -> URL:
    """The URL, checked. Raises StoreError for a database that we do not speak to."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as exc:
        # Without the URL: what cannot be parsed cannot be masked.
        raise StoreError(f"OFFHOOK_DATABASE_URL is no URL of a database: {FORMS}") from exc
    kind = parsed.drivername.split("+")[0]
    if kind not in {"sqlite", "postgresql", "postgres"}:
        raise StoreError(f"{shown(parsed)}: {kind!r} is not supported: {FORMS}")
    if kind == "sqlite" and parsed.database in {None, "", ":memory:"}:
        raise StoreError(f"{shown(parsed)}: it names no file: {FORMS}")
    return parsed


def is_sqlite(url: URL) -> bool:
    """Whether the URL names a SQLite file."""
    return url.drivername.startswith("sqlite")


def shown(url: URL) -> str:
    """The URL as logs and terminals may show it: no password, no query (it may hold one, too)."""
    plain = url.set(query={})
    if is_sqlite(url):
        return f"sqlite:///{url.database or ''}"  # as it was written, not percent-encoded
    return plain.render_as_string(hide_password=True)


def make_engine(url: URL) -> Engine:
    """An engine to find calls with; connects to nothing yet. Raises StoreError.

    Its drivers are asynchronous: use it within `asked()` only.
    """
    if is_sqlite(url):
        _make_file(url)
        engine = _engine(url.set(drivername="sqlite+aiosqlite"), lambda *_, **__: connect_sqlite(url))
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    _need_asyncpg(url)
    return _engine(make_url("postgresql+asyncpg://"), lambda *_, **__: connect_postgres(url))


async def asked(question: Callable[..., _Answer], *args: Any) -> _Answer:
    """What a function that uses an engine returns; its waits become waits of this task.

    As SQLAlchemy's own AsyncEngine does it. That one comes with the whole ORM: 8 MB for nothing.
    """
    return await greenlet_spawn(question, *args)


def _engine(url: URL, connect: Callable[..., Awaitable[Any]]) -> Engine:
    def creator() -> Any:
        return engine.dialect.loaded_dbapi.connect(async_creator_fn=connect)

    engine = create_engine(url, creator=creator, **ENGINE)
    return engine


async def connect_sqlite(url: URL) -> aiosqlite.Connection:
    """A connection that begins no transaction by itself."""
    connection = aiosqlite.connect(url.database or "", timeout=BUSY_S, isolation_level=None)
    connection._thread.daemon = True  # a process that is told to end does not wait for it
    try:
        await connection
    except BaseException:
        # It tells its thread to end without waiting, and the thread would answer to a loop that is closed.
        await asyncio.to_thread(connection._thread.join, BUSY_S)
        raise
    try:
        # With a write-ahead log readers and writers do not wait for each other, and NORMAL loses
        # nothing that was committed when the process is killed.
        await _switch_to_wal(connection)
        await connection.execute("PRAGMA synchronous = NORMAL")
    except BaseException:
        await connection.close()
        raise
    return connection


async def _switch_to_wal(connection: aiosqlite.Connection) -> None:
    # The switch needs the file alone, and for this one lock SQLite does not wait `timeout`: processes
    # that start together on a fresh file would turn each other away.
    gives_up_at = now() + BUSY_S
    while True:
        try:
            await connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as exc:
            if exc.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or now() > gives_up_at:
                raise
        await asyncio.sleep(BUSY_PAUSE_S)


async def connect_postgres(url: URL) -> Any:
    """An asyncpg connection. It reads the URL itself: sslmode, sockets, several hosts work as elsewhere."""
    import asyncpg  # optional: the extra `postgres`

    dsn = url.set(drivername="postgresql").difference_update_query(LIBPQ_ONLY)
    return await asyncpg.connect(
        dsn.render_as_string(hide_password=False), timeout=CONNECT_S, command_timeout=COMMAND_S
    )


def _make_file(url: URL) -> None:
    """Make the file and its folder, to be read by this user alone: callers' words are in it."""
    file = Path(url.database or "")
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        if not file.exists():
            file.touch(mode=0o600)
    except OSError as exc:
        raise StoreError(
            f"{shown(url)}: it cannot be made ({os.strerror(exc.errno or 0)}): "
            "choose another OFFHOOK_DATA_DIR"
        ) from exc


def _need_asyncpg(url: URL) -> None:
    try:
        import asyncpg  # noqa: F401 (only to see whether the extra is there)
    except ImportError as exc:
        raise StoreError(
            f'{shown(url)}: PostgreSQL needs asyncpg: .venv/bin/pip install -e ".[postgres]"'
        ) from exc


def _begin_sqlite(connection: Connection) -> None:
    # Only where it is asked for: a lone SELECT needs none, and each costs a switch of threads.
    if connection.get_execution_options().get("writes", False):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
