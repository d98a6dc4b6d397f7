"""Every store that there is, and every database that one can be behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.voice.store.databases import a_postgres_database
from voice.store.base import Store
from voice.store.memory import MemoryStore
from voice.store.sql import SqlStore


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
    """An open store, for the contract that each one keeps."""
    async with AsyncExitStack() as stack:
        store: Store
        if request.param == "memory":
            store = MemoryStore()
        elif request.param == "sqlite":
            store = SqlStore(f"sqlite:///{tmp_path / 'data' / 'offhook.db'}")
        else:
            store = SqlStore(await stack.enter_async_context(a_postgres_database()))
        stack.push_async_callback(store.close)
        await store.open()
        yield store


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[str]:
    """The URL of an empty database."""
    async with AsyncExitStack() as stack:
        if request.param == "sqlite":
            yield f"sqlite:///{tmp_path / 'offhook.db'}"
        else:
            yield await stack.enter_async_context(a_postgres_database())
