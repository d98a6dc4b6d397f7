"""Frames that Twilio would not send, in any order: nothing crashes, and no call is stuck."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handlers.relay.socket import MAX_BAD, NONSENSE
from tests.conftest import VirtualTime
from tests.handlers.relay_line import LIMIT_S, Socket, a_relay_call, frame
from voice.models.scripted import ScriptedClient
from voice.simulate.virtual_time import VirtualLoop
from voice.types import ToolCall

RECORDED = [
    "setup",
    "prompt",
    "prompt_partial",
    "interrupt",
    "dtmf",
    "error",
    "info_speaking",
    "info_played",
]
ODD: list[Any] = [None, True, False, 0, -1, 1e308, 10**30, "", " ", "\x00", "x" * 5000, "on", "off", "#"]
ODD += [[], {}, [[]], [None], {"a": {}}, "nan", "prompt", "interrupt", "en", "es", "Which unit are you in?"]
RAW = ["", " ", "{", "null", "[]", "7", '"a"', '{"type": null}', '{"type": "later"}', '{"type": "prompt"}']
RAW += [
    '{"type": "prompt", "voicePrompt": "\\ud83d"}',
    "\u2028",
    "[" * 3000,
    '{"type": "dtmf", "digit": NaN}',
]
CALLS = (ToolCall("1", "end_call", "{}"), ToolCall("1", "transfer", '{"target": "desk"}'))


@st.composite
def frames(draw: st.DrawFn) -> str:
    """One frame: as recorded, with some of its values changed, or nothing that means anything."""
    if draw(st.integers(0, 4)) == 0:
        return draw(st.sampled_from(RAW))
    found = copy.deepcopy(frame(draw(st.sampled_from(RECORDED))))
    for _ in range(draw(st.integers(0, 3))):
        key = draw(st.sampled_from(sorted(found) or ["type"]))
        if draw(st.booleans()):
            found.pop(key, None)
        else:
            found[key] = draw(st.sampled_from(ODD))
    return json.dumps(found)


Step = str | float  # a frame, or a time that passes
STEPS = st.lists(st.one_of(frames(), st.sampled_from([0.1, 1.0, 5.0, 20.0])), max_size=14)


async def is_answered(socket: Socket) -> bool:
    """Whether the caller hears something, or the session ends in order."""
    before = len(socket.sent)
    socket.say("Hello, are you there?")
    try:
        await socket.until(lambda: len(socket.sent) > before or socket.status == "over", LIMIT_S)
    except TimeoutError:
        return False
    return True


async def play(steps: list[Step], tools: tuple[ToolCall, ...]) -> bool:
    model = ScriptedClient(reply="I can help. Which unit are you in?", every_s=0.05, tool_calls=tools)
    async with a_relay_call(model) as (_, socket):
        for step in steps:
            if isinstance(step, float):
                await asyncio.sleep(step)
            else:
                socket.send(step)
        return await is_answered(socket)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS, tools=st.sampled_from([(), CALLS[:1], CALLS[1:]]))
def test_whatever_comes_the_caller_is_answered(steps: list[Step], tools: tuple[ToolCall, ...]) -> None:
    crashes: list[logging.LogRecord] = []
    watching = Crashes(crashes)
    logging.getLogger("handlers").addHandler(watching)
    try:
        with asyncio.Runner(loop_factory=VirtualLoop) as runner:
            is_heard = runner.run(play(steps, tools))
    finally:
        logging.getLogger("handlers").removeHandler(watching)

    assert is_heard
    assert [record.getMessage() for record in crashes] == []


class Crashes(logging.Handler):
    """Keeps the lines with a traceback."""

    def __init__(self, kept: list[logging.LogRecord]) -> None:
        super().__init__(logging.ERROR)
        self._kept = kept

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info:
            self._kept.append(record)


@pytest.mark.parametrize("raw", RAW)
async def test_one_odd_frame_costs_nothing(virtual_time: VirtualTime, raw: str) -> None:
    async with a_relay_call(ScriptedClient(reply="Which unit?")) as (_, socket):
        socket.send(raw)
        socket.say("My sink leaks.")
        await socket.closes_a_talk()

        assert socket.words.strip() == "Which unit?"


async def test_whoever_sends_nothing_but_nonsense_is_left(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient()) as (_, socket):
        for _ in range(MAX_BAD):
            socket.send("{")
        await socket.until(lambda: socket.status == "over")

    assert socket.close_code == NONSENSE
    assert socket.sent == []


async def test_no_error_is_ever_sent_back(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient()) as (_, socket):
        socket.send("{")
        socket.send({"type": "prompt", "voicePrompt": {"a": 1}})
        socket.send(frame("error"))
        await asyncio.sleep(1.0)

        assert socket.sent == []


async def test_a_frame_in_bytes_is_read_as_text(virtual_time: VirtualTime) -> None:
    async with a_relay_call(ScriptedClient(reply="Which unit?")) as (_, socket):
        socket.send(json.dumps(frame("prompt")).encode())
        socket.send(b"\xff\xfe{")
        await socket.closes_a_talk()

        assert socket.words.strip() == "Which unit?"
