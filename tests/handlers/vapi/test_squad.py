"""A call that goes from one of our agents to another: who answers, with which lines and tools."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.handlers.house import CALL_ID, a_house, a_message, a_request, frames_of, said_in
from tests.handlers.office import KIM, an_office, calls_in, who_says
from voice.events import AgentChanged
from voice.models.scripted import ScriptedClient
from voice.store.memory import MemoryStore
from voice.types import ToolCall

PATH = "/vapi/chat/completions"


async def test_the_agent_that_a_squad_goes_on_with_has_its_own_persona_and_tools(tmp_path: Path) -> None:
    model, store = ScriptedClient(reply=["All right.", "This is Kim.", "Certainly."]), MemoryStore()
    end = a_message("chat_request_tools")["tools"]
    async with a_house(model, store=store, **an_office(tmp_path)) as house:
        await house.http.post(PATH, json=a_request("My sink leaks.", model="jamie", tools=end))
        await house.http.post(
            PATH, json=a_request("My sink leaks.", "Billing, please.", model="kim", tools=end)
        )
        await house.http.post(PATH, json=a_request("My sink leaks.", "Billing, please.", "Yes?", model="kim"))
        changes = [event for event in house.events if isinstance(event, AgentChanged)]

    jamie, kim, _ = model.asked
    assert kim.messages[0].text.startswith("You are Kim.")
    assert [message.text for message in kim.messages[1:3]] == ["My sink leaks.", "All right."]
    assert [spec.name for spec in kim.tools] != [spec.name for spec in jamie.tools]
    assert [(one.before, one.agent) for one in changes] == [("jamie", "kim")]
    stored = await store.find(CALL_ID)
    assert stored is not None
    assert stored.record.agent == "kim"
    assert [turn.agent for turn in stored.turns] == ["jamie", "kim", "kim"]


async def test_a_fallback_is_said_in_the_words_of_the_agent_that_goes_on(tmp_path: Path) -> None:
    model = ScriptedClient(reply=["Which unit?", ""])
    async with a_house(model, **an_office(tmp_path)) as house:
        await house.http.post(PATH, json=a_request("My sink leaks.", model="jamie"))
        answer = await house.http.post(PATH, json=a_request("My sink leaks.", "Hello?", model="kim"))

    assert said_in(answer.text) == "Kim is sorry. Once more, please?"


async def test_a_request_that_names_nobody_leaves_the_agent_as_it_is(tmp_path: Path) -> None:
    model = ScriptedClient(reply=["Which unit?", "Yes."])
    async with a_house(model, **an_office(tmp_path)) as house:
        await house.http.post(PATH, json=a_request("My sink leaks.", model="jamie"))
        await house.http.post(PATH, json=a_request("My sink leaks.", "Hello?", model="gpt-4o"))
        call = house.brain.calls.get(CALL_ID)

    assert call is not None
    assert call.agent.name == "jamie"


async def test_naming_the_same_agent_on_every_turn_undoes_no_handoff_of_ours(tmp_path: Path) -> None:
    model = ScriptedClient(reply=["Which unit?", "Yes."])
    async with a_house(model, **an_office(tmp_path)) as house:
        await house.http.post(PATH, json=a_request("My sink leaks.", model="jamie"))
        call = house.brain.calls.get(CALL_ID)
        assert call is not None
        house.brain.calls.hand_on(call, "kim")
        await house.http.post(PATH, json=a_request("My sink leaks.", "Hello?", model="jamie"))

    assert call.agent.name == "kim"


async def test_a_path_can_name_the_agent_that_goes_on(tmp_path: Path) -> None:
    (tmp_path / "sam2.toml").write_text(KIM.replace('"kim"', '"sam2"'))
    model = ScriptedClient(reply=["Which unit?", "Yes."])
    async with a_house(model, **an_office(tmp_path)) as house:
        await house.http.post("/vapi/kim/chat/completions", json=a_request("My sink leaks.", model=None))
        await house.http.post("/vapi/sam2/chat/completions", json=a_request("My sink.", "Hm?", model=None))
        call = house.brain.calls.get(CALL_ID)

    assert call is not None
    assert call.agent.name == "sam2"


async def test_a_server_url_that_names_nobody_is_answered_and_shown_to_operators() -> None:
    async with a_house() as house:
        answer = await house.http.post("/vapi/webhook?agent=jamy", json=a_message("status_ringing"))
        told = (await house.http.get("/admin/refused")).json()
        call = house.brain.calls.get(CALL_ID)

    assert answer.status_code == 200
    assert call is not None
    assert call.agent.name == house.brain.agents.default.name
    assert (told["doors"]["vapi"]["odd"], told["doors"]["vapi"]["refused"]) == (1, 0)
    assert "'jamy'" in told["refused"][0]["reason"]
    assert "jamie" in told["refused"][0]["to_do"]


MISSPELT = [
    ("/vapi/jamy/chat/completions", None, "The path names 'jamy'"),
    ("/vapi/jamy/chat/completions", "gpt-4o", "The path names 'jamy'"),
    (PATH, "jamy", "`model` names 'jamy'"),
    (PATH, "Jamie", "`model` names 'Jamie'"),
]


@pytest.mark.parametrize(("path", "model", "reason"), MISSPELT)
async def test_a_misspelt_agent_is_answered_by_the_default_one_and_shown_to_operators(
    path: str, model: str | None, reason: str
) -> None:
    async with a_house(ScriptedClient(reply="Which unit?")) as house:
        answer = await house.http.post(path, json=a_request("My sink leaks.", model=model))
        told = (await house.http.get("/admin/refused")).json()

    assert said_in(answer.text) == "Which unit?"
    assert (told["doors"]["vapi"]["odd"], told["doors"]["vapi"]["refused"]) == (1, 0)
    assert reason in told["refused"][0]["reason"]
    assert "jamie" in told["refused"][0]["to_do"]


@pytest.mark.parametrize("model", [None, "gpt-4o", "custom", "jamie"])
@pytest.mark.parametrize(
    "path", [PATH, "/my-llm/chat/completions", "/vapi/0a1b2c3d4e5f6a7b8c9d/chat/completions"]
)
async def test_a_name_that_was_never_meant_for_one_of_ours_is_not_odd(path: str, model: str | None) -> None:
    settings = {"vapi_path_key": "0a1b2c3d4e5f6a7b8c9d", "open": True}
    async with a_house(ScriptedClient(reply="Which unit?"), **settings) as house:
        await house.http.post(path, json=a_request("My sink leaks.", model=model))
        told = (await house.http.get("/admin/refused")).json()

    assert [door["odd"] for door in told["doors"].values() if door["odd"]] == []


@pytest.mark.parametrize("words", ["Kim can help you with that.", ""])
async def test_a_tool_hands_the_caller_to_another_of_our_agents(tmp_path: Path, words: str) -> None:
    wanted = ToolCall("c", "handoff", '{"target": "kim"}')
    to_kim = KIM.replace('"kim"', '"sam"').replace('"end_call"]', '"end_call", "handoff"]')
    (tmp_path / "sam.toml").write_text(to_kim + '[handoff.kim]\nagent = "kim"\nfor = "all else"\n')
    async with a_house(who_says(words, wanted), **an_office(tmp_path)) as house:
        tools = a_message("chat_request_tools")["tools"]  # one of them would have to leave alone
        answer = await house.http.post(PATH, json=a_request("Kim, please.", model="sam", tools=tools))
        again = await house.http.post(PATH, json=a_request("Kim, please.", model="sam", tools=tools))
        call = house.brain.calls.get(CALL_ID)
        changes = [event for event in house.events if isinstance(event, AgentChanged)]

    assert said_in(answer.text) == said_in(again.text) == (words or "This is Kim.")
    assert calls_in(frames_of(answer.text)) == []
    assert call is not None
    assert call.agent.name == "kim"
    assert len(changes) == 1


async def test_a_handoff_that_nobody_can_do_is_told_to_the_model_and_the_agent_stays(tmp_path: Path) -> None:
    moon = '[handoff.moon]\nassistant = "the moon"\nfor = "the moon"\n'
    listed = KIM.replace('"end_call"]', '"end_call", "handoff"]') + moon
    wanted = ToolCall("c", "handoff", '{"target": "moon"}')
    model = ScriptedClient(reply=["-", "Nobody else is here today."], tool_calls=(wanted,))
    async with a_house(model, **an_office(tmp_path, listed)) as house:
        call = {"id": CALL_ID}  # without a control URL
        answer = await house.http.post(PATH, json=a_request("The moon, please.", model="kim", call=call))
        live = house.brain.calls.get(CALL_ID)

    assert said_in(answer.text) == "Nobody else is here today."
    assert "cannot be done on this line" in model.asked[1].messages[-1].text
    assert live is not None
    assert live.agent.name == "kim"
