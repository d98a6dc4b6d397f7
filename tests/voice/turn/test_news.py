"""News: one task waits, and is woken by whoever brings something, or by the time."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import VirtualTime
from voice.clock import now
from voice.turn.news import News


async def test_who_waits_is_woken_as_soon_as_something_comes(virtual_time: VirtualTime) -> None:
    news = News()
    asyncio.get_running_loop().call_later(0.2, news.tell)

    await news.wait(now() + 5.0)

    assert virtual_time.elapsed_s == pytest.approx(0.2)


async def test_what_came_before_is_not_waited_for_and_counts_once(virtual_time: VirtualTime) -> None:
    news = News()
    news.tell()
    news.tell()

    await news.wait(now() + 5.0)
    at_once_s = virtual_time.elapsed_s
    await news.wait(now() + 5.0)

    assert at_once_s == 0.0
    assert virtual_time.elapsed_s == pytest.approx(5.0)


async def test_each_wait_ends_at_its_own_instant(virtual_time: VirtualTime) -> None:
    news = News()
    asyncio.get_running_loop().call_later(0.1, news.tell)

    await news.wait(now() + 1.0)
    for wait_s, ended_s in ((5.0, 5.1), (0.2, 5.3), (2.0, 7.3)):
        await news.wait(now() + wait_s)
        assert virtual_time.elapsed_s == pytest.approx(ended_s)


async def test_an_instant_that_is_past_lets_others_work_first(virtual_time: VirtualTime) -> None:
    done: list[str] = []
    asyncio.get_running_loop().call_soon(done.append, "another's work")

    await News().wait(now() - 1.0)

    assert done == ["another's work"]


async def test_who_is_stopped_while_waiting_leaves_nothing_behind(virtual_time: VirtualTime) -> None:
    news = News()
    waiting = asyncio.create_task(news.wait(now() + 5.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])

    news.tell()
    await news.wait(now() + 5.0)

    assert waiting.cancelled()
    assert virtual_time.elapsed_s == 0.0
