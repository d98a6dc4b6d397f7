"""Vapi's custom LLM door when something is to be done to the call: under the dashboard's names."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from pathlib import Path
from typing import Any

import openai.types.chat as shapes
import pytest
import vapi.types as vapi_shapes
from pydantic import TypeAdapter

from tests.handlers.house import CALL_ID, a_house, a_message, a_request, frames_of, said_in
from tests.handlers.office import (
    END,
    GOODBYE,
    KIM,
    OFFICE,
    TRANSFER,
    an_office,
    an_openai_client,
    calls_in,
    who_says,
)
from voice.models.scripted import ScriptedClient
from voice.simulate.loopback import Receive, Scope, Send, serving
from voice.types import Ending, Finish, ToolCall

PATH = "/vapi/chat/completions"
ID = re.compile(r'"id":"call_[0-9a-f]+"')
FIND = ToolCall("call_1", "find_slot", '{"day": "Friday"}')


def wanting(*names: str, **changes: Any) -> dict[str, Any]:
    """The recorded request, with only some of its tools."""
    body = {**a_message("chat_request_tools"), "model": "kim", **changes}
    body["tools"] = [tool for tool in body["tools"] if tool["function"]["name"] in names]
    return body


async def test_a_transfer_leaves_alone_under_the_declared_name(tmp_path: Path) -> None:
    async with a_house(who_says("", TRANSFER), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("transfer_call_tool"))

    frames = frames_of(answer.text)
    assert said_in(answer.text) == ""  # Vapi would read the words and skip the transfer
    assert calls_in(frames) == [("transfer_call_tool", {"destination": OFFICE})]
    assert [frame["choices"][0]["finish_reason"] for frame in frames] == [None, None, "tool_calls"]
    assert frames[-1]["choices"][0]["delta"] == {}


async def test_a_sentence_that_comes_with_the_transfer_is_not_said(tmp_path: Path) -> None:
    async with a_house(who_says("I'll connect you.", TRANSFER), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("transfer_call_tool"))

    assert said_in(answer.text) == ""
    assert calls_in(frames_of(answer.text)) == [("transfer_call_tool", {"destination": OFFICE})]


async def test_the_farewell_is_kept_beside_an_end_call(tmp_path: Path) -> None:
    async with a_house(who_says("Have a good day.", END), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("end_call_tool"))

    assert said_in(answer.text) == "Have a good day."
    assert calls_in(frames_of(answer.text)) == [("end_call_tool", {})]
    assert frames_of(answer.text)[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_call_that_ends_without_a_word_is_said_goodbye_to(tmp_path: Path) -> None:
    async with a_house(who_says("", END), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("end_call_tool"))

    assert said_in(answer.text) == GOODBYE
    assert calls_in(frames_of(answer.text)) == [("end_call_tool", {})]


async def test_a_whole_answer_carries_the_same(tmp_path: Path) -> None:
    async with a_house(who_says("Bye.", END), **an_office(tmp_path)) as house:
        ends = await house.http.post(PATH, json=wanting("end_call_tool", stream=False))
    async with a_house(who_says("One second.", TRANSFER), **an_office(tmp_path)) as house:
        leaves = await house.http.post(PATH, json=wanting("transfer_call_tool", stream=False))

    ended, left = (one.json()["choices"][0] for one in (ends, leaves))
    assert (ended["message"]["content"], ended["finish_reason"]) == ("Bye.", "tool_calls")
    assert left["message"]["content"] is None
    assert left["message"]["tool_calls"][0]["function"]["name"] == "transfer_call_tool"


async def test_what_a_request_does_not_declare_is_not_offered_to_the_model(tmp_path: Path) -> None:
    model = who_says("", TRANSFER)

    async with a_house(model, **an_office(tmp_path)) as house:
        await house.http.post(PATH, json=wanting("end_call_tool", "find_slot"))

    assert [spec.name for spec in model.asked[0].tools] == ["ticket", "end_call", "find_slot"]


BUSY: list[tuple[str, dict[str, Any]]] = [
    ("the line itself", {"phoneNumber": {"number": OFFICE}}),
    (
        "the line itself, in its call",
        {"phoneNumber": None, "call": {"id": CALL_ID, "phoneNumber": {"number": OFFICE}}},
    ),
    ("the caller", {"customer": {"number": OFFICE}}),
    (
        "a number that the dashboard does not list",
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "transferCall",
                        "parameters": {
                            "type": "object",
                            "properties": {"destination": {"type": "string", "enum": ["+14155550160"]}},
                        },
                    },
                }
            ]
        },
    ),
]


@pytest.mark.parametrize(("name", "changes"), BUSY, ids=[name for name, _ in BUSY])
async def test_a_transfer_that_would_end_the_call_is_not_sent(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, changes: dict[str, Any]
) -> None:
    body = {**wanting("transfer_call_tool"), **changes}
    with caplog.at_level(logging.WARNING):
        async with a_house(who_says("", TRANSFER), **an_office(tmp_path)) as house:
            answer = await house.http.post(PATH, json=body)
            agent = house.brain.agents.default

    assert calls_in(frames_of(answer.text)) == []
    assert said_in(answer.text) in {agent.fallbacks[0], "Thank you."}  # the tool itself may have refused


async def test_a_tool_of_the_platform_is_handed_to_it_and_its_answer_goes_on(tmp_path: Path) -> None:
    model = ScriptedClient(reply=["-", "Friday at nine, then."], tool_calls=(FIND,))
    asked = wanting("find_slot", messages=a_message("chat_request_tool_result")["messages"][:3])
    answered = a_message("chat_request_tool_result") | {"model": "kim"}

    async with a_house(model, **an_office(tmp_path)) as house:
        first = await house.http.post(PATH, json=asked)
        again = await house.http.post(PATH, json=asked)
        second = await house.http.post(PATH, json=answered)
        repeat = await house.http.post(PATH, json=answered)
        call = house.brain.calls.get(CALL_ID)

    assert calls_in(frames_of(first.text)) == [("find_slot", {"day": "Friday"})]
    assert ID.findall(first.text) == ID.findall(again.text) != []
    assert said_in(second.text) == said_in(repeat.text) == "Friday at nine, then."
    assert len(model.asked) == 2
    roles = [message.role for message in model.asked[1].messages]
    assert roles == ["system", "assistant", "user", "assistant", "tool"]
    assert model.asked[1].messages[-1].text == "Friday at nine is free."
    assert call is not None
    assert [turn.ending for turn in call.thread.turns] == [Ending.ANSWERED, Ending.ANSWERED]


async def test_a_tool_call_that_the_platform_counts_as_a_turn_stays_within_the_turn(tmp_path: Path) -> None:
    model = ScriptedClient(reply=["-", "Friday at nine, then.", "Goodbye."], tool_calls=(FIND,))
    asks: dict[str, Any] = {"role": "assistant", "content": ""}
    asks["tool_calls"] = [{"id": "call_9", "type": "function", "function": {"name": "find_slot"}}]
    talk = [{"role": "assistant", "content": "This is Kim."}]
    talk += [{"role": "user", "content": "When can somebody come?"}, asks]
    talk += [{"role": "tool", "tool_call_id": "call_9", "content": "Friday."}]
    talk += [
        {"role": "assistant", "content": "Friday at nine, then."},
        {"role": "user", "content": "Thank you."},
    ]

    async with a_house(model, **an_office(tmp_path)) as house:
        for end, mine, theirs in ((2, 1, 1), (4, 2, 1), (6, 3, 2)):
            counted = {"numAssistantTurns": mine, "numUserTurns": theirs}
            await house.http.post(PATH, json=wanting("find_slot", messages=talk[:end], metadata=counted))
        call = house.brain.calls.get(CALL_ID)

    assert call is not None
    assert [turn.heard for turn in call.thread.turns] == [None, None, None]
    read = model.asked[-1].messages[1:]
    assert [one.role for one in read] == ["assistant", "user", "assistant", "tool", "assistant", "user"]
    assert read[-2].text == "Friday at nine, then."


async def test_words_beside_a_tool_of_the_platform_are_said(tmp_path: Path) -> None:
    async with a_house(who_says("Let me look.", FIND), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("find_slot"))

    assert said_in(answer.text) == "Let me look."
    assert calls_in(frames_of(answer.text)) == [("find_slot", {"day": "Friday"})]


async def test_two_tools_at_once_leave_side_by_side(tmp_path: Path) -> None:
    monday = ToolCall("call_1", "find_slot", '{"day": "Monday"}')  # the same id: models do that
    async with a_house(who_says("", FIND, monday), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("find_slot"))

    listed = next(
        delta["tool_calls"]
        for frame in frames_of(answer.text)
        if "tool_calls" in (delta := frame["choices"][0]["delta"])
    )
    assert [one["index"] for one in listed] == [0, 1]
    assert len({one["id"] for one in listed}) == 2
    assert [json.loads(one["function"]["arguments"])["day"] for one in listed] == ["Friday", "Monday"]


@pytest.mark.parametrize("written", ["", "no json", "[1]", '"Friday"', '{"day": '])
async def test_arguments_that_are_no_object_do_not_reach_the_platform(tmp_path: Path, written: str) -> None:
    async with a_house(who_says("", ToolCall("t", "find_slot", written)), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("find_slot"))

    assert calls_in(frames_of(answer.text)) == [("find_slot", {})]


async def test_keys_a_voicemail_and_a_handoff_are_the_models_to_ask_for(tmp_path: Path) -> None:
    keys = ToolCall("t", "dtmf_tool", '{"dtmf": "1#"}')
    handoff = ToolCall("t", "handoff_to_billing", '{"destination": "billing"}')

    async with a_house(who_says("Pressing one.", keys), **an_office(tmp_path)) as house:
        pressed = await house.http.post(PATH, json=wanting("dtmf_tool", "leave_voicemail_tool"))
    async with a_house(who_says("Over to billing.", handoff), **an_office(tmp_path)) as house:
        handed = await house.http.post(PATH, json=wanting("handoff_to_billing"))

    assert calls_in(frames_of(pressed.text)) == [("dtmf_tool", {"dtmf": "1#"})]
    assert said_in(pressed.text) == "Pressing one."
    assert calls_in(frames_of(handed.text)) == [("handoff_to_billing", {"destination": "billing"})]
    assert said_in(handed.text) == ""


async def test_a_tool_result_without_its_question_is_left_out(tmp_path: Path) -> None:
    talk = [*wanting()["messages"], {"role": "tool", "tool_call_id": "lost", "content": "Friday."}]
    model = ScriptedClient()

    async with a_house(model, **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("find_slot", messages=talk))

    assert said_in(answer.text)
    assert [message.role for message in model.asked[0].messages] == ["system", "assistant", "user"]


async def test_the_older_form_of_a_tools_answer_is_read(tmp_path: Path) -> None:
    asked = {"role": "assistant", "content": None, "function_call": {"name": "find_slot", "arguments": "{}"}}
    told = {"role": "function", "name": "find_slot", "content": "Friday."}
    model = ScriptedClient()

    async with a_house(model, **an_office(tmp_path)) as house:
        body = wanting("find_slot", messages=[*wanting()["messages"], asked, told])
        await house.http.post(PATH, json=body)

    assert model.asked[0].messages[-2].tool_calls[0].name == "find_slot"
    assert model.asked[0].messages[-1].text == "Friday."


async def test_a_late_repeat_does_not_hang_up_on_a_caller_who_has_gone_on(tmp_path: Path) -> None:
    ends = wanting("end_call_tool")
    later = a_request("I want to talk to somebody, please.", "One more thing.", model="kim")

    async with a_house(who_says("Bye.", END), **an_office(tmp_path)) as house:
        await house.http.post(PATH, json=ends)
        at_once = await house.http.post(PATH, json=ends)
        await house.http.post(PATH, json=later | {"numAssistantTurns": 2, "numUserTurns": 2})
        late = await house.http.post(PATH, json=ends)
        late_whole = await house.http.post(PATH, json={**ends, "stream": False})

    assert calls_in(frames_of(at_once.text)) == [("end_call_tool", {})]
    assert calls_in(frames_of(late.text)) == []
    assert late_whole.json()["choices"][0]["finish_reason"] == "stop"


async def test_the_official_clients_read_what_leaves(tmp_path: Path) -> None:
    body = wanting("end_call_tool")
    model = who_says("Bye then.", END)

    async with an_openai_client(model, base="/vapi", **an_office(tmp_path)) as client:
        stream = await client.chat.completions.create(
            model="kim", messages=body["messages"], tools=body["tools"], stream=True
        )
        frames = [frame async for frame in stream]

    chosen = [frame.choices[0] for frame in frames]
    asked = [one for choice in chosen for one in choice.delta.tool_calls or []]
    assert "".join(choice.delta.content or "" for choice in chosen) == "Bye then."
    assert [
        (one.index, one.type, one.function.name, one.function.arguments) for one in asked if one.function
    ] == [(0, "function", "end_call_tool", "{}")]
    assert chosen[-1].finish_reason == "tool_calls"
    for frame in frames:
        TypeAdapter(shapes.ChatCompletionChunk).validate_python(frame.model_dump(), strict=True)
    read = vapi_shapes.ToolCall.model_validate(asked[0].model_dump())
    assert read.function.name == "end_call_tool"


async def test_a_transfer_that_vapi_would_skip_goes_to_the_calls_control_url(tmp_path: Path) -> None:
    slow = ScriptedClient(
        reply="Let me see. I'll connect you.",
        every_s=0.01,
        finish=Finish("tool_calls", tool_calls=(TRANSFER,)),
    )
    got: asyncio.Queue[Any] = asyncio.Queue()

    async def control(scope: Scope, receive: Receive, send: Send) -> None:
        got.put_nowait(json.loads((await receive())["body"]))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    settings = {**an_office(tmp_path), "vapi_control_hosts": ("127.0.0.1",)}
    async with serving(control) as url, a_house(slow, **settings) as house:
        body = wanting(
            "transfer_call_tool", call={"id": CALL_ID, "monitor": {"controlUrl": f"{url}/control"}}
        )
        answer = await house.http.post(PATH, json=body)
        async with asyncio.timeout(5):
            told = await got.get()

    assert said_in(answer.text) == "Let me see. I'll connect you."
    assert calls_in(frames_of(answer.text)) == []
    assert told == {"type": "transfer", "destination": {"type": "number", "number": OFFICE}}


async def test_a_tool_without_a_destination_asks_the_webhook_and_gets_whom_the_model_chose(
    tmp_path: Path,
) -> None:
    plumber = KIM + '[transfer.plumber]\nnumber = "+14155550151"\nfor = "leaks"\nsay = "The plumber, then."\n'
    chosen = ToolCall("t", "transfer", '{"target": "plumber"}')
    bare = {"type": "function", "function": {"name": "transfer", "parameters": {"type": "object"}}}

    async with a_house(who_says("", chosen), **an_office(tmp_path, plumber)) as house:
        asked = await house.http.post(PATH, json=wanting() | {"tools": [bare]})
        told = await house.http.post("/vapi/webhook", json=a_message("transfer_destination_request"))

    assert calls_in(frames_of(asked.text)) == [("transfer", {})]
    assert told.json()["destination"]["number"] == "+14155550151"
    assert told.json()["destination"]["message"] == "The plumber, then."
