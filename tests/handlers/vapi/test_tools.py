"""Tools that Vapi asks for: each is run once, whatever its shape, and each gets a result."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from vapi.types import ServerMessageResponseToolCalls

from handlers.wire.openai import ChatRequest
from handlers.wire.reading import MAX_MESSAGES
from handlers.wire.vapi import VapiChatRequest
from handlers.wire.vapi_tools import MAX_TOOLS, tool_requests
from tests.handlers.house import CALL_ID, a_house, a_message, in_shape, notes_of
from voice.events import ToolUsed

PATH = "/vapi/webhook"

SHAPES = [
    "tool_calls_object",
    "tool_calls_text",
    "tool_calls_function_parameters",
    "tool_calls_arguments",
    "tool_calls_parameters",
    "tool_calls_with_tool",
    "tool_calls_hook",
]


@pytest.mark.parametrize("shape", SHAPES)
async def test_a_tool_is_run_whatever_shape_its_arguments_have(shape: str) -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_message(shape))
        tickets = await notes_of(house, "ticket")

    found = in_shape(ServerMessageResponseToolCalls, answer)
    assert found.results is not None
    assert [(one.name, one.error) for one in found.results] == [("ticket", None)]
    assert (found.results[0].result or "").endswith("is open: The sink leaks.")
    assert found.results[0].tool_call_id in {"call_1", "hook-function-call"}
    assert [ticket["unit"] for ticket in tickets] == ["4b"]


async def test_a_message_that_comes_twice_acts_once() -> None:
    async with a_house() as house:
        first = await house.http.post(PATH, json=a_message("tool_calls_object"))
        again = await house.http.post(PATH, json=a_message("tool_calls_object"))
        tickets = await notes_of(house, "ticket")

    assert first.json() == again.json()
    assert len(tickets) == 1


async def test_two_hooks_of_one_call_act_twice_under_their_one_id() -> None:
    first, second = a_message("tool_calls_hook"), a_message("tool_calls_hook")
    second["message"]["timestamp"] += 60_000

    async with a_house() as house:
        await house.http.post(PATH, json=first)
        await house.http.post(PATH, json=first)
        await house.http.post(PATH, json=second)
        tickets = await notes_of(house, "ticket")

    assert len(tickets) == 2


async def test_tools_that_cannot_be_used_say_so_under_their_own_ids_on_one_line() -> None:
    def asked(number: int, name: str, arguments: object) -> dict[str, Any]:
        return {"id": f"call_{number}", "function": {"name": name, "arguments": arguments}}

    listed = [
        asked(1, "nonsense", {}),
        asked(2, "ticket", "{not json"),
        asked(3, "ticket", {"issue": 7}),
        asked(4, "ticket", {"issue": "The sink\nleaks"}),
        "no tool",
        {"function": {"name": "ticket"}},
    ]
    message = {"type": "tool-calls", "toolCallList": listed, "call": {"id": CALL_ID}}

    async with a_house() as house:
        answer = await house.http.post(PATH, json={"message": message})

    results = answer.json()["results"]
    assert answer.status_code == 200
    assert [one["toolCallId"] for one in results] == ["call_1", "call_2", "call_3", "call_4"]
    assert all("\n" not in str(one.get("result") or one.get("error")) for one in results)
    assert results[3]["result"].endswith("is open: The sink leaks.")


async def test_a_tool_call_without_a_call_id_gets_an_error_under_its_id() -> None:
    message = {"type": "tool-calls", "toolCallList": [{"id": "call_1", "name": "ticket"}]}

    async with a_house() as house:
        answer = await house.http.post(PATH, json={"message": message})

    assert answer.json() == {
        "results": [{"toolCallId": "call_1", "name": "ticket", "error": "The call has no id."}]
    }


async def test_a_tool_that_is_asked_for_after_the_end_is_run_and_brings_no_call_back() -> None:
    async with a_house() as house:
        for name in ("status_ringing", "status_ended"):
            await house.http.post(PATH, json=a_message(name))
        answer = await house.http.post(PATH, json=a_message("tool_calls_object"))
        live, stored = house.brain.calls.live, await house.store.find(CALL_ID)

    assert answer.json()["results"][0]["result"].endswith("is open: The sink leaks.")
    assert live == 0
    assert stored is not None
    assert stored.record.ended_on is not None


ODD_ARGUMENTS: list[str] = [
    '{"issue": "The sink leaks", "unit": "4b\\ud83d"}',
    '{"issue": "The sink leaks", "unit": "4b", "\\ud83d": ["\\ude00"]}',
    '{"issue": "The sink leaks", "unit": "4b", "account": 123456789012345678901234567890}',
    '{"issue": "The sink leaks", "unit": "4b", "account": 1e400}',
    '{"issue": "The sink leaks", "unit": "4b", "account": NaN}',
]


@pytest.mark.parametrize("arguments", ODD_ARGUMENTS)
async def test_half_an_emoji_or_a_long_number_costs_no_tool_its_result(arguments: str) -> None:
    def asked(number: int, arguments: object) -> dict[str, Any]:
        return {"id": f"call_{number}", "function": {"name": "ticket", "arguments": arguments}}

    listed = [asked(1, arguments), asked(2, {"issue": "The door sticks"}), asked(3, "{not json")]
    message = {"type": "tool-calls", "toolCallList": listed, "call": {"id": CALL_ID}}

    async with a_house() as house:
        answer = await house.http.post(PATH, json={"message": message})
        tickets = await notes_of(house, "ticket")

    results = answer.json()["results"]
    assert [one["toolCallId"] for one in results] == ["call_1", "call_2", "call_3"]
    assert results[0]["result"].endswith("is open: The sink leaks.")
    assert results[1]["result"].endswith("is open: The door sticks.")
    assert tickets[0]["unit"] == "4b"


def test_a_long_number_in_arguments_keeps_its_digits_and_a_deep_table_is_no_trouble() -> None:
    deep: dict[str, Any] = {}
    for _ in range(300):
        deep = {"in": deep}
    listed = [
        {"id": "call_1", "name": "ticket", "arguments": '{"account": 123456789012345678901234567890}'},
        {"id": "call_2", "name": "ticket", "arguments": deep},
    ]

    found = tool_requests({"toolCallList": listed})

    assert json.loads(found[0].arguments) == {"account": 123456789012345678901234567890}
    assert json.loads(found[1].arguments) == deep


async def test_the_legacy_function_call_gets_its_result() -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_message("function_call"))
        used = [event for event in house.events if isinstance(event, ToolUsed)]

    assert answer.json()["result"].endswith("is open: The sink leaks.")
    assert [(event.tool, event.ok) for event in used] == [("ticket", True)]


async def test_no_secret_in_the_arguments_of_a_tool_is_kept() -> None:
    issue = "The sink leaks, Authorization: Bearer hush-1-abcdef"
    arguments = {"issue": issue, "unit": "4b", "apiKey": "hush-2", "nested": [{"password": "hush-3"}]}
    texts = [json.dumps(arguments), "{not json sk-hush4abcdefgh"]
    listed = [
        {"id": f"call_{number}", "name": "ticket", "arguments": one}
        for number, one in enumerate([arguments, *texts])
    ]
    old = {"name": "ticket", "parameters": arguments}

    async with a_house() as house:
        for message in (
            {"type": "tool-calls", "toolCallList": listed},
            {"type": "function-call", "functionCall": old},
        ):
            await house.http.post(PATH, json={"message": {**message, "call": {"id": CALL_ID}}})
        tickets = await notes_of(house, "ticket")
        stored = await house.store.find(CALL_ID)

    assert stored is not None
    assert "hush" not in json.dumps([note.payload for note in stored.notes])
    assert [ticket["unit"] for ticket in tickets] == ["4b"] * 3
    assert tickets[0]["issue"] == "The sink leaks, Authorization: Bearer [secret]"


async def test_more_tools_than_a_message_may_ask_for_each_get_an_error_and_are_not_run() -> None:
    listed = [
        {"id": f"call_{number}", "name": "ticket", "arguments": {"issue": f"The sink leaks, {number}"}}
        for number in range(MAX_TOOLS + 8)
    ]
    message = {"type": "tool-calls", "toolCallList": listed, "call": {"id": CALL_ID}}

    async with a_house() as house:
        answer = await house.http.post(PATH, json={"message": message})
        tickets = await notes_of(house, "ticket")

    results = answer.json()["results"]
    assert [one["toolCallId"] for one in results] == [one["id"] for one in listed]
    assert [bool(one.get("result")) for one in results] == [True] * MAX_TOOLS + [False] * 8
    assert results[-1]["error"] == "Not done: one message may ask for 32 tools."
    assert len(tickets) == MAX_TOOLS


def test_the_arguments_of_tools_beyond_the_most_are_not_even_read() -> None:
    listed = [{"id": f"call_{number}", "name": "ticket", "arguments": {"a": 1}} for number in range(10_000)]

    found = tool_requests({"toolCallList": listed})

    assert len(found) == 10_000
    assert [one.arguments for one in found[MAX_TOOLS - 1 : MAX_TOOLS + 1]] == ['{"a": 1}', "{}"]


ASKED = {"id": "t1", "type": "function", "function": {"name": "find_slot", "arguments": "{}"}}
TALKS: list[list[Any]] = [
    [{"role": "developer", "content": [{"type": "text", "text": "You are"}, {"text": 3}, "Jamie."]}],
    [{"role": "user", "content": None}, {"role": "user", "content": {"text": "Hello."}}],
    [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello."},
     {"role": "system", "content": "The caller is a tenant."}],
    [{"role": "assistant", "content": "Hello."}, {"role": "system", "content": "The caller is a tenant."}],
    [{"role": "user", "content": "When?"}, {"role": "assistant", "content": "", "tool_calls": [ASKED]},
     {"role": "tool", "content": "At ten.", "tool_call_id": "t1"}],
    [{"role": "user", "content": "When?"}, {"role": "assistant", "tool_calls": [7, {}], "function_call": 7}],
    [{"role": "user", "content": "When?"},
     {"role": "assistant", "content": None, "function_call": {"name": "find_slot", "arguments": "{}"}},
     {"role": "function", "content": "At ten.", "name": "find_slot"}],
    [{"role": "user", "content": "When?"}, {"role": "tool", "content": "Lost.", "tool_call_id": [1]}],
]  # fmt: skip


@pytest.mark.parametrize("messages", TALKS)
def test_a_chat_says_the_same_at_vapis_door_as_at_every_other(messages: list[Any]) -> None:
    at_ours = ChatRequest.model_validate({"messages": messages})
    at_vapis = VapiChatRequest({"messages": messages})

    assert at_vapis.conversation() == at_ours.conversation()
    assert at_vapis.conversation().as_is


@pytest.mark.parametrize("read", [ChatRequest.model_validate, VapiChatRequest])
def test_of_a_chat_that_is_too_long_the_first_and_the_newest_messages_are_read(
    read: Callable[[dict[str, Any]], ChatRequest | VapiChatRequest],
) -> None:
    said = [{"role": "user", "content": str(number)} for number in range(10_000)]

    found = read({"messages": [{"role": "system", "content": "You are Jamie."}, *said]})

    talk = found.conversation()
    assert len(found.messages) == MAX_MESSAGES
    assert (talk.system, talk.words) == ("You are Jamie.", "9999")
