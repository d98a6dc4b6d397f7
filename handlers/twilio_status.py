"""Twilio's status callbacks: a call rings, is answered, has ended.

They come late, twice and in any order, so each is taken for itself: what says that the call is
over ends it, everything is kept with it, and nothing brings a call back to life.
"""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from handlers.twilio_signature import NOTHING, refusal, signed_fields
from handlers.wire.twilio import StatusCallback
from voice.brain import Brain
from voice.errors import BadRequest, NotAllowed
from voice.events import RequestRefused
from voice.telemetry.logs import about_call

log = logging.getLogger(__name__)


async def status(request: Request) -> Response:
    """Take one status. Twilio reads nothing but the HTTP status of the answer."""
    brain: Brain = request.app.state.brain
    try:
        told = StatusCallback.read(await signed_fields(request))
    except NotAllowed as exc:
        return refusal(brain.bus, exc)
    except (BadRequest, ClientDisconnect) as exc:
        brain.bus.publish(RequestRefused("twilio", 400, type(exc).__name__))
        return Response(NOTHING, 400, media_type="text/xml")
    with about_call(told.call_id):
        await _take(brain, told)
    return Response(status_code=204)


async def _take(brain: Brain, told: StatusCallback) -> None:
    try:
        brain.calls.note(told.call_id, "status", told.payload())
        if told.has_ended:
            await brain.calls.hang_up(told.call_id, told.call_status or "completed")
    except Exception as exc:  # fence: one job
        log.exception("status.crashed", extra={"error": type(exc).__name__})
