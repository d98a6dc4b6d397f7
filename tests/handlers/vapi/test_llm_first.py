"""Vapi's custom LLM door: the first message, and what comes along in each metadataSendMode."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers.house import CALL_ID, a_house, a_message, a_request, said_in
from voice.errors import RouteDown
from voice.models.scripted import ScriptedClient
from voice.turn.prompt import SPEAK_FIRST
from voice.types import CallId

PATH = "/vapi/chat/completions"
BY_MODEL = "assistant-speaks-first-with-model-generated-message"
MODES = ["chat_request", "chat_request_destructured", "chat_request_off", "chat_request_2024"]


@pytest.mark.parametrize("name", MODES)
async def test_every_metadata_mode_is_answered(name: str) -> None:
    model = ScriptedClient(reply="Which unit?")

    async with a_house(model) as house:
        answer = await house.http.post(PATH, json=a_message(name))
        call = house.brain.calls.get(CALL_ID)

    assert said_in(answer.text) == "Which unit?"
    assert [one.role for one in model.asked[0].messages] == ["system", "assistant", "user"]
    assert (call is None) == (name == "chat_request_off")  # then nothing names it, and it ends with its turn
    assert call is None or call.record.caller == "+14155550100"


async def test_without_metadata_a_header_still_names_the_call() -> None:
    async with a_house() as house:
        for header in ("X-Call-Id", "X-Vapi-Call-Id"):
            await house.http.post(PATH, json=a_message("chat_request_off"), headers={header: header})

        assert house.brain.calls.get(CallId("X-Call-Id"))
        assert house.brain.calls.get(CallId("X-Vapi-Call-Id"))


@pytest.mark.parametrize("counts", [(1, 1), ("1", "1"), (1.0, 1.0)])
async def test_counters_tell_a_repeat_however_they_are_written(counts: tuple[Any, Any]) -> None:
    model = ScriptedClient(reply=["First.", "Second."])
    body = a_request("Yes.", metadata={"numAssistantTurns": counts[0], "numUserTurns": counts[1]})
    plain = a_request("Yes.", numAssistantTurns=1, numUserTurns=1)

    async with a_house(model) as house:
        await house.http.post(PATH, json=body)
        again = await house.http.post(PATH, json=plain)

    assert said_in(again.text) == "First."


async def test_the_model_writes_the_first_message_when_the_assistant_asks_for_it() -> None:
    model = ScriptedClient(reply=["Hello, Maple Court, this is Jamie.", "Which unit?"])
    heard = {"role": "assistant", "content": "hello maple court this is jamie"}
    words = {"role": "user", "content": "My sink leaks."}

    async with a_house(model) as house:
        first = await house.http.post(PATH, json=a_message("chat_request_first_message"))
        again = await house.http.post(PATH, json=a_message("chat_request_first_message"))
        second = await house.http.post(PATH, json=a_message("chat_request") | {"messages": [heard, words]})

    assert said_in(first.text) == said_in(again.text) == "Hello, Maple Court, this is Jamie."
    assert said_in(second.text) == "Which unit?"
    assert model.asked[0].messages[-1].text == SPEAK_FIRST
    assert [(one.role, one.text) for one in model.asked[1].messages[1:]] == [
        ("assistant", "Hello, Maple Court, this is Jamie."),
        ("user", "My sink leaks."),
    ]


PLACES: list[dict[str, Any]] = [
    {"call": {"id": CALL_ID, "assistant": {"firstMessageMode": BY_MODEL}}},
    {"assistant": {"firstMessageMode": BY_MODEL}},
    {"metadata": {"firstMessageMode": BY_MODEL}},
    {"firstMessageMode": BY_MODEL},  # destructured
    {"metadata": {"numAssistantTurns": 0, "numUserTurns": 0}},  # no mode, only Vapi's counters
    {"numAssistantTurns": 0, "numUserTurns": 0},
]


@pytest.mark.parametrize("asked", PLACES)
async def test_the_wish_is_found_wherever_it_stands(asked: dict[str, Any]) -> None:
    async with a_house(ScriptedClient(reply="Hi there.")) as house:
        answer = await house.http.post(PATH, json=a_request(messages=[], **asked))

    assert said_in(answer.text) == "Hi there."


GREETED: list[dict[str, Any]] = [
    {},
    {"metadata": {"numAssistantTurns": 0}},
    {"metadata": {"numAssistantTurns": 1, "numUserTurns": 0}},
    {"metadata": {"numAssistantTurns": 0, "numUserTurns": 0, "firstMessageMode": "assistant-speaks-first"}},
    {"numAssistantTurns": 0, "numUserTurns": 0, "firstMessageMode": "assistant-waits-for-user"},
]


@pytest.mark.parametrize("asked", GREETED)
async def test_without_such_a_wish_the_caller_hears_the_greeting(asked: dict[str, Any]) -> None:
    async with a_house(ScriptedClient(reply="Hi there.")) as house:
        answer = await house.http.post(PATH, json=a_request(messages=[], **asked))
        greeting = house.brain.agents.default.greeting

    assert said_in(answer.text) == greeting


DESTRUCTURED: list[dict[str, Any]] = [
    {"type": "tenant"},
    {"type": None},
    {"type": ["tenant"]},
    {"type": "tenant", "message": "Be kind to this one."},
    {"message": {"of": "the day"}},
    {"message": None, "status": "ended"},
]


@pytest.mark.parametrize("path", [PATH, "/vapi/webhook"])
@pytest.mark.parametrize("metadata", DESTRUCTURED)
async def test_a_turn_is_answered_whatever_an_assistants_own_metadata_is_called(
    path: str, metadata: dict[str, Any]
) -> None:
    async with a_house(ScriptedClient(reply="Which unit?")) as house:
        answer = await house.http.post(path, json=a_message("chat_request_destructured") | metadata)

    assert said_in(answer.text) == "Which unit?"


@pytest.mark.parametrize("wrapper", ["message", "messsage", None])
@pytest.mark.parametrize("path", [PATH, "/vapi/webhook"])
async def test_a_server_message_with_the_calls_messages_in_it_is_no_turn(
    path: str, wrapper: str | None
) -> None:
    told = a_message("conversation_update")["message"]
    body = {**told, "messages": told.get("messages", [])}

    async with a_house() as house:
        answer = await house.http.post(path, json={wrapper: body, "messages": []} if wrapper else body)

    assert answer.json() == {}


async def test_a_first_message_that_no_model_writes_is_the_agents_greeting() -> None:
    async with a_house(ScriptedClient(fails=RouteDown("gone"))) as house:
        spoken = await house.http.post(PATH, json=a_message("chat_request_first_message"))
        whole = await house.http.post(PATH, json=a_message("chat_request_first_message") | {"stream": False})
        greeting = house.brain.agents.default.greeting

    assert said_in(spoken.text) == greeting
    assert whole.json()["choices"][0]["message"]["content"] == greeting


async def test_an_interrupted_first_message_is_remembered_as_far_as_it_was_heard() -> None:
    model = ScriptedClient(reply=["Hello, Maple Court. We are open until five today.", "Which unit?"])
    talk = [
        {"role": "assistant", "content": "Hello, Maple Court."},
        {"role": "user", "content": "My sink leaks."},
    ]

    async with a_house(model) as house:
        await house.http.post(PATH, json=a_message("chat_request_first_message"))
        await house.http.post(PATH, json=a_message("chat_request") | {"messages": talk})

    assert [one.text for one in model.asked[1].messages if one.role == "assistant"] == ["Hello, Maple Court"]
