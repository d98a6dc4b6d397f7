"""A caller who speaks over the agent: the request is given up, the next one tells what was heard."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from tests.conftest import VirtualTime
from voice.simulate.aloud import Aloud
from voice.simulate.chat import ChatLine
from voice.simulate.vapi.line import VapiLine

BASE = "http://127.0.0.1:8000"


def vapi_frame(words: str | None, finish: str | None = None) -> str:
    delta = {} if words is None else {"content": words}
    return f"data: {json.dumps({'choices': [{'index': 0, 'delta': delta, 'finish_reason': finish}]})}\n\n"


def chat_frame(words: str | None) -> str:
    return "event: done\ndata: {}\n\n" if words is None else f'event: chunk\ndata: {{"text": "{words}"}}\n\n'


class Server:
    """Answers every request with two clauses, the second one `apart_s` after the first."""

    def __init__(self, frame: Callable[[str | None], str], *end: str, apart_s: float = 2.0) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.given_up = 0
        self._frame, self._end, self._apart_s = frame, end, apart_s
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.bodies.append(json.loads(request.content))
        return httpx.Response(200, headers={"Content-Type": "text/event-stream"}, content=self._stream())

    async def _stream(self) -> AsyncIterator[bytes]:
        try:
            await asyncio.sleep(0.3)
            yield self._frame("Which unit are you in?").encode()
            await asyncio.sleep(self._apart_s)
            yield self._frame(" I can help.").encode()
            yield "".join(self._end or (self._frame(None),)).encode()
        except (asyncio.CancelledError, GeneratorExit):
            self.given_up += 1
            raise


def a_vapi_server(apart_s: float = 2.0) -> Server:
    return Server(vapi_frame, vapi_frame(None, "stop"), "data: [DONE]\n\n", apart_s=apart_s)


async def spoken_over(line: VapiLine | ChatLine, words: str, after_s: float) -> None:
    """Speak, and again after so long."""
    saying = asyncio.create_task(line.say(words))
    await asyncio.sleep(after_s)
    saying.cancel()
    await asyncio.wait({saying})
    assert saying.cancelled()


def told(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(one["role"], one["content"]) for one in body["messages"]]


async def test_the_next_request_tells_only_what_was_heard(virtual_time: VirtualTime) -> None:
    server = a_vapi_server()
    line = VapiLine(f"{BASE}/vapi", greeting="", http=server.http)
    line.aloud = Aloud(chars_per_s=10.0)

    await spoken_over(line, "My sink leaks.", after_s=1.4)  # 1.1 s of the first clause
    await line.say("Wait, I meant the tap.")

    assert told(server.bodies[-1]) == [
        ("user", "My sink leaks."),
        ("assistant", "Which unit"),
        ("user", "Wait, I meant the tap."),
    ]
    assert server.given_up == 1
    assert line.cut is not None
    assert (line.cut.said, line.cut.heard, line.cut.cut) == ("My sink leaks.", "Which unit", True)
    assert (line.cut.ttfc_ms, line.cut.late, line.cut.silent) == (300.0, False, False)


async def test_a_reply_that_has_come_whole_can_be_spoken_over_while_it_is_said(
    virtual_time: VirtualTime,
) -> None:
    server = a_vapi_server(apart_s=0.0)
    line = VapiLine(f"{BASE}/vapi", greeting="", http=server.http)
    line.aloud = Aloud(chars_per_s=10.0)

    await spoken_over(line, "My sink leaks.", after_s=3.0)
    await line.say("Okay.")

    assert told(server.bodies[-1])[1] == ("assistant", "Which unit are you in? I can")
    assert server.given_up == 0
    assert line.cut is not None
    assert line.cut.total_ms == 3000.0


async def test_with_a_pace_a_turn_lasts_as_long_as_it_is_spoken_and_is_timed_as_it_came(
    virtual_time: VirtualTime,
) -> None:
    server = a_vapi_server(apart_s=0.0)
    line = VapiLine(f"{BASE}/vapi", greeting="", http=server.http)
    line.aloud = Aloud(chars_per_s=10.0)

    turn = await line.say("My sink leaks.")

    assert virtual_time.elapsed_s == pytest.approx(0.3 + 2.2 + 1.1)
    assert (turn.total_ms, turn.heard, turn.cut) == (300.0, "Which unit are you in? I can help.", False)


async def test_a_reply_that_was_cut_before_a_word_is_told_by_nobody(virtual_time: VirtualTime) -> None:
    server = a_vapi_server()
    line = VapiLine(f"{BASE}/vapi", greeting="", http=server.http)

    await spoken_over(line, "My sink", after_s=0.2)
    await line.say("My sink leaks.")

    assert told(server.bodies[-1]) == [("user", "My sink"), ("user", "My sink leaks.")]
    assert line.cut is not None
    assert (line.cut.heard, line.cut.ttfc_ms, line.cut.late, line.cut.silent) == ("", None, False, False)


async def test_a_caller_who_gave_up_after_the_budget_was_kept_waiting(virtual_time: VirtualTime) -> None:
    server = a_vapi_server()
    line = VapiLine(f"{BASE}/vapi", greeting="", budget_s=0.1, http=server.http)

    await spoken_over(line, "My sink leaks.", after_s=0.2)

    assert line.cut is not None
    assert line.cut.late


async def test_a_chat_is_cut_where_its_words_had_come_to(virtual_time: VirtualTime) -> None:
    server = Server(chat_frame)
    line = ChatLine(BASE, http=server.http)

    await spoken_over(line, "My sink leaks.", after_s=1.0)
    turn = await line.say("Okay.")

    assert line.cut is not None
    assert (line.cut.heard, line.cut.cut) == ("Which unit are you in?", True)
    assert server.given_up == 1
    assert turn.heard == "Which unit are you in? I can help."
    assert turn.gap_ms == 2000.0
