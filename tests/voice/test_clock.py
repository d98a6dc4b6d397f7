from __future__ import annotations

import asyncio

import pytest

from tests.conftest import VirtualTime
from voice.clock import Budget, now


async def test_a_deadline_is_made_once_and_counts_down(virtual_time: VirtualTime) -> None:
    deadline = Budget(first_chunk_s=1.0, reply_s=4.0).deadline(now())
    await asyncio.sleep(0.4)

    assert deadline.left_s() == pytest.approx(0.6)
    assert deadline.reply_left_s() == pytest.approx(3.6)


async def test_what_is_left_is_never_negative(virtual_time: VirtualTime) -> None:
    deadline = Budget(first_chunk_s=1.0).deadline(now())
    await asyncio.sleep(20)

    assert (deadline.left_s(), deadline.reply_left_s()) == (0.0, 0.0)


async def test_an_hour_of_played_time_takes_no_time(virtual_time: VirtualTime) -> None:
    await asyncio.sleep(3600)

    assert virtual_time.elapsed_s == pytest.approx(3600)


async def test_a_hop_longer_than_the_reply_keeps_the_reply_open() -> None:
    deadline = Budget(reply_s=3.0).deadline(10.0, first_chunk_s=4.0)

    assert (deadline.at, deadline.reply_at) == (14.0, 15.5)  # and a gap behind it
