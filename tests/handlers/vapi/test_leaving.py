"""Callers who are to go elsewhere: connected to whom they were promised, or told that it did not work."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.conftest import VirtualTime
from tests.handlers.house import CALL_ID, a_house, a_message, a_request, frames_of, said_in
from tests.handlers.office import GOODBYE, KIM, OFFICE, TRANSFER, an_office, calls_in, who_says
from tests.handlers.vapi.test_llm_tools import FIND, PATH, wanting
from voice.models.scripted import ScriptedClient
from voice.simulate.loopback import Receive, Scope, Send, serving
from voice.types import Finish, ToolCall

WEBHOOK = "/vapi/webhook"
PLUMBER = "+14155550151"
TWO = KIM + f'[transfer.plumber]\nnumber = "{PLUMBER}"\nfor = "leaks"\nsay = "The plumber, then."\n'
EXCUSE = "Kim is sorry. Once more, please?"
WORDS = "Let me see. I'll connect you."


def slowly(text: str, *calls: ToolCall) -> ScriptedClient:
    """A model whose first words are out before it asks for a tool."""
    return ScriptedClient(reply=text, every_s=0.02, finish=Finish("tool_calls", tool_calls=calls))


@asynccontextmanager
async def a_control_url(status: int = 200) -> AsyncIterator[tuple[str, asyncio.Queue[Any]]]:
    """A control URL that answers transfers so, and what came to it."""
    got: asyncio.Queue[Any] = asyncio.Queue()

    async def control(scope: Scope, receive: Receive, send: Send) -> None:
        body = json.loads((await receive())["body"])
        got.put_nowait(body)
        told = status if body["type"] == "transfer" else 200
        await send({"type": "http.response.start", "status": told, "headers": []})
        await send({"type": "http.response.body", "body": b"{}"})

    async with serving(control) as url:
        yield f"{url}/control", got


def steered(url: str) -> dict[str, Any]:
    return {"id": CALL_ID, "monitor": {"controlUrl": url}}


async def test_nobody_is_rung_at_a_guess_between_several_targets(tmp_path: Path) -> None:
    named = a_message("transfer_destination_request")
    named["message"] |= {"timestamp": 1, "parameters": {"target": "plumber"}}

    async with a_house(**an_office(tmp_path, TWO)) as house:
        guessed = await house.http.post(WEBHOOK, json=a_message("transfer_destination_request"))
        chosen = await house.http.post(WEBHOOK, json=named)

    assert "destination" not in guessed.json()
    assert guessed.json()["error"]
    assert chosen.json()["destination"]["number"] == PLUMBER


async def test_whom_the_model_chose_is_rung_though_the_caller_has_said_something_since(
    tmp_path: Path,
) -> None:
    bare = {"type": "function", "function": {"name": "transfer", "parameters": {"type": "object"}}}
    chosen = ToolCall("t", "transfer", '{"target": "plumber"}')
    model = ScriptedClient(reply=["-", "One moment."], tool_calls=(chosen,))
    later = a_request("My sink leaks.", "Are you there?", model="kim")

    async with a_house(model, **an_office(tmp_path, TWO)) as house:
        await house.http.post(PATH, json=a_request("My sink leaks.", model="kim", tools=[bare]))
        await house.http.post(PATH, json=later)
        told = await house.http.post(WEBHOOK, json=a_message("transfer_destination_request"))
        renamed = a_message("transfer_destination_request")
        renamed["message"] |= {"timestamp": 1, "parameters": {"target": "office"}}
        other = await house.http.post(WEBHOOK, json=renamed)

    assert told.json()["destination"]["number"] == PLUMBER
    assert other.json()["destination"]["number"] == OFFICE  # Vapi knows something newer


async def test_a_caller_who_has_heard_words_is_not_left_in_silence_by_a_tool_that_vapi_skips(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with a_house(slowly(WORDS, TRANSFER), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("transfer_call_tool", call={"id": CALL_ID}))

    assert said_in(answer.text) == f"{WORDS} {EXCUSE}"
    assert calls_in(frames_of(answer.text)) == []


async def test_a_caller_who_has_heard_words_is_handed_to_the_other_assistant_after_them(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    to_billing = ToolCall("t", "handoff_to_billing", '{"destination": "billing"}')
    async with a_house(slowly(WORDS, to_billing), **an_office(tmp_path)) as house:
        answer = await house.http.post(PATH, json=wanting("handoff_to_billing", call={"id": CALL_ID}))

    frames = frames_of(answer.text)
    assert said_in(answer.text) == WORDS
    assert calls_in(frames) == [("handoff_to_billing", {"destination": "billing"})]
    assert frames[-1]["choices"][0]["finish_reason"] == "tool_calls"


async def test_a_refused_transfer_is_told_to_the_caller_once(tmp_path: Path) -> None:
    settings = {**an_office(tmp_path), "vapi_control_hosts": ("127.0.0.1",)}
    async with a_control_url(404) as (url, got), a_house(slowly(WORDS, TRANSFER), **settings) as house:
        body = wanting("transfer_call_tool", call=steered(url))
        first = await house.http.post(PATH, json=body)
        async with asyncio.timeout(5):
            orders = [await got.get(), await got.get()]
        again = await house.http.post(PATH, json=body)
        await house.http.post(f"/admin/calls/{CALL_ID}/end")  # behind whatever else was ordered
        async with asyncio.timeout(5):
            last = await got.get()

    assert said_in(first.text) == said_in(again.text) == WORDS
    assert orders[0] == {"type": "transfer", "destination": {"type": "number", "number": OFFICE}}
    assert (orders[1]["type"], orders[1]["content"]) == ("say", EXCUSE)
    assert last == {"type": "end-call"}


def a_goodbye() -> dict[str, Any]:
    found = a_message("function_call")
    found["message"]["functionCall"] = {"name": "end_call", "parameters": {}}
    return found


async def test_a_legacy_hang_up_is_said_and_done_once(tmp_path: Path) -> None:
    settings = {**an_office(tmp_path), "vapi_control_hosts": ("127.0.0.1",)}
    async with a_control_url() as (url, got), a_house(**settings) as house:
        body = a_goodbye()
        body["message"]["call"] |= steered(url)
        first = await house.http.post(WEBHOOK, json=body)
        again = await house.http.post(WEBHOOK, json=body)

    order = got.get_nowait()
    assert (order["type"], order["content"], order["endCallAfterSpoken"]) == ("say", GOODBYE, True)
    assert first.json() == again.json() == {"result": "The call is being ended."}
    assert got.empty()


async def test_a_legacy_hang_up_that_nobody_can_do_is_not_promised(tmp_path: Path) -> None:
    async with a_house(**an_office(tmp_path)) as house:
        answer = await house.http.post(WEBHOOK, json=a_goodbye())

    assert "cannot be done from here" in answer.json()["result"]


def asked_again(rounds: int) -> list[dict[str, Any]]:
    """A chat in which the platform has run the tool so often for the same words."""
    talk: list[dict[str, Any]] = [{"role": "user", "content": "When can somebody come?"}]
    for place in range(rounds):
        function = {"name": "find_slot", "arguments": "{}"}
        call = {"id": f"c{place}", "type": "function", "function": function}
        talk += [
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": f"c{place}", "content": "Ask again."},
        ]
    return talk


async def test_a_model_that_asks_for_tools_for_ever_is_stopped_with_a_sentence(tmp_path: Path) -> None:
    async with a_house(ScriptedClient(tool_calls=(FIND,) * 9), **an_office(tmp_path)) as house:
        third = await house.http.post(PATH, json=wanting("find_slot", messages=asked_again(2)))
    model = ScriptedClient(finish=Finish("tool_calls", tool_calls=(FIND,)), reply="")
    async with a_house(model, **an_office(tmp_path)) as house:
        fourth = await house.http.post(PATH, json=wanting("find_slot", messages=asked_again(3)))

    assert [name for name, _ in calls_in(frames_of(third.text))][:1] == ["find_slot"]
    assert calls_in(frames_of(fourth.text)) == []
    assert said_in(fourth.text) == EXCUSE
    assert "find_slot" not in {spec.name for spec in model.asked[0].tools}


async def test_three_tools_at_once_are_one_round(tmp_path: Path) -> None:
    talk = asked_again(3)
    asks = {"role": "assistant", "content": None, "tool_calls": [one["tool_calls"][0] for one in talk[1::2]]}
    model = who_says("Nine is free.")

    async with a_house(model, **an_office(tmp_path)) as house:
        await house.http.post(PATH, json=wanting("find_slot", messages=[talk[0], asks, *talk[2::2]]))

    assert "find_slot" in {spec.name for spec in model.asked[0].tools}
