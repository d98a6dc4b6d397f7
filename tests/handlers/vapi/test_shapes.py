"""Every shape of a message that somebody has recorded is understood: its call, its caller, its words."""

from __future__ import annotations

import pytest

from tests.handlers.house import CALL_ID, WIRE, a_house, a_message, notes_of, said_in
from voice.models.scripted import ScriptedClient
from voice.threads.journal import journal

CHATS = [path.stem for path in sorted(WIRE.glob("chat_request*.json"))]
TOOLS = [
    path.stem for path in sorted(WIRE.glob("*.json")) if path.stem.startswith(("tool_calls", "function_call"))
]
WORDLESS = {"chat_request_first_message"}  # nobody has said anything yet
NAMELESS = {"chat_request_off"}  # nothing in it names a call


def newest_words(name: str) -> str:
    """What the caller has said last, as a list of parts or as text."""
    said = [one["content"] for one in a_message(name)["messages"] if one["role"] == "user"][-1]
    return said if isinstance(said, str) else "".join(part["text"] for part in said)


@pytest.mark.parametrize("name", CHATS)
async def test_a_turn_is_answered_for_its_call_whatever_shape_it_came_in(name: str) -> None:
    model = ScriptedClient(reply="Which unit are you in?")

    async with a_house(model) as house:
        answer = await house.http.post("/vapi/chat/completions", json=a_message(name))
        call = house.brain.calls.get(CALL_ID)

    assert said_in(answer.text) == "Which unit are you in?"
    assert (call is None) == (name in NAMELESS)
    if name not in WORDLESS:
        assert newest_words(name) in [message.text for message in model.asked[0].messages]


@pytest.mark.parametrize("name", TOOLS)
async def test_a_tool_is_run_once_with_its_arguments_whatever_shape_they_came_in(name: str) -> None:
    async with a_house() as house:
        await house.http.post("/vapi/webhook", json=a_message("status_ringing"))
        answer = await house.http.post("/vapi/webhook", json=a_message(name))
        stored = await house.store.find(CALL_ID)

    assert stored is not None
    [use] = journal(stored.notes)
    told = answer.json()
    [result] = told.get("results", [told])
    assert use.ok
    assert "result" in result
    assert "\n" not in result["result"]


@pytest.mark.parametrize("name", ["assistant_request", "assistant_request_nulls", "assistant_request_web"])
async def test_a_call_is_taken_whatever_is_known_of_it(name: str) -> None:
    async with a_house() as house:
        answer = await house.http.post("/vapi/webhook", json=a_message(name))
        call = house.brain.calls.get(CALL_ID)

    assert answer.json()["assistant"]["name"] == "jamie"
    assert call is not None
    assert call.record.caller == (None if name == "assistant_request_web" else "+14155550100")


async def test_a_reason_is_kept_though_its_message_is_of_2024() -> None:
    async with a_house() as house:
        await house.http.post("/vapi/webhook", json=a_message("status_ringing"))
        await house.http.post("/vapi/webhook", json=a_message("status_ended_2024"))
        statuses = await notes_of(house, "status")
        live = house.brain.calls.live

    assert statuses[-1] == {"status": "ended", "endedReason": "customer-ended-call"}
    assert live == 0
