"""Vapi's server messages, answered: who takes a call, what a tool says, and what is only kept.

Messages without an answer of their own get {}. A message that is odd gets {} too: nothing useful
comes of refusing it. What platforms tell about a call becomes its notes, without their secrets.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

from starlette.requests import Request
from starlette.responses import Response

from handlers.problems import json_answer
from handlers.wire.vapi import ServerMessage, assistant_answer, tool_result
from handlers.wire.vapi_tools import ToolRequest, function_call
from voice.brain import Brain
from voice.errors import BadRequest, StoreError, VoiceError
from voice.settings import secret
from voice.telemetry.logs import about_call
from voice.types import CallId, Door, Json

log = logging.getLogger(__name__)

BEGINNING = ("queued", "ringing", "in-progress")  # statuses at which a call gets ready for its first words
LOOK_UP_S = 2.0  # for whether a call has ended; nobody waits for it, but no request hangs on the store
ENDPOINTING_S = 0.5  # Vapi asks at each new transcript; its own default without punctuation is 1.5
SILENCE_S = 0.1
MAX_SHOWN_CHARS = 60  # of a type that nobody knows
KEPT = ("transfer-update", "user-interrupted", "hang")
NO_CALL = "The call has no id."
NO_ONE = "There is nobody to transfer this call to right now."
TOOL_FAILED = "The tool did not work."

Answer = Callable[[Request, ServerMessage], Awaitable[Response]]


async def answer_event(request: Request, message: ServerMessage) -> Response:
    """The answer to one server message. Never raises."""
    answer = ANSWERS.get(message.type)
    brain: Brain = request.app.state.brain
    about = about_call(message.call_id) if message.call_id else nullcontext()
    shown = message.type[:MAX_SHOWN_CHARS]
    with about:
        try:
            if answer is not None:
                return await answer(request, message)
            if message.type in KEPT and message.call_id is not None:
                brain.calls.note(message.call_id, message.type, message.note())
        except VoiceError as exc:
            log.warning("vapi.event_not_taken", extra={"type": shown, "error": type(exc).__name__})
        except Exception as exc:  # fence: one request
            log.exception("vapi.event_failed", extra={"type": shown, "error": type(exc).__name__})
    return json_answer({})


async def _assistant_request(request: Request, message: ServerMessage) -> Response:
    """Who takes the call: our agent, whose words we write. Answered from memory; the caller is waiting."""
    brain: Brain = request.app.state.brain
    named = _named(request, brain)
    agent = brain.agents.get(named)
    try:
        if message.call_id is not None:
            call = await brain.calls.pick_up(message.call_id, Door.VAPI, agent=named, caller=message.caller)
            agent = call.agent
            if not call.thread.greeting:
                brain.calls.greet(call, agent.greeting)
    except VoiceError as exc:
        log.warning("vapi.call_refused", extra={"error": type(exc).__name__})
        return json_answer({"error": agent.busy})  # spoken to the caller
    return json_answer(assistant_answer(agent, base_url(request, brain), secret(brain.settings.vapi_secret)))


async def _tool_calls(request: Request, message: ServerMessage) -> Response:
    """One result for each tool that is asked for, at once; a tool that fails says so under its own id."""
    answers = await asyncio.gather(*(_use(request, message.call_id, asked) for asked in message.tools()))
    results: list[Json] = [
        tool_result(asked, text, ok=ok) for asked, (text, ok) in zip(message.tools(), answers, strict=True)
    ]
    return json_answer({"results": results})


async def _function_call(request: Request, message: ServerMessage) -> Response:
    """The legacy form of a tool call."""
    asked = function_call(message.body)
    if asked is None:
        return json_answer({"result": TOOL_FAILED})
    text, _ = await _use(request, message.call_id, asked)
    return json_answer({"result": " ".join(text.split())})


async def _use(request: Request, call_id: CallId | None, asked: ToolRequest) -> tuple[str, bool]:
    """What a tool answers, and whether it worked."""
    brain: Brain = request.app.state.brain
    if call_id is None:
        return NO_CALL, False
    try:
        answer = await brain.calls.answer_tool(call_id, asked.tool_call())
        return (answer if isinstance(answer, str) else answer.say), True
    except BadRequest as exc:
        return exc.outside, False
    except Exception as exc:  # fence: one job
        log.exception("tool.failed", extra={"tool": asked.name, "error": type(exc).__name__})
        return TOOL_FAILED, False


async def _status_update(request: Request, message: ServerMessage) -> Response:
    """A call rings, is taken, or has ended. Ringing is the moment to get ready for the first words."""
    brain: Brain = request.app.state.brain
    status, call_id = message.text("status"), message.call_id
    if call_id is None or status is None:
        return json_answer({})
    note: dict[str, Json] = {"status": status}
    if reason := message.text("endedReason"):
        note["endedReason"] = reason
    try:
        if status == "ended":
            await brain.calls.hang_up(call_id, reason or "ended")
        elif status in BEGINNING and not await _has_ended(brain, call_id):
            named = _named(request, brain)
            await brain.calls.pick_up(call_id, Door.VAPI, agent=named, caller=message.caller)
    finally:
        brain.calls.note(call_id, "status", note)
    return json_answer({})


def _named(request: Request, brain: Brain) -> str | None:
    """The agent that the webhook's URL names (?agent=…). A wrong name must not cost the caller the call."""
    name = request.query_params.get("agent")
    if name is None or name in brain.agents:
        return name
    log.warning("agent.unknown", extra={"agent": name[:MAX_SHOWN_CHARS], "known": brain.agents.names})
    return None


async def _has_ended(brain: Brain, call_id: CallId) -> bool:
    """Whether this is a call of the past: Vapi's messages overtake each other. Raises StoreError."""
    if brain.calls.get(call_id) is not None:
        return False
    try:
        async with asyncio.timeout(LOOK_UP_S):
            stored = await brain.store.find(call_id)
    except TimeoutError as exc:
        raise StoreError("the store did not answer in time") from exc
    return stored is not None and stored.record.ended_on is not None


async def _transcript(request: Request, message: ServerMessage) -> Response:
    """What was said, as Vapi wrote it down; partial transcripts are noise."""
    brain: Brain = request.app.state.brain
    said = message.text("transcript")
    if message.call_id is not None and said and message.text("transcriptType") != "partial":
        brain.calls.note(message.call_id, "transcript", {"role": message.text("role"), "transcript": said})
    return json_answer({})


async def _report(request: Request, message: ServerMessage) -> Response:
    """The end-of-call report, kept whole but for its secrets. The call ends even if it cannot be kept."""
    brain: Brain = request.app.state.brain
    if message.call_id is not None:
        try:
            await brain.calls.hang_up(message.call_id, message.text("endedReason") or "ended")
        finally:
            brain.calls.note(message.call_id, "report", message.note())
    return json_answer({})


async def _no_transfer(request: Request, message: ServerMessage) -> Response:
    return json_answer({"error": NO_ONE})


async def _no_documents(request: Request, message: ServerMessage) -> Response:
    return json_answer({"documents": []})


async def _endpointing(request: Request, message: ServerMessage) -> Response:
    return json_answer({"timeoutSeconds": ENDPOINTING_S})


async def _voice(request: Request, message: ServerMessage) -> Response:
    """A moment of silence: 16-bit mono samples. Offhook writes text; the platform speaks it."""
    return Response(bytes(2 * int(message.samples() * SILENCE_S)), media_type="application/octet-stream")


ANSWERS: dict[str, Answer] = {
    "assistant-request": _assistant_request,
    "tool-calls": _tool_calls,
    "function-call": _function_call,
    "status-update": _status_update,
    "transcript": _transcript,
    'transcript[transcriptType="final"]': _transcript,
    "end-of-call-report": _report,
    "transfer-destination-request": _no_transfer,
    "handoff-destination-request": _no_transfer,
    "knowledge-base-request": _no_documents,
    "call.endpointing.request": _endpointing,
    "voice-request": _voice,
}


def base_url(request: Request, brain: Brain) -> str:
    """The URL that Vapi reaches us by: the one that is set, else the one it has just used."""
    if brain.settings.public_url:
        return brain.settings.public_url
    forwarded = request.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    scheme = forwarded if forwarded in {"http", "https"} else request.url.scheme
    return f"{scheme}://{request.headers.get('host', request.url.netloc)}"
