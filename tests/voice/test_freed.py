"""What a call held is free when it has ended, without the garbage collector: that one holds up all calls."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from tests.builders import AN_ENDLESS_REPLY, a_brain, a_deadline, an_utterance
from tests.conftest import VirtualTime
from voice.brain import Brain
from voice.call import Call
from voice.errors import RouteDown
from voice.models.scripted import ScriptedClient
from voice.threads.thread import Thread
from voice.turn.ask import Asking
from voice.turn.draft import Draft
from voice.turn.live import LiveTurn
from voice.types import CallId, Door

C1 = CallId("c1")


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def still_held() -> list[str]:
    """What of this test's call is in memory."""
    parts = (Call, Thread, LiveTurn, Asking, Draft)
    return [type(one).__name__ for one in gc.get_objects() if type(one) in parts]


async def a_call_of(brain: Brain, *, leaves_after_s: float | None) -> None:
    """A call of two turns that is hung up; the second one's listener may leave in its middle."""
    call = await brain.calls.pick_up(C1, Door.VAPI)
    live = await brain.calls.hear(call, an_utterance("My sink leaks."), a_deadline())
    await asyncio.sleep(5)
    if leaves_after_s is not None:
        live = await brain.calls.hear(call, an_utterance("Tell me more."), a_deadline())
        await asyncio.sleep(leaves_after_s)
        brain.calls.leave(call, live)
    await brain.calls.hang_up(C1, "ended")


@pytest.mark.parametrize("leaves_after_s", [None, 0.0, 0.25, 0.7])
async def test_a_call_is_free_when_it_has_ended(
    virtual_time: VirtualTime, no_collector: None, leaves_after_s: float | None
) -> None:
    model = ScriptedClient(reply=["Which unit?", AN_ENDLESS_REPLY], first_s=0.2, every_s=0.1)
    async with a_brain(model) as brain:
        await a_call_of(brain, leaves_after_s=leaves_after_s)
        await asyncio.sleep(10)
        still = still_held()

    assert still == []


@pytest.mark.parametrize("leaves_after_s", [None, 0.5])
async def test_a_call_whose_route_failed_is_free_when_it_has_ended(
    virtual_time: VirtualTime, no_collector: None, leaves_after_s: float | None
) -> None:
    broken = ScriptedClient("broken", fails=RouteDown("gone"), first_s=0.1)
    slow = ScriptedClient("slow", reply="Which unit?", first_s=2.0)
    async with a_brain(broken, slow) as brain:
        await a_call_of(brain, leaves_after_s=leaves_after_s)
        await asyncio.sleep(10)
        still = still_held()

    assert still == []
