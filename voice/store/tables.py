"""The tables: calls, their turns, what was noted about them; what was learned; which messages were claimed.

No foreign keys: a platform may tell of a call before it is picked up, and rows are written in
groups in whatever order they waited. Whoever changes a table here adds a version in
`migrations/versions/` and raises `SCHEMA`; a test compares the two.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    DateTime,
    Dialect,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)
from sqlalchemy.types import TypeEngine

from voice.types import Json

SCHEMA = "0005"  # the newest version in migrations/versions

metadata = MetaData()


class Moment(TypeDecorator[datetime]):
    """A moment in UTC. SQLite keeps no time zone; what comes back always has one."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return value.replace(tzinfo=UTC) if value is not None and value.tzinfo is None else value


class AnyJson(TypeDecorator[Json]):
    """JSON; at PostgreSQL the kind that can be searched."""

    impl = JSON
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return JSON()
        from sqlalchemy.dialects.postgresql import JSONB  # 2 MB that SQLite does not need

        return JSONB()


calls = Table(
    "calls",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("door", Text, nullable=False),
    Column("agent", Text, nullable=False),
    Column("caller", Text),
    Column("began_on", Moment, nullable=False),
    Column("ended_on", Moment),
    Column("ended_reason", Text),
    Column("greeting", Text, nullable=False),
    Column("greeting_readings", AnyJson),
    Index("calls_newest", "began_on", "call_id"),
    Index("calls_of_a_caller", "caller", "began_on"),
)

turns = Table(
    "turns",
    metadata,
    Column("call_id", Text, primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("said", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("began_on", Moment, nullable=False),
    Column("sent", Text, nullable=False),
    Column("spoken", Text, nullable=False),
    Column("heard", Text),
    Column("filler", Text, nullable=False),
    Column("route", Text),
    Column("ending", Text),
    Column("timing", AnyJson, nullable=False),
    Column("usage", AnyJson, nullable=False),
    Column("tools", AnyJson, nullable=False),
    Column("rungs", AnyJson),  # None: a turn of the time before they were kept
    Column("effect", AnyJson),
    Column("handed", AnyJson),  # None: as with rungs
    Column("asides", AnyJson),
    Column("agent", Text),
    Column("readings", AnyJson),
)

notes = Table(
    "notes",
    metadata,
    Column("call_id", Text, primary_key=True),
    # Nanoseconds since 1970 at which it came, never twice in a process: gives the order, and lets
    # a note be written again when nobody knows whether the first attempt was committed.
    Column("came", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("payload", AnyJson, nullable=False),
    Column("noted_on", Moment, nullable=False),
)

learned = Table(
    "learned",
    metadata,
    Column("key", Text, primary_key=True),
    Column("value", AnyJson, nullable=False),
    Column("learned_on", Moment, nullable=False),
)

claims = Table(
    "claims",
    metadata,
    Column("key", Text, primary_key=True),
    Column("claimed_on", Moment, nullable=False),  # or answered, if that was later
    Column("answer", AnyJson),  # None: not answered yet
    Index("claims_oldest", "claimed_on"),
)
