"""A caller is put through to a person: the document that dials, and what is known of it afterwards.

The words before it are said to their end. The caller hears it ring until the person has taken the call:
who picks up first hears who calls and what about, and presses a key, since a voicemail presses none. When
nobody takes it, Twilio asks /twilio/dial how to go on, and the caller is back in the same thread.

Source: Twilio's "Dial", "Number" and "Sip" pages.
"""

from __future__ import annotations

import logging

from handlers.twilio.twiml import Document, Line, Writer
from handlers.wire.numbers import dialable
from handlers.wire.place import Place
from voice.agents.agent import Agent
from voice.call import Call
from voice.types import E164, Effect, Json, Note, TransferTarget

log = logging.getLogger(__name__)

DIAL, WHISPER = "/twilio/dial", "/twilio/whisper"
NOTE = "transfer"  # the kind of note that keeps each step of it


def transfer_document(
    call: Call, effect: Effect, public_url: str | None, *lines: Line, place: Place | None = None
) -> Document | None:
    """Say the lines, and put the caller through; None when the number leads nowhere, which is logged.

    `place` is where a Gather loop goes on when nobody answers; None: the call comes back through the door
    that its record names.
    """
    listed = [one.to for one in call.agent.transfer]
    to = dialable(effect.to, call.line, call.record.caller, near=call.line, listed=listed)
    if to is None:
        log.warning("effect.not_possible", extra={"action": effect.action.value})
        return None
    target = next((one for one in call.agent.transfer if one.to == to), _stranger(to))
    call.note(transfer_note(call, target.name, "asked"))
    write = Writer(call.agent, public_url)
    document = Document()
    write.say(document, lines)
    _dial(document, call, target, write, place or Place(agent=call.agent.name))
    return document


def target_of(agent: Agent, name: str | None) -> TransferTarget:
    """The target that an agent's file gives this name; one without any say in the matter for others."""
    return next((one for one in agent.transfer if one.name == name), _stranger(""))


def transfer_note(call: Call, to: str, step: str, **facts: Json) -> Note:
    """What is kept of one step: `asked`, `accepted`, `declined`, `reached`, `not_reached`."""
    return Note(call.call_id, NOTE, {"to": to, "step": step, **facts})


def _dial(document: Document, call: Call, target: TransferTarget, write: Writer, place: Place) -> None:
    after = Place(turn=place.turn, agent=place.agent, to=target.name)
    dial = document.dial(
        # Bridged only when somebody answers: until then the caller hears it ring, and no charge begins.
        answer_on_bridge=True,
        timeout=target.ring_s,
        action=write.url(DIAL, after),
        method="POST",
        caller_id=_shown(call),
    )
    first = {}
    if target.whispers or target.accept_key:
        heard = Place(agent=place.agent, to=target.name)
        first = {"url": write.url(WHISPER, heard, call=call.call_id), "method": "POST"}
    if target.to.lower().startswith("sip"):
        dial.sip(target.to, **first)
    else:
        dial.number(target.to, **first)


def _shown(call: Call) -> str | None:
    """The number that the person sees: Twilio shows the caller's, where there is one to be shown."""
    has_number = E164.fullmatch(call.record.caller or "")
    return call.line if not has_number and E164.fullmatch(call.line or "") else None


def _stranger(to: str) -> TransferTarget:
    """Somebody whom the file does not list: nobody knows whether they would press a key."""
    return TransferTarget("", to, "", whispers=False, accept_key="")
