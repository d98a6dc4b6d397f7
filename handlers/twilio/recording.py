"""What became of a recording: it is kept with its call.

Whether a call is recorded, and what is announced before, twilio/voice.py decides. What is kept here is
where the recording lies; whoever opens it needs the account's token.

Source: Twilio's "Recording" page.
"""

from __future__ import annotations

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from handlers.once import Once, once_key
from handlers.twilio.signature import NOTHING, refusal, signed_fields
from handlers.wire.twilio_calls import RecordingTold
from voice.brain import Brain
from voice.errors import BadRequest, NotAllowed
from voice.events import RequestRefused
from voice.telemetry.logs import about_call
from voice.types import Json


async def recording(request: Request) -> Response:
    """Keep what Twilio tells of a recording, once."""
    brain: Brain = request.app.state.brain
    once: Once = request.app.state.once
    try:
        told = RecordingTold.read(await signed_fields(request))
    except NotAllowed as exc:
        return refusal(brain.bus, exc)
    except (BadRequest, ClientDisconnect) as exc:
        brain.bus.publish(RequestRefused("twilio", 400, type(exc).__name__))
        return Response(NOTHING, 400, media_type="text/xml")

    async def keep() -> Json:
        brain.calls.note(told.call_id, "recording", told.payload())
        return {}

    with about_call(told.call_id):
        await once.everywhere(once_key("recording", told.call_id, told.sid or "", told.status or ""), keep)
    return Response(status_code=204)
