"""Twilio's first webhook of a call: who answers, through which door, and the first words.

The tables `[[lines]]` decide for the number that was called, else the agent that the URL names. The call
goes to ConversationRelay where Twilio can open a socket to us, else to <Gather>. While the greeting is
spoken, the models' hosts are woken.

Source: Twilio's "TwiML for Programmable Voice", "Dial" and "Recording" pages.
"""

from __future__ import annotations

import logging
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response

from handlers.caller_rate import CallerRate
from handlers.twilio.doubt import DOUBT_S
from handlers.twilio.transfer import DIAL
from handlers.twilio.twiml import Document, Writer
from handlers.twilio.visit import Visit, answer
from handlers.wire.numbers import dialable
from handlers.wire.place import Place
from handlers.wire.twilio import VoiceWebhook
from voice.call import Call
from voice.clock import now
from voice.settings import LineSettings
from voice.types import Note

log = logging.getLogger(__name__)

RECORDING = "/twilio/recording"


async def voice(request: Request) -> Response:
    """A call comes in, or comes back: the greeting, and the first question."""
    rate: CallerRate = request.app.state.caller_rate

    async def pick_up(visit: Visit[VoiceWebhook]) -> Document:
        told, agent = visit.told, visit.brain.agents.get(visit.place.agent)
        if told.is_ours or rate.allows(told.caller, told.call_id, visit.heard_at):
            return await _pick_up(visit)
        log.warning("caller.refused", extra={"to_do": "OFFHOOK_CALLS_PER_CALLER says how many may begin."})
        return Writer(agent, visit.brain.settings.public_url).end(agent.busy)

    return await answer(request, VoiceWebhook, pick_up, heard_at=now(), once=False)


async def _pick_up(visit: Visit[VoiceWebhook]) -> Document:
    if (farewell := await visit.farewell()) is not None:
        return farewell
    told = visit.told
    line = None if told.is_ours else visit.lines.line([told.to] if told.to else [], told.caller)
    if line is not None and (elsewhere := _elsewhere(visit, line)) is not None:
        return elsewhere
    if line is not None and line.agent:
        visit = replace(visit, place=replace(visit.place, agent=line.agent))
    return await _greet(visit)


def _elsewhere(visit: Visit[VoiceWebhook], line: LineSettings) -> Document | None:
    """What becomes of a call that nobody of ours takes; None: somebody does."""
    write = Writer(visit.brain.agents.get(visit.place.agent), visit.brain.settings.public_url)
    if line.reject:
        document = Document()
        document.reject(reason="busy")
        return document
    if line.refuse:
        return write.end(line.refuse)
    own = visit.told.to
    to = dialable(line.transfer, own, visit.told.caller, near=own, listed=[line.transfer or ""])
    if to is None:
        return None
    document = Document()
    write.say(document, [line.say] if line.say else [])
    # Nobody there, or busy: the agent takes the call, as any that is not put through.
    back = Place(agent=visit.place.agent, to="")
    dial = document.dial(answer_on_bridge=True, action=write.url(DIAL, back), method="POST")
    if to.lower().startswith("sip"):
        dial.sip(to)
    else:
        dial.number(to)
    return document


async def _greet(visit: Visit[VoiceWebhook]) -> Document:
    agent = visit.brain.agents.get(visit.place.agent)
    call = await visit.call(visit.door(agent))
    turns = len(call.thread.turns)
    call.limit_s = visit.place.limit_s or call.limit_s
    if not turns and visit.told.is_ours and visit.place.ordered:
        call.doubt_until = now() + DOUBT_S
    first = Place(turn=turns + 1, agent=visit.place.agent)
    if turns:  # it was ours before: Twilio's fallback URL, or a number that leads here again
        # Whom a call was to be passed on to may have been reached: that is not done a second time.
        goes_on = call.thread.turns[-1].effect is None
        return visit.listen(call, first, call.agent.fallbacks[0], goes_on=goes_on)
    visit.brain.calls.greet(call, call.agent.greeting)
    return visit.listen(call, first, call.agent.greeting, document=_recorded(visit, call))


def _recorded(visit: Visit[VoiceWebhook], call: Call) -> Document:
    """The beginning of a call that is recorded: the caller is told first."""
    document, agent = Document(), call.agent
    records = agent.twilio.record if visit.place.record is None else visit.place.record
    if not records or agent.consent is None:
        return document
    write = visit.write(call)
    write.say(document, [agent.consent])
    # Of a call that goes to ConversationRelay Twilio records nothing by any other way.
    document.start().recording(
        recording_status_callback=write.url(RECORDING, Place()),
        recording_status_callback_event="completed absent",
        channels="dual",
    )
    call.note(Note(call.call_id, "consent", {"announced": agent.consent}))
    return document
