"""Runs Alembic from code, within a connection's transaction."""

from __future__ import annotations

import logging

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from sqlalchemy import Connection

logging.getLogger("alembic").setLevel(logging.WARNING)  # the store's own line says what was done


def upgrade(connection: Connection, to: str = "head") -> None:
    """Migrate the tables; whoever began the transaction commits it."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, to)


def is_known(version: str) -> bool:
    """Whether this version is one of ours."""
    try:
        return ScriptDirectory.from_config(_config()).get_revision(version) is not None
    except CommandError:
        return False


def newest() -> str | None:
    """The newest version that there is."""
    return ScriptDirectory.from_config(_config()).get_current_head()


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", "voice.store:migrations")
    return config
