"""The other end of a transfer: what the person hears before they take the call, and what became of it.

Two calls are spoken of: the caller's, and the one to the person. /twilio/whisper is asked for the second
as soon as somebody picks up, and again when they press a key; /twilio/dial for the first when it is over.
A restart in between loses nothing: that a call was accepted is a note, on disk before the two are joined.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from handlers.twilio.signature import refusal, signed_fields
from handlers.twilio.transfer import NOTE, WHISPER, target_of, transfer_note
from handlers.twilio.twiml import Document, Writer, hung_up, xml
from handlers.twilio.visit import Visit, answer, door_of_line
from handlers.wire.place import Place
from handlers.wire.twilio import DialResult, Whispered
from voice.agents.agent import Agent
from voice.agents.briefing import briefing, last_digits
from voice.brain import Brain
from voice.call import Call
from voice.clock import now
from voice.errors import BadRequest, NotAllowed, StoreError
from voice.events import RequestRefused
from voice.telemetry.logs import about_call
from voice.types import CallId, Note, TransferTarget

log = logging.getLogger(__name__)

ASK_S = 0.5  # for the store, while a caller waits
KEY_S = 6  # for a key, after the last word: a telephone must be taken from the ear
MOST_ASKED = 2  # who was still saying hello hears it once more
ENGLISH = "en-US"


async def dial(request: Request) -> Response:
    """A call that was passed on has come to its end: the caller is back, or has had their talk."""
    return await answer(request, DialResult, _come_back, heard_at=now(), once=True)


async def whisper(request: Request) -> Response:
    """Somebody has picked up, or pressed a key. What breaks here ends their call, and the caller is back."""
    brain: Brain = request.app.state.brain
    try:
        told = Whispered.read(await signed_fields(request))
        with about_call(CallId(request.query_params.get("call", ""))):
            return xml(await _take_or_leave(brain, told, request))
    except NotAllowed as exc:
        return refusal(brain.bus, exc)
    except (BadRequest, ClientDisconnect) as exc:
        brain.bus.publish(RequestRefused("twilio", 200, type(exc).__name__))
    except Exception as exc:  # fence: one job
        log.exception("whisper.crashed", extra={"error": type(exc).__name__})
    return xml(hung_up())


# The caller


async def _come_back(visit: Visit[DialResult]) -> Document:
    told, target_name = visit.told, visit.place.to or ""
    # A call that `[[lines]]` has passed on is picked up here for the first time.
    call = await visit.call(door_of_line(visit.brain.agents.get(visit.place.agent), visit.brain.settings))
    reached = told.was_reached
    if reached is None:
        reached = await _was_accepted(visit, call, target_of(call.agent, target_name))
    step = "reached" if reached else "not_reached"
    facts = {"status": told.status, "talked_s": told.duration_s if reached else None}
    call.note(transfer_note(call, target_name, step, **facts))
    if reached or told.is_over:
        ended = "transferred" if reached else told.call_status or "completed"
        await visit.brain.calls.hang_up(call.call_id, ended)
        return hung_up()
    line = call.agent.nobody_answered
    visit.brain.calls.overheard(call.call_id, line)  # or the model would think them put through
    if visit.place.turn is not None:  # it was a Gather loop that passed them on
        return visit.write(call).ask(Place(visit.place.turn, agent=visit.place.agent), line)
    return visit.listen(call, Place(len(call.thread.turns) + 1, agent=visit.place.agent), line)


async def _was_accepted(visit: Visit[DialResult], call: Call, target: TransferTarget) -> bool:
    """Whether the person who picked up has taken the call. Where nobody knows, the caller is kept."""
    if not target.accept_key:
        return True
    try:
        async with asyncio.timeout(ASK_S):
            stored = await visit.brain.store.find(call.call_id)
    except (StoreError, TimeoutError):
        return False
    notes = [note.payload for note in stored.notes if note.kind == NOTE] if stored else []
    steps = [note.get("step") for note in notes]
    begun = len(steps) - 1 - steps[::-1].index("asked") if "asked" in steps else 0
    return "accepted" in steps[begun:]


# The person


@dataclass(frozen=True, slots=True)
class _Waiting:
    """The caller who waits meanwhile: their agent, number and words."""

    agent: Agent
    caller: str | None
    said: Sequence[str]


async def _take_or_leave(brain: Brain, told: Whispered, request: Request) -> Document:
    place, asked = Place.read(request.query_params), request.query_params.get("asked", "")
    call_id = CallId(request.query_params.get("call", ""))
    waiting = await _waiting(brain, call_id, place.agent)
    if waiting is None:
        log.warning("whisper.no_call")
        return hung_up()
    target = target_of(waiting.agent, place.to)
    times = int(asked) if asked.isascii() and asked.isdigit() else 0
    if times == 0 or (not told.digits and times < MOST_ASKED):
        return _ask(brain, waiting, target, call_id, place, times + 1)
    accepted = told.digits == target.accept_key
    step = "accepted" if accepted else "declined"
    await _keep(brain, Note(call_id, NOTE, {"to": target.name, "step": step}))
    return Document() if accepted else hung_up()  # a document that ends lets the two be joined


async def _waiting(brain: Brain, call_id: CallId, agent: str | None) -> _Waiting | None:
    """The caller's side of it, from memory, or after a restart from the store."""
    call = brain.calls.get(call_id)
    if call is not None:
        return _Waiting(call.agent, call.record.caller, [turn.said for turn in call.thread.turns])
    async with asyncio.timeout(ASK_S):
        stored = await brain.store.find(call_id, with_notes=False)
    if stored is None or stored.record.ended_on is not None:
        return None
    known = next(
        (one for one in (stored.record.agent, agent) if one is not None and one in brain.agents), None
    )
    said = [turn.said for turn in stored.turns]
    return _Waiting(brain.agents.get(known), stored.record.caller, said)


def _ask(
    brain: Brain, waiting: _Waiting, target: TransferTarget, call_id: CallId, place: Place, times: int
) -> Document:
    """Who calls and what about; then a key, where one is to be pressed."""
    write = Writer(waiting.agent, brain.settings.public_url)
    document = Document()
    if not target.accept_key:
        _brief(write, document, waiting, target)
        return document
    gather = document.gather(
        input="dtmf",
        num_digits=1,
        finish_on_key="",  # any key is a choice, "#", too
        timeout=KEY_S,
        action=write.url(WHISPER, place, call=call_id, asked=str(times)),
        method="POST",
        action_on_empty_result=True,
    )
    _brief(write, gather, waiting, target)
    document.hangup()  # reached when the Gather itself fails
    return document


def _brief(write: Writer, parent: Document, waiting: _Waiting, target: TransferTarget) -> None:
    """The words to the person. Ours are English; the caller's own are said in their language."""
    name = " ".join(part.capitalize() for part in waiting.agent.name.replace("-", "_").split("_"))
    ours = None if waiting.agent.language.startswith("en") else ENGLISH
    if target.whispers:
        digits, about = last_digits(waiting.caller), briefing(waiting.said)
        whose = f"from the number ending in {digits}" if digits else "from a hidden number"
        write.say(parent, [f"A call {whose}, through {name}."], ours)
        if about:
            write.say(parent, ["The caller said:"], ours)
            write.say(parent, [about])
    if target.accept_key:
        key = {"*": "star", "#": "pound"}.get(target.accept_key, target.accept_key)
        write.say(parent, [f"Press {key} to take the call."], ours)


async def _keep(brain: Brain, note: Note) -> None:
    """Keep a note, and wait until it is on disk, but not for long."""
    brain.calls.note(note.call_id, note.kind, note.payload)
    with suppress(StoreError, TimeoutError):
        async with asyncio.timeout(ASK_S):
            await brain.store.committed()
