"""What nobody waits for holds nobody up."""

from __future__ import annotations

import asyncio

import pytest

from voice.turn.portions import PORTION_S, Portions


class Works:
    """Work that takes a while of a clock that is played; `done` holds what was done, and in which step."""

    def __init__(self, takes_s: float) -> None:
        self._takes_s, self._clock, self.step = takes_s, 0.0, 0
        self.done: list[tuple[int, int]] = []
        self.portions = Portions(lambda: self._clock)

    def give(self, number: int) -> None:
        def work() -> None:
            self._clock += self._takes_s
            self.done.append((number, self.step))

        self.portions.do(number, work)

    async def steps(self, count: int) -> None:
        for _ in range(count):
            self.step += 1
            await asyncio.sleep(0)


async def test_what_is_alone_is_done_at_once() -> None:
    works = Works(takes_s=PORTION_S)

    works.give(1)

    assert works.done == [(1, 0)]


async def test_much_at_once_is_done_in_order_a_portion_in_each_step() -> None:
    works = Works(takes_s=PORTION_S / 2.5)
    for number in range(8):
        works.give(number)
    await works.steps(4)

    assert [number for number, _ in works.done] == list(range(8))
    assert [step for _, step in works.done] == [0, 0, 0, 1, 1, 1, 2, 2]


async def test_what_is_needed_now_is_done_before_its_turn_and_once() -> None:
    works = Works(takes_s=PORTION_S)
    for number in range(4):
        works.give(number)
    works.portions.first(3)
    await works.steps(4)

    assert [number for number, _ in works.done] == [0, 3, 1, 2]


async def test_at_the_end_everything_is_done_now() -> None:
    works = Works(takes_s=PORTION_S)
    for number in range(4):
        works.give(number)
    works.portions.all()

    assert [number for number, _ in works.done] == [0, 1, 2, 3]


async def test_work_that_fails_keeps_no_other_from_being_done() -> None:
    works = Works(takes_s=PORTION_S)

    def fails() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        works.portions.do("broken", fails)
    works.give(1)
    works.give(2)
    await works.steps(2)

    assert [number for number, _ in works.done] == [1, 2]
