"""Vapi's side of a call, played: the whole conversation each turn, and a strict reader of streams."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.conftest import VirtualTime
from tests.handlers.twilio_door import a_door
from voice.errors import BadRequest
from voice.models.scripted import ScriptedClient
from voice.simulate.caller import play
from voice.simulate.chat import ChatLine
from voice.simulate.script import AC_REPAIR
from voice.simulate.vapi.line import VapiLine
from voice.store.memory import MemoryStore
from voice.types import CallId

BASE = "http://127.0.0.1:8000/vapi"


def frame(content: str | None = None, finish: str | None = None) -> str:
    delta = {} if content is None else {"content": content}
    return json.dumps({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})


def stream(*frames: str) -> bytes:
    return "".join(f"data: {one}\n\n" for one in frames).encode()


GOOD = (frame("Which "), frame("unit?"), frame(finish="stop"), "[DONE]")


def a_server(
    body: bytes = stream(*GOOD), kind: str = "text/event-stream", asked: list[httpx.Request] | None = None
) -> httpx.AsyncClient:
    def handle(request: httpx.Request) -> httpx.Response:
        if asked is not None:
            asked.append(request)
        if request.url.path.endswith("/webhook"):
            return httpx.Response(200, json={"assistant": {"firstMessage": "This is Jamie."}})
        return httpx.Response(200, content=body, headers={"Content-Type": kind})

    return httpx.AsyncClient(transport=httpx.MockTransport(handle))


async def test_a_whole_call_goes_through_the_vapi_doors(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(
        reply=[f"Answer {word}." for word in ("one", "two", "three", "four", "five")], first_s=0.3
    )
    store = MemoryStore()
    async with a_door(model, store=store, vapi_secret="s3cret") as door:
        line = VapiLine(BASE, secret="s3cret", http=door.http)
        report = await play(line, AC_REPAIR)

    assert report.good, report
    assert "this is Jamie" in report.greeting
    assert [turn.heard for turn in report.turns][-1] == "Answer five."
    assert len(model.asked) == 5
    stored = await store.find(CallId(line.call_id))
    assert stored is not None
    assert [turn.said for turn in stored.turns] == list(AC_REPAIR.says)
    assert stored.record.ended_on is not None


async def test_a_chat_goes_through_its_door(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit are you in? I can help.", first_s=0.3)
    async with a_door(model) as door:
        report = await play(ChatLine("http://127.0.0.1:8000", http=door.http), AC_REPAIR)

    assert report.good, report
    assert report.turns[0].heard == "Which unit are you in? I can help."
    assert [part.text for part in model.asked[-1].messages if part.role == "user"] == list(AC_REPAIR.says)


async def test_each_turn_sends_the_whole_conversation_again_as_it_was_heard() -> None:
    asked: list[httpx.Request] = []
    async with a_server(asked=asked) as http:
        line = VapiLine(
            BASE, secret="s", system="Be kind.", http=http, retell=lambda text: text.lower().rstrip(".?")
        )
        greeting = await line.dial()
        await line.say("Hi.")
        turn = await line.say("Unit 4B.")
        await line.hang_up()
        await line.hang_up()

    kinds = [json.loads(one.content)["message"]["type"] for one in asked if one.url.path.endswith("/webhook")]
    body: dict[str, Any] = json.loads(
        [one for one in asked if one.url.path.endswith("/completions")][-1].content
    )
    assert greeting == "This is Jamie."
    assert turn.heard == "Which unit?"
    assert kinds == ["assistant-request", "status-update", "status-update", "end-of-call-report"]
    assert [(one["role"], one["content"]) for one in body["messages"]] == [
        ("system", "Be kind."),
        ("assistant", "this is jamie"),
        ("user", "Hi."),
        ("assistant", "which unit"),
        ("user", "Unit 4B."),
    ]
    assert body["metadata"] == {"numAssistantTurns": 2, "numUserTurns": 2}
    assert body["stream"] is True
    assert body["call"]["id"] == line.call_id
    assert {one.headers.get("x-vapi-secret", one.headers.get("authorization")) for one in asked} == {
        "s",
        "Bearer s",
    }


async def test_a_given_greeting_asks_for_no_assistant() -> None:
    asked: list[httpx.Request] = []
    async with a_server(asked=asked) as http:
        line = VapiLine(BASE, greeting="Hello there.", http=http)
        greeting = await line.dial()

    assert greeting == "Hello there."
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("frames", "why"),
    [
        ((), r"without \[DONE\]"),
        ((frame("Hi"), frame(finish="stop")), r"without \[DONE\]"),
        ((frame("Hi"), "[DONE]"), "without a finish_reason"),
        (('{"error": {"message": "busy"}}',), "no choices"),
        (('{"choices": null}',), "no choices"),
        (("{oops",), "not JSON"),
        ((frame("Hi", "stop"), frame("more"), "[DONE]"), "words follow"),
        ((*GOOD, frame("more")), r"follows \[DONE\]"),
    ],
)
async def test_a_stream_that_would_end_a_real_call_is_refused(frames: Sequence[str], why: str) -> None:
    async with a_server(stream(*frames)) as http:
        line = VapiLine(BASE, greeting="", http=http)
        with pytest.raises(BadRequest, match=why):
            await line.say("Hi.")


@pytest.mark.parametrize(
    ("body", "kind", "why"),
    [
        (stream(*GOOD), "application/json", "application/json"),
        (b"Which unit?\n\n", "text/event-stream", "no event"),
        (stream(*GOOD) + b"data: half", "text/event-stream", "within an event"),
    ],
)
async def test_what_is_no_event_stream_is_refused(body: bytes, kind: str, why: str) -> None:
    async with a_server(body, kind) as http:
        with pytest.raises(BadRequest, match=why):
            await VapiLine(BASE, greeting="", http=http).say("Hi.")


async def test_comments_empty_deltas_and_flush_tags_are_no_words() -> None:
    body = b": keep-alive\n\n" + stream(frame(""), frame("One moment. <flush />"), frame("Here."), *GOOD[2:])
    async with a_server(body) as http:
        turn = await VapiLine(BASE, greeting="", http=http).say("Hi.")

    assert turn.heard == "One moment. Here."


async def test_a_reply_without_words_is_silent_and_late() -> None:
    async with a_server(stream(frame("  "), *GOOD[2:])) as http:
        turn = await VapiLine(BASE, greeting="", http=http).say("Hi.")

    assert turn.silent
    assert turn.late
    assert turn.ttfc_ms is None
