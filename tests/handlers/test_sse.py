"""Saying a turn over HTTP: chunk by chunk, in time, and never a broken frame."""

from __future__ import annotations

import asyncio

import pytest
from starlette.types import Message

from handlers.completions import Answering
from handlers.sse import SpokenTurn, while_there
from handlers.wire.openai import ChatFrames
from tests.builders import a_brain, a_deadline, an_utterance
from tests.conftest import VirtualTime
from tests.handlers.house import Visitor, Watched, a_house, said_in
from voice.models.scripted import ScriptedClient
from voice.telemetry.logs import call_id_var
from voice.types import CallId, Chunk, Door

PATH = "/vapi/chat/completions"


def asking(call_id: str = "c1") -> dict[str, object]:
    return {"messages": [{"role": "user", "content": "My sink leaks."}], "call": {"id": call_id}}


async def test_the_first_words_leave_while_the_model_still_writes(virtual_time: VirtualTime) -> None:
    model = Watched(reply="One moment please. Here is the rest.", every_s=0.1)

    async with a_house(model) as house:
        visitor = Visitor(house.app)
        request = asyncio.create_task(visitor.post(PATH, asking()))
        await visitor.heard.wait()
        first = visitor.text
        await request

    assert "One moment please." in first
    assert "rest" not in first
    assert said_in(visitor.text) == "One moment please. Here is the rest."


async def test_a_model_that_hangs_leaves_nobody_in_silence(virtual_time: VirtualTime) -> None:
    async with a_house(ScriptedClient(hangs=True)) as house:
        visitor = Visitor(house.app)
        began_at = virtual_time.elapsed_s
        request = asyncio.create_task(visitor.post(PATH, asking()))
        await visitor.heard.wait()
        after_s = virtual_time.elapsed_s - began_at
        await request
        agent = house.brain.agents.default

    assert after_s <= 1.2
    assert said_in(visitor.text) in [f"{line} {agent.fallbacks[0]}" for line in agent.fillers_for["request"]]


async def test_a_client_that_reads_slowly_holds_up_nobody_else(virtual_time: VirtualTime) -> None:
    class Slow(Visitor):
        async def _send(self, message: Message) -> None:
            await super()._send(message)
            await asyncio.sleep(60)

    async with a_house() as house:
        slow = Slow(house.app)
        request = asyncio.create_task(slow.post(PATH, asking("c1")))
        await slow.heard.wait()
        before_s = virtual_time.elapsed_s
        quick = await house.http.post(PATH, json=asking("c2"))
        took_s = virtual_time.elapsed_s - before_s
        await request

    assert said_in(quick.text) == said_in(slow.text) == "Which unit are you in?"
    assert took_s < 1


async def test_a_client_that_could_not_take_old_words_gets_none_once_newer_ones_are_answered(
    virtual_time: VirtualTime,
) -> None:
    class Clogged(Visitor):
        """Takes nothing more until its pipe is free."""

        free = asyncio.Event()

        async def _send(self, message: Message) -> None:
            await super()._send(message)
            if self.heard.is_set():
                await self.free.wait()

    def newer() -> dict[str, object]:
        return {**asking(), "messages": [{"role": "user", "content": "My sink leaks a lot."}]}

    replies = ["First words here. Second ones follow. Third ones, too.", "Which unit?"]
    model = ScriptedClient(reply=replies, every_s=0.01)  # words that came together leave together
    async with a_house(model) as house:
        clogged = Clogged(house.app)
        older = asyncio.create_task(clogged.post(PATH, asking()))
        await clogged.heard.wait()
        call = house.brain.calls.get(CallId("c1"))
        answer = await house.http.post(PATH, json=newer())
        clogged.free.set()
        await older

    assert call is not None
    assert said_in(answer.text) == "Which unit?"
    assert said_in(clogged.text) == "First words here."


async def test_a_stream_that_breaks_ends_as_a_normal_one_in_words() -> None:
    class Breaking(ChatFrames):
        """Cannot write one word."""

        def text(self, text: str, *, waits: bool = False) -> bytes:
            if "unit" in text:
                raise ValueError("secret detail")
            return super().text(text, waits=waits)

    async with a_brain(ScriptedClient(reply="Sure. Which unit?")) as brain:
        call = await brain.calls.pick_up(CallId("c1"), Door.VAPI)
        live = await brain.calls.hear(call, an_utterance(), a_deadline())
        visitor = Visitor(SpokenTurn(brain.calls, call, live, Breaking("jamie")))
        await visitor.post(PATH, {})

    assert said_in(visitor.text) == f"Sure. {call.agent.fallbacks[0]}"
    assert "secret detail" not in visitor.text


async def test_what_is_logged_while_a_turn_is_said_names_its_call() -> None:
    class Listening(Visitor):
        async def _send(self, message: Message) -> None:
            about.append(call_id_var.get())
            await super()._send(message)

    about: list[str | None] = []
    async with a_house(ScriptedClient(reply="Which unit?")) as house:
        asked = {"stream": True, "user": "c1", "messages": [{"role": "user", "content": "My sink leaks."}]}
        await Listening(house.app).post("/v1/chat/completions", asked)

    assert len(about) > 1
    assert set(about) == {"c1"}


async def test_a_socket_that_breaks_ends_the_turn_quietly() -> None:
    class Broken(Visitor):
        async def _send(self, message: Message) -> None:
            raise BrokenPipeError

    stuck = Watched(reply="Sure. Which unit? I wonder", every_s=0.001)

    async with a_house(stuck) as house:
        await Broken(house.app).post(PATH, asking())
        call = house.brain.calls.get(CallId("c1"))

    assert call is not None
    assert call.live is not None
    assert call.live.finished


async def test_a_line_of_our_own_is_a_whole_stream_and_its_note_cannot_break_the_header() -> None:
    visitor = Visitor(Answering("jamie", stream=True).line(Chunk("Sorry?", "Sorry?"), "One\r\nX-Evil: 1 é."))
    await visitor.post(PATH, {})

    assert said_in(visitor.text) == "Sorry?"
    assert (b"x-offhook-problem", b"One X-Evil: 1 ?.") in visitor.sent[0]["headers"]


@pytest.mark.parametrize("steps", range(8))
async def test_a_request_that_is_stopped_while_its_client_leaves_ends_as_stopped(
    virtual_time: VirtualTime, steps: int
) -> None:
    left = asyncio.Event()

    async def receive() -> Message:
        await left.wait()
        return {"type": "http.disconnect"}

    asking = asyncio.create_task(while_there(receive, asyncio.sleep(60.0)))
    for _ in range(3):
        await asyncio.sleep(0)
    left.set()
    for _ in range(steps):  # of the loop: the client's leaving is noticed in some of them
        await asyncio.sleep(0)
    was_stopped = asking.cancel()
    await asyncio.wait([asking])

    assert asking.cancelled() is was_stopped
