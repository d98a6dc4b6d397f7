"""Twilio's side of a call, played: strict where Twilio is strict, and a whole call through our door."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest

from tests.conftest import VirtualTime
from tests.handlers.twilio_door import BASE, Door, a_door
from voice.errors import BadRequest
from voice.models.scripted import ScriptedClient
from voice.simulate.caller import play
from voice.simulate.script import AC_REPAIR, LEAK, Script
from voice.simulate.twilio.documents import TwilioPlay
from voice.simulate.twilio.http import signature
from voice.simulate.twilio.line import TwilioLine
from voice.simulate.twiml import read_twiml
from voice.store.memory import MemoryStore
from voice.types import CallId

GATHER = '<Gather input="speech dtmf" action="/twilio/gather?turn={}" {}><Say>{}</Say></Gather>'


def ask(turn: int, words: str, attributes: str = 'actionOnEmptyResult="true"', after: str = "") -> str:
    return f"<Response>{GATHER.format(turn, attributes, words)}{after}</Response>"


def a_server(answer: Callable[[httpx.Request], str | int | httpx.Response]) -> httpx.AsyncClient:
    """A client whose server answers with TwiML, or with a bare status."""

    def handle(request: httpx.Request) -> httpx.Response:
        found = answer(request)
        if isinstance(found, int):
            return httpx.Response(found)
        if isinstance(found, str):
            return httpx.Response(200, text=found, headers={"Content-Type": "text/xml"})
        return found

    return httpx.AsyncClient(transport=httpx.MockTransport(handle), base_url=BASE)


class Elsewhere(httpx.AsyncBaseTransport):
    """Leads to the door that is open now."""

    door: Door

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self.door.http.send(request)


@pytest.mark.parametrize("script", [AC_REPAIR, LEAK], ids=lambda script: script.name)
async def test_a_whole_call_goes_through_the_gather_door(virtual_time: VirtualTime, script: Script) -> None:
    model = ScriptedClient(
        reply=[f"Answer {word}." for word in ("one", "two", "three", "four", "five")], first_s=0.3
    )
    store = MemoryStore()
    async with a_door(model, store=store, twilio_auth_token="12345") as door:
        line = TwilioLine(BASE, auth_token="12345", http=door.http)
        report = await play(line, script)
        live = door.brain.calls.live

    assert report.good, report
    assert "this is Jamie" in report.greeting
    assert [turn.said for turn in report.turns] == list(script.says)
    assert [turn.heard for turn in report.turns] == [
        f"Answer {n}." for n in ("one", "two", "three", "four", "five")
    ]
    assert report.turns[0].ttfc_ms == pytest.approx(300.0)
    assert live == 0
    stored = await store.find(CallId(line.call_id))
    assert stored is not None
    assert stored.record.ended_reason == "completed"
    assert [turn.said for turn in stored.turns] == list(script.says)


async def test_five_turns_keep_their_thread_over_a_restart(virtual_time: VirtualTime) -> None:
    store, model, there = MemoryStore(), ScriptedClient(reply="I see."), Elsewhere()
    line = TwilioLine(BASE, http=httpx.AsyncClient(transport=there))
    async with a_door(model, store=store) as there.door:
        await line.dial()
        for words in AC_REPAIR.says[:2]:
            await line.say(words)
    async with a_door(model, store=store) as there.door:
        for words in AC_REPAIR.says[2:]:
            assert (await line.say(words)).heard == "I see."

    said = [part.text for part in model.asked[-1].messages if part.role == "user"]
    assert said == list(AC_REPAIR.says)


async def test_a_wrong_token_is_told_as_twilio_would(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token="12345") as door:
        report = await play(TwilioLine(BASE, auth_token="wrong", http=door.http), AC_REPAIR)

    assert report.error is not None
    assert "403" in report.error
    assert not report.good


async def test_the_public_url_is_signed_and_followed(virtual_time: VirtualTime) -> None:
    public = "https://voice.example.com"
    async with a_door(ScriptedClient(), twilio_auth_token="12345", public_url=public) as door:
        line = TwilioLine(BASE, auth_token="12345", public_url=public, http=door.http)
        report = await play(line, AC_REPAIR)

    assert report.good


async def test_a_shared_key_signs_where_there_is_no_token(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_shared_keys="k1:s3cret,k2:0ther") as door:
        right = await play(TwilioLine(BASE, shared_key=("k2", "0ther"), http=door.http), AC_REPAIR)
        wrong = await play(TwilioLine(BASE, shared_key=("k2", "s3cret"), http=door.http), AC_REPAIR)

    assert right.good
    assert wrong.error is not None
    assert "403" in wrong.error


async def test_a_number_may_ask_with_get(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token="12345") as door:
        play_get = TwilioPlay(method="GET")
        line = TwilioLine(BASE, auth_token="12345", agent="jamie", http=door.http, play=play_get)
        report = await play(line, AC_REPAIR)

    assert report.good, report


async def test_a_slow_reply_is_heard_in_hops(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(reply="Here it is.", first_s=5.0)) as door:
        line = TwilioLine(BASE, http=door.http)
        await line.dial()
        turn = await line.say("Hello?")

    assert turn.heard == "One moment, let me look into that. Here it is."
    assert turn.hops == 2
    assert not turn.late
    assert turn.ttfc_ms is not None
    assert 3900 < turn.ttfc_ms <= 4000
    assert turn.gap_ms == pytest.approx(1050, abs=30)


async def test_silence_is_told_and_a_hang_up_ends_the_call() -> None:
    def answer(request: httpx.Request) -> str:
        if "SpeechResult" in request.content.decode():
            return ask(2, "Go on.")
        return "<Response><Say>Goodbye.</Say><Hangup/></Response>" if request.url.query else ask(1, "Hello.")

    async with a_server(answer) as http:
        line = TwilioLine(BASE, http=http)
        assert await line.dial() == "Hello."
        assert (await line.say("Hi.")).heard == "Go on."
        assert (await line.say("")).heard == "Goodbye."
        assert line.is_over
        with pytest.raises(BadRequest, match="nobody listens"):
            await line.say("Still there?")


async def test_without_action_on_empty_result_silence_falls_to_the_next_verb() -> None:
    async with a_server(lambda _: ask(1, "Hello.", "", "<Say>Are you there?</Say><Hangup/>")) as http:
        line = TwilioLine(BASE, http=http)
        await line.dial()
        turn = await line.say("")

    assert turn.heard == "Are you there?"
    assert turn.hops == 0


async def test_the_form_is_signed_over_the_url_as_it_is_requested() -> None:
    shown: list[tuple[str, dict[str, list[str]], str]] = []

    def answer(request: httpx.Request) -> str:
        form = parse_qs(request.content.decode(), keep_blank_values=True)
        shown.append((str(request.url), form, request.headers["X-Twilio-Signature"]))
        return ask(1, "Hello.", 'actionOnEmptyResult="true"')

    async with a_server(answer) as http:
        line = TwilioLine(BASE, auth_token="12345", agent="kim & co", http=http)
        await line.dial()
        await line.press("1#")
        await line.hang_up()
        await line.hang_up()

    assert [url for url, _, _ in shown] == [
        f"{BASE}/twilio/voice?agent=kim%20%26%20co",
        f"{BASE}/twilio/gather?turn=1",
        f"{BASE}/twilio/status",
    ]
    assert shown[1][1]["Digits"] == ["1"]
    assert shown[1][1]["FinishedOnKey"] == ["#"]
    assert shown[2][1]["CallStatus"] == ["completed"]
    for url, form, signed in shown:
        pairs = [(name, value) for name, values in form.items() for value in values]
        assert signed == signature("12345", url, pairs)


@pytest.mark.parametrize(
    ("kind", "body", "why"),
    [
        ("text/plain", "<Response/>", "read aloud"),
        ("application/json", "{}", "no TwiML"),
        ("text/xml", "Sorry!", "12100"),
        ("text/xml", " <?xml version='1.0'?><Response/>", "12100"),
        ("text/xml", "<response/>", "root element"),
        ("text/xml", "<Response><Say>a & b</Say></Response>", "12100"),
        ("text/xml", "<Response><say>Hello.</say></Response>", "no verb"),
        ("text/xml", "<Response><Say/></Response>", "empty"),
        ("text/xml", f"<Response><Say>{'x' * 4097}</Say></Response>", "4097"),
        ("text/xml", f"<Response><Say>{'x ' * 33000}</Say></Response>", "11750"),
        ("text/xml", '<Response><Gather speechTimeout="auto" speechModel="phone_call"/></Response>', "13335"),
        ("text/xml", '<Response><Gather speechTimeout="0"/></Response>', "13327"),
        ("text/xml", '<Response><Gather input="speech, dtmf"/></Response>', "listen"),
        ("text/xml", '<Response><Gather speech_timeout="3"/></Response>', "attribute"),
        ("text/xml", "<Response><Gather><Redirect>/x</Redirect></Gather></Response>", "cannot stand"),
        ("text/xml", '<Response><Gather actionOnEmptyResult="True"/></Response>', "neither"),
    ],
)
def test_twiml_that_twilio_refuses_is_refused(kind: str, body: str, why: str) -> None:
    with pytest.raises(BadRequest, match=why):
        read_twiml(kind, body.encode())


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (lambda _: 500, "answered 500"),
        (lambda _: httpx.Response(302, headers={"Location": "/elsewhere"}), "11215: more than 10 redirects"),
        (lambda _: "<Response><Redirect>/twilio/voice</Redirect></Response>", "still no <Gather>"),
    ],
    ids=["error", "redirected", "a loop"],
)
async def test_what_would_end_a_real_call_stands_in_the_report(
    answer: Callable[[httpx.Request], str | int | httpx.Response], why: str
) -> None:
    async with a_server(answer) as http:
        report = await play(TwilioLine(BASE, http=http), AC_REPAIR)

    assert report.error is not None
    assert why in report.error
    assert report.turns == []
    assert not report.good


async def test_a_server_that_is_gone_is_asked_twice_and_then_reported() -> None:
    asked = []

    def gone(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.ConnectError("nobody answers")

    async with a_server(gone) as http:
        report = await play(TwilioLine(BASE, http=http), AC_REPAIR)

    assert asked == ["/twilio/voice", "/twilio/voice", "/twilio/status", "/twilio/status"]
    assert report.error == f"Twilio error 11205: nobody answers at {BASE}/twilio/voice"
