"""A PostgreSQL database for one test, made before and dropped after it; stores open on any database."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from voice.store.sql import SqlStore

SERVER = os.environ.get("OFFHOOK_TEST_POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
NEEDS = (
    "needs a PostgreSQL server that lets user postgres in at 127.0.0.1:5432 "
    "(Debian: apt-get install postgresql), or another in OFFHOOK_TEST_POSTGRES_URL"
)


@asynccontextmanager
async def a_postgres_database() -> AsyncIterator[str]:
    """The URL of an empty database. Skips the test where no server answers."""
    asyncpg = pytest.importorskip("asyncpg", reason='needs asyncpg: .venv/bin/pip install -e ".[postgres]"')
    try:
        server = await asyncpg.connect(SERVER, timeout=5)
    except (OSError, asyncpg.PostgresError) as exc:
        pytest.skip(f"{NEEDS}: {type(exc).__name__}")
    name = f"offhook_test_{uuid4().hex[:12]}"
    try:
        await server.execute(f"CREATE DATABASE {name}")
        yield urlsplit(SERVER)._replace(path=f"/{name}").geturl()
    finally:
        await server.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await server.close()


async def switch(url: str, allow: str) -> None:
    """Let a PostgreSQL database take connections or not; those there are cut off."""
    import asyncpg

    server, _, name = url.rpartition("/")
    connection = await asyncpg.connect(f"{server}/postgres")
    await connection.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}")
    await connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name
    )
    await connection.close()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[SqlStore]:
    """A store on the database, open within the block."""
    store = SqlStore(url)
    try:
        await store.open()
        yield store
    finally:
        await store.close()
