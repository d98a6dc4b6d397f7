"""How Twilio asks for a document, played: once, in time, signed, with cookies, and again where it is told."""

from __future__ import annotations

import asyncio
from urllib.parse import parse_qsl

import httpx
import pytest

from tests.conftest import VirtualTime
from voice.errors import BadRequest
from voice.simulate.twilio.http import Overrides, Webhooks, signature

BASE = "http://127.0.0.1:8000"
TWIML = httpx.Response(200, text="<Response><Hangup/></Response>", headers={"Content-Type": "text/xml"})
FORM = (("CallSid", "CA1"), ("FromCity", ""))


class Server:
    """Answers with each of `answers` in turn; a number waits so long before the TWIML."""

    def __init__(self, *answers: httpx.Response | Exception | float) -> None:
        self._answers = list(answers)
        self.came: list[httpx.Request] = []
        self.done = 0
        self.http = httpx.AsyncClient(transport=httpx.MockTransport(self._answer))

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self.came.append(request)
        answer = self._answers.pop(0) if self._answers else TWIML
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, float):
            await asyncio.sleep(answer)
            answer = TWIML
        self.done += 1
        return answer

    def webhooks(self, token: str | None = None, public_url: str | None = None) -> Webhooks:
        return Webhooks(BASE, public_url, token, self.http)


def redirect(status: int, to: str) -> httpx.Response:
    return httpx.Response(status, headers={"Location": to})


async def test_a_slow_document_is_given_up_after_fifteen_seconds(virtual_time: VirtualTime) -> None:
    server = Server(60.0)

    with pytest.raises(BadRequest, match=r"11200: /twilio/voice gave no answer within 15 s"):
        await server.webhooks().document(f"{BASE}/twilio/voice", FORM)

    assert virtual_time.elapsed_s == pytest.approx(15.0)
    assert len(server.came) == 1


async def test_a_url_may_ask_that_a_slow_answer_is_asked_for_again_while_the_first_still_runs(
    virtual_time: VirtualTime,
) -> None:
    server = Server(3.0, 1.0)

    document = await server.webhooks().document(f"{BASE}/twilio/voice#rt=2000&rc=2&rp=rt", FORM)
    await asyncio.sleep(1.0)

    assert document.url == f"{BASE}/twilio/voice"
    assert virtual_time.elapsed_s == pytest.approx(4.0)
    assert server.done == 2, "the first one goes on"
    first, second = (request.headers["I-Twilio-Idempotency-Token"] for request in server.came)
    assert first == second


async def test_no_repetition_goes_beyond_the_total_of_fifteen_seconds(virtual_time: VirtualTime) -> None:
    server = Server(*[60.0] * 6)

    with pytest.raises(BadRequest, match="11200"):
        await server.webhooks().document(f"{BASE}/twilio/voice#rt=4000&rc=5&rp=all", FORM)

    assert virtual_time.elapsed_s == pytest.approx(15.0)
    assert len(server.came) == 4


@pytest.mark.parametrize(
    ("fragment", "first", "asked"),
    [
        ("", httpx.ConnectError("refused"), 2),
        ("#rc=0", httpx.ConnectError("refused"), 1),
        ("", httpx.Response(503), 1),
        ("#rp=5xx", httpx.Response(503), 2),
        ("#rp=4xx,5xx", httpx.Response(403), 2),
        ("#rp=4xx", httpx.Response(503), 1),
        ("", httpx.ReadError("broken off"), 1),
    ],
)
async def test_a_failure_is_repeated_only_where_the_url_says_so(
    fragment: str, first: httpx.Response | Exception, asked: int
) -> None:
    server = Server(first)

    try:
        await server.webhooks().document(f"{BASE}/twilio/voice{fragment}", FORM)
        went_well = True
    except BadRequest:
        went_well = False

    assert (len(server.came), went_well) == (asked, asked == 2)


@pytest.mark.parametrize("fragment", ["ct=50", "rt=16000", "rc=6", "tt=soon"])
def test_an_override_that_twilio_does_not_take_is_named(fragment: str) -> None:
    with pytest.raises(BadRequest, match=fragment):
        Overrides.read(fragment)


@pytest.mark.parametrize(("status", "method", "keeps"), [(301, "GET", False), (307, "POST", True)])
async def test_a_redirect_is_followed_and_most_lose_the_form(status: int, method: str, keeps: bool) -> None:
    server = Server(redirect(status, "/moved?to=1"))

    document = await server.webhooks("12345").document(f"{BASE}/twilio/voice", FORM)

    second = server.came[1]
    assert document.url == str(second.url) == f"{BASE}/moved?to=1"
    assert second.method == method
    assert bool(second.content) == keeps
    assert second.headers["X-Twilio-Signature"] == signature("12345", document.url, FORM if keeps else ())


async def test_after_ten_redirects_it_gives_up() -> None:
    server = Server(*[redirect(307, f"/{number}") for number in range(12)])

    with pytest.raises(BadRequest, match="11215"):
        await server.webhooks().document(f"{BASE}/twilio/voice", FORM)

    assert len(server.came) == 11


async def test_cookies_are_kept_for_a_call_and_told_to_no_other() -> None:
    server = Server(httpx.Response(200, text=TWIML.text, headers={**TWIML.headers, "Set-Cookie": "seat=4"}))
    mine, other = server.webhooks(), server.webhooks()

    for webhooks in (mine, mine, other):
        await webhooks.document(f"{BASE}/twilio/voice", FORM)

    assert [request.headers.get("Cookie") for request in server.came] == [None, "seat=4", None]


async def test_with_get_the_fields_stand_in_the_query_and_in_the_signed_url() -> None:
    server = Server()

    await server.webhooks("12345").document(f"{BASE}/twilio/voice?agent=jamie", FORM, "GET")

    (request,) = server.came
    assert parse_qsl(request.url.query.decode(), keep_blank_values=True) == [("agent", "jamie"), *FORM]
    assert request.headers["X-Twilio-Signature"] == signature("12345", str(request.url), ())


async def test_what_is_signed_is_the_public_url_and_what_is_asked_is_this_machine() -> None:
    server = Server()
    webhooks = server.webhooks("12345", "https://voice.example.com/phone")

    await webhooks.document("https://voice.example.com/phone/twilio/voice", FORM)

    (request,) = server.came
    assert str(request.url) == f"{BASE}/twilio/voice"
    signed = signature("12345", "https://voice.example.com/phone/twilio/voice", FORM)
    assert request.headers["X-Twilio-Signature"] == signed
    socket = "wss://voice.example.com/phone/twilio/relay/t1"
    assert webhooks.socket(socket) == ("ws://127.0.0.1:8000/twilio/relay/t1", socket)
    assert webhooks.socket("wss://elsewhere.example.com/x")[0] == "wss://elsewhere.example.com/x"


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (httpx.Response(404), "11200: /twilio/voice answered 404"),
        (
            httpx.Response(200, text="Sorry!", headers={"Content-Type": "text/plain"}),
            "plain text is read aloud",
        ),
        (httpx.Response(200, text="<Response", headers={"Content-Type": "text/xml"}), "12100"),
        (httpx.ConnectTimeout("too slow"), "11205: nobody answers"),
    ],
)
async def test_where_twilio_gives_up_its_error_is_told(answer: httpx.Response | Exception, why: str) -> None:
    server = Server(answer, answer)

    with pytest.raises(BadRequest, match=why):
        await server.webhooks().document(f"{BASE}/twilio/voice", FORM)


def test_the_signature_is_the_one_that_twilio_publishes_as_an_example() -> None:
    fields = (
        ("CallSid", "CA1234567890ABCDE"),
        ("Digits", "1234"),
        ("From", "+14158675309"),
        ("To", "+18005551212"),
        ("Caller", "+14158675309"),
    )

    signed = signature("12345", "https://mycompany.com/myapp.php?foo=1&bar=2", fields)

    assert signed == "RSOYDt4T1cUTdK1PDd93/VVr8B8="
