"""A wrong signature is explained to operators: which URL was looked for, which one was signed."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest

from handlers.twilio.signing import sign, tail
from tests.conftest import VirtualTime
from tests.handlers.relay_line import Socket
from tests.handlers.twilio_door import CALL, Door, a_door, message
from voice.models.scripted import ScriptedClient
from voice.simulate.twilio.http import signature

TOKEN, KEY = "t0ken-of-the-account", "s3cret-of-the-key"
PUBLIC = "https://voice.example.com"
FORM = [*message("status").items()]


async def refused(door: Door, target: str, signed: str, **headers: str) -> dict[str, object]:
    """What operators are told of one status callback with this signature."""
    shown = {"X-Twilio-Signature": signed, "Content-Type": "application/x-www-form-urlencoded", **headers}
    answer = await door.http.post(target, content=urlencode(FORM), headers=shown)
    assert answer.status_code == 403
    told = await door.http.get("/admin/twilio/refused")
    newest: dict[str, object] = told.json()["mismatches"][0]
    assert TOKEN not in told.text
    assert KEY not in told.text
    assert "+12025550123" not in told.text
    return newest


@pytest.mark.parametrize(
    ("signed_as", "public", "headers", "to_do"),
    [
        (PUBLIC, None, {"Host": "voice.example.com"}, f"Set OFFHOOK_PUBLIC_URL={PUBLIC}"),
        (PUBLIC, None, {"X-Forwarded-Host": "voice.example.com"}, f"Set OFFHOOK_PUBLIC_URL={PUBLIC}"),
        ("http://voice.example.com", PUBLIC, {}, "Set OFFHOOK_PUBLIC_URL=http://voice.example.com"),
        ("https://new.example.com", PUBLIC, {"Host": "new.example.com"}, "let Twilio use https://voice."),
        (f"{PUBLIC}/v", f"{PUBLIC}/other", {"X-Original-URI": "/v/twilio/status"}, f"PUBLIC_URL={PUBLIC}/v"),
    ],
)
async def test_the_url_that_was_signed_is_found(
    virtual_time: VirtualTime, signed_as: str, public: str | None, headers: dict[str, str], to_do: str
) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=public) as door:
        found = await refused(
            door,
            "/twilio/status",
            signature(TOKEN, f"{signed_as}/twilio/status", FORM),
            **headers,
        )

    assert found["signed"] == f"{signed_as}/twilio/status"
    assert to_do in str(found["to_do"])
    assert found["fields"] == [name for name, _ in FORM]


async def test_another_slash_is_found(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        signed = signature(TOKEN, f"{PUBLIC}/twilio/status", FORM)
        found = await refused(door, "/twilio/status/", signed)

    assert found["signed"] == f"{PUBLIC}/twilio/status"
    assert "as the server is asked" in str(found["to_do"])


async def test_a_key_whose_header_was_lost_is_named_and_not_shown(virtual_time: VirtualTime) -> None:
    shared = f"webhooks_1:{KEY}"
    async with a_door(
        ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC, twilio_shared_keys=shared
    ) as door:
        signed = sign(KEY, f"{PUBLIC}/twilio/status" + tail(FORM), "HMAC_SHA256")
        found = await refused(door, "/twilio/status", signed)

    assert "shared key webhooks_1 signed it with HMAC_SHA256" in str(found["says"])


async def test_blanks_that_a_proxy_has_dropped_are_found(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        kept = [pair for pair in FORM if pair[1]]
        found = await refused(door, "/twilio/status", signature(TOKEN, f"{PUBLIC}/twilio/status", kept))

    assert "without its blank fields" in str(found["says"])


async def test_another_accounts_token_matches_nothing(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        found = await refused(door, "/twilio/status", signature("other", f"{PUBLIC}/twilio/status", FORM))
        listed = (await door.http.get("/admin/refused")).json()["refused"][0]

    assert found["signed"] is None
    assert "TWILIO_AUTH_TOKEN" in str(found["to_do"])
    assert listed["status"] == 403


async def test_a_callers_number_in_a_query_is_not_shown(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        found = await refused(door, "/twilio/status?From=%2B12025550123&turn=1", "wrong")

    assert str(found["tried"]).count("/twilio/status?From=…&turn=…") == 2
    assert "12025550123" not in str(found)


async def test_a_ticket_is_not_shown(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        ticket = door.app.state.tickets.issue(CALL, "jamie")
        socket = Socket(door.app, f"/twilio/relay/{ticket}")
        await socket.run(
            {"X-Twilio-Signature": signature(TOKEN, f"http://x.example/twilio/relay/{ticket}", [])}
        )
        told = await door.http.get("/admin/twilio/refused")

    assert not socket.accepted
    assert "wss://voice.example.com/twilio/relay/…" in told.json()["mismatches"][0]["tried"]
    assert ticket not in told.text


async def test_a_socket_signed_as_https_is_told_that_its_scheme_differs(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        path = f"/twilio/relay/{door.app.state.tickets.issue(CALL, 'jamie')}"
        await Socket(door.app, path).run({"X-Twilio-Signature": signature(TOKEN, f"{PUBLIC}{path}", [])})
        told = (await door.http.get("/admin/twilio/refused")).json()["mismatches"][0]

    assert "the scheme differs" in told["to_do"]
    assert "OFFHOOK_PUBLIC_URL is right" in told["to_do"]


async def test_a_flood_of_wrong_signatures_is_not_searched_through(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        signed = signature(TOKEN, "http://voice.example.com/twilio/status", FORM)
        told = [await refused(door, "/twilio/status", signed) for _ in range(30)]
        kept = (await door.http.get("/admin/twilio/refused")).json()["mismatches"]

    assert [one["signed"] is not None for one in told].count(True) == 5
    assert len(kept) == 20


async def test_what_is_no_signature_is_not_searched_for(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, public_url=PUBLIC) as door:
        found = await refused(door, "/twilio/status", "wrong")

    assert "no signature at all" in str(found["says"])


async def test_only_operators_may_see_it(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token=TOKEN, peer="203.0.113.7", open=True) as door:
        answer = await door.http.get("/admin/twilio/refused")

    assert answer.status_code == 403
