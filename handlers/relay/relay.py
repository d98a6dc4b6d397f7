"""Twilio's ConversationRelay: one WebSocket for one call, interruptions included.

Twilio does the audio: it sends what the caller has said, and speaks what we send. The call itself is older
than the socket and outlives it: a socket that is lost ends nothing, relay/action.py opens the next one.

Source: Twilio's "ConversationRelay" and "ConversationRelay WebSocket messages" pages.
"""

from __future__ import annotations

import logging

from starlette.websockets import WebSocket, WebSocketDisconnect

from handlers.relay.session import RelaySession, picked_up
from handlers.relay.socket import NONSENSE, Gone, Line
from handlers.relay.ticket import Ticket, Tickets
from handlers.twilio.signature import check_upgrade
from handlers.twilio.telnyx_signature import is_telnyx
from handlers.wire.relay import Setup, end, text
from voice.brain import Brain
from voice.clock import now
from voice.errors import LinesBusy, NotAllowed
from voice.events import RequestRefused
from voice.telemetry.logs import about_call
from voice.threads.speaking import BEGINS_AFTER_S, CHARS_PER_S
from voice.turn.own import own_line

log = logging.getLogger(__name__)

SETUP_S = 10.0  # for the first frame
MAX_CRASHES = 3  # of one socket; then a new one begins afresh
NO_TICKET = "The id in its path is no ticket of ours, too old, or was used before."
GET_ONE = "Look whether all processes of this server have the same TWILIO_AUTH_TOKEN and the right time."


async def relay(websocket: WebSocket) -> None:
    """One call on one socket, from its opening to its end."""
    try:
        check_upgrade(websocket)
        ticket = await _ticket(websocket)
    except NotAllowed as exc:
        brain: Brain = websocket.app.state.brain
        told = RequestRefused("twilio", 403, type(exc).__name__, reason=exc.reason, to_do=exc.to_do)
        brain.bus.publish(told)
        await websocket.close()  # before it is accepted: 403
        return
    with about_call(ticket.call_id):
        try:
            await websocket.accept()
            async with Line(websocket) as line:
                await _answer(websocket, line, ticket)
        except WebSocketDisconnect:
            log.debug("relay.left")
        except Exception as exc:  # fence: one turn
            log.exception("relay.crashed", extra={"error": type(exc).__name__})


async def _ticket(websocket: WebSocket) -> Ticket:
    """What the id in the path says. Raises NotAllowed."""
    tickets: Tickets = websocket.app.state.tickets
    ticket = await tickets.take(websocket.path_params["ticket"])
    if ticket is None:
        raise NotAllowed(missing=False, reason=NO_TICKET, to_do=GET_ONE)
    return ticket


async def _answer(websocket: WebSocket, line: Line, ticket: Ticket) -> None:
    """The call as long as this socket lasts."""
    brain: Brain = websocket.app.state.brain
    setup = await line.next(now() + SETUP_S)
    if not isinstance(setup, Setup) or not _is_of(setup, ticket, brain):
        line.give_up("not the call of its ticket", NONSENSE)
        return
    ours, caller = setup.ends
    try:
        call = await picked_up(brain, ticket.call_id, ticket.agent, caller)
    except LinesBusy as exc:
        log.warning("call.refused", extra={"error": type(exc).__name__, "to_do": exc.to_do})
        known = ticket.agent if ticket.agent in brain.agents else None
        agent = brain.agents.get(known)
        await _send_away(line, own_line(agent, agent.busy).text)
        return
    call.line = call.line or ours
    session, others = RelaySession(brain, line, call), websocket.app.state.relays
    if (before := others.get(call.call_id)) is not None:
        before.lost()  # Twilio has opened another socket: it has lost that one, though we have not seen it
    others[call.call_id] = session
    try:
        await session.begin(is_back=ticket.is_back)
        await _converse(session, line)
    finally:
        if others.get(call.call_id) is session:
            del others[call.call_id]
            if not session.is_over:
                session.lost()


async def _converse(session: RelaySession, line: Line) -> None:
    """Take what comes, and do what is due, until the call or the socket is over."""
    crashes = 0
    while not session.is_over:
        event = await line.next(session.due_at())
        if isinstance(event, Gone):
            return
        try:
            await (session.tick() if event is None else session.take(event))
        except Exception as exc:  # fence: one turn
            log.exception("relay.crashed", extra={"error": type(exc).__name__})
            crashes += 1
            if crashes > MAX_CRASHES:
                line.give_up("crashes")
                return
            session.excuse()
    await line.closed()


def _is_of(setup: Setup, ticket: Ticket, brain: Brain) -> bool:
    ours = brain.settings.twilio_account_sid
    is_ours = ours is None or setup.account_sid in (ours, None) or is_telnyx(ticket.call_id)
    return is_ours and setup.call_sid == ticket.call_id


async def _send_away(line: Line, words: str) -> None:
    """Say that nobody can take the call, and end it when that is said."""
    line.send(text(words, last=True))
    said_at = now() + BEGINS_AFTER_S + len(words) / CHARS_PER_S
    while now() < said_at and not isinstance(await line.next(said_at), Gone):
        pass
    line.send(end("hang_up"))
    await line.closed()
