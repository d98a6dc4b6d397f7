"""Processes that serve together: whose a call is, and how it moves."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from handlers.asked import Answer, Question, answering, ask, gather
from handlers.siblings import ALONE, Siblings
from voice.types import CallId

CALLS = [CallId(f"call-{number}") for number in range(3000)]


def place(folder: Path, number: int, generation: int = 1) -> Siblings:
    return Siblings(number, 2, generation, folder)


def test_every_call_has_one_owner_and_the_same_for_all() -> None:
    owners = [[one for one in range(4) if Siblings(one, 4).owns(call)] for call in CALLS]

    assert all(len(found) == 1 for found in owners)


def test_calls_are_spread_evenly() -> None:
    counted = Counter(next(Siblings(0, 4).line_of(call)) for call in CALLS)

    assert max(counted.values()) < 1.15 * min(counted.values())


def test_where_the_owner_is_away_all_agree_who_is_next() -> None:
    lines = {tuple(Siblings(one, 4).line_of(CALLS[0])) for one in range(4)}

    assert len(lines) == 1
    assert set(next(iter(lines))) == {0, 1, 2, 3}


@pytest.mark.parametrize("one", [0, 1, 2])
def test_a_call_without_a_name_gets_one_that_stays_here(one: int) -> None:
    siblings = Siblings(one, 3)

    assert all(siblings.owns(siblings.own_call_id()) for _ in range(20))


def test_alone_everything_is_ones_own() -> None:
    assert all(ALONE.owns(call) for call in CALLS[:10])


def test_a_call_named_with_half_a_surrogate_has_an_owner() -> None:
    assert sum(Siblings(one, 3).owns(CallId("a\ud800")) for one in range(3)) == 1


def test_the_newest_process_of_a_place_gets_what_is_handed_on(tmp_path: Path) -> None:
    old, new = place(tmp_path, 0), place(tmp_path, 0, generation=5)

    old.take_place()
    before = old.door_of(0).readlink()
    new.take_place()

    assert (before.name, old.door_of(0).readlink().name) == (old.http.name, new.http.name)


def test_while_a_process_leaves_its_place_is_anothers(tmp_path: Path) -> None:
    old, new = place(tmp_path, 0), place(tmp_path, 0, generation=5)

    before = old.has_place()
    old.take_place()
    while_serving = old.has_place()
    new.take_place()

    assert (before, while_serving) == (True, True)
    assert (old.has_place(), new.has_place()) == (False, True)


async def test_as_long_as_nothing_has_moved_nobody_is_asked(tmp_path: Path) -> None:
    asked: list[Asked] = []

    async with answering(place(tmp_path, 1), doing(asked)):
        kept = await gather(place(tmp_path, 0), CALLS[0])

    assert (kept, asked) == (None, [])


async def test_after_a_change_all_others_are_asked_to_let_go(tmp_path: Path) -> None:
    asked: list[Asked] = []
    odd = CallId('a "b"\nc')
    us = place(tmp_path, 0, 8)

    async with (
        answering(place(tmp_path, 1), doing(asked)),
        answering(place(tmp_path, 0, 7), doing(asked)),  # the one before us in our place
        answering(us, doing([])),
    ):
        us.has_moved()
        kept = await gather(us, odd)

    assert (kept, asked) == (None, [("let go", odd), ("let go", odd)])


async def test_a_sibling_that_keeps_a_call_is_found_and_can_be_told_to_let_go_all_the_same(
    tmp_path: Path,
) -> None:
    keeper, us = place(tmp_path, 1), place(tmp_path, 0)

    async def keep(question: Question, _: CallId) -> bool:
        return question == "let go now"

    async with answering(keeper, keep):
        us.has_moved()
        kept, gone = await gather(us, CALLS[0]), await gather(us, CALLS[0], now=True)

    assert (kept, gone) == (keeper.http, None)


async def test_a_dead_sibling_is_passed_over(tmp_path: Path) -> None:
    us = place(tmp_path, 0)
    place(tmp_path, 1).asked.touch()  # no socket any more
    us.has_moved()

    assert await gather(us, CALLS[0]) is None


@pytest.mark.parametrize("line", [b"\n", b"{}\n", b"[1, 2]\n", b'["be quiet", "c1"]\n', b"\xff\n", b"no end"])
async def test_what_is_no_question_is_not_answered_and_the_next_one_is(tmp_path: Path, line: bytes) -> None:
    asked: list[Asked] = []
    them = place(tmp_path, 1)

    async with answering(them, doing(asked)):
        reader, writer = await asyncio.open_unix_connection(them.asked)
        writer.write(line)
        writer.write_eof()
        answer = await reader.read()
        writer.close()
        await ask(them.asked, "stop short", CALLS[0])

    assert answer == b""
    assert asked == [("stop short", CALLS[0])]


Asked = tuple[Question, CallId]


def doing(asked: list[Asked]) -> Answer:
    async def do(question: Question, call_id: CallId) -> bool:
        asked.append((question, call_id))
        return True

    return do
