"""Brings a database's tables up to date when the store opens.

Three cases: a new database gets the tables as the code has them; one at the newest version is
left alone; an older one is migrated by Alembic. Only the last loads Alembic, which costs 300 ms
and some memory. Several processes may start at once: the first takes a lock, the others wait.
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection, inspect, text

from voice.errors import StoreError
from voice.store.tables import SCHEMA, metadata

log = logging.getLogger(__name__)

VERSIONS = "alembic_version"  # Alembic's own table, one row
LOCK = 0x0FF_0FF_4007  # any number that no other program takes for its advisory lock


def bring_up_to_date(connection: Connection, shown_url: str) -> None:
    """Make or migrate the tables within the connection's transaction. Raises StoreError.

    On SQLite the transaction is an immediate one, which is the lock.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    version = _version(connection)
    if version == SCHEMA:
        return
    if version is None:
        _create(connection, shown_url)
        log.info("store.created", extra={"schema": SCHEMA})
    else:
        _migrate(connection, version, shown_url)
        log.info("store.migrated", extra={"schema": SCHEMA, "from": version})


def _version(connection: Connection) -> str | None:
    """The version of the tables; None where there are none, "" where no version has been applied."""
    if not inspect(connection).has_table(VERSIONS):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSIONS}")).scalar() or ""


def _create(connection: Connection, shown_url: str) -> None:
    if taken := set(metadata.tables) & set(inspect(connection).get_table_names()):
        raise StoreError(
            f"{shown_url}: it has a table {min(taken)!r} of another program: "
            "choose another OFFHOOK_DATABASE_URL"
        )
    metadata.create_all(connection, checkfirst=False)
    connection.execute(text(f"CREATE TABLE {VERSIONS} (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text(f"INSERT INTO {VERSIONS} VALUES (:version)"), {"version": SCHEMA})


def _migrate(connection: Connection, version: str, shown_url: str) -> None:
    from voice.store.migrations.run import is_known, upgrade  # optional: loads Alembic

    if version and not is_known(version):
        raise StoreError(
            f"{shown_url}: its tables have version {version}, and this Offhook knows up to {SCHEMA}: "
            "install the newer Offhook, or choose another OFFHOOK_DATABASE_URL"
        )
    upgrade(connection)
