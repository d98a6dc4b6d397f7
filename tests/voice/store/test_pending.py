"""The queue of the store: one group at a time, nothing lost, nobody waiting for ever."""

from __future__ import annotations

import asyncio
import logging

import pytest

from tests.builders import a_turn
from tests.conftest import VirtualTime
from voice.errors import RowsRefused, StoreError
from voice.store.group import Group
from voice.store.pending import LAZY_S, MAX_PAUSE_S, MAX_WAITING, STOP_S, Pending
from voice.store.rows import Row, answer_row, call_row, learned_row, note_row, turn_row
from voice.types import CallId, CallRecord, Door, Note, Turn

C1 = CallId("c1")


class ScriptedDatabase:
    """Takes groups, unless told to fail. `takes_s` is how long each write lasts."""

    def __init__(self, takes_s: float = 0.0) -> None:
        self.takes_s = takes_s
        self.fails: Exception | None = None
        self.groups: list[Group] = []

    async def write(self, group: Group) -> None:
        await asyncio.sleep(self.takes_s)
        if self.fails is not None:
            raise self.fails
        self.groups.append(group)

    def spoken(self, group: int = -1) -> list[object]:
        return [row[6] for table, rows in self.groups[group].batches() if table == "turns" for row in rows]


def a_note_row(number: int = 0) -> Row:
    return note_row(Note(C1, "transcript", {"n": number}), number)


def keep_turn(pending: Pending, turn: Turn) -> None:
    pending.keep("turns", turn_row(C1, turn))


def warnings_in(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.levelno >= logging.WARNING]


async def test_what_waits_is_written_in_one_group(virtual_time: VirtualTime) -> None:
    database = ScriptedDatabase()
    pending = Pending(database.write)
    pending.start()

    pending.keep("calls", call_row(CallRecord(C1, Door.CHAT, "jamie")))
    for position in range(3):
        keep_turn(pending, a_turn(position=position))
    pending.keep("notes", a_note_row())
    await pending.written()

    assert [len(group) for group in database.groups] == [5]
    assert virtual_time.elapsed_s == 0
    await pending.stop()


async def test_only_the_newest_snapshot_of_a_turn_is_written(virtual_time: VirtualTime) -> None:
    database = ScriptedDatabase()
    pending = Pending(database.write)
    pending.start()

    keep_turn(pending, a_turn(spoken="Which"))
    keep_turn(pending, a_turn(spoken="Which unit?"))
    await pending.written()

    assert database.spoken() == ["Which unit?"]
    await pending.stop()


async def test_a_row_that_nobody_waits_for_is_written_soon(virtual_time: VirtualTime) -> None:
    database = ScriptedDatabase()
    pending = Pending(database.write)
    pending.start()

    keep_turn(pending, a_turn())
    await asyncio.sleep(LAZY_S + 0.01)

    assert len(database.groups) == 1
    await pending.stop()


async def test_what_is_kept_during_a_write_makes_the_next_group(virtual_time: VirtualTime) -> None:
    database = ScriptedDatabase(takes_s=0.5)
    pending = Pending(database.write)
    pending.start()
    keep_turn(pending, a_turn(spoken="one"))
    first = asyncio.create_task(pending.written())
    await asyncio.sleep(0.1)

    keep_turn(pending, a_turn(spoken="two"))
    await pending.written()

    assert first.done()
    assert [database.spoken(group) for group in (0, 1)] == [["one"], ["two"]]
    assert virtual_time.elapsed_s == pytest.approx(1.0)
    await pending.stop()


async def test_a_failed_write_is_told_at_once_and_done_later(
    virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    database = ScriptedDatabase()
    pending = Pending(database.write)
    pending.start()
    database.fails = StoreError("db: it cannot be reached")

    keep_turn(pending, a_turn(spoken="old"))
    with pytest.raises(StoreError, match="cannot be reached"):
        await pending.written()
    keep_turn(pending, a_turn(spoken="new"))
    keep_turn(pending, a_turn(spoken="other", position=1))
    await asyncio.sleep(10)
    database.fails = None
    await asyncio.sleep(MAX_PAUSE_S)

    assert database.spoken() == ["new", "other"]
    await pending.written()
    assert warnings_in(caplog) == ["store.write_failed"]  # one line for the whole outage
    await pending.stop()


async def test_all_who_wait_are_told_of_a_failure(virtual_time: VirtualTime) -> None:
    database = ScriptedDatabase()
    database.fails = StoreError("gone")
    pending = Pending(database.write)
    pending.start()
    keep_turn(pending, a_turn())

    outcomes = await asyncio.gather(*(pending.written() for _ in range(3)), return_exceptions=True)

    assert [type(outcome) for outcome in outcomes] == [StoreError] * 3
    database.fails = None
    await pending.stop()


async def test_a_refused_row_does_not_hold_up_the_others(virtual_time: VirtualTime) -> None:
    database = ScriptedDatabase()
    database.fails = RowsRefused("refused 1 row")
    pending = Pending(database.write)
    pending.start()
    keep_turn(pending, a_turn())
    with pytest.raises(StoreError, match="refused"):
        await pending.written()

    database.fails = None
    keep_turn(pending, a_turn(spoken="next"))
    await pending.written()

    assert [len(group) for group in database.groups] == [1]
    await pending.stop()


async def test_a_crash_of_the_writer_stops_nobody(
    virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    database = ScriptedDatabase()
    database.fails = ZeroDivisionError()
    pending = Pending(database.write)
    pending.start()
    keep_turn(pending, a_turn())
    with pytest.raises(StoreError):
        await pending.written()

    database.fails = None
    await pending.written()

    assert "store.write_crashed" in warnings_in(caplog)
    assert len(database.groups) == 1
    await pending.stop()


async def test_who_stops_waiting_disturbs_nobody(virtual_time: VirtualTime) -> None:
    database = ScriptedDatabase(takes_s=1.0)
    pending = Pending(database.write)
    pending.start()
    keep_turn(pending, a_turn())

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await pending.written()
    await pending.written()

    assert len(database.groups) == 1
    await pending.stop()


@pytest.mark.parametrize("table", ["notes", "claims"])
async def test_too_many_rows_that_matter_less_are_dropped_with_one_warning_and_no_turn_is(
    virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture, table: str
) -> None:
    database = ScriptedDatabase()
    pending = Pending(database.write)
    for number in range(MAX_WAITING + 5):
        pending.keep(table, a_note_row(number) if table == "notes" else answer_row(str(number), "Hello."))
    keep_turn(pending, a_turn())
    pending.keep("learned", learned_row("latency/runpod", 0.4))

    pending.start()
    await pending.written()

    counts = {name: len(rows) for name, rows in database.groups[0].batches()}
    assert counts == {table: MAX_WAITING, "turns": 1, "learned": 1}
    assert warnings_in(caplog) == ["store.row_dropped"]
    await pending.stop()


async def test_stopping_writes_what_waits_and_lets_a_running_write_end(virtual_time: VirtualTime) -> None:
    database = ScriptedDatabase(takes_s=0.5)
    pending = Pending(database.write)
    pending.start()
    keep_turn(pending, a_turn(spoken="one"))
    waiter = asyncio.create_task(pending.written())
    await asyncio.sleep(0.1)
    keep_turn(pending, a_turn(spoken="two"))

    await pending.stop()

    await waiter
    assert [database.spoken(group) for group in (0, 1)] == [["one"], ["two"]]


@pytest.mark.parametrize("takes_s", [0.0, 1e6])
async def test_what_a_dead_database_did_not_take_is_counted_at_the_end(
    virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture, takes_s: float
) -> None:
    database = ScriptedDatabase(takes_s)
    database.fails = StoreError("gone")
    pending = Pending(database.write)
    pending.start()
    keep_turn(pending, a_turn())
    waiter = asyncio.create_task(pending.written())

    await pending.stop()

    with pytest.raises(StoreError):
        await waiter
    assert virtual_time.elapsed_s <= STOP_S
    lost = next(record for record in caplog.records if record.message == "store.rows_lost")
    assert lost.__dict__["rows"] == 1


async def test_nobody_waits_for_a_store_that_is_not_open() -> None:
    pending = Pending(ScriptedDatabase().write)
    keep_turn(pending, a_turn())

    with pytest.raises(StoreError, match="not open"):
        await pending.written()


@pytest.mark.parametrize("is_being_written", [False, True])
async def test_who_asks_for_one_call_waits_for_its_rows_and_for_no_others(
    virtual_time: VirtualTime, is_being_written: bool
) -> None:
    pending = Pending(ScriptedDatabase(takes_s=0.5).write)
    pending.start()
    keep_turn(pending, a_turn())
    if is_being_written:
        await asyncio.sleep(2 * LAZY_S)
    began_s = virtual_time.elapsed_s

    await pending.written_of("another call")
    others_s = virtual_time.elapsed_s - began_s
    await pending.written_of(C1)
    own_s = virtual_time.elapsed_s - began_s
    await pending.written_of(C1)

    assert others_s == 0.0
    assert own_s == pytest.approx(0.4 if is_being_written else 0.5)
    assert virtual_time.elapsed_s - began_s == own_s
    await pending.stop()
