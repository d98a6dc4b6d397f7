"""Twilio's status callbacks: a call rings, is answered, has ended.

They come late, twice and in any order, so each is taken for itself, and once: what says that the
call is over ends it, everything is kept with it, and nothing brings a call back to life. Of a call that
we began, the first of them may come before Twilio's answer to our order, or in its place.

A retry is told by all that Twilio has signed, in which time and sequence number stand. Its header
I-Twilio-Idempotency-Token would tell one, too, but is not signed: whoever sends an old status under
a new token must not be believed.
"""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from handlers.once import Once, once_key
from handlers.placing import Placing
from handlers.twilio.signature import NOTHING, refusal, signed_fields
from handlers.wire.twilio import StatusCallback
from voice.brain import Brain
from voice.errors import BadRequest, NotAllowed
from voice.events import RequestRefused
from voice.telemetry.logs import about_call
from voice.types import Json

log = logging.getLogger(__name__)


async def status(request: Request) -> Response:
    """Take one status. Twilio reads nothing but the HTTP status of the answer."""
    brain: Brain = request.app.state.brain
    try:
        fields = await signed_fields(request)
        told = StatusCallback.read(fields)
    except NotAllowed as exc:
        return refusal(brain.bus, exc)
    except (BadRequest, ClientDisconnect) as exc:
        brain.bus.publish(RequestRefused("twilio", 400, type(exc).__name__))
        return Response(NOTHING, 400, media_type="text/xml")
    signed = (f"{name}={value}" for name, value in sorted(fields.multi_items()))
    with about_call(told.call_id):
        await _take_once(request, told, once_key("twilio status", *signed))
    return Response(status_code=204)


async def _take_once(request: Request, told: StatusCallback, key: str) -> None:
    brain: Brain = request.app.state.brain
    once: Once = request.app.state.once
    placing: Placing = request.app.state.placing

    async def take() -> Json:
        await placing.learn(request.query_params.get("out"), told.call_id)
        brain.calls.note(told.call_id, "status", told.payload())
        if told.has_ended:
            await brain.calls.hang_up(told.call_id, told.call_status or "completed")
        return {}

    try:
        await once.everywhere(key, take)
    except Exception as exc:  # fence: one job
        log.exception("status.crashed", extra={"error": type(exc).__name__})
