"""A message that is sent again has its effect once, wherever and whenever it comes."""

from __future__ import annotations

import asyncio

import pytest

from handlers.once import ASK_S, MAX_ANSWERS, PATIENCE_S, Once, once_key
from tests.conftest import VirtualTime
from voice.errors import StoreError
from voice.store.memory import MemoryStore
from voice.types import Json

KEY = once_key("vapi", "status-update", "c1", b"{}")


class Work:
    """An effect that takes its time, and counts how often it is done."""

    def __init__(self, takes_s: float = 0.0, fails: Exception | None = None) -> None:
        self.done, self._takes_s, self._fails = 0, takes_s, fails

    async def __call__(self) -> Json:
        await asyncio.sleep(self._takes_s)
        self.done += 1
        if self._fails:
            raise self._fails
        return {"done": self.done}


async def test_a_message_that_comes_twice_is_done_once(virtual_time: VirtualTime) -> None:
    once, work = Once(MemoryStore()), Work()

    answers = [await once.everywhere(KEY, work) for _ in range(2)]

    assert answers == [{"done": 1}, {"done": 1}]


async def test_another_message_is_another_effect(virtual_time: VirtualTime) -> None:
    once, work = Once(MemoryStore()), Work()

    await once.everywhere(KEY, work)
    await once.everywhere(once_key("vapi", "status-update", "c2", b"{}"), work)

    assert work.done == 2


async def test_a_retry_that_comes_while_the_first_is_worked_on_waits_for_it(
    virtual_time: VirtualTime,
) -> None:
    once, work = Once(MemoryStore()), Work(takes_s=1.0)

    async with asyncio.timeout(1.1):
        answers = await asyncio.gather(*(once.everywhere(KEY, work) for _ in range(5)))

    assert answers == [{"done": 1}] * 5
    assert work.done == 1


async def test_after_a_restart_the_answer_is_the_same(virtual_time: VirtualTime) -> None:
    store, work = MemoryStore(), Work()
    before, after = Once(store), Once(store)

    first = await before.everywhere(KEY, work)

    assert await after.everywhere(KEY, work) == first
    assert work.done == 1


async def test_a_retry_at_another_process_waits_for_the_first_ones_answer(virtual_time: VirtualTime) -> None:
    store, work = MemoryStore(), Work(takes_s=1.0)
    here, there = Once(store), Once(store)

    answers = await asyncio.gather(here.everywhere(KEY, work), there.everywhere(KEY, work))

    assert answers == [{"done": 1}] * 2
    assert virtual_time.elapsed_s < 1.2


async def test_what_was_claimed_and_never_answered_is_done_again_after_a_while(
    virtual_time: VirtualTime,
) -> None:
    store, work = MemoryStore(), Work()
    await store.claim(KEY)  # and whoever did has died

    answer = await Once(store).everywhere(KEY, work)

    assert answer == {"done": 1}
    assert PATIENCE_S <= virtual_time.elapsed_s < PATIENCE_S + 0.2


async def test_what_must_not_be_done_twice_gets_a_word_instead(virtual_time: VirtualTime) -> None:
    store, work = MemoryStore(), Work()
    await store.claim(KEY)

    answer = await Once(store).everywhere(KEY, work, lost="Nobody knows.", patience_s=1.0)

    assert (answer, work.done) == ("Nobody knows.", 0)


class AwayStore(MemoryStore):
    """A store that cannot be asked."""

    def __init__(self, *, hangs: bool) -> None:
        super().__init__()
        self._hangs = hangs

    async def claim(self, key: str) -> bool:
        if self._hangs:
            await asyncio.Event().wait()
        raise StoreError("gone")


@pytest.mark.parametrize("hangs", [True, False])
async def test_while_the_store_is_away_a_message_is_taken_and_its_retry_still_known(
    virtual_time: VirtualTime, hangs: bool
) -> None:
    once, work = Once(AwayStore(hangs=hangs)), Work()

    answers = [await once.everywhere(KEY, work) for _ in range(2)]

    assert answers == [{"done": 1}] * 2
    assert virtual_time.elapsed_s <= ASK_S


async def test_what_goes_wrong_is_told_to_all_who_wait_and_is_tried_again_later(
    virtual_time: VirtualTime,
) -> None:
    once, broken = Once(MemoryStore()), Work(takes_s=0.1, fails=StoreError("gone"))

    answers = await asyncio.gather(*(once.everywhere(KEY, broken) for _ in range(2)), return_exceptions=True)
    later = await once.everywhere(KEY, Work())

    assert [type(one) for one in answers] == [StoreError, StoreError]
    assert broken.done == 1
    assert later == {"done": 1}


async def test_who_waits_for_a_first_one_that_is_stopped_does_it_and_is_answered(
    virtual_time: VirtualTime,
) -> None:
    once, work = Once(MemoryStore()), Work(takes_s=2.0)
    first = asyncio.create_task(once.here(KEY, work))
    others = [asyncio.create_task(once.here(KEY, work)) for _ in range(2)]
    await asyncio.sleep(1.0)

    first.cancel()
    answers = await asyncio.gather(*others)

    assert first.cancelled()
    assert answers[0] is not None
    assert answers[0] == answers[1]
    assert work.done == 1


async def test_what_is_kept_here_is_bounded(virtual_time: VirtualTime) -> None:
    once, work = Once(MemoryStore()), Work()

    for number in range(MAX_ANSWERS + 10):
        await once.here(once_key("k", str(number)), work)
    await once.here(once_key("k", str(MAX_ANSWERS)), work)
    newest = work.done
    await once.here(once_key("k", "0"), work)

    assert (newest, work.done) == (MAX_ANSWERS + 10, MAX_ANSWERS + 11)


def test_a_key_shows_nothing_of_its_message_and_knows_where_a_part_ends() -> None:
    key = once_key("vapi", "My door code is 4711 \ud83d", b"s3cret")

    assert len(key) == 32
    assert "4711" not in key
    assert once_key("ab", "c") != once_key("a", "bc")
