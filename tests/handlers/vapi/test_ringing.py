"""A telephone rings: Vapi asks who takes the call, and is answered before anything is looked up."""

from __future__ import annotations

import asyncio

import pytest

from tests.handlers.house import CALL_ID, Visitor, a_house, a_message
from voice.errors import StoreError
from voice.events import CallEnded, CallStarted
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.types import CallId

PATH = "/vapi/webhook"


class Slow(MemoryStore):
    """A store that answers only when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def claim(self, key: str) -> bool:
        self.asked.set()
        await self.may_answer.wait()
        return await super().claim(key)

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        await self.may_answer.wait()
        return await super().find(call_id, with_notes=with_notes)


class Away(MemoryStore):
    """A store that cannot be asked."""

    async def claim(self, key: str) -> bool:
        raise StoreError("away")

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        raise StoreError("away")


async def test_who_takes_the_call_is_told_before_the_store_has_said_a_word() -> None:
    store = Slow()

    async with a_house(store=store) as house:
        visitor = Visitor(house.app)
        ringing = asyncio.create_task(visitor.post(PATH, a_message("assistant_request")))
        await visitor.heard.wait()
        told, live_then = visitor.text, house.brain.calls.live
        store.may_answer.set()
        await ringing
        call = house.brain.calls.get(CALL_ID)

    assert '"assistant"' in told
    assert live_then == 0
    assert call is not None
    assert call.thread.greeting == call.agent.greeting  # what the caller heard first is remembered


async def test_a_caller_who_hangs_up_while_it_rings_leaves_no_call_behind() -> None:
    store = Slow()

    async with a_house(store=store) as house:
        visitor = Visitor(house.app)
        ringing = asyncio.create_task(visitor.post(PATH, a_message("assistant_request")))
        await store.asked.wait()
        ending = asyncio.create_task(house.http.post(PATH, json=a_message("status_ended")))
        store.may_answer.set()
        await asyncio.gather(ringing, ending)
        live = house.brain.calls.live
        open_calls = sum(isinstance(event, CallStarted) for event in house.events) - sum(
            isinstance(event, CallEnded) for event in house.events
        )

    assert (live, open_calls) == (0, 0)


async def test_a_retry_while_the_first_is_being_picked_up_begins_no_second_call() -> None:
    store = Slow()

    async with a_house(store=store) as house:
        visitors = [Visitor(house.app) for _ in range(3)]
        asking = [asyncio.create_task(one.post(PATH, a_message("assistant_request"))) for one in visitors]
        for one in visitors:
            await one.heard.wait()
        store.may_answer.set()
        await asyncio.gather(*asking)
        begun = [event for event in house.events if isinstance(event, CallStarted)]

    assert len({one.text for one in visitors}) == 1
    assert len(begun) == 1


async def test_a_call_that_rings_while_the_store_is_away_is_answered_and_begun() -> None:
    async with a_house(store=Away()) as house:
        answer = await house.http.post(PATH, json=a_message("assistant_request"))
        call = house.brain.calls.get(CALL_ID)

    assert answer.json()["assistant"]["name"] == "jamie"
    assert call is not None


@pytest.mark.parametrize("name", ["status_ended", "end_of_call_report"])
async def test_a_late_request_for_a_call_that_is_over_does_not_bring_it_back(name: str) -> None:
    late = a_message("assistant_request")
    late["message"]["timestamp"] += 60_000

    async with a_house() as house:
        await house.http.post(PATH, json=a_message("assistant_request"))
        await house.http.post(PATH, json=a_message(name))
        answer = await house.http.post(PATH, json=late)
        live = house.brain.calls.live
        begun = [event for event in house.events if isinstance(event, CallStarted)]

    assert answer.status_code == 200
    assert (live, len(begun)) == (0, 1)
