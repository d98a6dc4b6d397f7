"""Twilio's REST API as we ask it: what is a no, and what leaves the outcome open."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from handlers.twilio.rest import TwilioRest
from tests.conftest import VirtualTime
from voice.errors import OrderRefused, OrderUnknown, SetupError
from voice.settings import load_settings
from voice.simulate.twilio.rest import ACCOUNT_SID, NUMBER, TOKEN, TwilioStandIn

FORM = [("To", "+14155550100"), ("From", NUMBER), ("Url", "https://voice.example.com/twilio/voice")]


@asynccontextmanager
async def asked(
    answer: Callable[[httpx.Request], httpx.Response], **changes: object
) -> AsyncIterator[TwilioRest]:
    """Our client, whose requests are answered like this."""
    account = {"twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": f"{TOKEN},older", **changes}
    settings = load_settings(Path("/nonexistent"), **account)
    async with httpx.AsyncClient(transport=httpx.MockTransport(answer)) as http:
        yield TwilioRest(settings, http)


@pytest.mark.parametrize(
    ("status", "body", "raised", "says"),
    [
        (400, '{"code": 21211, "message": "not valid"}', OrderRefused, "error 21211: not valid"),
        (400, "<html>", OrderRefused, "no reason given"),
        (404, "{}", OrderRefused, "404"),
        (401, "{}", OrderRefused, "TWILIO_AUTH_TOKEN"),
        (403, "[]", OrderRefused, "TWILIO_AUTH_TOKEN"),
        (500, "{}", OrderUnknown, "500"),
        (503, "<html>", OrderUnknown, "503"),
        (302, "", OrderUnknown, "302"),
        (200, "<html>", OrderUnknown, "200"),
        (201, "[]", OrderUnknown, "201"),
        (201, "", OrderUnknown, "201"),
    ],
)
async def test_only_twilios_own_no_is_a_no(
    virtual_time: VirtualTime, status: int, body: str, raised: type[Exception], says: str
) -> None:
    async with asked(lambda _: httpx.Response(status, text=body)) as rest:
        with pytest.raises(raised, match=says):
            await rest.begin(FORM)


async def test_a_change_is_tried_again_when_twilio_has_failed(virtual_time: VirtualTime) -> None:
    answers = [
        httpx.Response(503),
        httpx.Response(500, text="<html>"),
        httpx.Response(200, json={"sid": "CA1"}),
    ]
    async with asked(lambda _: answers.pop(0)) as rest:
        changed = await rest.change("CA1", [("Status", "completed")])

    assert changed == {"sid": "CA1"}
    assert not answers


@pytest.mark.parametrize(
    ("broken", "raised"),
    [
        (httpx.ConnectError("refused"), OrderRefused),
        (httpx.ConnectTimeout("slow"), OrderRefused),
        (httpx.ReadTimeout("slow"), OrderUnknown),
        (httpx.ReadError("reset"), OrderUnknown),
        (httpx.RemoteProtocolError("cut"), OrderUnknown),
    ],
)
async def test_a_line_that_breaks_leaves_open_what_was_done(
    virtual_time: VirtualTime, broken: Exception, raised: type[Exception]
) -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        raise broken

    async with asked(answer) as rest:
        with pytest.raises(raised):
            await rest.begin(FORM)


@pytest.mark.parametrize(("told", "waited_s"), [("2", 6), ("", 3), ("soon", 3), ("9999", 15), ("-1", 3)])
async def test_too_many_requests_is_waited_for_but_not_for_ever(
    virtual_time: VirtualTime, told: str, waited_s: int
) -> None:
    asked_times = 0

    def answer(_: httpx.Request) -> httpx.Response:
        nonlocal asked_times
        asked_times += 1
        return httpx.Response(429, json={"code": 20429}, headers={"Retry-After": told} if told else {})

    async with asked(answer) as rest:
        with pytest.raises(OrderRefused, match="20429"):
            await rest.begin(FORM)

    assert asked_times == 4
    assert virtual_time.elapsed_s == pytest.approx(waited_s)


async def test_it_is_asked_with_the_newest_token_and_the_whole_form(virtual_time: VirtualTime) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"sid": "CA1"})

    async with asked(answer) as rest:
        await rest.begin([*FORM, ("StatusCallbackEvent", "initiated"), ("StatusCallbackEvent", "completed")])

    (request,) = seen
    assert request.url == f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Calls.json"
    assert (
        request.headers["authorization"] == "Basic " + b64encode(f"{ACCOUNT_SID}:{TOKEN}".encode()).decode()
    )
    assert b"StatusCallbackEvent=initiated&StatusCallbackEvent=completed" in request.content


async def test_without_an_account_nothing_is_asked(virtual_time: VirtualTime) -> None:
    async with asked(lambda _: httpx.Response(500), twilio_account_sid=None) as rest:
        with pytest.raises(SetupError, match="TWILIO_ACCOUNT_SID"):
            await rest.begin(FORM)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"To": ""}, 21201),
        ({"To": "nobody"}, 21211),
        ({"From": "+12025550111"}, 21210),
        ({"Url": ""}, 21205),
        ({"Url": "", "Twiml": "<Response/>" + " " * 4000}, 32018),
    ],
)
async def test_the_stand_in_refuses_what_twilio_refuses(
    virtual_time: VirtualTime, change: dict[str, str], code: int
) -> None:
    form = {**dict(FORM), **change}
    settings = load_settings(Path("/nonexistent"), twilio_account_sid=ACCOUNT_SID, twilio_auth_token=TOKEN)
    async with TwilioStandIn(webhooks_at="http://127.0.0.1:9") as twilio, twilio.client() as http:
        with pytest.raises(OrderRefused, match=str(code)):
            await TwilioRest(settings, http).begin([pair for pair in form.items() if pair[1]])

    assert twilio.calls == {}
