"""What is kept of Vapi's messages holds no secret and nothing that steers a call."""

from __future__ import annotations

import json
from typing import Any

from handlers.wire.masked import mask
from tests.handlers.house import CALL_ID, a_house, a_message, notes_of

PATH = "/vapi/webhook"


async def test_no_secret_of_any_message_is_kept() -> None:
    message = a_message("end_of_call_report")
    message["message"] |= {
        "server": {"url": "https://voice.example.com", "headers": {"X-Vapi-Secret": "hush-1"}},
        "credentials": [{"provider": "custom-llm", "apiKey": "hush-2"}],
        "assistant": {"model": {"apiKey": "hush-3"}, "serverUrlSecret": "hush-4"},
        "call": {"id": CALL_ID, "phoneNumber": {"twilioAuthToken": "hush-5"}},
        "nested": [[{"text": "I send Authorization: Bearer hush-6-abcdef and sk-hush7abcdefgh\x00"}]],
    }

    async with a_house() as house:
        await house.http.post(PATH, json=a_message("status_ringing"))
        await house.http.post(PATH, json=message)
        kept = json.dumps(await notes_of(house, "report"))

    assert "hush" not in kept
    assert "\\u0000" not in kept
    assert "https://voice.example.com" in kept


async def test_the_urls_that_steer_a_call_or_listen_to_it_are_used_and_not_kept() -> None:
    monitor = {
        "controlUrl": "https://phone.vapi.ai/c1/control",
        "listenUrl": "wss://phone.vapi.ai/c1/listen",
    }
    message = {"type": "user-interrupted", "call": {"id": CALL_ID, "monitor": monitor}}

    async with a_house() as house:
        await house.http.post(PATH, json=a_message("status_ringing"))
        await house.http.post(PATH, json={"message": message})
        [note] = await notes_of(house, "user-interrupted")
        is_known = house.app.state.controls.knows(CALL_ID)

    assert is_known
    assert note["call"]["monitor"] == {"controlUrl": "[removed]", "listenUrl": "[removed]"}


async def test_a_key_that_is_read_out_is_not_kept_with_the_transcript() -> None:
    said = {"type": "transcript", "transcriptType": "final", "role": "user", "call": {"id": CALL_ID}}
    said["transcript"] = "My key is sk-hush1abcdefgh, and the sink leaks."

    async with a_house() as house:
        await house.http.post(PATH, json=a_message("status_ringing"))
        await house.http.post(PATH, json={"message": said})
        [note] = await notes_of(house, "transcript")

    assert note["transcript"] == "My key is [secret], and the sink leaks."


def test_counters_and_ordinary_words_stay_as_they_are() -> None:
    found: dict[str, Any] = {
        "llmPromptTokens": 12,
        "token": None,
        "transcript": "My secret is a token.",
        "a": [1],
    }
    before = json.loads(json.dumps(found))

    mask(found)

    assert found == before
