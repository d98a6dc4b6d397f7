"""The tables of a new database and those that the migrations make are the same."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect, text
from sqlalchemy.ext.asyncio import AsyncEngine

from tests.voice.store.databases import opened
from voice.errors import StoreError
from voice.store.migrations.run import newest, upgrade
from voice.store.schema import bring_up_to_date
from voice.store.sql import SqlStore
from voice.store.tables import SCHEMA, metadata
from voice.store.url import make_engine, parse
from voice.types import CallId, CallRecord, Door, Ending, Note, Rung, Timing, Turn, Usage, Why

ROOT = Path(__file__).parents[3]


def differences(connection: Connection) -> list[object]:
    return list(compare_metadata(MigrationContext.configure(connection), metadata))


def shape(connection: Connection) -> list[object]:
    """Every column and index, as the database tells them."""
    look = inspect(connection)
    return [
        (table, [str(column) for column in look.get_columns(table)], look.get_indexes(table))
        for table in sorted(metadata.tables)
    ]


def test_the_code_knows_the_newest_version() -> None:
    assert newest() == SCHEMA


async def test_migrations_make_the_tables_that_the_code_has(url: str) -> None:
    engine = AsyncEngine(make_engine(parse(url)))
    async with engine.execution_options(writes=True).begin() as connection:
        await connection.run_sync(upgrade)
        assert await connection.run_sync(differences) == []
        migrated = await connection.run_sync(shape)
        for table in [*metadata.tables, "alembic_version"]:
            await connection.execute(text(f"DROP TABLE {table}"))

        await connection.run_sync(bring_up_to_date, "here")
        assert await connection.run_sync(differences) == []
        assert await connection.run_sync(shape) == migrated
    await engine.dispose()


async def test_an_older_database_is_migrated(url: str) -> None:
    engine = AsyncEngine(make_engine(parse(url)))
    async with engine.execution_options(writes=True).begin() as connection:
        # As old as can be: no version has been applied yet.
        await connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
    await engine.dispose()

    store = SqlStore(url)
    await store.open()

    assert await store.newest() == []
    await store.close()


# A call as version 0001 kept it.
CALL_OF_0001 = (
    "INSERT INTO calls VALUES ('c1', 'vapi', 'jamie', NULL, '2026-03-01 12:00:00.000000', NULL, NULL, 'Hi.')",
    """INSERT INTO turns VALUES ('c1', 0, 'My sink leaks.', 'key', '2026-03-01 12:00:00.000000',
        'Unit 4B?', 'Unit four B?', NULL, '', 'runpod', 'answered',
        '{"asked_ms": 1.5, "ttft_ms": 210.25, "ttfc_ms": 400.0, "total_ms": null}',
        '{"prompt_tokens": 120, "completion_tokens": 9}', '[]')""",
    """INSERT INTO notes VALUES ('c1', 1, 'status', '{"status": "ringing"}', '2026-03-01 12:00:00.000000')""",
)


async def test_calls_of_the_first_version_are_read_and_go_on(url: str) -> None:
    engine = AsyncEngine(make_engine(parse(url)))
    async with engine.execution_options(writes=True).begin() as connection:
        await connection.run_sync(upgrade, "0001")
        if connection.dialect.name == "postgresql":
            await connection.execute(text("SET LOCAL TIME ZONE 'UTC'"))
        for row in CALL_OF_0001:
            await connection.exec_driver_sql(row)
    await engine.dispose()
    noon = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    first = Turn(0, "My sink leaks.", "key", noon, "Unit 4B?", "Unit four B?", route="runpod")
    first.ending, first.timing, first.usage = Ending.ANSWERED, Timing(1.5, 210.25, 400.0), Usage(120, 9)
    second = Turn(1, "Yes.", "key", noon, rungs=[Rung("runpod", Why.FIRST, 1.0)])

    async with opened(url) as store:
        store.keep_turn(CallId("c1"), second)
        stored = await store.find(CallId("c1"))

    assert stored is not None
    assert stored.record == CallRecord(CallId("c1"), Door.VAPI, "jamie", began_on=noon, greeting="Hi.")
    assert stored.turns == [first, second]
    assert stored.notes == [Note(CallId("c1"), "status", {"status": "ringing"}, noon)]


async def test_a_newer_database_is_left_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'offhook.db'}"
    store = SqlStore(url)
    await store.open()
    await store.close()
    file = sqlite3.connect(tmp_path / "offhook.db")
    file.execute("UPDATE alembic_version SET version_num = '9999'")
    file.commit()
    file.close()

    with pytest.raises(
        StoreError, match=f"have version 9999, and this Offhook knows up to {SCHEMA}: install"
    ):
        await store.open()


@pytest.mark.slow
def test_opening_loads_nothing_that_a_sqlite_file_does_not_need(tmp_path: Path) -> None:
    script = (
        "import asyncio, sys; from voice.store.sql import SqlStore; store = SqlStore(sys.argv[1]);"
        "heavy = {'alembic', 'sqlalchemy.orm', 'sqlalchemy.dialects.postgresql'};"
        "asyncio.run(store.open()); print(sorted(heavy & set(sys.modules)))"
    )

    for _ in ("a new database", "one that is up to date"):
        ran = subprocess.run(
            [sys.executable, "-c", script, f"sqlite:///{tmp_path / 'offhook.db'}"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        assert ran.stdout == "[]\n"
