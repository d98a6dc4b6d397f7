"""Work beside the turns: what breaks in it ends nothing else, and what has ended keeps nothing alive."""

from __future__ import annotations

import asyncio
import gc
import logging
import weakref

import pytest

from tests.conftest import VirtualTime
from voice.turn.beside import Beside


class Call:
    """Whatever work holds on to."""


async def waits(done: list[str], name: str, for_s: float, call: Call | None = None) -> None:
    await asyncio.sleep(for_s)
    done.append(name)


async def breaks(call: Call | None = None) -> None:
    await asyncio.sleep(0)
    raise RuntimeError


async def test_what_breaks_is_logged_and_ends_nothing_else(
    virtual_time: VirtualTime, caplog: pytest.LogCaptureFixture
) -> None:
    beside, done = Beside(), list[str]()

    beside.begin(breaks())
    beside.begin(waits(done, "other", 1.0))
    with caplog.at_level(logging.ERROR):
        await beside.drained()

    assert done == ["other"]
    assert [(one.message, vars(one)["error"]) for one in caplog.records] == [("work.crashed", "RuntimeError")]


async def test_it_is_drained_when_all_has_ended_what_began_meanwhile_included(
    virtual_time: VirtualTime,
) -> None:
    beside, done = Beside(), list[str]()

    async def begins_another() -> None:
        await waits(done, "first", 1.0)
        beside.begin(waits(done, "second", 1.0))

    beside.begin(begins_another())
    await beside.drained()

    assert done == ["first", "second"]
    assert virtual_time.elapsed_s == pytest.approx(2.0)


async def test_who_is_cancelled_while_it_drains_cancels_the_rest(virtual_time: VirtualTime) -> None:
    beside, done = Beside(), list[str]()
    beside.begin(waits(done, "long", 100.0))

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(1.0):
            await beside.drained()

    assert done == []
    assert virtual_time.elapsed_s == pytest.approx(1.0)


async def test_work_that_is_cancelled_before_it_began_is_not_missed(virtual_time: VirtualTime) -> None:
    beside, done = Beside(), list[str]()

    beside.begin(waits(done, "never", 1.0)).cancel()
    await beside.drained()

    assert done == []


@pytest.mark.parametrize("is_cancelled", [True, False])
async def test_what_has_ended_holds_no_call_until_the_collector_comes(
    is_cancelled: bool, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("voice.turn.beside"), "disabled", True)  # pytest keeps its records
    beside, call = Beside(), Call()
    gone = weakref.ref(call)
    gc.disable()
    try:
        task = beside.begin(waits([], "long", 100.0, call) if is_cancelled else breaks(call))
        del call
        await asyncio.sleep(1.0)
        task.cancel()
        await beside.drained()

        assert gone() is None
    finally:
        gc.enable()
