"""The database as commands use it: read, without a server and without making one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote

from voice.brain import Brain
from voice.settings import Settings
from voice.store.base import Store

BUILT_IN_AGENT = "jamie"  # agents play no part here: a broken agent's file must not stand in the way


@asynccontextmanager
async def opened_store(settings: Settings) -> AsyncIterator[Store]:
    """The store that the settings name. Raises StoreError."""
    store = Brain(settings.model_copy(update={"agents_dir": None, "agent": BUILT_IN_AGENT})).store
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def missing_file(settings: Settings) -> Path | None:
    """SQLite's file, where it does not exist yet: opening it would make it."""
    name, _, path = settings.database.partition(":///")
    file = Path(unquote(path))
    return file if name.startswith("sqlite") and not file.exists() else None
