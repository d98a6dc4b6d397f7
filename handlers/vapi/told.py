"""Vapi's server messages that only tell something: a call rings or has ended, somebody was interrupted.

What platforms tell about a call becomes its notes, without their secrets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request

from handlers.once import Once, once_key
from handlers.vapi.calls import LOOK_UP_S, has_ended, pick_up
from handlers.wire.masked import KnownSecrets, clean
from handlers.wire.vapi import ServerMessage
from handlers.wire.vapi_ended import in_words, is_ours_to_mend
from handlers.wire.vapi_report import our_times, report_of
from voice.brain import Brain
from voice.errors import StoreError
from voice.types import CallId, Json, Turn

log = logging.getLogger(__name__)

BEGINNING = ("queued", "ringing", "in-progress")  # statuses at which a call gets ready for its first words
# Where a call goes on, and why Vapi could not begin it: kept with the status.
TOLD_WITH_STATUS = ("destination", "inboundPhoneCallDebuggingArtifacts")
MEND_IT = "See GET /admin/refused, and let `offhook doctor vapi` call this server."

Taken = Callable[[Request, ServerMessage, CallId], Awaitable[None]]


async def message_key(request: Request, message: ServerMessage, call_id: CallId) -> str:
    """What tells a message from its repeat: all of it. Vapi stamps each with its time."""
    return once_key("vapi", message.type, call_id, await request.body())


def effect_of(message: ServerMessage) -> Taken | None:
    """What a message does here; None: nothing. Partial transcripts are noise."""
    return None if message.text("transcriptType") == "partial" else EFFECTS.get(message.type)


async def _status_update(request: Request, message: ServerMessage, call_id: CallId) -> None:
    """A call rings, is taken, or has ended. Ringing is the moment to get ready for the first words."""
    brain: Brain = request.app.state.brain
    status = message.text("status")
    if status is None:
        return
    reason = message.text("endedReason")
    note: dict[str, Json] = {"status": status}
    if reason:
        note["endedReason"] = reason
    if any(key in message.body for key in TOLD_WITH_STATUS):
        kept = message.note(request.app.state.secrets)
        note |= {key: one for key, one in kept.items() if key in TOLD_WITH_STATUS}
    try:
        if status == "ended":
            await _end(request, call_id, reason or "ended")
        elif status in BEGINNING and not await has_ended(brain, call_id):
            await pick_up(request, message, call_id)
    finally:
        brain.calls.note(call_id, "status", note)


async def _transcript(request: Request, message: ServerMessage, call_id: CallId) -> None:
    """What was said, as Vapi wrote it down; a key that somebody read out is left out."""
    brain: Brain = request.app.state.brain
    if said := message.text("transcript"):
        secrets: KnownSecrets = request.app.state.secrets
        kept = secrets.without(clean(said))
        brain.calls.note(call_id, "transcript", {"role": message.text("role"), "transcript": kept})


async def _report(request: Request, message: ServerMessage, call_id: CallId) -> None:
    """The end-of-call report as one record, and whole but for its secrets.

    The call ends even if it cannot be kept.
    """
    ours: Json = None
    try:
        ours = await _end(request, call_id, message.text("endedReason") or "ended")
    finally:
        await _keep_report(request, message, call_id, ours)


async def _keep_report(request: Request, message: ServerMessage, call_id: CallId, ours: Json) -> None:
    """Of one that is larger than other messages may be, only the record is kept."""
    brain: Brain = request.app.state.brain
    secrets: KnownSecrets = request.app.state.secrets
    size = len(await request.body())
    if size <= brain.settings.max_body_bytes:
        raw = message.note(secrets)
        whole: dict[str, Json] = {"raw": raw}
    else:  # it takes a tenth of a second to read, in which nobody else must wait
        raw = await asyncio.to_thread(message.note, secrets)
        whole = {"raw": None, "raw_bytes": size}
    brain.calls.note(call_id, "report", report_of(raw, ours) | whole)


async def _end(request: Request, call_id: CallId, reason: str) -> Json:
    """End the call, and tell its turns' times. The end is told several times; later ones cost nothing."""
    brain: Brain = request.app.state.brain
    once: Once = request.app.state.once
    call = brain.calls.get(call_id)
    key = once_key("vapi ended", call_id)

    async def end() -> Json:
        if is_ours_to_mend(reason):
            log.error("vapi.call_lost", extra={"reason": reason, "means": in_words(reason), "to_do": MEND_IT})
        turns = call.thread.turns if call else await _turns(brain, call_id)
        await brain.calls.hang_up(call_id, reason)
        return [our_times(turns)]

    if call is None:
        told = await once.here(key, end)
    else:  # on the line, perhaps for a second time
        once.remember(key, told := await end())
    return told[0] if isinstance(told, list) else None


async def _turns(brain: Brain, call_id: CallId) -> Sequence[Turn]:
    """What we know of the call's turns, for their times."""
    if call := brain.calls.get(call_id):
        return call.thread.turns
    try:
        async with asyncio.timeout(LOOK_UP_S):
            stored = await brain.store.find(call_id, with_notes=False)
    except (StoreError, TimeoutError):
        return ()
    return stored.turns if stored else ()


async def _note(request: Request, message: ServerMessage, call_id: CallId) -> None:
    brain: Brain = request.app.state.brain
    brain.calls.note(call_id, message.type, message.note(request.app.state.secrets))


async def _hang(request: Request, message: ServerMessage, call_id: CallId) -> None:
    """Vapi has waited seconds for words to speak: the caller heard silence, and the turn says why."""
    log.warning("vapi.hang", extra={"to_do": "Look at the call's newest turn: /admin/calls/{call_id}."})
    await _note(request, message, call_id)


async def _deleted(request: Request, message: ServerMessage, call_id: CallId) -> None:
    """A call that is deleted is over, whether its end is told or not."""
    try:
        await _end(request, call_id, "call-deleted")
    finally:
        await _note(request, message, call_id)


EFFECTS: dict[str, Taken] = {
    "status-update": _status_update,
    "transcript": _transcript,
    'transcript[transcriptType="final"]': _transcript,
    "end-of-call-report": _report,
    "transfer-update": _note,
    "user-interrupted": _note,
    "hang": _hang,
    "language-change-detected": _note,
    "language-changed": _note,
    "phone-call-control": _note,
    "call.deleted": _deleted,
    "call.delete.failed": _note,
}

# Nothing is done about these: they are frequent, or about other things than a call of ours.
PASSED_OVER = (
    "conversation-update",
    "speech-update",
    "model-output",
    "voice-input",
    "assistant.started",
    "assistant.speechStarted",
    "chat.created",
    "chat.deleted",
    "session.created",
    "session.updated",
    "session.deleted",
)
