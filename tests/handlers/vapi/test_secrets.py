"""What is kept of Vapi's messages holds no secret and nothing that steers a call."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.wire.masked import mask, text_to_keep
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


# What we have told Vapi ourselves, and get back

IN_PATH = "the-key-in-our-path-4711"


@pytest.mark.parametrize(
    ("key", "in_url"), [(IN_PATH, IN_PATH), ("who-put-a-?-in-the-key", "who-put-a-%3f-in-the-key")]
)
@pytest.mark.parametrize("name", ["transfer_update", "end_of_call_report"])
async def test_the_key_in_our_own_url_is_not_kept_when_vapi_tells_its_assistant(
    name: str, key: str, in_url: str
) -> None:
    told = a_message(name)
    urls = {
        "server": {"url": f"https://voice.example.com/vapi/{in_url}/webhook?agent=sam"},
        "model": {"url": f"https://voice.example.com/{in_url}"},
    }
    told["message"]["toAssistant"] = {**urls, "name": "sam"}
    kind = told["message"]["type"].replace("end-of-call-report", "report")

    async with a_house(vapi_path_key=key) as house:
        await house.http.post(f"/vapi/{in_url}/webhook", json=a_message("status_ringing"))
        await house.http.post(f"/vapi/{in_url}/webhook", json=told)
        [note] = await notes_of(house, kind)

    kept = note.get("raw", note)["toAssistant"]
    assert kept["server"]["url"] == "https://voice.example.com/vapi/[secret]/webhook?agent=sam"
    assert kept["model"]["url"] == "https://voice.example.com/[secret]"


async def test_the_path_key_of_yesterday_is_not_kept_either() -> None:
    told = a_message("transfer_update")
    told["message"]["toAssistant"] = {"model": {"url": "https://voice.example.com/vapi/0ld-k3y-0ld-k3y"}}

    async with a_house() as house:
        await house.http.post(PATH, json=told)
        [note] = await notes_of(house, "transfer-update") or [{}]

    assert "0ld-k3y" not in json.dumps(note)


async def test_a_secret_of_ours_is_told_wherever_it_stands_and_whatever_its_field_is_called() -> None:
    said = {"type": "transcript", "transcriptType": "final", "role": "user", "call": {"id": CALL_ID}}
    said["transcript"] = "I was told to say swordfish-and-chips."
    told = {"type": "hang", "call": {"id": CALL_ID, "x": ["swordfish-and-chips"]}, "y": "swordfish-and-chips"}
    headers = {"x-vapi-secret": "swordfish-and-chips"}

    async with a_house(vapi_secret="swordfish-and-chips") as house:
        for message in (a_message("status_ringing")["message"], said, told):
            await house.http.post(PATH, json={"message": message}, headers=headers)
        [heard], [hang] = await notes_of(house, "transcript"), await notes_of(house, "hang")

    assert heard["transcript"] == "I was told to say [secret]."
    assert (hang["call"]["x"], hang["y"]) == (["[secret]"], "[secret]")


def test_a_secret_in_a_header_of_ones_own_is_not_kept() -> None:
    found: dict[str, Any] = {
        "server": {"headers": {"X-My-Thing": "hush", "X-Count": 4711, "X-List": ["hush"]}},
        "model": {"headers": [{"name": "X-My-Thing", "value": "hush"}], "requestHeaders": "X-My-Thing: hush"},
        "destination": {"sipHeaders": {"x-who": {"is": "hush"}}, "headersSent": "yes"},
    }

    mask(found)

    assert "hush" not in json.dumps(found)
    assert "4711" not in json.dumps(found)
    assert found["server"]["headers"]["X-My-Thing"] == "[removed]"
    assert found["destination"]["headersSent"] == "yes"


ARGUMENTS = {"password": "hush-1", "pin": 4711, "unit": "4b", "inner": json.dumps({"gate_code": "hush-2"})}


@pytest.mark.parametrize(
    "written",
    [
        json.dumps(ARGUMENTS),
        json.dumps(ARGUMENTS, indent=2),
        json.dumps([ARGUMENTS]),
        json.dumps(ARGUMENTS)[:-1],
        "Opened: " + json.dumps({"unit": "4b", "password": "hush-1", "pin": 4711}),
        '{"unit": "4b", "password": "hush-1',
        '{"password": "hush-1", "password": "hush-2", "unit": "4b", "pin": 1}',
    ],
)
async def test_what_tools_were_asked_in_a_report_is_kept_without_its_secrets(written: str) -> None:
    report = a_message("end_of_call_report")
    asked = {"id": "call_1", "type": "function", "function": {"name": "open", "arguments": written}}
    report["message"]["artifact"]["messages"].append({"role": "tool_calls", "toolCalls": [asked]})
    report["message"]["artifact"]["messages"].append({"role": "tool_call_result", "result": written})

    async with a_house() as house:
        await house.http.post(PATH, json=a_message("status_ringing"))
        await house.http.post(PATH, json=report)
        [note] = await notes_of(house, "report")

    kept = json.dumps(note)
    assert "4b" in kept
    assert not [secret for secret in ("hush", "4711") if secret in kept]


def test_a_code_is_left_out_though_it_is_a_number_and_a_counter_stays() -> None:
    found: dict[str, Any] = {"arguments": {"pin": 4711, "doorCode": 12.5}, "llmPromptTokens": 4711}

    mask(found)

    assert found == {"arguments": {"pin": "[removed]", "doorCode": "[removed]"}, "llmPromptTokens": 4711}


@pytest.mark.parametrize(
    "text",
    [
        '{"a": "b", "n": 1.50, "list": [1, 2]}',
        '{"half": "\\ud83d", "a": NaN}',
        "[1, 2]",
        "{",
        "She said {maybe}: no.",
        "https://voice.example.com/vapi/webhook?agent=jamie",
        "https://voice.example.com/vapi/chat/completions",
    ],
)
def test_a_text_without_secrets_is_kept_as_it_is(text: str) -> None:
    assert text_to_keep(text) == text


def test_half_a_pair_that_json_spells_out_can_be_stored() -> None:
    kept = text_to_keep('{"name": "A\\ud83d", "password": "x"}')

    assert json.loads(kept) == {"name": "A", "password": "[removed]"}
