"""Rows that are written together.

A later row with the same primary key replaces the one that waits. Tables and rows leave in one order
everywhere: two processes that write the same rows wait for each other in a line, never in a ring.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter

from voice.store.rows import Row
from voice.store.tables import metadata

Batch = tuple[str, Sequence[Row]]  # a table's name and rows for it

OF_CALLS = frozenset(("calls", "turns", "notes"))  # tables whose first column is the call's id
KEY_COLUMNS = {name: len(table.primary_key) for name, table in sorted(metadata.tables.items())}


class Group:
    """Rows by table and primary key, which are a row's first columns. `upto` counts what was kept before."""

    __slots__ = ("_calls", "_rows", "upto")

    def __init__(self, upto: int = 0) -> None:
        self._rows: dict[str, dict[Row, Row]] = {table: {} for table in KEY_COLUMNS}
        self._calls: set[object] = set()  # whose rows are in it
        self.upto = upto

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._rows.values())

    def add(self, table: str, row: Row) -> None:
        """Take in a row."""
        self._rows[table][row[: KEY_COLUMNS[table]]] = row
        if table in OF_CALLS:
            self._calls.add(row[0])
        self.upto += 1

    def is_about(self, call_id: str) -> bool:
        """Whether a row of this call is in it."""
        return call_id in self._calls

    def count(self, table: str) -> int:
        """How many rows of this table wait."""
        return len(self._rows[table])

    def older(self, other: Group) -> None:
        """Take in rows that were kept before these: where both have one, ours is newer."""
        for table, rows in self._rows.items():
            self._rows[table] = {**other._rows[table], **rows}
        self._calls |= other._calls

    def batches(self) -> list[Batch]:
        """What is to be written, in the order in which everybody writes."""
        return [
            (table, [row for _, row in sorted(rows.items(), key=itemgetter(0))])
            for table, rows in self._rows.items()
            if rows
        ]
