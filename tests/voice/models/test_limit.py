"""A limit ends what a task waits for, and is no other's cancellation."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import VirtualTime
from voice.clock import now
from voice.models.limit import Limit


async def test_what_is_not_done_in_time_is_ended(virtual_time: VirtualTime) -> None:
    with pytest.raises(TimeoutError), Limit(now() + 2.0):
        await asyncio.sleep(5.0)

    assert virtual_time.elapsed_s == pytest.approx(2.0)
    await asyncio.sleep(5.0)  # nothing is left behind


async def test_what_is_done_in_time_is_left_alone(virtual_time: VirtualTime) -> None:
    with Limit(now() + 2.0):
        await asyncio.sleep(1.0)
    await asyncio.sleep(5.0)

    assert virtual_time.elapsed_s == pytest.approx(6.0)


async def test_a_limit_can_come_earlier_and_no_later(virtual_time: VirtualTime) -> None:
    limit = Limit(now() + 2.0)
    loop = asyncio.get_running_loop()
    for at, earlier in ((0.1, now() + 0.5), (0.2, now() + 9.0)):
        loop.call_later(at, limit.no_later_than, earlier)

    with pytest.raises(TimeoutError), limit:
        await asyncio.sleep(5.0)

    assert virtual_time.elapsed_s == pytest.approx(0.5)


async def test_who_is_stopped_by_somebody_else_is_stopped(virtual_time: VirtualTime) -> None:
    async def work() -> None:
        with Limit(now() + 2.0):
            await asyncio.sleep(5.0)

    for after_s in (1.0, 2.0):  # the second together with the limit
        task = asyncio.create_task(work())
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_at(now() + after_s, task.cancel)
        await asyncio.wait([task])

        assert task.cancelled()


async def test_an_error_of_the_work_itself_is_not_changed(virtual_time: VirtualTime) -> None:
    with pytest.raises(ValueError, match="broken"), Limit(now() + 2.0):
        raise ValueError("broken")
