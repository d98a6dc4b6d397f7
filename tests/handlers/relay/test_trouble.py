"""What goes wrong on a relay socket: the caller is answered all the same."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.builders import AN_ENDLESS_REPLY
from tests.conftest import VirtualTime
from tests.handlers.relay_line import a_relay_call, agents, newest, on_relay
from tests.handlers.twilio_door import CALL
from voice.clock import Deadline
from voice.errors import RouteDown, StoreError
from voice.models.scripted import ScriptedClient
from voice.store.base import StoredCall
from voice.store.memory import MemoryStore
from voice.types import CallId, Finish, Hear, Prompt


async def test_a_model_that_is_gone_is_answered_by_a_fallback(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(fails=RouteDown("gone"))) as (door, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()

        assert socket.words.strip() == door.brain.agents.default.fallbacks[0]


class Broken(ScriptedClient):
    """A model client with a mistake in it."""

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        raise ZeroDivisionError


class Away(MemoryStore):
    """A store that cannot be asked."""

    async def find(self, call_id: CallId, *, with_notes: bool = True) -> StoredCall | None:
        raise StoreError("away")

    async def claim(self, key: str) -> bool:
        raise StoreError("away")

    async def committed(self) -> None:
        raise StoreError("away")


async def test_a_mistake_of_ours_is_answered_by_a_fallback(virtual_time: VirtualTime) -> None:
    async with a_relay_call(Broken()) as (door, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()

        assert socket.words.strip() in door.brain.agents.default.fallbacks


async def test_a_store_that_is_away_costs_nobody_the_answer(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply="Which unit?"), store=Away()) as (_, socket):
        socket.say("My sink leaks.")
        await socket.closes_a_talk()

        assert socket.words.strip() == "Which unit?"


async def test_words_are_said_though_every_line_is_busy(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with (
        a_relay_call(ScriptedClient(), agents_dir=agents(tmp_path), max_calls=1) as (door, _),
        on_relay(door, call=CallId("CA" + "9" * 32)) as other,
    ):
        await other.ends()

    assert other.words == "All lines are busy."


async def test_words_that_waited_for_a_slow_socket_are_not_said_after_an_interruption(
    virtual_time: VirtualTime,
) -> None:
    async with a_relay_call(ScriptedClient(reply=AN_ENDLESS_REPLY, every_s=0.01)) as (_, socket):
        socket.takes.clear()
        socket.say("Read me my list.")
        await asyncio.sleep(3.0)
        socket.cut_in(after="")
        await asyncio.sleep(0.1)
        socket.takes.set()
        await asyncio.sleep(3.0)

    assert len(socket.words.split()) < 10  # what was on its way
    assert socket.frames[-1]["last"]


async def test_a_socket_that_is_slow_for_a_while_goes_on(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply=AN_ENDLESS_REPLY, every_s=0.001)) as (_, socket):
        socket.takes.clear()
        socket.say("Read me my list.")
        await asyncio.sleep(5.0)
        socket.takes.set()
        await socket.until(lambda: len(socket.frames) > 20, 300.0)


async def test_a_slow_socket_keeps_no_more_than_a_few_frames(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply=AN_ENDLESS_REPLY, every_s=0.01)) as (door, socket):
        socket.takes.clear()
        socket.say("Read me my list.")
        await socket.until(lambda: socket.status == "over")

        assert door.brain.calls.get(CALL) is not None
    assert len(socket.frames) < 3


async def test_words_that_come_after_the_hang_up_bring_no_call_back(virtual_time: VirtualTime) -> None:
    model = ScriptedClient()
    async with a_relay_call(model) as (door, socket):
        await asyncio.sleep(1.0)
        await door.brain.calls.hang_up(CALL, "completed")
        socket.say("Hello?")
        await asyncio.sleep(1.0)

        assert door.brain.calls.get(CALL) is None
    assert not model.asked


async def test_a_caller_who_was_silent_for_long_still_has_the_call(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply="Which unit?")) as (door, socket):
        await door.brain.calls.hang_up(CALL, "quiet")  # somebody else needed the line
        socket.say("I have found it.")
        await socket.closes_a_talk()

        assert newest(door).said == "I have found it."


async def test_single_odd_frames_end_no_long_call(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply="Yes.")) as (_, socket):
        for _ in range(30):
            socket.send("{")
            socket.tell("clientSpeaking", "off")
        socket.say("Are you there?")
        await socket.closes_a_talk()

    assert socket.words.strip() == "Yes."
