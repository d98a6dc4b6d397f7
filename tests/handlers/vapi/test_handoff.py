"""A caller who is handed on: to another of our agents, or to an assistant of Vapi's own."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from handlers.handover import Handover, Parting
from handlers.wire.declared import declared_in
from tests.builders import a_turn, an_agent
from tests.conftest import VirtualTime
from tests.handlers.house import CALL_ID, a_house, a_message, a_request, frames_of, said_in
from tests.handlers.office import KIM, an_office, calls_in, who_says
from tests.handlers.vapi.test_leaving import steered
from voice.agents.agent import Agents
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.turn.own import own_line
from voice.types import Action, CallId, CallRecord, Effect, Finish, HandoffTarget, ToolCall

PATH, WEBHOOK = "/vapi/chat/completions", "/vapi/webhook"
EXCUSE = "Kim is sorry. Once more, please?"
ASKS = ToolCall("c", "handoff", '{"target": "billing"}')
SAM = (
    KIM.replace('"kim"', '"sam"')
    .replace("This is Kim.", "This is Sam, for billing.")
    .replace("You are Kim.", "You are Sam.")
)


def handing_to(table: str, tools: str = '"ticket", "transfer", "handoff"') -> str:
    """Kim with one handoff target, `billing`."""
    listed = KIM.replace('"ticket", "transfer", "end_call"', tools)
    return f'{listed}\n[handoff.billing]\nfor = "bills and rent"\n{table}\n'


def a_house_of_two(folder: Path, table: str = 'agent = "sam"') -> dict[str, Any]:
    (folder / "sam.toml").write_text(SAM)
    return an_office(folder, handing_to(table))


def a_tool(name: str, *choices: str, **more: Any) -> dict[str, Any]:
    """A tool as Vapi declares it; `choices` are its destinations."""
    to: dict[str, Any] = {"type": "string"} | ({"enum": list(choices)} if choices else {})
    properties = {"destination": to} | more
    schema = {"type": "object", "properties": properties, "required": list(properties)}
    return {"type": "function", "function": {"name": name, "parameters": schema}}


@pytest.mark.parametrize("door", ["vapi", "chat", "openai"])
async def test_another_of_our_agents_goes_on_at_every_door(tmp_path: Path, door: str) -> None:
    model = ScriptedClient(reply=["-", "Which bill?"], tool_calls=(ASKS,))
    async with a_house(model, **a_house_of_two(tmp_path)) as house:
        for words in (("Billing, please.",), ("Billing, please.", "It is the last one.")):
            if door == "chat":
                body: dict[str, Any] = {"message": words[-1], "call_id": CALL_ID, "agent": "kim"}
                answer = (await house.http.post("/chat", json=body)).json()["reply"]
            else:
                where = PATH if door == "vapi" else "/v1/chat/completions"
                body = a_request(*words, model="kim") | {"stream": True, "user": CALL_ID}
                answer = said_in((await house.http.post(where, json=body)).text)
            if len(words) == 1:
                first = answer
        call = house.brain.calls.get(CALL_ID)

    assert (first, answer) == ("This is Sam, for billing.", "Which bill?")
    assert call is not None
    assert call.agent.name == "sam"
    assert model.asked[1].messages[0].text.startswith("You are Sam.")
    assert model.asked[1].messages[1].text == "Billing, please."


async def test_the_words_of_the_file_are_said_before_an_agent_goes_on(tmp_path: Path) -> None:
    settings = a_house_of_two(tmp_path, 'agent = "sam"\nsay = "Sam knows that. One moment."')
    async with a_house(ScriptedClient(reply="-", tool_calls=(ASKS,)), **settings) as house:
        answer = await house.http.post(PATH, json=a_request("Billing, please.", model="kim"))

    assert said_in(answer.text) == "Sam knows that. One moment."


async def test_an_assistant_of_the_squad_goes_on_by_the_tool_that_vapi_declares(tmp_path: Path) -> None:
    settings = an_office(tmp_path, handing_to('assistant = "Billing"'))
    async with a_house(ScriptedClient(reply="-", tool_calls=(ASKS,)), **settings) as house:
        body = a_request("Billing, please.", model="kim", tools=[a_tool("handoff_to_billing", "Billing")])
        answer = await house.http.post(PATH, json=body)

    assert calls_in(frames_of(answer.text)) == [("handoff_to_billing", {"destination": "Billing"})]
    assert said_in(answer.text) == ""


def unsteered(words: str, tool: dict[str, Any]) -> dict[str, Any]:
    """A request of a call that has no control URL: what its tool cannot do cannot be done."""
    return a_request(words, model="kim", tools=[tool], call={"id": CALL_ID})


BY_ID = 'assistant_id = "03e11cfe-4528"'


async def test_an_assistant_goes_on_behind_a_word_where_no_tool_is_declared(tmp_path: Path) -> None:
    settings = {**an_office(tmp_path, handing_to(BY_ID)), "vapi_control_hosts": ("127.0.0.1",)}
    model = ScriptedClient(reply="-", tool_calls=(ASKS,))
    async with a_house(model, **settings) as house:
        call = steered("http://127.0.0.1:9/control")
        answer = await house.http.post(PATH, json=a_request("Billing.", model="kim", call=call))

    assert said_in(answer.text) == "One moment."
    assert calls_in(frames_of(answer.text)) == []


@pytest.mark.parametrize(
    ("table", "destination"),
    [
        (BY_ID, {"type": "assistant", "assistantId": "03e11cfe-4528"}),
        ('assistant = "Billing"', {"type": "assistant", "assistantName": "Billing"}),
    ],
)
async def test_vapi_is_told_who_goes_on_when_it_asks(
    tmp_path: Path, table: str, destination: dict[str, str]
) -> None:
    async with a_house(**an_office(tmp_path, handing_to(table))) as house:
        answer = await house.http.post(WEBHOOK, json=a_message("handoff_destination_request"))

    assert answer.json()["destination"] == destination


async def test_who_cannot_be_reached_on_a_line_is_not_offered(tmp_path: Path) -> None:
    model = ScriptedClient(reply="Which unit?")
    async with a_house(model, **an_office(tmp_path, handing_to('assistant = "Billing"'))) as house:
        sales = a_tool("transferCall", "sales")
        await house.http.post(PATH, json=unsteered("Billing, please.", sales))

    assert {spec.name for spec in model.asked[0].tools} == {"ticket", "transferCall"}


async def test_the_assistants_of_a_squad_are_offered_though_their_tool_is_called_a_transfer(
    tmp_path: Path,
) -> None:
    wanted = ToolCall("t", "transferCall", '{"destination": "Billing"}')
    model = who_says("", wanted)
    async with a_house(model, **an_office(tmp_path)) as house:
        tool = a_tool("transferCall", "billing", "support")
        answer = await house.http.post(PATH, json=unsteered("Billing, please.", tool))

    assert {spec.name for spec in model.asked[0].tools} == {"ticket", "end_call", "transferCall"}
    assert calls_in(frames_of(answer.text)) == [("transferCall", {"destination": "billing"})]


async def test_a_target_that_the_declared_tool_does_not_have_is_not_offered(tmp_path: Path) -> None:
    other = a_tool("transferCall", "+14155550159")
    reached = a_tool("transferCall", "+1 (415) 555-0150")
    offered = []
    for tool in (other, reached):
        model = ScriptedClient(reply="Which unit?")
        async with a_house(model, **an_office(tmp_path)) as house:
            await house.http.post(PATH, json=unsteered("Hello.", tool))
        offered.append({spec.name for spec in model.asked[0].tools})

    assert offered == [{"ticket", "end_call"}, {"ticket", "end_call", "transfer"}]


async def test_a_control_url_that_comes_while_a_call_is_looked_up_counts_for_its_turn(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    class Waiting(MemoryStore):
        looks, may_tell = asyncio.Event(), asyncio.Event()

        async def record(self, call_id: CallId) -> CallRecord | None:
            if not self.looks.is_set():
                self.looks.set()
                await self.may_tell.wait()
            return await super().record(call_id)

    model, store = ScriptedClient(reply="Which unit?"), Waiting()
    settings = {**an_office(tmp_path), "vapi_control_hosts": ("127.0.0.1",)}
    status = a_message("status_in_progress")
    status["message"]["call"] |= steered("http://127.0.0.1:9/control")
    async with a_house(model, store=store, **settings) as house:
        turn = asyncio.create_task(house.http.post(PATH, json=a_request("The office, please.", model="kim")))
        await store.looks.wait()
        await house.http.post(WEBHOOK, json=status)
        store.may_tell.set()
        await turn

    assert "transfer" in {spec.name for spec in model.asked[0].tools}


async def test_assistants_at_vapi_are_offered_beside_our_own_agents(tmp_path: Path) -> None:
    model = ScriptedClient(reply="Which unit?")
    async with a_house(model, **a_house_of_two(tmp_path)) as house:
        await house.http.post(PATH, json=unsteered("Hello.", a_tool("handoff_to_sales", "sales")))

    assert {spec.name for spec in model.asked[0].tools} == {"ticket", "handoff", "handoff_to_sales"}


WRONG = [
    (a_tool("handoff_to_billing", "billing"), {"destination": "nobody"}),
    (a_tool("handoff_to_billing", "billing", reason={"type": "string"}), {"destination": "billing"}),
    (a_tool("handoff", "billing", "sales"), {}),
    (a_tool("transferCall", "billing"), {"destination": "+14155550150"}),
]


@pytest.mark.parametrize(("tool", "arguments"), WRONG)
@pytest.mark.parametrize("words", ["", "I'll hand you over."])
async def test_a_caller_is_told_when_the_model_hands_them_to_nobody(
    tmp_path: Path, tool: dict[str, Any], arguments: dict[str, str], words: str
) -> None:
    turn = a_turn(handed=(ToolCall("t", tool["function"]["name"], str(arguments).replace("'", '"')),))
    agent = an_agent()

    parting = Handover(CallId("c1"), agent, declared_in([tool]), leaves_alone=True).part(
        turn, has_spoken=bool(words)
    )

    assert parting == Parting(own_line(agent, agent.fallbacks[0]))


MENDED = [
    (a_tool("handoff_to_billing", "Billing"), {}, {"destination": "Billing"}),
    (a_tool("handoff", "Billing", "Sales"), {"destination": "billing"}, {"destination": "Billing"}),
    (a_tool("handoff", "dynamic"), {"destination": "billing"}, {"destination": "dynamic"}),
    (a_tool("handoff"), {"destination": "billing"}, {"destination": "billing"}),
]


@pytest.mark.parametrize(("tool", "asked", "sent"), MENDED)
def test_a_destination_leaves_as_the_tool_wants_it_written(
    tool: dict[str, Any], asked: dict[str, str], sent: dict[str, str]
) -> None:
    wanted = ToolCall("t", tool["function"]["name"], str(asked).replace("'", '"'))

    parting = Handover(CallId("c1"), an_agent(), declared_in([tool])).part(
        a_turn(handed=(wanted,)), has_spoken=False
    )

    assert [one.arguments.replace('"', "'") for one in parting.calls] == [str(sent)]


def test_an_assistant_of_the_platform_is_not_taken_for_our_agent_of_the_same_name() -> None:
    effect = Effect(Action.HANDOFF, "sam")
    to_theirs = an_agent(handoff=(HandoffTarget("billing", "assistant", "sam", "bills"),))
    to_ours = an_agent(handoff=(HandoffTarget("billing", "agent", "sam", "bills"),))
    house = Agents([to_theirs, an_agent(name="sam")], "sam")

    assert house.next_one(to_theirs, effect) is None
    assert house.next_one(to_ours, effect) is house.get("sam")


async def test_words_that_were_said_before_a_handoff_are_said_to_its_repeat_too(tmp_path: Path) -> None:
    settings = an_office(tmp_path, handing_to('assistant = "Billing"'))
    words = "Of course, that is easy. I will let them go on with that now."
    body = a_request("Billing, please.", model="kim", tools=[a_tool("handoff_to_billing", "Billing")])

    model = ScriptedClient(reply=words, every_s=0.03, finish=Finish("tool_calls", tool_calls=(ASKS,)))

    async with a_house(model, **settings) as house:
        answers = [(await house.http.post(PATH, json=body)).text for _ in range(3)]

    assert [said_in(text) for text in answers] == [words] * 3
    assert [calls_in(frames_of(text)) for text in answers] == [
        [("handoff_to_billing", {"destination": "Billing"})]
    ] * 3


async def test_a_handoff_that_half_an_utterance_began_is_undone_by_the_whole(tmp_path: Path) -> None:
    half, whole = "I have a question about my bill", "I have a question about my bill no, about my sink"
    model = ScriptedClient(reply=["-", "What about the sink?"], tool_calls=(ASKS,))
    counted = {"numAssistantTurns": 1, "numUserTurns": 1}

    async with a_house(model, **a_house_of_two(tmp_path)) as house:
        for words in (half, whole):
            answer = await house.http.post(PATH, json=a_request(words, model="kim", metadata=counted))
        call = house.brain.calls.get(CALL_ID)

    assert said_in(answer.text) == "What about the sink?"
    assert call is not None
    assert (call.agent.name, call.record.agent) == ("kim", "kim")
    assert [(turn.said, turn.agent) for turn in call.thread.turns] == [(whole, "kim")]
    assert model.asked[-1].messages[0].text.startswith("You are Kim.")
    assert [one.role for one in model.asked[-1].messages] == ["system", "user"]
    assert "handoff" in [tool.name for tool in model.asked[-1].tools]
