"""The call that a message of Vapi's is about: whether it is over, who takes it, and picking it up.

Any message may be the first that we hear of a call, after a restart or where Vapi sends no others. So each
brings along who calls, which number they called and which agent its URL names.
"""

from __future__ import annotations

import asyncio
import logging

from starlette.requests import Request

from handlers.refused import ODD
from handlers.vapi.lines import Lines
from handlers.wire.vapi import ServerMessage
from voice.brain import Brain
from voice.call import Call
from voice.errors import StoreError
from voice.events import RequestRefused
from voice.types import CallId, Door

log = logging.getLogger(__name__)

LOOK_UP_S = 2.0  # for whether a call has ended; nobody waits for it, but no request hangs on the store
MAX_SHOWN_CHARS = 60  # of a name that nobody has


async def pick_up(request: Request, message: ServerMessage, call_id: CallId) -> Call:
    """The call of a message, with all that the message tells of it. Raises LinesBusy."""
    brain: Brain = request.app.state.brain
    named = chosen_agent(request, message) if brain.calls.get(call_id) is None else None
    call = await brain.calls.pick_up(call_id, Door.VAPI, agent=named, caller=message.caller)
    call.line = call.line or message.line()
    return call


def chosen_agent(request: Request, message: ServerMessage) -> str | None:
    """Who takes the call: by its line, else by the URL that was asked. None: the default agent."""
    lines: Lines = request.app.state.lines
    line = lines.line(message.called(), message.caller)
    return line.agent if line is not None and line.agent else named_agent(request)


def named_agent(request: Request) -> str | None:
    """The agent that the webhook's URL names (?agent=…). A wrong name must not cost the caller the call.

    It is counted with what came odd: the default agent answers, and nobody hears the difference at once.
    """
    brain: Brain = request.app.state.brain
    name = request.query_params.get("agent")
    if name is None or name in brain.agents:
        return name
    shown, known = name[:MAX_SHOWN_CHARS], ", ".join(brain.agents.names)
    log.warning("agent.unknown", extra={"agent": shown, "known": brain.agents.names})
    reason = f"?agent= names {shown!r}, whom nobody is called; {brain.agents.default.name} answers."
    to_do = f"Write one of {known} into the server URL at Vapi."
    brain.bus.publish(RequestRefused("vapi", 200, ODD, reason=reason, to_do=to_do))
    return None


async def has_ended(brain: Brain, call_id: CallId) -> bool:
    """Whether this is a call of the past: Vapi's messages overtake each other. Raises StoreError."""
    if brain.calls.get(call_id) is not None:
        return False
    try:
        async with asyncio.timeout(LOOK_UP_S):
            record = await brain.store.record(call_id)
    except TimeoutError as exc:
        raise StoreError("the store did not answer in time") from exc
    return record is not None and record.ended_on is not None
