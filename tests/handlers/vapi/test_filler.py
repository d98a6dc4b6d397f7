"""A filler that Vapi really speaks: long enough, ended as a sentence, never flushed, well joined."""

from __future__ import annotations

import asyncio
import json
import re
from dataclasses import dataclass, field

import httpx
import pytest
from starlette.types import Message

from handlers.wire.openai import ChatFrames
from tests.conftest import VirtualTime
from tests.handlers.house import Visitor, a_house, a_request, said_in
from voice.models.scripted import ScriptedClient
from voice.simulate.vapi.line import VapiLine
from voice.types import Door

PATH = "/vapi/chat/completions"
MARK = re.compile(r"[.!?;,:](?=\s)")  # Vapi's boundaries; inside "3.5" there is none


@dataclass
class Ear(Visitor):
    """Hears a stream as Vapi speaks it: no piece before it has 30 characters and ends at a mark."""

    spoken: list[tuple[float, str]] = field(default_factory=list)
    _held: str = ""

    async def _send(self, message: Message) -> None:
        await super()._send(message)
        for frame in message.get("body", b"").decode().split("\n\n"):
            if frame.startswith("data: {"):
                self._take(json.loads(frame.removeprefix("data: "))["choices"][0])

    def _take(self, choice: dict[str, dict[str, str]]) -> None:
        self._held += choice["delta"].get("content", "")
        ends = [mark.end() for mark in MARK.finditer(self._held) if mark.end() >= Door.VAPI.holds_chars]
        end = len(self._held) if choice["finish_reason"] else max(ends, default=0)
        if self._held[:end].strip():
            self.spoken.append((asyncio.get_running_loop().time(), self._held[:end]))
        self._held = self._held[end:]


async def test_a_filler_is_heard_by_the_deadline_though_nothing_follows_yet(
    virtual_time: VirtualTime,
) -> None:
    async with a_house(ScriptedClient(reply="Somebody comes today, about noon.", first_s=2.2)) as house:
        ear = Ear(house.app)
        began_s = virtual_time.elapsed_s
        await ear.post(PATH, a_request("My sink leaks."))
        fillers = house.brain.agents.default.fillers_for["request"]

    (at, first), *rest = ear.spoken
    assert at - began_s <= 1.2
    assert first in fillers
    assert "".join(words for _, words in rest) == " Somebody comes today, about noon."
    assert said_in(ear.text) == f"{first} Somebody comes today, about noon."


async def test_the_strict_line_hears_a_filler_and_the_answer_as_one_reply(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Somebody comes today.", first_s=2.2)
    async with a_house(model) as house:
        transport = httpx.ASGITransport(house.app, client=("127.0.0.1", 50000))
        async with httpx.AsyncClient(transport=transport) as http:
            line = VapiLine("http://127.0.0.1:8000/vapi", greeting="Hello.", http=http)
            await line.dial()
            turn = await line.say("My sink leaks.")
            await line.hang_up()
        fillers = house.brain.agents.default.fillers_for["request"]

    assert turn.heard in [f"{one} Somebody comes today." for one in fillers]


@pytest.mark.parametrize("tag", ["<flush />", "<flush>", "</flush>", "< FLUSH />"])
async def test_a_flush_that_a_model_writes_does_not_reach_vapi(tag: str) -> None:
    async with a_house(ScriptedClient(reply=f"One moment. {tag} Which unit?")) as house:
        answer = await house.http.post(PATH, json=a_request("My sink leaks."))

    assert "flush" not in answer.text.lower()
    assert said_in(answer.text) == "One moment. Which unit?"


ENDS = [
    ("One moment, let me look into that.", "One moment, let me look into that. "),
    ("One moment, let me look into that…", "One moment, let me look into that. "),
    ("One moment, let me look into that", "One moment, let me look into that. "),
    ("Let me see, one second please —", "Let me see, one second please. "),
    ("Could you hold on for one second?", "Could you hold on for one second? "),
]


@pytest.mark.parametrize(("line", "sent"), ENDS)
def test_a_filler_ends_so_that_it_is_spoken_and_joins_what_follows(line: str, sent: str) -> None:
    frames = ChatFrames("jamie")
    pieces = [
        json.loads(frame.removeprefix(b"data: "))["choices"][0]["delta"]["content"]
        for frame in (
            frames.text("Well."),
            frames.text(line, waits=True),
            frames.text("Noon."),
            frames.text("Ok."),
        )
    ]

    assert pieces == ["Well.", f" {sent}", "Noon.", " Ok."]
