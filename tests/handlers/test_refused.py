"""What the diagnostics count and remember of requests, and what they never show."""

from __future__ import annotations

import json
from typing import Any

import pytest

from handlers.refused import KEPT, shown_path
from tests.handlers.house import CALL_ID, House, a_house, a_message, a_request

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
    assert "Check the secret on both sides" in one["reason"]
    assert "guessed" not in json.dumps(found)


async def test_a_wrong_path_is_named_with_the_right_one() -> None:
    async with a_house() as house:
        await house.http.post("/vapi/completions", json=a_request("My sink leaks."))
        found = await told(house)

    assert (found["refused"][0]["path"], found["refused"][0]["status"]) == ("/vapi/completions", 404)
    assert "server URL …/vapi/webhook" in found["refused"][0]["reason"]


async def test_a_wrong_method_is_remembered_too() -> None:
    async with a_house() as house:
        await house.http.get("/vapi/webhook")
        found = await told(house)

    assert (found["refused"][0]["method"], found["refused"][0]["status"]) == ("GET", 405)
    assert "POST" in found["refused"][0]["reason"]


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


async def test_our_own_secret_is_hidden_wherever_it_stands_in_a_path() -> None:
    async with a_house(api_key=SECRET) as house:
        await house.http.post(f"/vapi/{SECRET}/completion", json={})
        found = await told(house)

    assert found["refused"][0]["path"] == "/vapi/…/completion"


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


async def test_only_operators_see_it() -> None:
    async with a_house(open=True) as house:
        answer = await house.from_elsewhere().get("/admin/refused")

    assert answer.status_code == 403
