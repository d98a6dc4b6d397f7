"""What else happens on a Twilio call, played: partial results, keys, a person who is dialled, its end."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest

from tests.conftest import VirtualTime
from voice.errors import BadRequest
from voice.simulate.caller import play
from voice.simulate.script import Script, Step
from voice.simulate.twilio.dial import Person
from voice.simulate.twilio.documents import TwilioPlay
from voice.simulate.twilio.line import TwilioLine

BASE = "http://127.0.0.1:8000"
ASK = '<Gather input="speech dtmf" action="/said" actionOnEmptyResult="true" {}><Say>Hello.</Say></Gather>'
DIAL = (
    "<Say>I'll put you through.</Say>"
    '<Dial action="/dialled" timeout="25"><Number url="/whisper">+14155550100</Number></Dial>'
)
WHISPER = (
    '<Gather input="dtmf" numDigits="1" action="/accept" actionOnEmptyResult="true">'
    "<Say>A caller with a leak. Press 1.</Say></Gather>"
)
DECLINED = "<Hangup/>"

Answer = Callable[[dict[str, str]], str]


class Server:
    """Answers each path with TwiML, and keeps what came."""

    def __init__(self, **answers: str | Answer) -> None:
        self.came: list[tuple[str, dict[str, str]]] = []
        self._answers = answers
        self.line = TwilioLine(BASE, http=httpx.AsyncClient(transport=httpx.MockTransport(self.answer)))
        self.told: list[str] = []
        self.line.told = self.told.append

    def answer(self, request: httpx.Request) -> httpx.Response:
        name = request.url.path.rpartition("/")[2]
        form = parse_qs(request.content.decode(), keep_blank_values=True)
        fields = {field: values[0] for field, values in form.items()}
        self.came.append((name, fields))
        found = self._answers.get(name, "")
        text = f"<Response>{found if isinstance(found, str) else found(fields)}</Response>"
        return httpx.Response(200, text=text, headers={"Content-Type": "text/xml"})

    def of(self, name: str) -> list[dict[str, str]]:
        """The forms that were posted to one path."""
        return [fields for path, fields in self.came if path == name]


async def test_what_is_recognised_is_told_while_the_caller_speaks(virtual_time: VirtualTime) -> None:
    server = Server(voice=ASK.format('partialResultCallback="/partial"'), said=ASK.format(""))
    server.line.aloud.chars_per_s = 10.0
    await server.line.dial()
    began = virtual_time.elapsed_s

    turn = await server.line.say("one two three four")

    partials = [(form["SequenceNumber"], form["UnstableSpeechResult"]) for form in server.of("partial")]
    assert partials == [("0", "one two"), ("1", "one two three"), ("2", "one two three four")]
    assert server.came[-1][0] == "said", "the whole words come last"
    assert turn.ttfc_ms == 0.0, "the wait begins when the caller has finished"
    assert virtual_time.elapsed_s - began == pytest.approx(1.8 + 0.6)


def broken(form: dict[str, str]) -> str:
    raise httpx.ReadError("broken off")


async def test_a_partial_result_that_gets_no_answer_ends_no_call() -> None:
    server = Server(voice=ASK.format('partialResultCallback="/partial"'), said=ASK.format(""), partial=broken)
    await server.line.dial()

    turn = await server.line.say("one")

    assert turn.heard == "Hello."


@pytest.mark.parametrize(
    ("attributes", "keys", "digits", "finished"),
    [("", "12#", "12", "#"), ('numDigits="1"', "12", "1", ""), ('finishOnKey=""', "12#", "12#", "")],
)
async def test_keys_end_as_the_document_says(attributes: str, keys: str, digits: str, finished: str) -> None:
    server = Server(voice=ASK.format(attributes), said=ASK.format(""))
    await server.line.dial()

    await server.line.press(keys)

    (form,) = server.of("said")
    assert (form["Digits"], form["FinishedOnKey"]) == (digits, finished)


@pytest.mark.parametrize(("listens", "speaks"), [("dtmf", True), ("speech", False)])
async def test_what_the_document_does_not_listen_to_is_silence(listens: str, speaks: bool) -> None:
    document = f'<Gather input="{listens}" action="/said" actionOnEmptyResult="true"/>'
    server = Server(voice=document, said=document)
    await server.line.dial()

    await (server.line.say("hello") if speaks else server.line.press("1"))

    (form,) = server.of("said")
    assert not {"SpeechResult", "Digits"} & set(form)
    assert server.told == [f"the <Gather> does not listen to {'speech' if speaks else 'keys'}"]


def accepts(form: dict[str, str]) -> str:
    return "" if form["Digits"] == "1" else DECLINED


@pytest.mark.parametrize(
    ("person", "status", "bridged"),
    [
        ("accepts", "completed", "true"),
        ("declines", "completed", "false"),
        ("voicemail", "completed", "false"),
        ("busy", "busy", "false"),
        ("no-answer", "no-answer", "false"),
        ("failed", "failed", "false"),
    ],
)
async def test_what_became_of_a_transfer_is_told_to_its_action_url(
    virtual_time: VirtualTime, person: Person, status: str, bridged: str
) -> None:
    server = Server(voice=ASK.format(""), said=DIAL, whisper=WHISPER, accept=accepts, dialled=ASK.format(""))
    server.line.aloud.chars_per_s = 15.0
    server.line.person = person
    await server.line.dial()

    turn = await server.line.say("a person please")

    (form,) = server.of("dialled")
    assert (form["DialCallStatus"], form["DialBridged"]) == (status, bridged)
    assert form["CallSid"] == server.line.call_id
    assert turn.heard == "I'll put you through. Hello."
    has_answered = person in {"accepts", "declines", "voicemail"}
    assert [form["Digits"] for form in server.of("accept")] == (
        [{"accepts": "1", "declines": "2"}.get(person, "")] if has_answered else []
    )


async def test_a_whisper_is_asked_for_the_other_leg(virtual_time: VirtualTime) -> None:
    server = Server(voice=ASK.format(""), said=DIAL, whisper=WHISPER, accept=accepts)
    await server.line.dial()

    await server.line.say("a person please")

    (form,) = server.of("whisper")
    assert form["ParentCallSid"] == server.line.call_id
    assert form["CallSid"] != server.line.call_id
    assert (form["To"], form["Direction"]) == ("+14155550100", "outbound-dial")
    assert "the person hears: A caller with a leak. Press 1." in server.told


async def test_a_whisper_that_would_dial_again_is_refused() -> None:
    server = Server(voice=ASK.format(""), said=DIAL, whisper=DIAL)
    await server.line.dial()

    with pytest.raises(BadRequest, match="<Dial> cannot stand in a whisper"):
        await server.line.say("a person please")


async def test_a_recording_is_noted_and_told_when_the_call_is_over() -> None:
    start = '<Start><Recording recordingStatusCallback="/recorded"/></Start>'
    server = Server(voice=start + ASK.format(""))
    await server.line.dial()

    await server.line.hang_up()

    assert server.told == ["a recording begins"]
    (form,) = server.of("recorded")
    assert (form["CallSid"], form["RecordingStatus"]) == (server.line.call_id, "completed")


async def test_a_message_that_the_caller_leaves_is_told_to_the_action_url() -> None:
    server = Server(voice='<Say>Leave a message.</Say><Record action="/left"/>', left="<Hangup/>")

    greeting = await server.line.dial()

    assert greeting == "Leave a message."
    assert server.line.is_over
    (form,) = server.of("left")
    assert (form["RecordingDuration"], form["CallSid"]) == ("5", server.line.call_id)


async def test_status_callbacks_come_in_the_order_that_the_script_says_and_as_often() -> None:
    server = Server(voice=ASK.format(""), said=ASK.format(""))
    script = Script("doubled", (Step("say", "hello"),), statuses=("completed", "answered", "completed"))

    report = await play(server.line, script)

    assert report.good
    assert [(form["CallStatus"], form["SequenceNumber"]) for form in server.of("status")] == [
        ("completed", "3"),
        ("in-progress", "2"),
        ("completed", "3"),
    ]


async def test_words_over_a_document_that_does_not_listen_wait_until_one_does(
    virtual_time: VirtualTime,
) -> None:
    more = "<Say>This is the first of two sentences.</Say><Redirect>/more</Redirect>"
    server = Server(voice=ASK.format(""), said=more, more=ASK.format(""))
    server.line.aloud.chars_per_s = 10.0
    await server.line.dial()
    saying = asyncio.create_task(server.line.say("hello"))
    await asyncio.sleep(1.0)

    await server.line.listens()
    saying.cancel()
    await asyncio.wait({saying})

    assert server.line.cut is not None
    assert server.line.cut.heard.startswith("This is the first of two sentences.")


@pytest.mark.parametrize(
    ("document", "why"),
    [
        (ASK.format('maxSpeechTime="long"'), "13328"),
        (ASK.format('partialResultCallback="/p" partialResultCallbackMethod="PUT"'), "13329"),
        (ASK.format('finishOnKey="x"'), "only 0 to 9"),
        (ASK.format('numDigits="0"'), "a whole number from 1"),
        (ASK.format(f'hints="{"x" * 101}"'), "500 hints of 100 characters"),
        ('<Dial timeout="soon"><Number>+14155550100</Number></Dial>', "whole seconds"),
        ('<Redirect method="PUT">/x</Redirect>', "GET or POST"),
        ("<Number>+14155550100</Number>", "no verb; it stands in another one"),
        ("<Start><Stream/></Start>", "no verb of a phone agent"),
    ],
)
async def test_a_document_that_twilio_would_warn_of_is_refused(document: str, why: str) -> None:
    server = Server(voice=document)

    with pytest.raises(BadRequest, match=why):
        await server.line.dial()


async def test_a_document_that_fails_leads_to_the_fallback_url_of_the_number() -> None:
    server = Server(voice=ASK.format(""), said=broken, fallback=ASK.format(""))
    http = httpx.AsyncClient(transport=httpx.MockTransport(server.answer))
    line = TwilioLine(BASE, http=http, play=TwilioPlay(fallback="/fallback"), told=server.told.append)
    await line.dial()

    turn = await line.say("hello")

    assert turn.heard == "Hello."
    (form,) = server.of("fallback")
    assert (form["ErrorCode"], form["ErrorUrl"]) == ("11200", f"{BASE}/said")
    assert server.told == ["Twilio error 11200: /said broke off (ReadError); the fallback URL is asked"]
