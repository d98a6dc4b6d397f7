"""Status callbacks: late, twice, in any order."""

from __future__ import annotations

from urllib.parse import urlencode

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from tests.conftest import VirtualTime
from tests.handlers.twilio_door import CALL, SID, a_door, message
from voice.models.scripted import ScriptedClient


@pytest.mark.parametrize("status", ["completed", "busy", "failed", "no-answer", "canceled"])
async def test_an_ending_hangs_up(virtual_time: VirtualTime, status: str) -> None:
    async with a_door(ScriptedClient()) as door:
        await door.hear("/twilio/voice", "voice")
        answer = await door.post("/twilio/status", {**message("status"), "CallStatus": status})
        stored = await door.brain.store.find(CALL)
        live = door.brain.calls.live

    assert answer.status_code == 204
    assert live == 0
    assert stored is not None
    assert stored.record.ended_reason == status
    assert [(note.kind, note.payload["status"]) for note in stored.notes] == [("status", status)]


async def test_what_comes_before_the_end_is_only_kept(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        await door.hear("/twilio/voice", "voice")
        for status in ("initiated", "ringing", "in-progress", "something-new", ""):
            answer = await door.post("/twilio/status", {**message("status"), "CallStatus": status})
            assert answer.status_code == 204
        live = door.brain.calls.live

    assert live == 1


async def test_order_and_duplicates_do_not_matter(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        await door.hear("/twilio/voice", "voice")
        for status in ("completed", "in-progress", "completed", "ringing"):
            await door.post("/twilio/status", {**message("status"), "CallStatus": status})
        stored = await door.brain.store.find(CALL)
        live = door.brain.calls.live

    assert live == 0
    assert stored is not None
    assert stored.record.ended_reason == "completed"
    assert stored.record.ended_on is not None


async def test_a_call_that_nobody_knows_is_no_error(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        answer = await door.post("/twilio/status", message("status"))

    assert answer.status_code == 204


async def test_a_form_without_a_call_is_told_so_in_twiml(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        answer = await door.post("/twilio/status", {"CallStatus": "completed"})

    assert answer.status_code == 400
    assert answer.text == "<Response/>"
    assert answer.headers["content-type"].startswith("text/xml")


async def test_a_status_that_is_not_twilios_is_refused(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token="12345") as door:
        await door.hear("/twilio/voice", "voice")
        answer = await door.post("/twilio/status", message("status"), {"X-Twilio-Signature": "wrong"})
        live = door.brain.calls.live

    assert answer.status_code == 403
    assert live == 1


FIELDS = sorted({*message("status"), *message("amd"), *message("recording")})


@settings(deadline=None, max_examples=80)
@given(
    path=some.sampled_from(["/twilio/status", "/twilio/amd", "/twilio/recording"]),
    query=some.text(max_size=30) | some.sampled_from(["out=1&agent=nobody", "out=" + "0" * 32]),
    form=some.dictionaries(some.sampled_from(FIELDS), some.text(max_size=80)),
    has_sid=some.booleans(),
    raw=some.none() | some.binary(max_size=80),
)
async def test_whatever_is_told_breaks_nothing(
    path: str, query: str, form: dict[str, str], has_sid: bool, raw: bytes | None
) -> None:
    form = {**form, "CallSid": SID} if has_sid else form
    content = urlencode(form, errors="surrogatepass").encode() if raw is None else raw
    async with a_door(ScriptedClient()) as door:
        answer = await door.http.post(path, params=httpx.QueryParams(query), content=content)

    names_a_call = has_sid and raw is None
    assert answer.status_code in ((204,) if names_a_call else (204, 400))
