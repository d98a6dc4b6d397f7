"""Vapi's custom LLM door on bad days: whatever goes wrong, the caller hears a sentence."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.handlers.house import a_house, a_message, a_request, said_in
from voice.errors import RouteDown
from voice.events import RequestRefused
from voice.models.scripted import ScriptedClient

PATH = "/vapi/chat/completions"

WRONG: list[tuple[str, bytes]] = [
    ("no JSON", b"{"),
    ("half UTF-8", b'{"model": "\xc3"}'),
    ("a list", b"[]"),
    ("empty", b""),
    ("no messages", b"{}"),
    ("messages are text", b'{"messages": "hello"}'),
    ("a message is text", b'{"messages": ["hello"]}'),
    ("a role is a number", b'{"messages": [{"role": 7, "content": "hi"}]}'),
    ("plain words", b'{"message": "hello"}'),
]


@pytest.mark.parametrize(("name", "body"), WRONG, ids=[name for name, _ in WRONG])
async def test_a_body_that_cannot_be_read_is_answered_in_words(name: str, body: bytes) -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, content=body)
        agent = house.brain.agents.default

    assert answer.status_code == 200
    assert said_in(answer.text) == agent.fallbacks[0]
    assert answer.headers["x-offhook-problem"].endswith(".")
    assert RequestRefused("vapi", 400, "BadRequest") in house.events


ODD_ENTRIES: list[object] = [
    None,
    "hello",
    7,
    ["user", "hello"],
    {},
    {"content": "hello"},
    {"role": None, "content": "hello"},
    {"role": ["user"], "content": "hello"},
    {"role": "narrator", "content": "It rains."},
]


@pytest.mark.parametrize("entry", ODD_ENTRIES)
@pytest.mark.parametrize("path", [PATH, "/v1/chat/completions", "/vapi/webhook"])
async def test_an_odd_entry_among_the_messages_costs_the_caller_nothing(path: str, entry: object) -> None:
    model = ScriptedClient(reply="Which unit?")
    talk = [entry, {"role": "user", "content": "My sink leaks."}, entry]

    async with a_house(model) as house:
        answer = await house.http.post(path, json=a_request(messages=talk))

    assert said_in(answer.text) == "Which unit?"
    assert "x-offhook-problem" not in answer.headers
    assert [message.role for message in model.asked[0].messages] == ["system", "user"]


async def test_a_transcript_that_was_cut_in_half_of_an_emoji_is_answered() -> None:
    model = ScriptedClient(reply="Which unit?")
    body = json.dumps(a_request("My sink leaks \ud83d"))  # as JSON.stringify writes it

    async with a_house(model) as house:
        answer = await house.http.post(PATH, content=body)

    assert said_in(answer.text) == "Which unit?"
    assert model.asked[0].messages[-1].text == "My sink leaks"


async def test_when_all_lines_are_busy_the_caller_is_told() -> None:
    async with a_house(max_calls=1) as house:
        await house.http.post(PATH, json=a_request("Hello.", call={"id": "c1"}))
        answer = await house.http.post(PATH, json=a_request("Hello.", call={"id": "c2"}))
        agent = house.brain.agents.default

    assert said_in(answer.text) == agent.busy
    assert RequestRefused("vapi", 503, "LinesBusy") in house.events


async def test_when_no_route_answers_the_caller_hears_a_fallback() -> None:
    async with a_house(ScriptedClient(fails=RouteDown("gone"))) as house:
        answer = await house.http.post(PATH, json=a_request("My sink leaks."))
        agent = house.brain.agents.default

    assert said_in(answer.text) == agent.fallbacks[0]


async def test_the_secret_is_taken_bearer_or_bare_and_under_either_name() -> None:
    async with a_house(vapi_secret="s3cret") as house, house.from_elsewhere() as http:
        for headers in (
            {"Authorization": "Bearer s3cret"},
            {"Authorization": "s3cret"},
            {"X-Vapi-Secret": "s3cret"},
        ):
            answer = await http.post(PATH, json=a_request("My sink leaks."), headers=headers)
            assert answer.status_code == 200, headers
        missing = await http.post(PATH, json=a_request("My sink leaks."))
        wrong = await http.post(PATH, json=a_request("Hello."), headers={"X-Vapi-Secret": "s3cre"})

    assert (missing.status_code, wrong.status_code) == (401, 403)
    assert missing.json()["error"]["message"] == wrong.json()["error"]["message"] == "Not authorised."


@pytest.mark.parametrize("path", [PATH, "/chat/completions", "/k3y/chat/completions/"])
@pytest.mark.parametrize("announced", [True, False])
async def test_a_caller_with_a_long_history_hears_an_excuse_and_not_the_end(
    path: str, announced: bool
) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield json.dumps(a_request("x" * 10_000)).encode()

    async with a_house(max_body_bytes=10_000) as house:
        given: Any = {"json": a_request("x" * 10_000)} if announced else {"content": pieces()}
        answer = await house.http.post(path, **given)
        refused = await house.http.post("/v1/chat/completions", json=a_request("x" * 10_000))

    assert answer.status_code == 200
    assert said_in(answer.text) == house.brain.agents.default.fallbacks[0]
    assert answer.headers["X-Offhook-Problem"] == "The body is too large; the limit is 10000 bytes."
    assert refused.status_code == 413


async def test_a_server_message_that_was_sent_here_is_answered_as_one() -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_message("assistant_request"))

    assert answer.json()["assistant"]["model"]["provider"] == "custom-llm"
