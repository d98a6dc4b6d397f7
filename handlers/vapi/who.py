"""Who takes a call, and where it goes: Vapi's assistant-request and its requests for a destination.

The caller hears the telephone ring meanwhile, so the answer comes from memory, and the call is picked up
behind it: what the store knows of a call that only rings changes nothing. Where the lines may all be
busy that must be known first; there a store that hangs costs PICK_UP_S at most. Whatever breaks, the
default agent answers.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping
from typing import Any

from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from handlers.once import Once, once_key
from handlers.problems import STOPPED, json_answer
from handlers.vapi.calls import chosen_agent, has_ended, pick_up
from handlers.vapi.control import Controls
from handlers.vapi.lines import Lines
from handlers.vapi.told import message_key
from handlers.wire.numbers import dialable
from handlers.wire.vapi import ServerMessage
from handlers.wire.vapi_answers import handoff_answer, line_answer, transfer_answer
from voice.agents.agent import Agent
from voice.agents.vapi_assistant import WaysIn, vapi_assistant, vapi_door
from voice.brain import Brain
from voice.call import Call
from voice.errors import ToolFailed, VoiceError
from voice.settings import LineSettings, secrets_in
from voice.telemetry.logs import about_call
from voice.tools.base import Tool
from voice.turn.own import said_at
from voice.types import Action, CallId, Door, Effect, Json, ToolCall

log = logging.getLogger(__name__)

PICK_UP_S = 2.0  # Vapi gives up at 7.5, its docs say elsewhere at 5, and the network has its share
NO_CREDENTIAL = (  # Vapi signs what it sends to a server, never what it sends to a model
    "The assistant's model has nothing to show at our door: set VAPI_SECRET, OFFHOOK_VAPI_PATH_KEY "
    "or OFFHOOK_API_KEY besides."
)
NO_ONE = "There is nobody to transfer this call to right now."


async def answer_who(request: Request, message: ServerMessage) -> Response:
    """The answer to assistant-request: one of our agents, or what the line of the call says."""
    brain: Brain = request.app.state.brain
    lines: Lines = request.app.state.lines
    line = lines.line(message.called(), message.caller)
    if line is not None and (line.refuse or line.transfer):
        return json_answer(line_answer(_as_said(line, _agent_of(request, message)), {}))
    if line is not None and line.reject:
        return json_answer({"error": _busy(brain.agents.default)})  # Vapi has answered the call already
    named = chosen_agent(request, message)
    if (line is None or not _is_kept_at_vapi(line)) and not _has_credential(brain):
        log.error("vapi.no_credential", extra={"to_do": NO_CREDENTIAL})
        return json_answer({"error": _busy(brain.agents.get(named))})
    if brain.calls.live < brain.settings.max_calls:
        live = brain.calls.get(message.call_id) if message.call_id is not None else None
        answer = _answer(request, brain, line, live.agent if live else brain.agents.get(named))
        answer.background = BackgroundTask(_pick_up_behind, request, message, named, line)
        return answer
    agent, is_busy = await _picked_up(request, message, named, line)
    if is_busy:
        return json_answer({"error": _busy(agent)})  # spoken to the caller
    return _answer(request, brain, line, agent)


def _answer(request: Request, brain: Brain, line: LineSettings | None, agent: Agent) -> Response:
    said = _as_said(line, agent) if line is not None else None
    return json_answer(line_answer(said, assistant_of(request, brain, agent)))


def _busy(agent: Agent) -> str:
    return said_at(agent, Door.VAPI, agent.busy)


def _as_said(line: LineSettings, agent: Agent) -> LineSettings:
    """A line of the settings with its words as the voice takes them.

    An assistant that is kept at Vapi has a voice and a language of its own: its first message stays.
    """
    words = {name: text for name in ("refuse", "say") if (text := getattr(line, name))}
    said = {name: said_at(agent, Door.VAPI, text) for name, text in words.items()}
    first = line.overrides.get("firstMessage")
    if isinstance(first, str) and not _is_kept_at_vapi(line):
        overrides = {**line.overrides, "firstMessage": said_at(agent, Door.VAPI, first)}
        return line.model_copy(update={**said, "overrides": overrides})
    return line.model_copy(update=said)


async def _pick_up_behind(
    request: Request, message: ServerMessage, named: str | None, line: LineSettings | None
) -> None:
    """Pick the call up once the platform has its answer.

    Should the last line be taken in this moment, the caller hears so at the first turn.
    """
    if (call_id := message.call_id) is None:
        return
    brain: Brain = request.app.state.brain
    controls: Controls = request.app.state.controls
    with about_call(call_id):
        if not controls.has_ended(call_id):
            await _picked_up(request, message, named, line)
        if controls.has_ended(call_id):  # meanwhile: the caller has hung up before the store had answered
            await brain.calls.hang_up(call_id, "ended")


async def _picked_up(
    request: Request, message: ServerMessage, named: str | None, line: LineSettings | None
) -> tuple[Agent, bool]:
    """The agent of the call, and whether all lines are busy. A retry gets the same."""
    brain: Brain = request.app.state.brain
    once: Once = request.app.state.once
    found: Json = None
    if message.call_id is not None:
        call_id = message.call_id

        async def pick_up() -> Json:
            return await _pick_up(brain, call_id, message.caller, named, line)

        try:
            async with asyncio.timeout(PICK_UP_S):
                found = await once.everywhere(await message_key(request, message, call_id), pick_up)
        except Exception as exc:  # fence: one request
            log.exception("vapi.not_picked_up", extra={"error": type(exc).__name__})
    told = found if isinstance(found, dict) else {}
    name = told.get("agent", named)
    known = name if isinstance(name, str) and name in brain.agents else None
    return brain.agents.get(known), "busy" in told


async def _pick_up(
    brain: Brain, call_id: CallId, caller: str | None, named: str | None, line: LineSettings | None
) -> Json:
    """Who takes the call, as it is kept for a retry: the answer itself holds a secret."""
    try:
        call = await brain.calls.pick_up(call_id, Door.VAPI, agent=named, caller=caller)
    except VoiceError as exc:
        log.warning("vapi.call_refused", extra={"error": type(exc).__name__})
        return {"agent": named, "busy": True}
    # An assistant that is kept at Vapi has a first message of its own, which its history will tell.
    greeting = _greeting(line, call.agent)
    if greeting and not call.thread.greeting:
        brain.calls.greet(call, greeting)
    return {"agent": call.agent.name}


def _greeting(line: LineSettings | None, agent: Agent) -> str | None:
    """What the caller hears first, where we know it: a line may have another sentence than the agent."""
    if line is None:
        return agent.greeting
    if _is_kept_at_vapi(line):
        return None
    said = line.overrides.get("firstMessage", agent.greeting)
    return said if isinstance(said, str) and "{{" not in said else None  # Vapi fills that in


def assistant_of(request: Request, brain: Brain, agent: Agent) -> dict[str, Any]:
    """One of our agents as an assistant that lives for this call.

    No `server` is named: events go on to the URL that asked. The secret goes back to whom it came
    from, because Vapi sends a server's secret to that server only, not to a custom LLM.
    """
    settings = brain.settings
    shown = next(iter(secrets_in(settings.vapi_secret)), None)
    in_path = next(iter(secrets_in(settings.vapi_path_key)), None) if shown is None else None
    if shown is None and in_path is None:  # it opens the model's door, too
        shown = next(iter(secrets_in(settings.api_key)), None)
    url = vapi_door(base_url(request, brain), in_path)
    actions = _actions(brain, agent)
    greeting = said_at(agent, Door.VAPI, agent.greeting)
    ways = WaysIn(url, secret=shown)
    return vapi_assistant(agent, ways, actions=actions, voice=settings.vapi_voice, greeting=greeting)


def _has_credential(brain: Brain) -> bool:
    """Whether an assistant that we describe can show something that opens the model's door."""
    settings = brain.settings
    shown = (settings.vapi_secret, settings.vapi_path_key, settings.api_key)
    return not settings.guards_vapi or any(secrets_in(one) for one in shown)


def _is_kept_at_vapi(line: LineSettings) -> bool:
    return bool(line.assistant_id or line.squad_id or line.squad)


def base_url(request: Request, brain: Brain) -> str:
    """The URL that Vapi reaches us by: the one that is set, else the one it has just used."""
    if brain.settings.public_url:
        return brain.settings.public_url
    forwarded = request.headers.get("x-forwarded-proto", "").split(",")[0].strip().lower()
    scheme = forwarded if forwarded in {"http", "https"} else request.url.scheme
    return f"{scheme}://{request.headers.get('host', request.url.netloc)}"


async def answer_transfer(request: Request, message: ServerMessage) -> Response:
    """Where a call is to be transferred to: what the agent's own tool says."""
    effect = await _asked(request, message, Action.TRANSFER)
    to = _destination(request, message, effect) if effect is not None else None
    if effect is None or to is None:
        return json_answer({"error": NO_ONE})
    return json_answer(transfer_answer(to, _said(request, message, effect.say)))


def _destination(request: Request, message: ServerMessage, effect: Effect) -> str | None:
    """The number of a transfer as it can be dialled; None: it leads nowhere."""
    listed = [one.to for one in _agent_of(request, message).transfer]
    called = message.called()
    near = next(iter(called), None)
    return dialable(effect.to, *called, message.caller, near=near, listed=listed)


def _said(request: Request, message: ServerMessage, text: str) -> str:
    """The words before it, as the voice of the call takes them."""
    return said_at(_agent_of(request, message), Door.VAPI, text) if text else ""


def _agent_of(request: Request, message: ServerMessage) -> Agent:
    brain: Brain = request.app.state.brain
    call = brain.calls.get(message.call_id) if message.call_id is not None else None
    return call.agent if call else brain.agents.default


async def answer_handoff(request: Request, message: ServerMessage) -> Response:
    """Which assistant of Vapi's goes on with a call: what the agent's own tool says."""
    effect = await _asked(request, message, Action.HANDOFF)
    if effect is None or not effect.to:
        return json_answer({"error": NO_ONE})
    target = _agent_of(request, message).handoff_to(effect.to)
    is_id = target is None or target.kind == "assistant_id"
    return json_answer(handoff_answer(effect.to, _said(request, message, effect.say), is_id=is_id))


async def _asked(request: Request, message: ServerMessage, action: Action) -> Effect | None:
    """What the agent's tool for this wants done; None: it has none, or it says no."""
    brain: Brain = request.app.state.brain
    if message.call_id is None or await has_ended(brain, message.call_id):
        return None
    call = await pick_up(request, message, message.call_id)
    newest = call.thread.turns[-1].effect if call.thread.turns else None
    if newest is not None and newest.action is action:
        return newest  # the model has chosen already; Vapi's tool has no place for its choice
    tool = next((call.tools[name] for name in call.agent.tools if _does(call, name, action)), None)
    told = _arguments(message, tool) if tool is not None else None
    if tool is None or told is None:
        return _chosen_before(call, action)
    arguments = json.dumps(told)
    key = once_key("vapi destination", message.call_id, str(message.body.get("timestamp")), arguments)
    try:
        answer = await brain.calls.answer_tool(message.call_id, ToolCall(key, tool.spec.name, arguments))
    except ToolFailed:
        return None
    return answer if isinstance(answer, Effect) and answer.action is action else None


def _chosen_before(call: Call, action: Action) -> Effect | None:
    """What the newest turn that wanted this done wanted; turns that were stopped do not count."""
    effects = (turn.effect for turn in reversed(call.thread.turns) if turn.ending not in STOPPED)
    found = next((one for one in effects if one is not None and one.action is action), None)
    if found is None:
        log.warning("vapi.destination_open", extra={"to_do": "Let Vapi's tool name its destination."})
    return found


def _does(call: Call, name: str, action: Action) -> bool:
    return name in call.tools and call.tools[name].action is action


def _arguments(message: ServerMessage, tool: Tool) -> dict[str, Any] | None:
    """What Vapi says of the destination. None where it leaves a choice open: nobody guesses whom to ring."""
    given = message.table("parameters")
    properties = tool.spec.parameters.get("properties")
    wanted: Mapping[str, Any] = properties if isinstance(properties, dict) else {}
    found: dict[str, Any] = {}
    for name, schema in wanted.items():
        choices = schema.get("enum") if isinstance(schema, dict) else None
        told = [one for one in (given.get(name), given.get("destination")) if isinstance(one, str)]
        if isinstance(choices, list) and choices:
            choice = next((one for one in told if one in choices), None)
            if choice is None and len(choices) > 1:
                return None
            found[name] = choices[0] if choice is None else choice
        elif name in given:
            found[name] = given[name]
    return found


def _actions(brain: Brain, agent: Agent) -> list[Action]:
    """What the agent's tools do to a call."""
    return [tool.action for tool in brain.tools[agent.name].values() if tool.action is not None]
