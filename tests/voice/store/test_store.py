"""What every store does: one contract, run against each implementation."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from tests.builders import a_turn
from voice.store.base import MAX_WROTE_CHARS, Store, StoredCall
from voice.types import (
    Action,
    Aside,
    CallId,
    CallRecord,
    ChunkKind,
    Door,
    Effect,
    Ending,
    Json,
    Left,
    Message,
    Note,
    Outcome,
    Reading,
    Rung,
    Timing,
    ToolCall,
    Usage,
    Why,
)

C1 = CallId("c1")
NOON = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)

# Each example replaces what the one before it kept, so they may share a store.
with_one_store = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
usual_text = some.text(some.characters(exclude_characters="\0", codec="utf-8"), max_size=50)
milliseconds = some.floats(0, 60_000)
perhaps = some.none() | milliseconds
usages = some.builds(Usage, some.integers(0, 10**6), some.integers(0, 10**6))
rungs = some.builds(
    Rung,
    usual_text,
    some.sampled_from(Why),
    milliseconds,
    token_ms=perhaps,
    answer_ms=perhaps,
    clause_ms=perhaps,
    ended_ms=perhaps,
    queued_ms=perhaps,
    outcome=some.none() | some.sampled_from(Outcome),
    error=some.none() | some.just("ReplyStalled"),
    was_cancelled=some.booleans(),
    wrote=usual_text,
    usage=usages,
    cost_usd=some.none() | some.floats(0, 10),
)
lefts = some.builds(Left, milliseconds, some.integers(0, 500), some.sampled_from(ChunkKind))
jsons: some.SearchStrategy[Json] = some.recursive(
    some.none() | some.booleans() | some.integers(-(2**63), 2**63) | some.floats(-1e15, 1e15) | usual_text,
    lambda inner: some.lists(inner, max_size=4) | some.dictionaries(usual_text, inner, max_size=4),
    max_leaves=10,
)


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
        greeting="Hello, call five one one.",
        greeting_readings=(Reading(12, 24, "511", "phone"),),
    )

    store.keep_call(record)

    assert (await found(store)).record == record


async def test_a_call_is_found_without_its_notes_and_its_record_alone(store: Store) -> None:
    store.keep_call(a_record(ended_reason="idle"))
    store.keep_turn(C1, a_turn(began_on=NOON))
    store.keep_note(Note(C1, "hang", {}))

    quick = await store.find(C1, with_notes=False)

    assert quick is not None
    assert (len(quick.turns), list(quick.notes)) == (1, [])
    assert len((await found(store)).notes) == 1
    assert await store.record(C1) == a_record(ended_reason="idle")
    assert await store.record(CallId("nobody")) is None


async def test_a_turn_is_found_as_it_was_kept(store: Store) -> None:
    turn = a_turn(
        began_on=NOON,
        sent="Unit 4B?",
        spoken="Unit four B?",
        heard="Unit",
        readings=(Reading(5, 11, "4B", "code"),),
        asides=(Aside("It is five dollars.", 4, (Reading(6, 18, "$5"),)),),
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


@pytest.mark.parametrize("action", list(Action))
async def test_what_a_turn_asks_of_its_platform_is_found_as_it_was_kept(store: Store, action: Action) -> None:
    handed = (ToolCall("t1", "book_visit", '{"day": "friday"}'), ToolCall("", "weather"))
    turn = a_turn(began_on=NOON, effect=Effect(action, "+14155550123", "12#", "One moment."), handed=handed)

    store.keep_call(a_record())
    store.keep_turn(C1, turn)
    turn.effect, turn.handed = None, ()
    store.keep_turn(C1, a_turn(position=1, began_on=NOON))

    first, second = (await found(store)).turns
    assert (first.effect, first.handed) == (Effect(action, "+14155550123", "12#", "One moment."), handed)
    assert (second.effect, second.handed) == (None, ())


@given(asked=some.lists(rungs, max_size=4), left=some.lists(lefts, max_size=6))
@with_one_store
async def test_the_whole_record_of_a_turn_is_found_as_it_was_kept(
    store: Store, asked: list[Rung], left: list[Left]
) -> None:
    turn = a_turn(began_on=NOON, rungs=asked, timing=Timing(ttfc_ms=400.0, left=left))

    store.keep_call(a_record())
    store.keep_turn(C1, turn)

    assert (await found(store)).turns == [turn]


async def test_a_route_that_never_ended_is_kept_with_its_beginning(store: Store) -> None:
    endless = "again and " * MAX_WROTE_CHARS

    store.keep_call(a_record())
    store.keep_turn(C1, a_turn(rungs=[Rung("runpod", Why.FIRST, 1.0, wrote=endless)]))

    assert (await found(store)).turns[0].rungs[0].wrote == endless[:MAX_WROTE_CHARS]


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
    record = a_record()
    turn = a_turn(spoken="Which unit?", rungs=[Rung("runpod", Why.FIRST, 1.0)])
    store.keep_call(record)
    store.keep_turn(C1, turn)

    record.agent, turn.spoken, turn.timing.ttft_ms = "kim", "changed", 1.0
    turn.timing.left.append(Left(400.0, 11, ChunkKind.REPLY))
    turn.rungs[0].outcome = Outcome.WON
    turn.rungs.append(Rung("llm", Why.HEDGE, 500.0))

    stored = await found(store)
    assert stored.record.agent == "jamie"
    assert (stored.turns[0].spoken, stored.turns[0].timing) == ("Which unit?", Timing())
    assert stored.turns[0].rungs == [Rung("runpod", Why.FIRST, 1.0)]


async def test_who_changes_what_was_found_changes_no_store(store: Store) -> None:
    store.keep_call(a_record())
    store.keep_turn(C1, a_turn(spoken="Which unit?", rungs=[Rung("runpod", Why.FIRST, 1.0)]))

    first = await found(store)
    first.record.agent, first.turns[0].spoken, first.turns[0].timing.ttft_ms = "kim", "changed", 1.0
    first.turns[0].timing.left.append(Left(400.0, 11, ChunkKind.REPLY))
    first.turns[0].rungs[0].outcome = Outcome.WON

    again = await found(store)
    assert again.record.agent == "jamie"
    assert (again.turns[0].spoken, again.turns[0].timing) == ("Which unit?", Timing())
    assert again.turns[0].rungs == [Rung("runpod", Why.FIRST, 1.0)]


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
    rung = Rung(f"r{words}", Why.FIRST, 1.0, wrote=words)
    store.keep_turn(call_id, a_turn(words, words, tools=(Message("tool", words),), rungs=[rung]))
    store.keep_note(Note(call_id, "transcript", {"text": words, words or "key": [words]}))

    await store.committed()

    stored = await found(store, call_id)
    assert len(stored.turns[0].said) >= len(words)
    assert len(stored.turns[0].rungs[0].wrote) >= len(words)
    assert len(stored.notes) == 1


@pytest.mark.parametrize("value", [10**30, -(2**70), float("nan"), float("inf"), 2**63, 0.1])
async def test_no_number_stops_the_store(store: Store, value: float) -> None:
    store.keep_call(a_record())
    store.keep_note(Note(C1, "report", {"value": value}))

    await store.committed()

    assert (await found(store)).notes[0].kind == "report"


async def test_what_was_learned_last_is_known(store: Store) -> None:
    assert await store.learned() == {}

    store.keep_learned("latency/runpod", {"p95_s": 0.9})
    store.keep_learned("latency/llm", [1, 2])
    await store.committed()
    store.keep_learned("latency/runpod", {"p95_s": 0.4})

    assert await store.learned() == {"latency/runpod": {"p95_s": 0.4}, "latency/llm": [1, 2]}


async def test_what_changes_after_it_was_learned_is_not_stored(store: Store) -> None:
    value: dict[str, Json] = {"p95_s": 0.9}
    store.keep_learned("latency/runpod", value)
    value["p95_s"] = 0.4
    (await store.learned())["latency/runpod"]["p95_s"] = 0.1  # type: ignore[index,call-overload]  # an object

    assert await store.learned() == {"latency/runpod": {"p95_s": 0.9}}


@given(value=jsons)
@with_one_store
async def test_anything_that_json_can_say_can_be_learned(store: Store, value: Json) -> None:
    store.keep_learned("anything", value)

    assert (await store.learned())["anything"] == value
