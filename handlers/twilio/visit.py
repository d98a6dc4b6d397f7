"""One webhook of a Twilio call, from its signature to the document that answers it.

Whatever happens, the answer is TwiML that says something: plain text would be read aloud to the caller,
and an error status ends the call. A webhook that Twilio sends again gets the same document.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Generic, TypeVar

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from handlers.once import Once, once_key
from handlers.relay.refusals import Refusals
from handlers.relay.session import LET_GO
from handlers.relay.ticket import Tickets
from handlers.relay.twiml import connect_relay
from handlers.twilio.doubt import actions_now
from handlers.twilio.signature import refusal, signed_fields
from handlers.twilio.telnyx_signature import is_telnyx
from handlers.twilio.twiml import Document, Line, Writer, xml
from handlers.vapi.lines import Lines
from handlers.wire.place import Place
from handlers.wire.twilio import ENDED, VoiceWebhook
from voice.agents.agent import Agent
from voice.brain import Brain
from voice.call import Call
from voice.errors import BadRequest, LinesBusy, NotAllowed, StoreError
from voice.events import RequestRefused
from voice.settings import Settings
from voice.telemetry.logs import about_call
from voice.types import Action, CallRecord, Door, Json

log = logging.getLogger(__name__)

ACTIONS = frozenset({Action.END_CALL, Action.TRANSFER})
ASK_S = 0.5  # for the store, while a caller waits
MAX_MISSED = 3  # errors of ours in a row; then the call is ended politely

Told = TypeVar("Told", bound=VoiceWebhook)


@dataclass(frozen=True, slots=True)
class Visit(Generic[Told]):
    """One webhook: what came, when, and where the call stands."""

    brain: Brain
    told: Told
    place: Place
    heard_at: float
    tickets: Tickets
    lines: Lines
    refusals: Refusals

    async def call(self, door: Door = Door.GATHER) -> Call:
        """The call it is about; `door` where it is a new one. Raises LinesBusy."""
        caller, agent = self.told.caller, self.place.agent
        call = await self.brain.calls.pick_up(self.told.call_id, door, agent=agent, caller=caller)
        call.actions, call.platform_tools = actions_now(call, ACTIONS), ()
        call.line = self.told.line or call.line
        return call

    async def farewell(self) -> Document | None:
        """The document for a call that is over, which no late webhook brings back; None: it goes on."""
        calls, status = self.brain.calls, self.told.call_status
        if status in ENDED:
            await calls.hang_up(self.told.call_id, status)
            return Document()
        record = None if calls.get(self.told.call_id) else await self._record()
        if record is None or record.ended_on is None or record.ended_reason in LET_GO:
            return None
        if record.ended_reason in ENDED:
            return Document()
        # We have ended it, and the document that did so has not arrived.
        agent = self.brain.agents.get(record.agent if record.agent in self.brain.agents else None)
        return Writer(agent, self.brain.settings.public_url).end(agent.goodbye)

    async def _record(self) -> CallRecord | None:
        """What is written down of a call that is not live; None where nobody can tell in time."""
        try:
            async with asyncio.timeout(ASK_S):
                return await self.brain.store.record(self.told.call_id)
        except (StoreError, TimeoutError):
            return None

    def write(self, call: Call) -> Writer:
        """Whoever writes this call's documents."""
        return Writer(call.agent, self.brain.settings.public_url)

    def door(self, agent: Agent) -> Door:
        """How a new call of this agent is led."""
        door = door_of_line(agent, self.brain.settings)
        return Door.GATHER if self.refusals.holds(agent.name) else door

    def listen(
        self, call: Call, place: Place, line: Line, document: Document | None = None, *, goes_on: bool = False
    ) -> Document:
        """Say a line and listen: through ConversationRelay where the call is on it, else through Gather.

        `document` is what comes before. `goes_on`: a socket goes on where the last one broke off, instead.
        """
        url = self.brain.settings.public_url
        if call.record.door is not Door.RELAY or url is None or self.refusals.holds(call.agent.name):
            return self.write(call).ask(place, line, document=document)
        return connect_relay(
            call.agent,
            url,
            self.tickets.issue(call.call_id, call.agent.name, is_back=goes_on),
            greeting=None if goes_on else line,
            document=document,
            of_telnyx=is_telnyx(call.call_id),
        )


Act = Callable[[Visit[Told]], Awaitable[Document]]


def door_of_line(agent: Agent, settings: Settings) -> Door:
    """How an agent's calls are led: ConversationRelay needs a URL that Twilio can open a socket to."""
    mode = agent.twilio.mode or settings.twilio_mode
    has_url = settings.public_url is not None and settings.public_url.startswith("https://")
    if mode == "relay" and not has_url:
        log.error("relay.no_url", extra={"to_do": "Set OFFHOOK_PUBLIC_URL to an https:// URL."})
    return Door.RELAY if has_url and mode != "gather" else Door.GATHER


def is_too_long(call: Call) -> bool:
    """Whether a call has lasted as long as its file or order lets it; a restart does not begin it anew."""
    lasted_s = (datetime.now(UTC) - call.record.began_on).total_seconds()
    return lasted_s > call.max_call_s


async def answer(
    request: Request, shape: type[Told], act: Act[Told], *, heard_at: float, once: bool
) -> Response:
    """The answer to a webhook. Every way out of here is TwiML.

    `once`: its URL or its fields tell a retry from a caller who says the same again, so `act` is done once.
    """
    brain: Brain = request.app.state.brain
    named = Place.read(request.query_params)
    place, agent = _who_answers(named, brain)
    write = Writer(agent, brain.settings.public_url)
    with ExitStack() as about:  # every line of the log names the call, as soon as it is known
        try:
            fields = await signed_fields(request)
            told = shape.read(fields)
            about.enter_context(about_call(told.call_id))
            if place != named:
                log.warning("agent.unknown", extra={"agent": named.agent, "known": brain.agents.names})
            state = request.app.state
            visit = Visit(brain, told, place, heard_at, state.tickets, state.lines, state.relay_refusals)
            return xml(await (_same_again(request, fields, visit, act) if once else act(visit)))
        except NotAllowed as exc:
            return refusal(brain.bus, exc)
        except LinesBusy as exc:
            log.warning("call.refused", extra={"error": type(exc).__name__, "to_do": exc.to_do})
            return xml(write.end(agent.busy))
        except (BadRequest, ClientDisconnect) as exc:
            brain.bus.publish(RequestRefused("twilio", 200, type(exc).__name__))
            return xml(write.end(agent.goodbye))
        except Exception as exc:  # fence: one turn
            log.exception("twilio.crashed", extra={"error": type(exc).__name__})
            return xml(sorry(write, place, agent))


def sorry(write: Writer, place: Place, agent: Agent) -> Document:
    """What a caller hears when something of ours broke: they are asked once more, but not for ever."""
    again = place.again()
    return write.end(agent.goodbye) if again.missed >= MAX_MISSED else write.ask(again, agent.fallbacks[0])


async def _same_again(request: Request, fields: QueryParams, visit: Visit[Told], act: Act[Told]) -> str:
    """The document that this webhook got when it came before, or is about to get, else a new one.

    In another process, and after a restart, the turn's own key tells the retry.
    """
    known: Once = request.app.state.once

    async def document() -> Json:
        return str(await act(visit))

    signed = (f"{name}={value}" for name, value in sorted(fields.multi_items()))
    return str(await known.here(once_key(request.url.path, request.url.query, *signed), document))


def _who_answers(place: Place, brain: Brain) -> tuple[Place, Agent]:
    """The agent that the URL names. A wrong name must not cost the caller the call: the default answers."""
    if place.agent is None or place.agent in brain.agents:
        return place, brain.agents.get(place.agent)
    return replace(place, agent=None), brain.agents.default
