"""A machine that picks up gets one message, or none; a person is never taken for one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import VirtualTime
from tests.handlers.ringing import Exchange, an_exchange, notes
from tests.handlers.twilio_door import SID, message
from voice.store.base import StoredCall
from voice.types import CallId

MESSAGE = "This is Kim. Please call me back."
KIM = (
    'name = "kim"\ngreeting = "This is Kim."\npersona = "You are Kim."\nfallbacks = ["Sorry?"]\n'
    f'voicemail = "{MESSAGE}"\n'
)
SILENT = KIM.replace("voicemail", "# voicemail")


def who_leaves(folder: Path, toml: str = KIM) -> dict[str, Any]:
    (folder / "kim.toml").write_text(toml)
    return {"agents_dir": folder, "agent": "kim"}


def done(stored: StoredCall) -> list[object]:
    return [note["done"] for note in notes(stored, "answered_by")]


async def test_a_machine_hears_the_message_after_its_beep(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with an_exchange(twilio={"callee": "machine"}, **who_leaves(tmp_path)) as exchange:
        call, stored = await exchange.called()

    assert call.one("MachineDetection") == "DetectMessageEnd"
    assert call.heard == ["This is Kim.", MESSAGE]
    assert [change.keys() for change in call.changes] == [{"Twiml"}]
    assert done(stored) == ["left_message"]
    assert stored.record.ended_reason == "voicemail"


async def test_an_order_brings_a_message_of_its_own(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with an_exchange(twilio={"callee": "machine"}, **who_leaves(tmp_path, SILENT)) as exchange:
        call, stored = await exchange.called(voicemail="Your part has come & costs $5.")

    assert call.heard[-1] == "Your part has come and costs five dollars."
    assert done(stored) == ["left_message"]


async def test_without_a_message_the_call_is_ended(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with an_exchange(twilio={"callee": "machine"}, **who_leaves(tmp_path, SILENT)) as exchange:
        call, stored = await exchange.called()

    assert call.one("MachineDetection") == "Enable"
    assert call.changes == [{"Status": "completed"}]
    assert done(stored) == ["hung_up"]


async def test_a_fax_hears_no_message(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with an_exchange(twilio={"callee": "fax"}, **who_leaves(tmp_path)) as exchange:
        call, stored = await exchange.called()

    assert call.changes == [{"Status": "completed"}]
    assert stored.record.ended_reason == "fax"


@pytest.mark.parametrize("callee", ["person", "unsure"])
async def test_a_person_and_whoever_may_be_one_talk_on(
    virtual_time: VirtualTime, tmp_path: Path, callee: str
) -> None:
    async with an_exchange(twilio={"callee": callee}, **who_leaves(tmp_path)) as exchange:
        call, stored = await exchange.called()

    assert call.changes == []
    assert done(stored) == ["went_on"]


@pytest.mark.parametrize("told", ["", "human", "unknown", "somebody-new", "machinery"])
async def test_a_word_that_nobody_knows_is_a_person(
    virtual_time: VirtualTime, tmp_path: Path, told: str
) -> None:
    async with an_exchange(twilio={"talk_s": 60}, **who_leaves(tmp_path)) as exchange:
        answer = await amd(exchange, AnsweredBy=told)

    assert answer == 204
    assert exchange.twilio.asked == []


async def test_the_message_is_left_once_however_often_it_is_told(
    virtual_time: VirtualTime, tmp_path: Path
) -> None:
    async with an_exchange(**who_leaves(tmp_path)) as exchange:
        together = await asyncio.gather(*(amd(exchange) for _ in range(4)))
        exchange.restart()
        later = await amd(exchange, MachineDetectionDuration="9000")

    assert {*together, later} == {204}
    assert [path for path in exchange.twilio.asked if path.endswith(f"/Calls/{SID}.json")] == [
        f"POST /2010-04-01/Accounts/{exchange.twilio.account_sid}/Calls/{SID}.json"
    ]


async def test_a_call_that_is_over_already_is_no_error(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with an_exchange(**who_leaves(tmp_path)) as exchange:
        await exchange.door.post("/twilio/voice", message("voice"))
        answer = await amd(exchange)
        stored = await exchange.door.brain.store.find(CallId(SID))

    assert answer == 204
    assert stored is not None
    assert done(stored) == ["failed"]


async def test_whoever_is_not_twilio_redirects_no_call(virtual_time: VirtualTime, tmp_path: Path) -> None:
    async with an_exchange(**who_leaves(tmp_path)) as exchange:
        answer = await exchange.door.http.post("/twilio/amd", data=message("amd"))
        nonsense = await exchange.door.post("/twilio/amd", {"AnsweredBy": "machine_end_beep"})

    assert (answer.status_code, nonsense.status_code) == (403, 400)
    assert exchange.twilio.asked == []


async def amd(exchange: Exchange, **changes: str) -> int:
    """The status with which a recorded callback is answered, with some fields changed."""
    answer = await exchange.door.post("/twilio/amd?agent=kim", {**message("amd"), **changes})
    return answer.status_code
