"""What a call held is free when it has ended, without the garbage collector: that one holds up all calls."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest

from tests.builders import AN_ENDLESS_REPLY, a_brain, a_deadline, an_utterance
from tests.conftest import VirtualTime
from tests.voice.models.openai_host import DONE, OpenAIHost, delta, hosting
from voice.brain import Brain
from voice.call import Call
from voice.errors import RouteDown
from voice.models.completion import CompletionReader
from voice.models.http import open_http
from voice.models.openai import OpenAIClient
from voice.models.scripted import ScriptedClient
from voice.models.wire import Answer, Wire
from voice.threads.thread import Thread
from voice.turn.ask import Asking
from voice.turn.draft import Draft
from voice.turn.live import LiveTurn
from voice.types import CallId, Door

C1 = CallId("c1")
WAIT_S = 20.0  # a busy machine; everything waited for here takes milliseconds


@pytest.fixture
def no_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def still_held() -> list[str]:
    """What of this test's call is in memory."""
    parts = (Call, Thread, LiveTurn, Asking, Draft, Wire, Answer, CompletionReader)
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


HOSTS = {
    "answers": OpenAIHost(),
    "breaks off": OpenAIHost([delta("Which unit is it? And ")], breaks=True),
    "breaks off in a word": OpenAIHost([delta("Wh")], breaks=True),
    "sends damage": OpenAIHost([delta("Which unit? "), b"data: {no\n\n"]),
    "tells an error": OpenAIHost([delta("Which unit? "), b'data: {"error": {"message": "no"}}\n\n']),
    "is refused": OpenAIHost(status=401),
    "is down": OpenAIHost(status=500),
    "says nothing": OpenAIHost([delta(reason="stop"), DONE]),
    "does not stop, in one piece": OpenAIHost([delta(AN_ENDLESS_REPLY * 20), DONE]),
    "does not stop": OpenAIHost([delta(f"{word} ") for word in AN_ENDLESS_REPLY.split()], hangs=True),
    "goes in circles": OpenAIHost([delta("and then we go on ") for _ in range(90)], hangs=True),
}


@pytest.mark.parametrize("kind", HOSTS)
async def test_a_call_is_free_whatever_its_host_did(no_collector: None, kind: str) -> None:
    async with asyncio.timeout(WAIT_S), hosting(HOSTS[kind]) as host:
        async with (
            open_http() as http,
            a_brain(OpenAIClient("llm", host.url, "some-model", None, http)) as brain,
        ):
            call = await brain.calls.pick_up(C1, Door.VAPI)
            live = await brain.calls.hear(call, an_utterance("My sink leaks."), a_deadline())
            await live.settled()
            await brain.calls.hang_up(C1, "ended")
            del call, live
        await _rounds()
        still = still_held()

    assert still == []


async def test_a_call_is_free_whose_caller_left_while_its_host_wrote(no_collector: None) -> None:
    async with (
        asyncio.timeout(WAIT_S),
        hosting(OpenAIHost([delta("Which unit is it, please? And ")], hangs=True)) as host,
    ):
        async with (
            open_http() as http,
            a_brain(OpenAIClient("llm", host.url, "some-model", None, http)) as brain,
        ):
            call = await brain.calls.pick_up(C1, Door.VAPI)
            live = await brain.calls.hear(call, an_utterance("My sink leaks."), a_deadline())
            async for _ in live.listen():
                break
            brain.calls.leave(call, live)
            await brain.calls.hang_up(C1, "ended")
            del call, live
            await host.left.wait()
        await _rounds()
        still = still_held()

    assert still == []


async def _rounds() -> None:
    """Let the loop do what is due: connections that were closed are lost in its next rounds."""
    for _ in range(5):
        await asyncio.sleep(0)
