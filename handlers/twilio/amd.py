"""Who has picked up a call of ours? A machine gets one message after its beep, or nothing at all.

Twilio listens while the agent already speaks, and tells us once. Whoever it does not know is a person.
What is done to the call is done by redirecting it: its document, or its relay, ends there.

Source: Twilio's "Answering Machine Detection" page.
"""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from handlers.once import Once, once_key
from handlers.placing import Placing
from handlers.relay.parting import Parting
from handlers.relay.session import RelaySession
from handlers.twilio.signature import NOTHING, refusal, signed_fields
from handlers.twilio.twiml import Writer
from handlers.wire.twilio_calls import MachineDetected
from voice.agents.agent import Agent
from voice.brain import Brain
from voice.errors import BadRequest, NotAllowed, OrderRefused, OrderUnknown, SetupError
from voice.events import RequestRefused
from voice.telemetry.logs import about_call
from voice.types import Json

log = logging.getLogger(__name__)

MAX_DOCUMENT_CHARS = 4_000  # of TwiML that is sent along with an order (error 32018)


async def amd(request: Request) -> Response:
    """Take what Twilio has heard, once. Twilio reads nothing but the HTTP status of the answer."""
    brain: Brain = request.app.state.brain
    try:
        told = MachineDetected.read(await signed_fields(request))
    except NotAllowed as exc:
        return refusal(brain.bus, exc)
    except (BadRequest, ClientDisconnect) as exc:
        brain.bus.publish(RequestRefused("twilio", 400, type(exc).__name__))
        return Response(NOTHING, 400, media_type="text/xml")
    once: Once = request.app.state.once
    with about_call(told.call_id):
        # By the call alone: Twilio tells it once, and a message must not be left twice, whatever comes.
        await once.everywhere(once_key("amd", told.call_id), lambda: _take(request, told), lost={})
    return Response(status_code=204)


async def _take(request: Request, told: MachineDetected) -> Json:
    brain: Brain = request.app.state.brain
    name = request.query_params.get("agent")
    agent = brain.agents.get(name if name is not None and name in brain.agents else None)
    done = "went_on"
    if told.who == "person":
        if (call := brain.calls.get(told.call_id)) is not None:
            call.doubt_until = None
    else:
        try:
            done = await _leave(request, told, agent)
        except Exception as exc:  # fence: one job
            log.exception("amd.crashed", extra={"error": type(exc).__name__})
            done = "failed"
    log.info("amd.told", extra={"answered_by": told.answered_by, "done": done})
    left = {"left": await _message(request, agent)} if done == "left_message" else {}
    brain.calls.note(
        told.call_id,
        "answered_by",
        {"answered_by": told.answered_by, "detected_ms": told.duration_ms, "done": done, **left},
    )
    return {"done": done}


async def _leave(request: Request, told: MachineDetected, agent: Agent) -> str:
    """Speak to the machine, or hang up; what was done."""
    brain: Brain = request.app.state.brain
    text = await _message(request, agent) if told.who == "machine" and told.may_speak else None
    document = str(Writer(agent, brain.settings.public_url).end(text)) if text else ""
    if text and len(document) > MAX_DOCUMENT_CHARS:
        text = None
    form = [("Twiml", document)] if text else [("Status", "completed")]
    reason = "voicemail" if text else told.who
    if (call := brain.calls.get(told.call_id)) is not None:
        # Before Twilio is asked: nothing more may be spoken to the machine.
        brain.calls.interrupt(call, None)
        call.farewell = text or ""
    session: RelaySession | None = request.app.state.relays.get(told.call_id)
    try:
        await request.app.state.twilio_rest.change(told.call_id, form)
    except (OrderRefused, OrderUnknown, SetupError) as exc:
        log.error("amd.not_done", extra={"error": type(exc).__name__, "to_do": exc.to_do})
        if session is None:  # by Gather the next webhook does it
            return "unknown" if isinstance(exc, OrderUnknown) else "failed"
        await session.order(text or "", Parting("hang_up", reason=reason))
    else:
        await brain.calls.hang_up(told.call_id, reason)
        if session is not None:
            session.lost()
    return "left_message" if text else "hung_up"


async def _message(request: Request, agent: Agent) -> str | None:
    """What this call is to leave: what its order says, else the agent's file."""
    placing: Placing = request.app.state.placing
    record = await placing.known(request.query_params.get("out"))
    ordered = record.get("voicemail") if record else None
    return ordered if isinstance(ordered, str) else agent.voicemail
