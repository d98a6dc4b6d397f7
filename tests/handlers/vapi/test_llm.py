"""Vapi's custom LLM door: one turn in, speech out, whatever the path and whatever goes wrong."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.handlers.house import CALL_ID, Visitor, Watched, a_house, a_message, a_request, frames_of, said_in
from voice.models.scripted import ScriptedClient
from voice.types import CallId, Ending

PATH = "/vapi/chat/completions"


SPELLINGS = [
    "/vapi/chat/completions",
    "/vapi/v1/chat/completions",
    "/vapi/chat/completions/",
    "/vapi/chat/completions/chat/completions",
    "/vapi/webhook/chat/completions",
    "/vapi/some-tenant/chat/completions",
    "/v1/chat/completions",
    "/v1/chat/completions/chat/completions",
    "/chat/completions",
    "/chat/completions/",
    "/chat/completions/chat/completions",
    "//chat/completions",
    "/anything/else/chat/completions",
]


@pytest.mark.parametrize("path", SPELLINGS)
async def test_every_spelling_of_the_path_is_answered(path: str) -> None:
    async with a_house() as house:
        answer = await house.http.post(f"http://127.0.0.1:8000{path}", json=a_message("chat_request"))

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert said_in(answer.text) == "Which unit are you in?"


async def test_the_frames_are_those_that_vapi_reads() -> None:
    async with a_house(ScriptedClient(reply="Sure. Which unit are you in?")) as house:
        answer = await house.http.post(PATH, json=a_message("chat_request"))

    frames = frames_of(answer.text)
    deltas = [(one["choices"][0]["delta"], one["choices"][0]["finish_reason"]) for one in frames]
    assert deltas == [
        ({"role": "assistant", "content": ""}, None),
        ({"content": "Sure."}, None),
        ({"content": " Which unit are you in?"}, None),
        ({}, "stop"),
    ]
    assert {(one["object"], one["model"], len(one["choices"])) for one in frames} == {
        ("chat.completion.chunk", "jamie", 1)
    }
    assert len({(one["id"], one["created"]) for one in frames}) == 1
    assert answer.headers["cache-control"] == "no-cache, no-transform"
    assert answer.headers["x-accel-buffering"] == "no"


@pytest.mark.parametrize(
    ("said", "streams"),
    [
        ({}, True),
        ({"stream": True}, True),
        ({"stream": "true"}, True),
        ({"stream": None}, True),
        ({"stream": False}, False),
        ({"stream": "false"}, False),
        ({"stream": 0}, False),
    ],
)
async def test_it_streams_unless_told_not_to(said: dict[str, Any], streams: bool) -> None:
    body = a_request("My sink leaks.")
    del body["stream"]

    async with a_house() as house:
        answer = await house.http.post(PATH, json={**body, **said})

    if streams:
        assert said_in(answer.text) == "Which unit are you in?"
    else:
        found = answer.json()
        assert found["choices"][0]["message"]["content"] == "Which unit are you in?"
        assert found["object"] == "chat.completion"


IDS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"call": {"id": "c1"}}, {}),
    ({"call": {"callId": "c1"}}, {}),
    ({"call": None, "metadata": {"call_id": "c1"}}, {}),
    ({"call": None, "metadata": {"callId": "c1"}}, {}),
    ({"call": None, "callId": "c1"}, {}),
    ({"call": None}, {"X-Call-Id": "c1"}),
]


@pytest.mark.parametrize(("body", "headers"), IDS)
async def test_the_call_is_found_by_its_id_wherever_it_stands(
    body: dict[str, Any], headers: dict[str, str]
) -> None:
    async with a_house() as house:
        await house.http.post(PATH, json=a_request("My sink leaks.", **body), headers=headers)

        call = house.brain.calls.get(CallId("c1"))

    assert call is not None
    assert [turn.said for turn in call.thread.turns] == ["My sink leaks."]


async def test_a_call_without_an_id_is_answered_and_leaves_no_live_call() -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_request("My sink leaks.", call={}))

        assert said_in(answer.text) == "Which unit are you in?"
        assert house.brain.calls.live == 0


@pytest.mark.parametrize(
    "body", [{"customer": {"number": "+1415"}}, {"call": {"id": "c1", "customer": {"number": "+1415"}}}]
)
async def test_the_callers_number_is_kept(body: dict[str, Any]) -> None:
    async with a_house() as house:
        await house.http.post(PATH, json={**a_request("My sink leaks.", call={"id": "c1"}), **body})

        call = house.brain.calls.get(CallId("c1"))

    assert call is not None
    assert call.record.caller == "+1415"


async def test_the_model_reads_persona_system_message_greeting_history_and_words() -> None:
    model = ScriptedClient()

    async with a_house(model) as house:
        await house.http.post(PATH, json=a_message("chat_request"))

    messages = model.asked[0].messages
    assert [message.role for message in messages] == ["system", "assistant", "user"]
    assert messages[0].text.startswith("You are Jamie.")
    assert messages[0].text.endswith("Callers are tenants of Maple Court.")
    assert messages[1].text.startswith("Thanks for calling")
    assert messages[2].text == "My sink leaks."


async def test_words_in_parts_and_odd_roles_are_read() -> None:
    parts = [{"type": "text", "text": "My sink"}, {"type": "image_url", "image_url": {}}, "leaks."]
    talk = [
        {"role": "developer", "content": "Be brief."},
        {"role": "assistant", "content": None, "tool_calls": [{"id": "t", "function": {"name": "f"}}]},
        {"role": "function", "name": "f", "content": "done"},
        {"role": "narrator", "content": "It rains."},
        {"role": "user", "content": parts},
    ]
    model = ScriptedClient()

    async with a_house(model) as house:
        answer = await house.http.post(PATH, json=a_request(messages=talk))

    assert said_in(answer.text)
    assert model.asked[0].messages[-1].text == "My sink leaks."
    assert model.asked[0].messages[0].text.endswith("Be brief.")


async def test_a_call_without_words_yet_is_greeted_and_no_model_is_asked() -> None:
    model = ScriptedClient()

    async with a_house(model) as house:
        body = a_request(messages=[{"role": "system", "content": "Be kind."}])
        answer = await house.http.post(PATH, json=body)
        call = house.brain.calls.get(CALL_ID)
        greeting = house.brain.agents.default.greeting

    assert said_in(answer.text) == greeting
    assert not model.asked
    assert call is not None
    assert call.thread.greeting == greeting


async def test_words_that_cannot_be_read_are_asked_for_again() -> None:
    body = a_request(messages=[{"role": "assistant", "content": "Hello."}, {"role": "user", "content": " "}])

    async with a_house() as house:
        answer = await house.http.post(PATH, json=body)
        agent = house.brain.agents.default

    assert said_in(answer.text) == agent.fallbacks[0]


async def test_an_unknown_model_is_the_default_agent() -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_request("My sink leaks.", model="gpt-9"))

    assert said_in(answer.text) == "Which unit are you in?"
    assert frames_of(answer.text)[0]["model"] == "gpt-9"


ODD: list[dict[str, Any]] = [
    {"model": ["jamie"]},
    {"metadata": "none"},
    {"stream_options": 7, "user": {"id": 1}, "temperature": "hot", "tools": "none"},
    {"customer": "+1415", "phoneNumber": [], "numUserTurns": "two"},
    {"call": {"id": CALL_ID, "customer": None, "assistantOverrides": []}},
]


@pytest.mark.parametrize("changes", ODD)
async def test_an_odd_field_that_nobody_needs_costs_the_caller_nothing(changes: dict[str, Any]) -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_request("My sink leaks.", **changes))

    assert said_in(answer.text) == "Which unit are you in?"


async def test_the_path_may_name_the_agent() -> None:
    async with a_house() as house:
        await house.http.post("/vapi/jamie/chat/completions", json=a_request("Hello.", model="x"))
        call = house.brain.calls.get(CALL_ID)

    assert call is not None
    assert call.agent.name == "jamie"


async def test_a_model_that_names_a_route_is_asked_with_the_messages_as_they_are() -> None:
    model = ScriptedClient("lab")
    talk = [{"role": "system", "content": "Be a pirate."}, {"role": "user", "content": "Ahoy."}]

    async with a_house(ScriptedClient("other"), model) as house:
        await house.http.post(PATH, json=a_request(messages=talk, model="lab"))

    assert [message.text for message in model.asked[0].messages] == ["Be a pirate.", "Ahoy."]


async def test_an_exact_repeat_gets_the_same_answer_and_asks_no_model() -> None:
    model = ScriptedClient(reply=["First.", "Second."])
    body = a_request("My sink leaks.", metadata={"numAssistantTurns": 1, "numUserTurns": 1})

    async with a_house(model) as house:
        first = await house.http.post(PATH, json=body)
        again = await house.http.post(PATH, json=body)

    assert said_in(first.text) == said_in(again.text) == "First."
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    "counted",
    [
        {"metadata": {"numAssistantTurns": 2, "numUserTurns": 2}},
        {"numAssistantTurns": 2, "numUserTurns": 2},
    ],
)
async def test_yes_said_twice_is_two_turns(counted: dict[str, Any]) -> None:
    model = ScriptedClient(reply=["First.", "Second."])

    async with a_house(model) as house:
        await house.http.post(PATH, json=a_request("Yes.", numAssistantTurns=1, numUserTurns=1))
        second = await house.http.post(PATH, json=a_request("Yes.", "Yes.", **counted))

    assert said_in(second.text) == "Second."


async def test_yes_said_twice_is_two_turns_without_counters() -> None:
    model = ScriptedClient(reply=["First.", "Second."])

    async with a_house(model) as house:
        await house.http.post(PATH, json=a_request("Yes."))
        second = await house.http.post(PATH, json=a_request("Yes.", "Yes."))

    assert said_in(second.text) == "Second."


async def test_a_client_that_hangs_up_stops_the_turn_and_its_model_job() -> None:
    stuck = Watched(hangs=True)

    async with a_house(stuck) as house:
        visitor = Visitor(house.app)
        request = asyncio.create_task(visitor.post(PATH, a_request("My sink leaks.")))
        await stuck.begun.wait()
        visitor.hang_up()
        await request
        await stuck.stopped.wait()
        call = house.brain.calls.get(CALL_ID)

    assert stuck.cancelled == 1
    assert call is not None
    assert [turn.ending for turn in call.thread.turns] == [Ending.INTERRUPTED]


async def test_newer_words_take_over_and_the_older_stream_ends_as_a_normal_one() -> None:
    stuck, quick = Watched("stuck", hangs=True), ScriptedClient("quick", reply="Which unit?")

    async with a_house(stuck, quick) as house:
        first = asyncio.create_task(house.http.post(PATH, json=a_request("My sink", model="stuck")))
        await stuck.begun.wait()
        second = await house.http.post(PATH, json=a_request("My sink leaks.", model="quick"))
        older = await first

    assert said_in(second.text) == "Which unit?"
    assert said_in(older.text) == ""


async def test_newer_words_leave_the_older_whole_answer_an_ordinary_empty_one() -> None:
    stuck, quick = Watched("stuck", hangs=True), ScriptedClient("quick", reply="Which unit?")

    async with a_house(stuck, quick) as house:
        body = a_request("My sink", model="stuck", stream=False)
        first = asyncio.create_task(house.http.post(PATH, json=body))
        await stuck.begun.wait()
        await house.http.post(PATH, json=a_request("My sink leaks.", model="quick"))
        older = await first

    assert older.status_code == 200  # Vapi ends a call at an error
    assert older.json()["choices"][0]["message"]["content"] == ""


async def test_the_same_request_twice_at_once_hears_one_turn_twice() -> None:
    model = Watched(reply="Which unit?", first_s=0.01)
    body = a_request("My sink leaks.", metadata={"numAssistantTurns": 1, "numUserTurns": 1})

    async with a_house(model) as house:
        answers = await asyncio.gather(*(house.http.post(PATH, json=body) for _ in range(2)))

    assert [said_in(answer.text) for answer in answers] == ["Which unit?"] * 2
    assert len(model.asked) == 1
