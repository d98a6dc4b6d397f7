"""`offhook doctor twilio`: what it says of a good server, and of each usual way to be refused."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from handlers.twilio.signing import sign
from tests.handlers.twilio_door import Door, a_door
from tests.voice.cli.running import in_process
from voice.cli.checks import Check
from voice.cli.server import bind, serving, url_of
from voice.cli.twilio.doctor import consult
from voice.cli.twilio.numbers import number_checks
from voice.cli.vapi.doctor import Consultation
from voice.models.scripted import ScriptedClient
from voice.settings import Settings, load_settings
from voice.simulate.twilio.http import signature
from voice.simulate.twilio.rest import ACCOUNT_SID, NUMBER, TOKEN, TwilioStandIn

SECRET = "t0ken-of-the-account"
PUBLIC = "https://voice.example.com"
GATHER = {"twilio_mode": "gather"}


@asynccontextmanager
async def a_server(**settings: Any) -> AsyncIterator[tuple[Door, str]]:
    """The web app on a loopback port, with a scripted model."""
    async with (
        a_door(ScriptedClient(), **settings) as door,
        serving(door.app, listener := bind("127.0.0.1", 0)),
    ):
        yield door, url_of(listener)


def ours(**settings: object) -> Settings:
    return load_settings(Path("/nonexistent"), **settings)


def the(found: Consultation | list[Check], what: str) -> Check:
    checks = found if isinstance(found, list) else found.checks
    return next(one for one in checks if one.what == what)


async def test_a_good_server_is_believed_through_webhook_and_socket() -> None:
    same = {"twilio_auth_token": SECRET, "public_url": PUBLIC}
    async with a_server(**same) as (_, url):
        found = await consult(ours(**same), url)

    assert [one for one in found.checks if one.state != "ok"] == []
    assert {one.what for one in found.checks} == {"webhook", "socket", "status callback", "stranger"}
    assert "Jamie" in found.heard[0].agent


async def test_a_gather_server_is_well_without_a_socket() -> None:
    same = {"twilio_auth_token": f"{SECRET},older", "public_url": PUBLIC, **GATHER}
    async with a_server(**same) as (_, url):
        found = await consult(ours(**same), url)

    assert [one for one in found.checks if one.state != "ok"] == []
    assert the(found, "door").says == "the call goes through <Gather>"


async def test_shared_keys_sign_where_there_is_no_token() -> None:
    same = {"twilio_shared_keys": "key_1:s3cret", "public_url": PUBLIC}
    async with a_server(**same) as (_, url):
        found = await consult(ours(**same), url)

    assert [one for one in found.checks if one.state != "ok"] == []


@pytest.mark.parametrize(
    ("theirs", "looked_for"),
    [
        ("http://voice.example.com", "http://voice.example.com"),
        ("https://voice.example.com/prefix", "https://voice.example.com/prefix/twilio/status"),
        ("https://old.example.com", "https://old.example.com/twilio/status"),
        (None, "http://127.0.0.1"),
    ],
)
async def test_a_server_that_looks_for_another_url_is_told_what_to_set(
    theirs: str | None, looked_for: str
) -> None:
    async with a_server(twilio_auth_token=SECRET, public_url=theirs, **GATHER) as (_, url):
        found = await consult(ours(twilio_auth_token=SECRET, public_url=PUBLIC, **GATHER), url)

    webhook = the(found, "webhook")
    assert webhook.state == "broken"
    assert f"signed {PUBLIC}/twilio/status" in webhook.says
    assert f"looks for {looked_for}" in webhook.says
    assert f"OFFHOOK_PUBLIC_URL={PUBLIC}" in webhook.to_do


async def test_a_public_url_of_another_host_is_not_blamed_on_the_token() -> None:
    same = {"twilio_auth_token": SECRET, **GATHER}
    async with a_server(**same, public_url=PUBLIC) as (_, url):
        found = await consult(ours(**same, public_url="https://other.example.com"), url)

    webhook = the(found, "webhook")
    assert "looks for https://voice.example.com/twilio/status" in webhook.says
    assert f"the server goes by {PUBLIC}: if Twilio asks that, set it here" in webhook.to_do
    assert "TOKEN" not in webhook.to_do


async def test_another_account_is_not_blamed_on_the_token() -> None:
    same = {"twilio_auth_token": SECRET, "public_url": PUBLIC, **GATHER}
    mine, theirs = "AC" + "1" * 32, "AC" + "2" * 32
    async with a_server(**same, twilio_account_sid=theirs) as (_, url):
        found = await consult(ours(**same, twilio_account_sid=mine), url)

    webhook = the(found, "webhook")
    assert "its signature is right" in webhook.says
    assert mine in webhook.says
    assert webhook.to_do == "compare TWILIO_ACCOUNT_SID here and there"


async def test_another_url_and_no_account_here_are_not_blamed_on_the_token_either() -> None:
    same = {"twilio_auth_token": SECRET, **GATHER}
    async with a_server(**same, public_url=PUBLIC, twilio_account_sid="AC" + "2" * 32) as (_, url):
        found = await consult(ours(**same, public_url="https://other.example.com"), url)

    webhook = the(found, "webhook")
    assert f"the server goes by {PUBLIC}, not https://other.example.com" in webhook.says
    assert "set TWILIO_ACCOUNT_SID to the server's own" in webhook.to_do


async def test_another_token_is_told_from_another_url() -> None:
    async with a_server(twilio_auth_token="another", public_url=PUBLIC) as (_, url):
        found = await consult(ours(twilio_auth_token=SECRET, public_url=PUBLIC), url)

    webhook = the(found, "webhook")
    assert "none of" in webhook.says
    assert webhook.to_do == "compare TWILIO_AUTH_TOKEN here and there; a subaccount has its own"


async def test_a_server_that_tells_strangers_nothing_may_have_any_of_three_things_wrong() -> None:
    same = {"public_url": PUBLIC, "twilio_auth_token": "another", "admin_token": "the-servers-own-token"}
    async with a_server(**same) as (_, url):
        found = await consult(ours(twilio_auth_token=SECRET, public_url="https://other.example.com"), url)

    to_do = the(found, "webhook").to_do
    assert all(name in to_do for name in ("AUTH_TOKEN", "ACCOUNT_SID", "PUBLIC_URL", "ADMIN_TOKEN"))


@pytest.mark.parametrize("path", ["/twilio", "/twilio/voice"])
async def test_the_url_of_one_webhook_is_told_so_and_raises_no_false_alarm(path: str) -> None:
    same = {"twilio_auth_token": SECRET, "public_url": PUBLIC, **GATHER}
    async with a_server(**same) as (_, url):
        found = await consult(ours(**same), f"{url}{path}")

    (only,) = [one for one in found.checks if one.state != "ok"]
    assert only.what == "url"
    assert "up to and without /twilio" in only.says


async def test_a_path_with_nothing_behind_it_lets_nobody_in() -> None:
    same = {"twilio_auth_token": SECRET, "public_url": PUBLIC, **GATHER}
    async with a_server(**same) as (_, url):
        found = await consult(ours(**same), f"{url}/elsewhere")

    assert the(found, "webhook").state == "broken"
    assert the(found, "stranger").says == "no signature is answered 404, not 403"


async def test_a_house_of_telnyxs_alone_is_not_told_to_set_twilios_token() -> None:
    same = {"telnyx_public_key": base64.b64encode(bytes(32)).decode(), "public_url": PUBLIC}
    async with a_server(**same) as (_, url):
        found = await consult(ours(**same), url)

    assert "only Telnyx's key is set" in the(found, "signatures").says
    assert the(found, "webhook").state == "warn"
    assert "only Telnyx can sign" in the(found, "webhook").says


async def test_without_a_token_here_the_missing_one_is_named() -> None:
    async with a_server(twilio_auth_token=SECRET) as (_, url):
        found = await consult(ours(), url)

    assert the(found, "webhook").to_do == "set TWILIO_AUTH_TOKEN to the server's own"


async def test_a_server_that_lets_strangers_in_is_broken() -> None:
    async with a_server() as (_, url):
        found = await consult(ours(twilio_auth_token=SECRET), url)

    assert the(found, "stranger").state == "broken"


async def test_what_twilio_was_refused_lately_is_told_and_the_visit_itself_is_not() -> None:
    async with a_server(twilio_auth_token=SECRET, **GATHER) as (door, url):
        settings = ours(twilio_auth_token=SECRET, **GATHER)
        first = await consult(settings, url)
        headers = {"X-Twilio-Signature": sign("another token", f"{url}/twilio/voiceCallSidCA1")}
        await door.http.post("/twilio/voice", data={"CallSid": "CA1"}, headers=headers)
        for _ in range(3):
            await consult(ours(twilio_auth_token="another token", **GATHER), url)
        second = await consult(settings, url)

    assert [one for one in first.checks if one.what.startswith("refused")] == []
    assert "No spelling of the URL matches" in the(second, "refused request").says


@pytest.mark.parametrize(("listed", "status"), [((), 403), (("127.0.0.1",), 200)])
async def test_a_tunnel_on_this_machine_is_believed_only_when_it_is_listed(
    listed: tuple[str, ...], status: int
) -> None:
    fields = [("CallSid", "CA1")]
    async with a_server(twilio_auth_token=SECRET, trusted_proxies=listed, **GATHER) as (_, url):
        headers = {
            "Host": "voice.example.com",
            "X-Forwarded-Proto": "https",
            "X-Forwarded-For": "203.0.113.7",
            "X-Twilio-Signature": signature(SECRET, f"{PUBLIC}/twilio/voice", fields),
        }
        async with httpx.AsyncClient(trust_env=False) as http:
            answer = await http.post(f"{url}/twilio/voice", data=dict(fields), headers=headers)

    assert answer.status_code == status


async def test_nobody_at_the_url_is_told_in_one_line() -> None:
    with bind("127.0.0.1", 0) as closed:
        url = url_of(closed)
    found = await consult(ours(public_url=PUBLIC, twilio_auth_token=SECRET), url)

    assert the(found, "reach").state == "broken"


async def test_a_relay_without_an_https_url_cannot_be() -> None:
    async with a_server(twilio_auth_token=SECRET) as (_, url):
        found = await consult(ours(twilio_auth_token=SECRET, twilio_mode="relay"), url)

    assert the(found, "mode").state == "broken"


@pytest.mark.parametrize(
    ("urls", "state", "says"),
    [
        ({"voice_url": f"{PUBLIC}/twilio/voice"}, "ok", "a call comes in at"),
        ({"voice_url": f"{PUBLIC}/twilio/voice?agent=kim#rc=2"}, "ok", "a call comes in at"),
        ({"voice_url": "https://demo.twilio.com/welcome"}, "broken", "https://demo.twilio.com/welcome"),
        ({}, "broken", "no URL"),
        ({"trunk_sid": "TK1", "voice_url": f"{PUBLIC}/twilio/voice"}, "warn", "TK1"),
    ],
)
async def test_a_number_that_leads_elsewhere_is_told(urls: dict[str, str], state: str, says: str) -> None:
    async with TwilioStandIn(webhooks_at=PUBLIC).served() as twilio:
        twilio.numbers[NUMBER] = urls
        found = await number_checks(an_account(twilio))

    assert found[0].what == f"number {NUMBER}"
    assert found[0].state == state
    assert says in found[0].says


async def test_a_number_without_callbacks_is_told_so() -> None:
    async with TwilioStandIn(webhooks_at=PUBLIC).served() as twilio:
        twilio.numbers[NUMBER] = {"voice_url": f"{PUBLIC}/twilio/voice"}
        bare = await number_checks(an_account(twilio))
        twilio.numbers[NUMBER] |= {
            "status_callback": f"{PUBLIC}/twilio/status",
            "voice_fallback_url": "https://handler.twilio.com/twiml/EH1",
        }
        whole = await number_checks(an_account(twilio))

    assert [one.state for one in bare] == ["ok", "warn", "warn"]
    assert bare[2].to_do == f"set {PUBLIC}/twilio/voice there, too, or a second server's"
    assert [one.state for one in whole] == ["ok"]


async def test_a_wrong_account_is_told_without_its_token() -> None:
    async with TwilioStandIn(webhooks_at=PUBLIC).served() as twilio:
        (wrong,) = await number_checks(an_account(twilio, twilio_auth_token="another"))
        (unknown,) = await number_checks(an_account(twilio, twilio_phone_number="+12025550111"))

    assert "TWILIO_AUTH_TOKEN" in wrong.says
    assert "another" not in wrong.says
    assert unknown.says.startswith("it has no such number")


async def test_twilio_that_is_not_reached_is_not_blamed_on_the_account() -> None:
    with bind("127.0.0.1", 0) as closed:
        away = url_of(closed)
    async with TwilioStandIn(webhooks_at=PUBLIC).served() as twilio:
        (found,) = await number_checks(an_account(twilio, twilio_base_url=away))

    assert found.state == "warn"
    assert f"was not reached at {away.removeprefix('http://')}" in found.says
    assert "TWILIO_ACCOUNT_SID" not in found.to_do


def test_the_command_tells_it_as_json(tmp_path: Path) -> None:
    told = in_process("doctor", "twilio", "--json", "--url", "http://127.0.0.1:9", folder=tmp_path)

    assert told.exit_code == 1
    assert not json.loads(told.stdout)["ok"]


def an_account(twilio: TwilioStandIn, **settings: object) -> Settings:
    known = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": TOKEN, "twilio_phone_number": NUMBER}
    return ours(**{"twilio_base_url": twilio.url, "public_url": PUBLIC, **known, **settings})
