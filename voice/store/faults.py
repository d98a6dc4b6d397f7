"""What a database's exceptions mean: each becomes one line with the database's URL and a way on.

Above this folder nobody knows SQLAlchemy, sqlite3 or asyncpg.
"""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import SQLAlchemyError, StatementError

from voice.errors import StoreError

# What SQLite says, in lower case → what is wrong, and what to do.
SQLITE = (
    (
        "unable to open",
        "the file cannot be opened: the folder must exist and be writable; see OFFHOOK_DATA_DIR",
    ),
    (
        "readonly",
        "the file or its folder cannot be written: change its owner, or choose another OFFHOOK_DATA_DIR",
    ),
    (
        "not a database",
        "the file is no SQLite database: move it away, or choose another OFFHOOK_DATABASE_URL",
    ),
    ("malformed", "the file is damaged: move it away and restore a backup"),
    ("locked", "another program holds the file: close it, or use PostgreSQL"),
    ("full", "the disk is full: make room"),
    ("disk i/o", "the disk does not answer: see the system's log"),
)

# How PostgreSQL's SQLSTATE begins → what is wrong, and what to do.
POSTGRES = (
    ("28", "the user or the password is refused: check both in OFFHOOK_DATABASE_URL"),
    ("3D000", "there is no such database: create it with `createdb`"),
    ("42501", "the user may not create or write tables there: grant it the rights"),
    ("53300", "the server has no connection left: raise its max_connections"),
    ("53100", "the server's disk is full: make room"),
    ("25006", "the server is read-only, perhaps a standby: name the primary"),
    ("08", "the connection broke: is the server up, and are host and port right?"),
    ("55", "the database takes no connections now: allow them"),
    ("57", "the server is stopping or starting: wait until it is up"),
)
# What a driver raises for a value that it cannot bind.
UNBINDABLE = (OverflowError, UnicodeError)
UNREACHABLE = "it cannot be reached: is the server up, and are host and port right?"


def foreign() -> tuple[type[BaseException], ...]:
    """The exceptions that SQLAlchemy, the drivers and the sockets below them raise."""
    known: list[type[BaseException]] = [SQLAlchemyError, sqlite3.Error, OSError, *UNBINDABLE]
    if asyncpg := sys.modules.get("asyncpg"):
        known += [asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError]
    return tuple(known)


@contextmanager
def translated(shown_url: str) -> Iterator[None]:
    """Turn the database's exceptions into StoreError. `shown_url` holds no password."""
    try:
        yield
    except foreign() as exc:
        raise StoreError(f"{shown_url}: {meaning(exc)}") from exc


def meaning(exc: BaseException) -> str:
    """One sentence: what is wrong, and what to do. Never the exception's own text: it may hold words."""
    cause = _cause(exc)
    state = _state(cause)
    if state is not None:
        known = next((means for code, means in POSTGRES if state.startswith(code)), None)
        return known or f"the server reports {type(cause).__name__} ({state}): see its log"
    if isinstance(cause, sqlite3.Error):
        said = str(cause).lower()
        known = next((means for part, means in SQLITE if part in said), None)
        return known or f"SQLite reports {type(cause).__name__}: is the file from another program?"
    if isinstance(cause, OSError):
        return UNREACHABLE
    return f"it reports {type(cause).__name__}: check OFFHOOK_DATABASE_URL and the database's log"


def is_of_the_row(exc: BaseException) -> bool:
    """Whether a write failed for what is in a row: no later attempt can succeed."""
    state = _state(_cause(exc))
    if state is not None:
        # data exception, constraint violation, a limit such as an index entry's size
        return state[:2] in {"22", "23", "54"}
    return isinstance(exc, (sqlite3.DataError, sqlite3.IntegrityError, *UNBINDABLE))


def was_cut(exc: BaseException) -> bool:
    """Whether the connection broke, as after a restart of the server: a fresh one may do."""
    cause = _cause(exc)
    state = _state(cause)
    if state is not None:
        return state[:2] in {"08", "57"}
    if asyncpg := sys.modules.get("asyncpg"):  # a break at the wrong moment confuses its own state
        return isinstance(cause, (OSError, asyncpg.InterfaceError, asyncpg.InternalClientError))
    return False


def _cause(exc: BaseException) -> BaseException:
    """The driver's own exception."""
    while True:
        inner = exc.orig if isinstance(exc, StatementError) and exc.orig is not None else exc.__cause__
        if inner is None or isinstance(exc, sqlite3.Error) or _state(exc) is not None:
            return exc
        exc = inner


def _state(exc: BaseException) -> str | None:
    state = getattr(exc, "sqlstate", None)
    return state if isinstance(state, str) else None
