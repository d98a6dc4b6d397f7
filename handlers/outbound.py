"""Calls of our own: `POST /admin/calls` rings somebody up, and an agent talks to whoever answers.

For operators, behind OFFHOOK_ADMIN_TOKEN. The answer comes as soon as Twilio has taken the order; how
the call goes stands at GET /admin/calls/{call_id}, as for every other call.
"""

from __future__ import annotations

import logging

from starlette.requests import Request
from starlette.responses import Response

from handlers.placing import Placing, Record, wanted
from handlers.problems import json_answer, problem
from handlers.signatures import door_guard
from handlers.twilio.rest import LACKING, TwilioRest
from handlers.twilio.visit import door_of_line
from handlers.wire.outbound import CallOrder
from handlers.wire.reading import read_as, read_object
from handlers.wire.twilio import ENDED
from voice.agents.agent import Agent
from voice.brain import Brain
from voice.errors import BadRequest, LinesBusy, NotReached, OrderRefused, OrderUnknown, StoreError
from voice.settings import Settings
from voice.telemetry.logs import about_call
from voice.types import CallId

log = logging.getLogger(__name__)


async def order(request: Request) -> Response:
    """Have somebody called: 201 with the call's id, 200 when this very order was placed before.

    502 when Twilio refuses it, and when nobody knows what became of it; the code tells which.
    """
    brain: Brain = request.app.state.brain
    placing: Placing = request.app.state.placing
    door_guard(request, "admin", brain.settings.admin_token, never_open=True)
    asked = read_as(CallOrder, read_object(await request.body(), such_as='{"to": "+14155550100"}'))
    agent = brain.agents.get(asked.agent)
    if lacking := _lacking(brain.settings, request.app.state.twilio_rest, asked):
        return problem(503, lacking, "server_error", code="not_configured")
    _check(asked, agent, brain)
    base, from_ = str(brain.settings.public_url), asked.from_ or str(brain.settings.twilio_phone_number)
    try:
        record, is_repeat = await placing.place(asked, agent, wanted(asked, agent, base=base, from_=from_))
    except OrderRefused as exc:
        code = "not_reached" if isinstance(exc, NotReached) else "refused"
        return problem(502, f"{exc}.", "server_error", code=code)
    except OrderUnknown as exc:
        return problem(502, f"{exc}.", "server_error", code="unknown")
    with about_call(CallId(str(record["call_id"]))):
        await _pick_up(brain, agent, record)
    told = {name: record.get(name) for name in ("call_id", "agent", "to", "from")}
    also = {"idempotency_key": asked.idempotency_key, "repeated": is_repeat}
    return json_answer({**told, **also}, 200 if is_repeat else 201)


def _lacking(settings: Settings, rest: TwilioRest, asked: CallOrder) -> str | None:
    """What must be set before a call can be begun."""
    if not rest.is_ready:
        return f"{LACKING[0].upper()}{LACKING[1:]}."
    if settings.public_url is None:
        return "Set OFFHOOK_PUBLIC_URL: Twilio asks there what to say."
    if asked.from_ is None and settings.twilio_phone_number is None:
        return "Set TWILIO_PHONE_NUMBER, or name a number of yours in `from`."
    return None


def _check(asked: CallOrder, agent: Agent, brain: Brain) -> None:
    """What an order must not ask for. Raises BadRequest, and LinesBusy before anybody's telephone rings."""
    records = agent.twilio.record if asked.record is None else asked.record
    if records and agent.consent is None:
        raise BadRequest(f"record: agent {agent.name!r} has no `consent` line to announce it with.")
    if (asked.from_ or brain.settings.twilio_phone_number) == asked.to:
        raise BadRequest("to: this is the number that we call from.")
    if brain.calls.live >= brain.settings.max_calls:
        raise LinesBusy(f"{brain.calls.live} calls are live")


async def _pick_up(brain: Brain, agent: Agent, record: Record) -> None:
    """The call is ours from now on: it is listed, and a model that sleeps wakes while the telephone rings.

    A repeat of the order may be the first to know of the call, when Twilio's answer was lost. Whatever goes
    wrong here, the call has begun: its webhooks pick it up.
    """
    call_id, door = CallId(str(record["call_id"])), door_of_line(agent, brain.settings)
    try:
        if brain.calls.get(call_id) is not None or await brain.store.record(call_id) is not None:
            return
        call = await brain.calls.pick_up(call_id, door, agent=agent.name, caller=str(record["to"]))
        call.line = str(record["from"])
        brain.calls.note(call_id, "outbound", {"order": record["ref"], "asked_on": record["asked_on"]})
        log.info("outbound.placed")
        if ending := await _ending(brain, call_id):
            await brain.calls.hang_up(call_id, ending)
    except (LinesBusy, StoreError) as exc:
        log.warning("outbound.not_listed", extra={"error": type(exc).__name__, "to_do": exc.to_do})


async def _ending(brain: Brain, call_id: CallId) -> str | None:
    """How the call has ended, where that was told before we knew that it is ours."""
    stored = await brain.store.find(call_id)
    told = (
        [str(note.payload.get("status")) for note in stored.notes if note.kind == "status"] if stored else []
    )
    return next((status for status in told if status in ENDED), None)
