"""A live call goes on in another process: never in the middle of its turn, and never in two at once."""

from __future__ import annotations

import asyncio

from tests.builders import a_brain, a_deadline, an_utterance, words_of
from tests.conftest import VirtualTime
from voice.events import CallMoved, Event
from voice.models.scripted import ScriptedClient
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.types import CallId, Door, Ending

C1 = CallId("c1")


class SlowStore(MemoryStore):
    """Takes a while to find a call."""

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        await asyncio.sleep(0.2)
        return await super().find(call_id, with_notes=with_notes)


async def test_a_quiet_call_is_let_go_with_every_turn_written_down(virtual_time: VirtualTime) -> None:
    events: list[Event] = []
    store = MemoryStore()
    async with a_brain(ScriptedClient(reply="Which unit?"), store=store, events=events) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        await words_of(await brain.calls.hear(call, an_utterance(), a_deadline()))

        is_gone = await brain.calls.let_go(C1)

        stored = await store.find(C1)
        assert (is_gone, brain.calls.live) == (True, 0)
        assert stored is not None
        assert [turn.spoken for turn in stored.turns] == ["Which unit?"]
        assert stored.record.ended_on is None
    assert [event.call_id for event in events if isinstance(event, CallMoved)] == [C1]


async def test_a_call_is_kept_while_it_is_spoken_on(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply="Which unit?", first_s=0.5)) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())

        is_gone = await brain.calls.let_go(C1)

        assert not is_gone
        assert await words_of(live) == "Which unit?"
        assert await brain.calls.let_go(C1)


async def test_a_call_that_must_go_now_stops_its_turn(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(reply="Which unit?", first_s=0.5)) as brain:
        call = await brain.calls.pick_up(C1, Door.CHAT)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())

        is_gone = await brain.calls.let_go(C1, now=True)

        assert is_gone
        assert live.turn.ending is Ending.INTERRUPTED


async def test_a_call_that_is_being_picked_up_is_kept(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient(), store=SlowStore()) as brain:
        picking = asyncio.create_task(brain.calls.pick_up(C1, Door.CHAT))
        await asyncio.sleep(0.1)

        is_gone = await brain.calls.let_go(C1)
        await picking

        assert not is_gone
        assert brain.calls.get(C1) is not None


async def test_a_call_that_nobody_has_is_gone(virtual_time: VirtualTime) -> None:
    async with a_brain(ScriptedClient()) as brain:
        assert await brain.calls.let_go(C1)
