"""Which call a request is about: the same one that its door finds."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.relay.ticket import Tickets
from handlers.whose import call_named
from tests.handlers.house import CALL_ID, WIRE, a_house, a_message, a_request
from voice.settings import load_settings
from voice.store.memory import MemoryStore
from voice.types import CallId

SID = "CA" + "0" * 32
MODEL, WEBHOOK, OPENAI, CHAT = "/vapi/chat/completions", "/vapi/webhook", "/v1/chat/completions", "/chat"
MESSAGES = sorted(path.stem for path in WIRE.glob("*.json"))
TALK: dict[str, Any] = {"messages": [{"role": "user", "content": "Hello"}]}


def tickets() -> Tickets:
    return Tickets(load_settings(twilio_auth_token="token"), MemoryStore(), b"a key of ours")


def named(
    path: str, body: object = b"", *, query: str = "", method: str = "POST", **headers: str
) -> str | None:
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "query_string": query.encode(),
        "headers": [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()],
    }
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return call_named(scope, raw, tickets())


@pytest.mark.parametrize(
    ("path", "body", "headers", "whose"),
    [
        (MODEL, TALK | {"call": {"id": "c1"}}, {}, "c1"),
        (MODEL, TALK | {"metadata": {"call": {"id": "c1"}}}, {}, "c1"),
        (MODEL, TALK | {"call": {"assistantOverrides": {"metadata": {"call_id": "c1"}}}}, {}, "c1"),
        (MODEL, TALK | {"callId": "c1"}, {}, "c1"),
        (MODEL, TALK, {"x_vapi_call_id": "c1"}, "c1"),
        (MODEL, TALK, {"x_call_id": "c1", "x_vapi_call_id": "c2"}, "c1"),
        (MODEL, TALK, {"x_call_id": " ", "x_vapi_call_id": "c1"}, "c1"),
        (MODEL, TALK | {"callId": "c1"}, {"x_call_id": "c2"}, "c1"),
        (MODEL, TALK, {}, None),
        ("/any/base/chat/completions/", TALK | {"call": {"id": "c1"}}, {}, "c1"),
        (WEBHOOK, {"message": {"type": "status-update", "call": {"id": "c1"}}}, {}, "c1"),
        (WEBHOOK, {"type": "status-update", "call": {"id": "c1"}}, {}, "c1"),
        (WEBHOOK, {"message": {"type": "status-update"}}, {"x_call_id": "c1"}, "c1"),
        (WEBHOOK, {"message": "Hello", "call_id": "c1"}, {}, "c1"),
        ("/vapi/a-path-key/webhook", {"message": {"type": "hang", "call": {"id": "c1"}}}, {}, "c1"),
        (OPENAI, TALK | {"user": "c1"}, {}, "c1"),
        (OPENAI, TALK | {"user": "c1", "metadata": {"call_id": "c2"}}, {}, "c2"),
        (OPENAI, TALK | {"user": "c1"}, {"x_call_id": "c3"}, "c3"),
        (OPENAI, TALK | {"user": "c1", "call": {"id": "c4"}}, {}, "c4"),
        (OPENAI, TALK, {}, None),
        (CHAT, {"message": "Hello", "call_id": "c1"}, {}, "c1"),
        (CHAT, {"message": "Hello"}, {}, None),
        ("/twilio/voice", f"CallSid={SID}&From=%2B1".encode(), {}, SID),
        ("/twilio/voice", b"From=%2B1", {}, None),
        ("/admin/calls/c1/say", {"text": "Hello"}, {}, "c1"),
    ],
)
def test_a_request_names_its_call(
    path: str, body: object, headers: dict[str, str], whose: str | None
) -> None:
    assert named(path, body, **headers) == whose


def test_a_call_is_named_in_a_query_and_in_a_path() -> None:
    assert named("/twilio/gather", query=f"CallSid={SID}", method="GET") == SID
    assert named("/admin/calls/c1", method="GET") == "c1"
    assert named("/admin/calls", method="GET") is None


def test_a_relay_socket_is_its_tickets_call() -> None:
    ticket = tickets().issue(CallId(SID), "jamie")

    scope = {"type": "websocket", "path": f"/twilio/relay/{ticket}", "query_string": b"", "headers": []}

    assert call_named(scope, b"", tickets()) == SID


@pytest.mark.parametrize("body", [b"", b"{", b"[1]", b'{"call": 1}', b"\xff\xfe", b'{"call_id": " "}'])
@pytest.mark.parametrize("path", [MODEL, WEBHOOK, OPENAI, CHAT, "/twilio/voice", "/nowhere", "/admin/calls/"])
def test_what_cannot_be_read_names_nobody(path: str, body: bytes) -> None:
    assert named(path, body) is None


@pytest.mark.parametrize("name", MESSAGES)
async def test_it_is_the_call_that_the_door_picks_up(name: str) -> None:
    message = a_message(name)
    path = MODEL if "messages" in message else WEBHOOK

    async with a_house() as house:
        await house.http.post(path, json=message)
        picked = [event.call_id for event in house.events if hasattr(event, "call_id")]

    assert named(path, message) in {CALL_ID, None}
    assert named(path, message) is None or set(picked) <= {CALL_ID}


async def test_a_turns_call_is_the_one_it_names() -> None:
    asked = a_request("Hello")

    async with a_house() as house:
        await house.http.post(MODEL, json=asked)
        live = house.brain.calls.get(CallId(str(named(MODEL, asked))))

    assert live is not None
