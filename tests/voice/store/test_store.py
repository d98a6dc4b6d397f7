"""What every store does: one contract, run against each implementation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest

from tests.builders import a_turn
from tests.voice.store.databases import a_postgres_database
from voice.store.base import Store, StoredCall
from voice.store.memory import MemoryStore
from voice.store.sql import SqlStore
from voice.types import CallId, CallRecord, Door, Ending, Message, Note, Timing, ToolCall, Usage

C1 = CallId("c1")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Store]:
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


def a_record(call_id: str = "c1", **changes: object) -> CallRecord:
    record = CallRecord(CallId(call_id), Door.VAPI, "jamie", began_on=NOON)
    for name, value in changes.items():
        setattr(record, name, value)
    return record


async def found(store: Store, call_id: CallId = C1) -> StoredCall:
    stored = await store.find(call_id)
    assert stored is not None
    return stored


async def test_a_call_is_found_as_it_was_kept(store: Store) -> None:
    record = a_record(
        caller="+15550100",
        ended_on=NOON + timedelta(minutes=3),
        ended_reason="customer-ended-call",
        greeting="Hello, this is Jamie.",
    )

    store.keep_call(record)

    assert (await found(store)).record == record


async def test_a_turn_is_found_as_it_was_kept(store: Store) -> None:
    turn = a_turn(
        began_on=NOON,
        sent="Unit 4B?",
        spoken="Unit four B?",
        heard="Unit",
        filler="One moment.",
        route="runpod",
        ending=Ending.INTERRUPTED,
        timing=Timing(asked_ms=1.5, ttft_ms=210.25, ttfc_ms=400.0),
        usage=Usage(120, 9),
        tools=(
            Message("assistant", "", (ToolCall("t1", "ticket", '{"unit": "4B"}'),)),
            Message("tool", "Ticket 7.", tool_call_id="t1"),
        ),
    )

    store.keep_call(a_record())
    store.keep_turn(C1, turn)

    assert (await found(store)).turns == [turn]


async def test_notes_are_found_in_the_order_they_came(store: Store) -> None:
    notes = [Note(C1, "transcript", {"n": n, "words": ["ä", None, 1.5, True]}, NOON) for n in range(20)]

    store.keep_call(a_record())
    for note in notes:
        store.keep_note(note)

    assert (await found(store)).notes == notes


async def test_turns_are_found_in_the_order_of_the_call(store: Store) -> None:
    store.keep_call(a_record())
    for position in (10, 0, 2):
        store.keep_turn(C1, a_turn(position=position))

    assert [turn.position for turn in (await found(store)).turns] == [0, 2, 10]


async def test_a_later_snapshot_replaces_an_earlier_one(store: Store) -> None:
    record, turn = a_record(), a_turn(spoken="Which", ending=None)
    store.keep_call(record)
    store.keep_turn(C1, turn)
    await store.committed()

    record.ended_reason, turn.spoken, turn.ending = "hang-up", "Which unit?", Ending.ANSWERED
    store.keep_call(record)
    store.keep_turn(C1, turn)
    await store.committed()

    stored = await found(store)
    assert stored.record.ended_reason == "hang-up"
    assert [(turn.spoken, turn.ending) for turn in stored.turns] == [("Which unit?", Ending.ANSWERED)]


async def test_what_changes_after_keeping_is_not_stored(store: Store) -> None:
    record, turn = a_record(), a_turn(spoken="Which unit?")
    store.keep_call(record)
    store.keep_turn(C1, turn)

    record.agent, turn.spoken, turn.timing.ttft_ms = "kim", "changed", 1.0

    stored = await found(store)
    assert stored.record.agent == "jamie"
    assert (stored.turns[0].spoken, stored.turns[0].timing.ttft_ms) == ("Which unit?", None)


async def test_who_changes_what_was_found_changes_no_store(store: Store) -> None:
    store.keep_call(a_record())
    store.keep_turn(C1, a_turn(spoken="Which unit?"))

    first = await found(store)
    first.record.agent, first.turns[0].spoken, first.turns[0].timing.ttft_ms = "kim", "changed", 1.0

    again = await found(store)
    assert again.record.agent == "jamie"
    assert (again.turns[0].spoken, again.turns[0].timing.ttft_ms) == ("Which unit?", None)


async def test_an_unknown_call_is_none(store: Store) -> None:
    assert await store.find(CallId("nobody")) is None


async def test_what_came_before_the_call_was_picked_up_is_kept(store: Store) -> None:
    store.keep_note(Note(C1, "status", {"status": "ringing"}, NOON))
    assert await store.find(C1) is None

    store.keep_call(a_record())

    assert [note.kind for note in (await found(store)).notes] == ["status"]


async def test_the_newest_calls_come_first(store: Store) -> None:
    for minute in (2, 0, 3, 1):
        store.keep_call(a_record(f"c{minute}", began_on=NOON + timedelta(minutes=minute)))

    assert [record.call_id for record in await store.newest(3)] == ["c3", "c2", "c1"]


async def test_moments_are_utc_wherever_they_came_from(store: Store) -> None:
    in_berlin = NOON.astimezone(timezone(timedelta(hours=1)))

    store.keep_call(a_record(began_on=in_berlin))

    began_on = (await found(store)).record.began_on
    assert began_on == NOON
    assert began_on.tzinfo is not None


async def test_nothing_kept_is_committed_at_once(store: Store) -> None:
    await store.committed()

    assert await store.newest() == []


async def test_many_writers_lose_nothing(store: Store) -> None:
    async def one_call(number: int) -> None:
        store.keep_call(a_record(f"c{number}"))
        for position in range(10):
            store.keep_turn(CallId(f"c{number}"), a_turn(position=position))
            await store.committed()

    await asyncio.gather(*(one_call(number) for number in range(20)))

    assert len(await store.newest(100)) == 20
    assert len((await found(store, CallId("c19"))).turns) == 10


@pytest.mark.parametrize("words", ["nul \0 in it", "half a \ud83d pair", "ä 🙂 \u2028", "\\u0000", ""])
async def test_no_text_stops_the_store(store: Store, words: str) -> None:
    call_id = CallId(f"c{words}")
    store.keep_call(a_record(call_id))
    store.keep_turn(call_id, a_turn(words, words, tools=(Message("tool", words),)))
    store.keep_note(Note(call_id, "transcript", {"text": words, words or "key": [words]}))

    await store.committed()

    stored = await found(store, call_id)
    assert len(stored.turns[0].said) >= len(words)
    assert len(stored.notes) == 1


@pytest.mark.parametrize("value", [10**30, -(2**70), float("nan"), float("inf"), 2**63, 0.1])
async def test_no_number_stops_the_store(store: Store, value: float) -> None:
    store.keep_call(a_record())
    store.keep_note(Note(C1, "report", {"value": value}))

    await store.committed()

    assert (await found(store)).notes[0].kind == "report"
