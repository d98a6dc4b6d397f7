"""Words of an utterance that has not ended: a reply is begun to them, or nothing at all."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import VirtualTime
from tests.handlers.twilio_door import a_door, message
from voice.models.scripted import ScriptedClient

PARTIAL = "/twilio/partial?turn=1"


async def test_a_reply_is_begun_while_the_caller_still_speaks(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit?", first_s=1.0)
    async with a_door(model, hedge_share=1.0) as door:
        await door.hear("/twilio/voice", "voice")
        answer = await door.post(PARTIAL, {**message("partial"), "UnstableSpeechResult": "my sink leaks"})
        await asyncio.sleep(1.0)
        began_s = virtual_time.elapsed_s
        document = await door.hear("/twilio/gather?turn=1", SpeechResult="My sink leaks.")
        took_s = virtual_time.elapsed_s - began_s

    assert (answer.status_code, answer.text) == (204, "")
    assert document.words == "Which unit?"
    assert took_s < 0.5
    assert len(model.asked) == 1


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        (f"{PARTIAL}&agent=nobody", {"UnstableSpeechResult": ""}),
        ("/twilio/partial", {}),
        (PARTIAL, {"CallSid": "CA2"}),
        ("/twilio/partial?turn=0", {}),
    ],
    ids=["no words", "no turn", "no such call", "a turn that has been"],
)
async def test_words_that_help_nobody_begin_nothing(
    virtual_time: VirtualTime, path: str, changes: dict[str, str]
) -> None:
    model = ScriptedClient()
    async with a_door(model, hedge_share=1.0) as door:
        await door.hear("/twilio/voice", "voice")
        answer = await door.post(path, {**message("partial"), **changes})
        await asyncio.sleep(2.0)

    assert answer.status_code == 204
    assert len(model.asked) == 0


async def test_words_that_come_after_the_utterance_begin_nothing(virtual_time: VirtualTime) -> None:
    model = ScriptedClient(reply="Which unit?")
    async with a_door(model, hedge_share=1.0) as door:
        await door.hear("/twilio/gather?turn=1")
        await door.post(PARTIAL, message("partial"))
        await asyncio.sleep(2.0)

    assert len(model.asked) == 1


async def test_a_stranger_cannot_have_replies_begun(virtual_time: VirtualTime) -> None:
    model = ScriptedClient()
    async with a_door(model, hedge_share=1.0, twilio_auth_token="t0ken") as door:
        await door.hear("/twilio/voice", "voice")
        answer = await door.http.post(PARTIAL, data=message("partial"))
        await asyncio.sleep(2.0)

    assert answer.status_code == 403
    assert len(model.asked) == 0
