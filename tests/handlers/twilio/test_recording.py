"""A recording is kept with its call, once for each thing that is told of it."""

from __future__ import annotations

from tests.conftest import VirtualTime
from tests.handlers.ringing import notes
from tests.handlers.twilio_door import CALL, a_door, message
from voice.models.scripted import ScriptedClient


async def test_where_a_recording_lies_is_kept_with_its_call(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient()) as door:
        await door.hear("/twilio/voice", "voice")
        for _ in range(2):
            answer = await door.post("/twilio/recording", message("recording"))
        stored = await door.brain.store.find(CALL)

    assert answer.status_code == 204
    assert stored is not None
    (told,) = notes(stored, "recording")
    assert told["status"] == "completed"
    assert told["duration_s"] == "74"
    assert told["url"].startswith("https://api.twilio.com/")


async def test_a_recording_that_is_not_twilios_is_not_kept(virtual_time: VirtualTime) -> None:
    async with a_door(ScriptedClient(), twilio_auth_token="12345") as door:
        foreign = await door.http.post("/twilio/recording", data=message("recording"))
        nameless = await door.post("/twilio/recording", {"RecordingSid": "RE1"})
        await door.hear("/twilio/voice", "voice")
        stored = await door.brain.store.find(CALL)

    assert (foreign.status_code, nameless.status_code) == (403, 400)
    assert stored is not None
    assert notes(stored, "recording") == []
