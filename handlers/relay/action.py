"""A ConversationRelay session has ended: what the caller hears next.

We have ended it ourselves: the call is hung up, or passed on. The caller has gone: the call is over. Or the
socket was lost, by a network, a restart or an error of ours: a new one is opened, where the agent goes on in
the middle of the sentence. How often in a row stands in the URL; after that the call goes on by <Gather>,
with a line that says so, and no caller hears Twilio's own message for an application that has failed.

Source: Twilio's "ConversationRelay" page, and its error pages 64101 to 64107.
"""

from __future__ import annotations

import logging
from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response

from handlers.relay.broken import greeting_of, heard_when_lost
from handlers.relay.twiml import connect_relay, moment
from handlers.twilio.telnyx_signature import is_telnyx
from handlers.twilio.transfer import transfer_document
from handlers.twilio.twiml import Document
from handlers.twilio.visit import Visit, answer
from handlers.wire.place import Place
from handlers.wire.relay import RelayEnded, parting_of
from voice.call import Call
from voice.clock import now
from voice.types import Action, Door, Effect

log = logging.getLogger(__name__)

# Seconds before a socket is opened anew: at once, then as long as a server takes to come back. More would
# be a silence in which callers hang up.
PAUSES_S = (0, 1, 2)
STEADY_S = 30.0  # a session that lasted so long was no failed try
# A voice, model or language that Twilio does not take: the next session would end in the same way.
NEVER = {"64101": "the account or an attribute", "64106": "a voice, model or language of [twilio]"}


async def action(request: Request) -> Response:
    """What follows a session."""
    again = request.query_params.get("again", "")
    lost = int(again) if again in {str(count) for count in range(len(PAUSES_S) + 1)} else 0
    began_on = moment(request.query_params.get("at", ""))

    async def follow(visit: Visit[RelayEnded]) -> Document:
        return await _follow(visit, lost, began_on)

    return await answer(request, RelayEnded, follow, heard_at=now(), once=True)


async def _follow(visit: Visit[RelayEnded], lost: int, began_on: datetime | None) -> Document:
    told = visit.told
    if told.has_hung_up:
        await visit.brain.calls.hang_up(told.call_id, told.call_status or "completed")
        return Document()
    then, to = parting_of(told.handoff_data) or await _unnoted(visit) or ("", None)
    if then == "hang_up":
        return _hung_up()
    call = await visit.call(Door.RELAY)
    if then == "transfer":
        return transfer_document(call, Effect(Action.TRANSFER, to), _url(visit)) or _by_gather(visit, call)
    if began_on is not None and (found := heard_when_lost(call, began_on, told.duration_s)) is not None:
        visit.brain.calls.heard(call, *found)
    return _reconnected(visit, call, 0 if told.duration_s >= STEADY_S else lost)


def _reconnected(visit: Visit[RelayEnded], call: Call, lost: int) -> Document:
    """The way back to the agent: another socket, in the end a <Gather>."""
    told, url = visit.told, _url(visit)
    extra = {"status": told.session_status, "code": told.error_code, "in_a_row": lost + 1}
    log.warning("relay.lost", extra={name: value for name, value in extra.items() if value is not None})
    if told.error_code in NEVER:
        log.error("relay.refused", extra={"to_do": f"Twilio does not take {NEVER[told.error_code]}."})
        visit.refusals.add(call.agent.name)
        return _by_gather(visit, call)
    if lost >= len(PAUSES_S) or url is None:
        return _by_gather(visit, call)
    ticket = visit.tickets.issue(call.call_id, call.agent.name, is_back=True)
    return connect_relay(
        call.agent,
        url,
        ticket,
        greeting=None,
        again=lost + 1,
        pause_s=PAUSES_S[lost],
        of_telnyx=is_telnyx(call.call_id),
    )


def _by_gather(visit: Visit[RelayEnded], call: Call) -> Document:
    """The last resort: the same agent, thread and turns, by webhooks."""
    place = Place(turn=len(call.thread.turns) + 1, agent=call.agent.name)
    # Without a turn the greeting may not have been heard: most sessions that fail do so before it.
    return visit.write(call).ask(place, call.agent.fallbacks[0] if call.thread.turns else greeting_of(call))


async def _unnoted(visit: Visit[RelayEnded]) -> tuple[str, str | None] | None:
    """How we ended a session whose note does not come back: Telnyx promises none."""
    if not is_telnyx(visit.told.call_id):
        return None
    if (call := visit.brain.calls.get(visit.told.call_id)) is None:
        stored = await visit.brain.store.record(visit.told.call_id)
        return ("hang_up", None) if stored is not None and stored.ended_on is not None else None
    effect = call.thread.turns[-1].effect if call.thread.turns else None
    is_transfer = effect is not None and effect.action is Action.TRANSFER
    return ("transfer", effect.to) if effect is not None and is_transfer else None


def _url(visit: Visit[RelayEnded]) -> str | None:
    return visit.brain.settings.public_url


def _hung_up() -> Document:
    document = Document()
    document.hangup()
    return document
