"""The assistant that answers an assistant-request is the one that `offhook vapi` writes."""

from __future__ import annotations

from tests.handlers.house import a_house, a_message
from voice.cli.vapi_lint import lint


async def test_the_answer_is_free_of_what_costs_callers_something() -> None:
    async with a_house(vapi_voice="cartesia/a-voice", public_url="https://voice.example.com") as house:
        answer = await house.http.post("/vapi/webhook", json=a_message("assistant_request"))

    assistant = answer.json()["assistant"]
    # No server is named on purpose: events go on to the URL that asked.
    harmful = [one.path for one in lint(assistant | {"server": {"url": "https://voice.example.com/vapi"}})]
    assert harmful == ["hooks"]
    assert "server" not in assistant
    assert assistant["voice"]["voiceId"] == "a-voice"
    assert assistant["voice"]["chunkPlan"]["formatPlan"] == {"enabled": False}


async def test_speech_updates_are_asked_for_so_that_operators_words_can_wait() -> None:
    async with a_house() as house:
        answer = await house.http.post("/vapi/webhook", json=a_message("assistant_request"))

    assert "speech-update" in answer.json()["assistant"]["serverMessages"]
