"""Tools at the door for every other client: handed to it as tool calls, their answers taken back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.handlers.house import a_house, frames_of, said_in
from tests.handlers.office import CONNECTING, END, TRANSFER, an_office, an_openai_client, calls_in, who_says
from voice.models.scripted import ScriptedClient
from voice.types import Finish, ToolCall

PATH = "/v1/chat/completions"
FIND = ToolCall("t1", "find_slot", '{"day": "Friday"}')


def a_tool(name: str, **properties: object) -> Any:
    parameters = {"type": "object", "properties": properties}
    return {"type": "function", "function": {"name": name, "description": "", "parameters": parameters}}


SLOTS = a_tool("find_slot", day={"type": "string"})
HANG_UP = a_tool("hang_up")
CONNECT = a_tool("transfer_call", number={"type": "string"})
ASKS: Any = [{"role": "user", "content": "When can somebody come?"}]


async def test_the_official_client_is_asked_to_run_a_tool_and_tells_what_came_of_it() -> None:
    model = ScriptedClient(reply=["-", "Friday at nine, then."], tool_calls=(FIND,))

    async with an_openai_client(model) as client:
        first = await client.chat.completions.create(model="jamie", messages=ASKS, tools=[SLOTS])
        asked = first.choices[0].message
        assert asked.tool_calls
        told: Any = {"role": "tool", "tool_call_id": asked.tool_calls[0].id, "content": "Nine is free."}
        second = await client.chat.completions.create(
            model="jamie", messages=[*ASKS, asked.to_dict(), told], tools=[SLOTS]
        )

    assert first.choices[0].finish_reason == "tool_calls"
    assert asked.content is None
    assert asked.tool_calls[0].to_dict()["function"] == {
        "name": "find_slot",
        "arguments": '{"day": "Friday"}',
    }
    assert second.choices[0].message.content == "Friday at nine, then."
    assert [one.role for one in model.asked[1].messages] == ["system", "user", "assistant", "tool"]
    assert model.asked[0].tools[-1].name == "find_slot"


async def test_the_official_client_streams_tool_calls() -> None:
    async with (
        an_openai_client(who_says("Let me look.", FIND)) as client,
        client.chat.completions.stream(model="jamie", messages=ASKS, tools=[SLOTS]) as stream,
    ):
        whole = await stream.get_final_completion()

    assert whole.choices[0].message.content == "Let me look."
    assert whole.choices[0].finish_reason == "tool_calls"
    assert whole.choices[0].message.tool_calls
    assert whole.choices[0].message.tool_calls[0].function.name == "find_slot"


async def test_a_named_call_goes_on_after_its_tools_and_a_repeat_asks_nobody() -> None:
    model = ScriptedClient(reply=["Hello.", "-", "Friday."], tool_calls=())
    talk = [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}, *ASKS]
    asked = {"role": "assistant", "content": None, "tool_calls": [
        {"id": "t1", "type": "function", "function": {"name": "find_slot", "arguments": "{}"}}]}  # fmt: skip
    told = {"role": "tool", "tool_call_id": "t1", "content": "Nine is free."}
    body = {"model": "jamie", "user": "c1", "messages": [*talk, asked, told], "tools": [SLOTS]}

    async with a_house(model) as house:
        first = await house.http.post(PATH, json=body)
        again = await house.http.post(PATH, json=body)

    assert first.json()["choices"][0]["message"] == again.json()["choices"][0]["message"]
    assert len(model.asked) == 1


async def test_each_round_of_tools_on_the_first_words_asks_under_an_id_of_its_own() -> None:
    model = ScriptedClient(finish=Finish("tool_calls", tool_calls=(FIND,)), reply="")
    talk: list[Any] = [*ASKS]
    ids = []

    async with a_house(model) as house:
        for _ in range(3):
            body = {"model": "jamie", "user": "c1", "messages": talk, "tools": [SLOTS]}
            answer = (await house.http.post(PATH, json=body)).json()["choices"][0]["message"]
            asked = answer["tool_calls"][0]["id"]
            ids.append(asked)
            talk = [*talk, answer, {"role": "tool", "tool_call_id": asked, "content": "Ask again."}]

    assert len(set(ids)) == 3


async def test_a_client_that_can_hang_up_is_told_to_and_words_stay_beside_a_transfer(tmp_path: Path) -> None:
    body = {"model": "kim", "messages": ASKS, "stream": True, "tools": [HANG_UP, CONNECT]}

    async with a_house(who_says("Bye.", END), **an_office(tmp_path)) as house:
        ended = await house.http.post(PATH, json=body)
    async with a_house(who_says("", TRANSFER), **an_office(tmp_path)) as house:
        moved = await house.http.post(PATH, json=body)

    assert (said_in(ended.text), calls_in(frames_of(ended.text))) == ("Bye.", [("hang_up", {})])
    assert said_in(moved.text) == CONNECTING
    assert calls_in(frames_of(moved.text)) == [("transfer_call", {"number": "+14155550150"})]


@pytest.mark.parametrize("forbids", [{"tool_choice": "none", "tools": [SLOTS]}, {}, {"tools": "none"}])
async def test_tools_that_are_not_allowed_are_not_offered(forbids: dict[str, Any]) -> None:
    model = ScriptedClient()

    async with a_house(model) as house:
        await house.http.post(PATH, json={"model": "jamie", "messages": ASKS, **forbids})

    assert "find_slot" not in [spec.name for spec in model.asked[0].tools]


async def test_a_route_that_is_named_gets_the_clients_tools_only() -> None:
    lab = ScriptedClient("lab", tool_calls=(FIND,))

    async with a_house(ScriptedClient("first"), lab) as house:
        body = {"model": "lab", "messages": ASKS, "tools": [SLOTS, HANG_UP], "stream": True}
        answer = await house.http.post(PATH, json=body)

    assert [spec.name for spec in lab.asked[0].tools] == ["find_slot", "hang_up"]
    assert calls_in(frames_of(answer.text)) == [("find_slot", {"day": "Friday"})]
