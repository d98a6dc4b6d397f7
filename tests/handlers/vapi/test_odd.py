"""Messages of Vapi's that nobody can understand: none costs a call, and operators read what was wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.handlers.house import CALL_ID, House, a_house, a_message, a_request, notes_of, said_in
from voice.errors import SetupError
from voice.settings import load_settings

PATH = "/vapi/webhook"
CALL = {"id": CALL_ID}


async def refusals(house: House) -> dict[str, Any]:
    found: dict[str, Any] = (await house.http.get("/admin/refused")).json()
    return found


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({"message": {"type": None, "call": CALL}}, "`type` is null."),
        ({"message": {"type": "", "call": CALL}}, "`type` is empty."),
        ({"message": {"type": 7}}, "`type` is a number."),
        ({"message": {"type": 7.5}}, "`type` is a number."),
        ({"message": {"type": True}}, "`type` is true or false."),
        ({"message": {"type": ["hang"]}}, "`type` is a list."),
        ({"message": {"type": {"name": "hang"}}}, "`type` is an object."),
        ({"message": {"call": CALL}}, "The message has no `type`."),
        ({"message": {}}, "The message has no `type`."),
        ({"messsage": {"call": CALL}}, "The message has no `type`."),
        ({"type": None, "call": CALL}, "`type` is null."),
        ({"call": CALL, "customer": {"number": "+14155550100"}}, "The message has no `type`."),
        ({"message": [{"type": "hang"}]}, "`message` is a list."),
        ({"message": None, "call": CALL}, "`message` is null."),
        ({"message": 7, "phoneNumber": {"id": "pn_1"}}, "`message` is a number."),
    ],
    ids=str,
)
async def test_a_message_without_a_readable_type_is_taken_and_its_operator_told(
    body: dict[str, Any], reason: str
) -> None:
    async with a_house() as house:
        await house.http.post(PATH, json=a_message("status_ringing"))
        answer = await house.http.post(PATH, json=body)
        goes_on = await house.http.post("/vapi/chat/completions", json=a_request("My sink leaks."))
        found = await refusals(house)

    assert (answer.status_code, answer.json()) == (200, {})
    assert said_in(goes_on.text) == "Which unit are you in?"
    assert (found["doors"]["vapi"]["odd"], found["doors"]["vapi"]["refused"]) == (1, 0)
    [one] = found["refused"]
    assert (one["why"], one["status"], one["reason"]) == ("OddMessage", 200, reason)


@pytest.mark.parametrize(
    "body", [b'"hang"', b"7", b"null", b"[]", b"{", b"", b'{"message": null}', b'{"words": "Hello."}']
)
async def test_what_is_plainly_not_vapis_is_refused_with_a_sentence_for_its_developer(body: bytes) -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, content=body)
        found = await refusals(house)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]
    assert found["doors"]["vapi"]["odd"] == 0


async def test_an_assistant_that_wants_a_voice_from_here_gets_its_fallback_voice_and_no_dead_line() -> None:
    async with a_house() as house:
        answer = await house.http.post(PATH, json=a_message("voice_request"))
        found = await refusals(house)

    # At an error Vapi goes on with voice.fallbackPlan; silent samples would be played to the caller.
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "no_voice"
    assert found["refused"][0]["why"] == "VoiceAsked"
    assert "voice.fallbackPlan" in found["refused"][0]["to_do"]


# A call that ended because of us


@pytest.mark.parametrize(
    ("reason", "times"),
    [
        ("assistant-request-returned-no-assistant", 1),
        ("call.in-progress.error-providerfault-custom-llm-500-server-error", 1),
        ("pipeline-error-custom-voice-failed", 1),
        ("customer-ended-call", 0),
        ("assistant-request-returned-error", 0),  # what we told the caller, because we meant to
    ],
)
async def test_a_call_that_vapi_ended_because_of_us_is_told_once_with_what_to_mend(
    reason: str, times: int, caplog: pytest.LogCaptureFixture
) -> None:
    status, report = a_message("status_ended"), a_message("end_of_call_report")
    status["message"]["endedReason"] = report["message"]["endedReason"] = reason

    async with a_house() as house:
        for told in (a_message("status_ringing"), status, report):
            await house.http.post(PATH, json=told)

    lines = [vars(line) for line in caplog.records if line.msg == "vapi.call_lost"]
    assert [line["reason"] for line in lines] == [reason] * times
    assert all(line["means"] and "doctor vapi" in line["to_do"] for line in lines)


async def test_why_vapi_could_not_begin_a_call_stands_in_its_notes() -> None:
    async with a_house() as house:
        for name in ("status_ringing", "status_debugging", "status_forwarding"):
            await house.http.post(PATH, json=a_message(name))
        _, ended, forwarded = await notes_of(house, "status")

    assert ended["inboundPhoneCallDebuggingArtifacts"]["error"] == "no assistant"
    assert forwarded["destination"] == {"type": "number", "number": "+14155550150", "message": "One moment."}


# A key in the path


KEY = "who-put-a-?-in-the-key"


@pytest.mark.parametrize(
    ("key", "in_url"),
    [
        (KEY, "who-put-a-%3F-in-the-key"),
        ("who-put-a-#-in-the-key", "who-put-a-%23-in-the-key"),
        ("100% of all the ünusual", "100%25%20of%20all%20the%20%C3%BCnusual"),
        ("a+b=c&d;e:f@g-and-so-on", "a+b=c&d;e:f@g-and-so-on"),
    ],
)
async def test_a_path_key_opens_both_doors_whatever_characters_it_has(key: str, in_url: str) -> None:
    async with a_house(vapi_path_key=key) as house:
        http = house.from_elsewhere()
        event = await http.post(f"/vapi/{in_url}/webhook", json=a_message("status_ringing"))
        turn = await http.post(f"/vapi/{in_url}/chat/completions", json=a_request("My sink leaks."))

    assert (event.status_code, turn.status_code) == (200, 200)
    assert said_in(turn.text) == "Which unit are you in?"


@pytest.mark.parametrize(
    "path",
    [
        "/vapi/who-put-a-%253F-in-the-key/webhook",  # encoded twice
        "/vapi/who-put-a-/webhook",
        "/vapi/who-put-a-%3F/in-the-key/webhook",
        "/vapi/webhook?key=who-put-a-%3F-in-the-key",
    ],
)
async def test_half_a_path_key_or_one_in_another_place_opens_nothing(path: str) -> None:
    async with a_house(vapi_path_key=KEY) as house:
        answer = await house.from_elsewhere().post(path, json=a_message("status_ringing"))

    assert answer.status_code in (401, 404)


@pytest.mark.parametrize(
    "key",
    [
        "sixteen/with/slashes",
        "sixteen\\with\\backslashes",  # browsers and Node take it for a slash
        "sixteen%20with%20blanks",
        "sixteen\twith\ttabs",
        "sixteen\x00with\x00zeros",
        "sixteen-with-half-\udcff",
    ],
    ids=repr,
)
def test_a_path_key_that_no_url_could_hold_stops_the_start(key: str, tmp_path: Any) -> None:
    with pytest.raises(SetupError, match="OFFHOOK_VAPI_PATH_KEY"):
        load_settings(tmp_path, vapi_path_key=key)
