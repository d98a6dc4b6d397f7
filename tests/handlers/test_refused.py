"""What the diagnostics count and remember of requests, and what they never show."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.types import Message, Scope

from handlers.refused import KEPT, shown_path
from tests.handlers.house import CALL_ID, ELSEWHERE, House, a_house, a_message, a_request

SECRET = "swordfish"


async def told(house: House) -> dict[str, Any]:
    found: dict[str, Any] = (await house.http.get("/admin/refused")).json()
    return found


async def test_every_request_is_counted_at_its_door_before_its_secret_is_checked() -> None:
    async with a_house(vapi_secret=SECRET) as house:
        await house.http.post("/vapi/webhook", json=a_message("status_ringing"))
        await house.http.post(
            "/vapi/webhook", json=a_message("status_ringing"), headers={"x-vapi-secret": SECRET}
        )
        found = await told(house)

    assert found["doors"]["vapi"]["requests"] == 2
    assert found["doors"]["vapi"]["refused"] == 1
    assert found["doors"]["vapi"]["last_path"] == "/vapi/webhook"
    assert found["doors"]["vapi"]["last_on"].endswith("+00:00")


@pytest.mark.parametrize(
    ("path", "door"),
    [
        ("/chat/completions", "vapi"),
        (f"/{SECRET}/chat/completions", "vapi"),
        (f"/vapi/{SECRET}/chat/completions/", "vapi"),
        ("/v1/chat/completions", "openai"),
        ("/chat", "chat"),
    ],
)
async def test_a_model_url_of_vapis_counts_as_vapis_however_it_is_spelt(path: str, door: str) -> None:
    async with a_house() as house:
        await house.http.post(path, json=a_request("My sink leaks."))
        found = await told(house)

    assert [name for name, one in found["doors"].items() if one["requests"] and name != "admin"] == [door]


async def test_a_wrong_secret_is_told_by_its_headers_name_and_never_by_its_value() -> None:
    async with a_house(vapi_secret=SECRET) as house:
        await house.http.post(
            "/vapi/chat/completions?key=guessed-in-query",
            json=a_request("My sink leaks."),
            headers={"X-Vapi-Secret": "guessed-in-header", "Authorization": "Bearer guessed-too"},
        )
        found = await told(house)

    one = found["refused"][0]
    assert {name: one[name] for name in ("door", "method", "path", "status", "why")} == {
        "door": "vapi",
        "method": "POST",
        "path": "/vapi/chat/completions",
        "status": 403,
        "why": "NotAllowed",
    }
    assert set(one["shown"]) == {"x-vapi-secret", "authorization"}
    assert one["reason"] == "A wrong secret came in authorization, x-vapi-secret."
    assert "VAPI_SECRET" in one["to_do"]
    assert "guessed" not in json.dumps(found)


async def test_a_wrong_path_is_named_with_the_right_one() -> None:
    async with a_house() as house:
        await house.http.post("/vapi/completions", json=a_request("My sink leaks."))
        found = await told(house)

    assert (found["refused"][0]["path"], found["refused"][0]["status"]) == ("/vapi/completions", 404)
    assert "server URL …/vapi/webhook" in found["refused"][0]["to_do"]


async def test_a_wrong_method_is_remembered_too() -> None:
    async with a_house() as house:
        await house.http.get("/vapi/webhook")
        found = await told(house)

    assert (found["refused"][0]["method"], found["refused"][0]["status"]) == ("GET", 405)
    assert "POST" in found["refused"][0]["to_do"]


async def test_a_refusal_that_was_spoken_counts_although_its_status_was_200() -> None:
    async with a_house() as house:
        answer = await house.http.post("/vapi/chat/completions", content=b"{not json")
        found = await told(house)

    assert answer.status_code == 200
    assert found["doors"]["vapi"]["refused"] == 1
    assert found["refused"][0]["why"] == "BadRequest"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/vapi/webhook", a_request("My sink leaks.")),
        ("/vapi/chat/completions", a_message("status_ringing")),
    ],
    ids=["chat-at-the-webhook", "event-at-the-model"],
)
async def test_what_came_to_the_other_path_is_served_and_counted(path: str, body: dict[str, Any]) -> None:
    async with a_house() as house:
        answer = await house.http.post(path, json=body)
        found = await told(house)

    assert answer.status_code == 200
    assert (found["doors"]["vapi"]["misplaced"], found["doors"]["vapi"]["refused"]) == (1, 0)


async def test_only_the_newest_are_kept_newest_first() -> None:
    async with a_house() as house:
        for i in range(KEPT + 5):
            await house.http.get(f"/nowhere{i}")
        found = await told(house)

    assert len(found["refused"]) == KEPT
    assert found["refused"][0]["path"] == f"/nowhere{KEPT + 4}"


async def test_a_call_whose_every_message_is_refused_is_one_line_with_their_number() -> None:
    async with a_house(vapi_secret=SECRET) as house:
        for name in ("status_ringing", "status_in_progress", "transcript_final"):
            await house.http.post("/vapi/webhook", json=a_message(name))
        await house.http.get("/nowhere")
        await house.http.post("/vapi/webhook", json=a_message("status_ended"))
        found = await told(house)

    assert [(one["path"], one["times"]) for one in found["refused"]] == [
        ("/vapi/webhook", 4),
        ("/nowhere", 1),
    ]


async def test_what_a_sender_wrote_wrongly_is_told_without_the_keys_in_it() -> None:
    async with a_house() as house:
        await house.http.post("/chat", json={"message": "Hello.", "call_id": "one two"})
        asked = {"model": "rpa_0123456789ABCD0123456789", "messages": [{"role": "user", "content": "Hi."}]}
        await house.http.post("/v1/chat/completions", json=asked)
        found = await told(house)

    unknown, odd_id = found["refused"]
    assert (odd_id["status"], odd_id["reason"][:8]) == (400, "call_id:")
    assert unknown["status"] == 404
    assert "rpa_0123456789" not in json.dumps(found)


async def test_our_own_secret_is_hidden_wherever_it_stands_in_a_path() -> None:
    async with a_house(api_key=SECRET) as house:
        await house.http.post(f"/vapi/{SECRET}/completion", json={})
        found = await told(house)

    assert found["refused"][0]["path"] == "/vapi/…/completion"


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/vapi/hook", "/vapi/hook"),
        ("/vapid/hook", "/vapid/hook"),
        ("/a/hoo/k", "/a/…/k"),
    ],
)
async def test_a_secret_that_is_far_too_short_hides_no_part_of_a_word(path: str, shown: str) -> None:
    async with a_house(api_key="hoo", vapi_secret="vapi") as house:
        await house.http.post(path, json={})
        found = await told(house)

    assert found["refused"][0]["path"] == shown


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("/vapi/webhook", "/vapi/webhook"),
        ("/vapi/chat/completions/chat/completions", "/vapi/chat/completions/chat/completions"),
        ("/vapi/sk-0123456789abcdef/chat", "/vapi/…/chat"),
        ("/a/thirty-letters-are-a-key-perhaps", "/a/…"),
        (f"/admin/calls/{CALL_ID}", "/admin/calls/…"),
        ("/a\nb", "/a…b"),
        ("/" + "a/" * 300, ("/" + "a/" * 300)[:120]),
    ],
)
def test_a_path_is_shown_without_what_may_be_a_key(path: str, shown: str) -> None:
    assert shown_path(path) == shown


async def test_a_socket_that_is_not_let_in_is_counted_and_told_as_every_request_is() -> None:
    sent: list[Message] = []
    scope: Scope = {
        "type": "websocket",
        "path": "/twilio/relay/a-ticket-0123456789",
        "raw_path": b"/twilio/relay/a-ticket-0123456789",
        "query_string": b"",
        "root_path": "",
        "scheme": "wss",
        "headers": [(b"host", b"voice.example.com")],
        "client": (ELSEWHERE, 50000),
        "subprotocols": [],
        "state": {},
    }

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    async with a_house(twilio_auth_token="t0ken") as house:
        await house.app(scope, receive, send)
        found = await told(house)

    assert [message["type"] for message in sent] == ["websocket.close"]
    assert (found["doors"]["twilio"]["requests"], found["doors"]["twilio"]["refused"]) == (1, 1)
    assert (found["refused"][0]["method"], found["refused"][0]["path"]) == ("WEBSOCKET", "/twilio/relay/…")
    assert "X-Twilio-Signature" in found["refused"][0]["reason"]


async def test_only_operators_see_it() -> None:
    async with a_house(open=True) as house:
        answer = await house.from_elsewhere().get("/admin/refused")

    assert answer.status_code == 403
