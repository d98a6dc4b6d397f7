"""Requests that Twilio would not send, at its doors: each is answered with TwiML, and no call is stuck."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import urlencode

import httpx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.handlers.twilio_door import CALL, SID, Door, a_door, message
from voice.models.scripted import ScriptedClient
from voice.simulate.twiml import read_twiml
from voice.types import ToolCall

SPEAKS = ("/twilio/voice", "/twilio/gather", "/twilio/dial", "/twilio/whisper")
TELLS = ("/twilio/partial", "/twilio/status")
RECORDED = ("voice", "gather", "gather_digits", "gather_empty", "partial", "dialled", "whisper", "status")
ODD = [
    "",
    " ",
    "\x00",
    "\ufffd",
    "é" * 3000,
    "-1",
    "0",
    "1e308",
    "nan",
    "<Say>",
    "&",
    "true",
    "completed",
    SID,
]
ODD += [
    "CA2",
    "+1",
    "sip:a@b",
    "anonymous",
    "#",
    "*",
    "office",
    "jamie",
    "nobody",
    "2",
    "99999999999999999999",
]
NAMES = ["turn", "from", "chars", "waited", "missed", "agent", "to", "call", "asked", "other"]
ASKS = (ToolCall("", "end_call", "{"), ToolCall("", "transfer", '{"target": 7}'))

VALUES = st.sampled_from(ODD) | st.text(max_size=20)
LONGEST_QUERY = 60_000  # the client that asks here sends no longer URL
QUERIES = st.lists(st.tuples(st.sampled_from(NAMES), VALUES), max_size=6).filter(
    lambda pairs: len(urlencode(pairs, errors="replace")) < LONGEST_QUERY
)


@st.composite
def forms(draw: st.DrawFn) -> list[tuple[str, str]]:
    """A recorded form with some fields lost, doubled, or holding something else."""
    pairs = list(message(draw(st.sampled_from(RECORDED))).items())
    for _ in range(draw(st.integers(0, 5))):
        place = draw(st.integers(0, len(pairs) - 1))
        match draw(st.sampled_from(["lose", "twice", "replace"])):
            case "lose" if len(pairs) > 1:
                del pairs[place]
            case "twice":
                pairs.append((pairs[place][0], draw(VALUES)))
            case _:
                pairs[place] = (pairs[place][0], draw(VALUES))
    return pairs


async def asked(door: Door, path: str, query: list[tuple[str, str]], body: bytes) -> httpx.Response:
    headers = {"content-type": "application/x-www-form-urlencoded"}
    url = f"{path}?{urlencode(query, errors='replace')}"
    return await door.http.post(url, content=body, headers=headers)


def is_taken(path: str, answer: httpx.Response) -> bool:
    """Whether Twilio would go on with the call."""
    if path in TELLS:
        return answer.status_code in {204, 400}
    read_twiml(answer.headers["content-type"], answer.content)
    return answer.status_code == 200


def asks(what: tuple[ToolCall, ...]) -> ScriptedClient:
    return ScriptedClient(reply="Which unit?", tool_calls=what)


async def nothing_is_stuck(door: Door) -> None:
    """The call can be spoken to, unless it was told to be over."""
    record = await door.brain.store.record(CALL)
    turns = len(call.thread.turns) if (call := door.brain.calls.get(CALL)) else 0
    document = await door.hear(f"/twilio/gather?turn={turns + 1}", SpeechResult="Are you still there?")
    assert document.words or (record is not None and record.ended_on is not None)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data(), path=st.sampled_from([*SPEAKS, *TELLS]), query=QUERIES, form=forms())
async def test_whatever_arrives_is_answered(
    data: st.DataObject, path: str, query: list[tuple[str, str]], form: list[tuple[str, str]]
) -> None:
    what: Any = data.draw(st.sampled_from([(), ASKS]))
    body = urlencode(form, errors="replace").encode()

    async with asyncio.timeout(5), a_door(asks(what)) as door:
        answer = await asked(door, path, query, body)
        again = await asked(door, path, query, body)

        assert is_taken(path, answer)
        assert is_taken(path, again)
        await nothing_is_stuck(door)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.sampled_from([*SPEAKS, *TELLS]), query=QUERIES, body=st.binary(max_size=200))
async def test_bytes_that_mean_nothing_are_answered(
    path: str, query: list[tuple[str, str]], body: bytes
) -> None:
    async with asyncio.timeout(5), a_door(ScriptedClient()) as door:
        answer = await asked(door, path, query, b"CallSid=" + SID.encode() + b"&SpeechResult=" + body)

        assert is_taken(path, answer)
        await nothing_is_stuck(door)
