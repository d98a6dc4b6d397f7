"""Vapi's server messages, answered: who takes a call, what a tool says.

Messages without an answer of their own get {}. A message that is odd gets {} too: nothing useful
comes of refusing it. Only a voice is refused. A message that Vapi sends again, byte for byte, has its
effect once.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import asdict, replace

from starlette.requests import Request
from starlette.responses import Response

from handlers.once import Once, once_key
from handlers.problems import json_answer, problem
from handlers.vapi.calls import has_ended, pick_up
from handlers.vapi.control import Controls, say
from handlers.vapi.told import Taken, effect_of, message_key
from handlers.vapi.who import answer_handoff, answer_transfer, answer_who
from handlers.wire.masked import text_to_keep
from handlers.wire.vapi import ServerMessage
from handlers.wire.vapi_answers import NOT_HERE, tool_result
from handlers.wire.vapi_tools import MAX_TOOLS, ToolRequest, function_call
from voice.brain import Brain
from voice.errors import StoreError, ToolFailed, VoiceError
from voice.events import RequestRefused
from voice.telemetry.logs import about_call
from voice.turn.own import said_at
from voice.types import Action, CallId, Door, Effect, Json

log = logging.getLogger(__name__)

ENDPOINTING_S = 0.5  # Vapi asks at each new transcript; its own default without punctuation is 1.5
MAX_SHOWN_CHARS = 60  # of a type that nobody knows
TOOL_S = 15.0  # for the answer of a tool that another process runs; Vapi gives up at 20
NO_VOICE = "Vapi asked for speech; Offhook writes text."
CHOOSE_A_VOICE = (
    "Give the assistant one of Vapi's voices, or voice.fallbackPlan; provider custom-voice asks here."
)
NO_CALL = "The call has no id."
NO_NAME = "Not done: the request names no tool."
TOO_MANY = f"Not done: one message may ask for {MAX_TOOLS} tools."
TOOL_FAILED = "The tool did not work."
TOOL_LOST = "Nobody knows whether this was done. Do not do it again; offer the caller a call back."

Answer = Callable[[Request, ServerMessage], Awaitable[Response]]


async def answer_event(request: Request, message: ServerMessage) -> Response:
    """The answer to one server message. Never raises."""
    answer, effect = ANSWERS.get(message.type), effect_of(message)
    about = about_call(message.call_id) if message.call_id else nullcontext()
    shown = message.type[:MAX_SHOWN_CHARS]
    with about:
        try:
            if answer is not None:
                return await answer(request, message)
            if effect is not None and message.call_id is not None:
                await _take_once(request, message, message.call_id, effect)
        except VoiceError as exc:
            log.warning("vapi.event_not_taken", extra={"type": shown, "error": type(exc).__name__})
        except Exception as exc:  # fence: one request
            log.exception("vapi.event_failed", extra={"type": shown, "error": type(exc).__name__})
    return json_answer({})


async def _take_once(request: Request, message: ServerMessage, call_id: CallId, effect: Taken) -> None:
    once: Once = request.app.state.once

    async def act() -> Json:
        await effect(request, message, call_id)
        return {}

    await once.everywhere(await message_key(request, message, call_id), act)


async def _tool_calls(request: Request, message: ServerMessage) -> Response:
    """One result for each tool that is asked for, at once; a tool that fails says so under its own id."""
    asked = message.tools()
    answers = await asyncio.gather(*(_use(request, message, one) for one in asked[:MAX_TOOLS]))
    answers = [(_as_said(request, message, answer), ok) for answer, ok in answers]
    answers += [(TOO_MANY, False)] * (len(asked) - len(answers))
    results = [tool_result(one, answer, ok=ok) for one, (answer, ok) in zip(asked, answers, strict=True)]
    return json_answer({"results": results})


def _as_said(request: Request, message: ServerMessage, answer: str | Effect) -> str | Effect:
    """What a tool wants done, with the words that Vapi says before it as its voice takes them."""
    if not isinstance(answer, Effect) or not answer.say:
        return answer
    brain: Brain = request.app.state.brain
    call = brain.calls.get(message.call_id) if message.call_id is not None else None
    agent = call.agent if call is not None else brain.agents.default
    return replace(answer, say=said_at(agent, Door.VAPI, answer.say))


async def _function_call(request: Request, message: ServerMessage) -> Response:
    """The legacy form of a tool call."""
    asked = function_call(message.body)
    if asked is None:
        return json_answer({"result": TOOL_FAILED})
    answer, ok = await _use(request, message, asked)
    found = tool_result(asked, answer, ok=ok)
    told = found.get("result") or found.get("error")
    if isinstance(answer, Effect) and answer.action is Action.END_CALL:
        told = told if await _has_hung_up(request, message.call_id, asked, answer) else NOT_HERE
    return json_answer({"result": told})


async def _has_hung_up(request: Request, call_id: CallId | None, asked: ToolRequest, effect: Effect) -> bool:
    """End a call from outside, once: the legacy answer has no place for it. False: nobody could be asked."""
    controls: Controls = request.app.state.controls
    brain: Brain = request.app.state.brain
    once: Once = request.app.state.once
    if call_id is None or not controls.knows(call_id):
        return False
    call = brain.calls.get(call_id)
    agent = call.agent if call else brain.agents.default
    order = say(effect.say or agent.goodbye, then_end=True)

    async def end() -> Json:
        said = order.read_by(lambda text: said_at(agent, Door.VAPI, text))
        return (await controls.send(call_id, said)).ok

    return await once.everywhere(once_key("vapi hung up", call_id, asked.once), end, lost=False) is True


async def _use(request: Request, message: ServerMessage, asked: ToolRequest) -> tuple[str | Effect, bool]:
    """What a tool answers, and whether it worked. It is run once, whoever asks for it again."""
    once: Once = request.app.state.once
    if (call_id := message.call_id) is None:
        return NO_CALL, False
    if not asked.name:
        return NO_NAME, False

    async def use() -> Json:
        answer, ok = await _use_now(request, message, call_id, asked)
        return [asdict(answer) if isinstance(answer, Effect) else answer, ok]

    # Not by the message: Vapi asks for a tool again in another message when ours was late.
    key = once_key("vapi tool", call_id, asked.once)
    lost: Json = [TOOL_LOST, False]
    match await once.everywhere(key, use, lost=lost, patience_s=TOOL_S, to_keep=_answer_to_keep):
        case [str(text), bool(ok)]:
            return text, ok
        case [{"action": str(action), "to": to, "digits": str(digits), "say": str(say)}, bool(ok)]:
            return Effect(Action(action), to if isinstance(to, str) else None, digits, say), ok
        case _:
            return TOOL_LOST, False


async def _use_now(
    request: Request, message: ServerMessage, call_id: CallId, asked: ToolRequest
) -> tuple[str | Effect, bool]:
    brain: Brain = request.app.state.brain
    try:
        if not await _is_over(brain, call_id):
            await pick_up(request, message, call_id)
        return await brain.calls.answer_tool(call_id, asked.tool_call()), True
    except ToolFailed as exc:
        return str(exc), False
    except Exception as exc:  # fence: one job
        log.exception("tool.failed", extra={"tool": asked.name, "error": type(exc).__name__})
        return TOOL_FAILED, False


def _answer_to_keep(told: Json) -> Json:
    """A tool's answer as it is stored. Who asks again after a restart gets it without the secrets in it."""
    match told:
        case [str(text), bool(ok)]:
            return [text_to_keep(text), ok]
        case _:
            return told


async def _is_over(brain: Brain, call_id: CallId) -> bool:
    """Whether the call has ended, as far as the store can say: a tool is run without it, too."""
    try:
        return await has_ended(brain, call_id)
    except StoreError:
        return False


async def _no_documents(request: Request, message: ServerMessage) -> Response:
    return json_answer({"documents": []})


async def _endpointing(request: Request, message: ServerMessage) -> Response:
    return json_answer({"timeoutSeconds": ENDPOINTING_S})


async def _no_voice(request: Request, message: ServerMessage) -> Response:
    """A refusal. Offhook writes text; the platform speaks it.

    At an error Vapi goes on with the voices of `voice.fallbackPlan`, and without one ends the call with
    a reason that its hooks can answer. Samples of silence would leave the caller on a dead line instead.
    """
    brain: Brain = request.app.state.brain
    log.error("vapi.voice_asked", extra={"to_do": CHOOSE_A_VOICE})
    brain.bus.publish(RequestRefused("vapi", 422, "VoiceAsked", reason=NO_VOICE, to_do=CHOOSE_A_VOICE))
    return problem(422, f"{NO_VOICE} {CHOOSE_A_VOICE}", "invalid_request_error", code="no_voice")


ANSWERS: dict[str, Answer] = {
    "assistant-request": answer_who,
    "tool-calls": _tool_calls,
    "function-call": _function_call,
    "transfer-destination-request": answer_transfer,
    "handoff-destination-request": answer_handoff,
    "knowledge-base-request": _no_documents,
    "call.endpointing.request": _endpointing,
    "voice-request": _no_voice,
}
