"""Rows that wait for their write: the newest of each, in one order for everybody."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from voice.store.group import KEY_COLUMNS, Group
from voice.store.rows import Row
from voice.store.tables import metadata

numbered = some.lists(some.tuples(some.sampled_from(sorted(KEY_COLUMNS)), some.integers(0, 5)), max_size=30)


def a_row(table: str, key: int, age: int) -> Row:
    return (*[key] * KEY_COLUMNS[table], age)


def a_group(kept: list[tuple[str, int]], age: int) -> Group:
    group = Group()
    for table, key in kept:
        group.add(table, a_row(table, key, age))
    return group


def test_every_table_begins_with_its_primary_key() -> None:
    for name, table in metadata.tables.items():
        first = list(table.columns)[: KEY_COLUMNS[name]]
        assert first == list(table.primary_key.columns)


@given(numbered)
def test_all_processes_write_their_rows_in_one_order(kept: list[tuple[str, int]]) -> None:
    there, back = a_group(kept, age=0), a_group(kept[::-1], age=0)

    assert there.batches() == back.batches()


@given(numbered, numbered)
def test_of_two_rows_with_one_key_the_newer_is_written(
    old: list[tuple[str, int]], new: list[tuple[str, int]]
) -> None:
    group = a_group(new, age=1)

    group.older(a_group(old, age=2))

    ages = {(table, row[0]): row[-1] for table, rows in group.batches() for row in rows}
    assert ages == {**dict.fromkeys(old, 2), **dict.fromkeys(new, 1)}
    assert len(group) == len(ages)
    assert group.upto == len(new)
