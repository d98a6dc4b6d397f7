"""The assistant that answers an assistant-request is the one that `offhook vapi` writes."""

from __future__ import annotations

import hmac
import json
from typing import Any

import pytest

from tests.handlers.house import CALL_ID, a_house, a_message, a_request, said_in
from voice.cli.vapi.lint import lint_parts
from voice.cli.vapi.read import assistants_in
from voice.settings import LineSettings


async def test_the_answer_is_free_of_what_costs_callers_something() -> None:
    settings = {"vapi_voice": "cartesia/a-voice", "public_url": "https://voice.example.com"}
    async with a_house(**settings, vapi_secret="s3cret") as house:
        headers = {"x-vapi-secret": "s3cret"}
        answer = await house.http.post("/vapi/webhook", json=a_message("assistant_request"), headers=headers)

    contents = assistants_in(answer.json(), "answer.json")
    assistant = answer.json()["assistant"]
    # No server is named on purpose: events go on to the URL that asked.
    assert [one.path for one in lint_parts(contents.parts)] == ["hooks"]
    assert "server" not in assistant
    assert assistant["voice"]["voiceId"] == "a-voice"
    assert assistant["voice"]["chunkPlan"]["formatPlan"] == {"enabled": False}


async def test_a_public_url_that_ends_at_the_door_is_not_doubled() -> None:
    async with a_house(public_url="https://voice.example.com/vapi") as house:
        answer = await house.http.post("/vapi/webhook", json=a_message("assistant_request"))

    assert answer.json()["assistant"]["model"]["url"] == "https://voice.example.com/vapi"


async def test_speech_updates_are_asked_for_so_that_operators_words_can_wait() -> None:
    async with a_house() as house:
        answer = await house.http.post("/vapi/webhook", json=a_message("assistant_request"))

    assert "speech-update" in answer.json()["assistant"]["serverMessages"]


async def asked_when_signed(**settings: object) -> tuple[dict[str, Any], str]:
    """The answer to an assistant-request that came signed, and the agent's busy line."""
    body = json.dumps(a_message("assistant_request")).encode()
    ways = {"vapi_hmac_secret": "k3y", "vapi_hmac_format": "{body}", **settings}
    signature = hmac.digest(b"k3y", body, "sha256").hex()
    async with a_house(**ways) as house:
        name = house.brain.settings.vapi_hmac_header
        answer = await house.from_elsewhere().post("/vapi/webhook", content=body, headers={name: signature})
        return answer.json(), house.brain.agents.default.busy


async def test_where_vapi_only_signs_the_model_shows_the_api_key() -> None:
    answer, _ = await asked_when_signed(api_key="ap1")

    assert answer["assistant"]["credentials"] == [{"provider": "custom-llm", "apiKey": "ap1"}]


async def test_where_the_model_would_be_refused_the_caller_is_told_and_the_log_says_what_to_set(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answer, busy = await asked_when_signed()

    assert answer == {"error": busy}
    told = [vars(line).get("to_do") for line in caplog.records if line.msg == "vapi.no_credential"]
    assert len(told) == 1
    assert "VAPI_SECRET" in str(told[0])


async def test_a_path_key_with_odd_characters_makes_a_url_that_leads_here() -> None:
    async with a_house(vapi_path_key="100% not a plain key") as house:
        http = house.from_elsewhere()
        asked = await http.post(
            "/vapi/100%25%20not%20a%20plain%20key/webhook", json=a_message("assistant_request")
        )
        url = asked.json()["assistant"]["model"]["url"]
        turn = await http.post(f"{url}/chat/completions", json=a_request("My sink leaks."))

    assert url.endswith("/vapi/100%25%20not%20a%20plain%20key")
    assert said_in(turn.text) == "Which unit are you in?"


@pytest.mark.parametrize(
    ("overrides", "remembered"),
    [
        ({"firstMessage": "Maple Court at night."}, "Maple Court at night."),
        ({"firstMessage": "Hello {{name}}."}, ""),
        ({}, None),
    ],
)
async def test_the_agent_remembers_the_greeting_that_the_caller_heard(
    overrides: dict[str, Any], remembered: str | None
) -> None:
    line = LineSettings.model_validate({"agent": "jamie", "overrides": overrides})

    async with a_house(lines=(line,)) as house:
        await house.http.post("/vapi/webhook", json=a_message("assistant_request"))
        call = house.brain.calls.get(CALL_ID)

    assert call is not None
    assert call.thread.greeting == (call.agent.greeting if remembered is None else remembered)
