"""Vapi's custom-LLM request, answered: shared by every path it may arrive at.

Vapi ends a call at an error and is silent at an answer it cannot read. So from here on every
trouble is spoken: a stream that begins and ends as every other.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from contextlib import nullcontext

from starlette.requests import Request
from starlette.types import ASGIApp

from handlers.completions import Answering, hear_chat
from handlers.handover import Handover
from handlers.problems import tell_refused
from handlers.vapi.control import Controls
from handlers.vapi.named import whom
from handlers.vapi.past import PastAnswer, beyond_of
from handlers.wire.openai import Conversation, as_switch
from handlers.wire.reading import header_in
from handlers.wire.vapi import CALL_HEADERS, VapiChatRequest, chat_call_id
from voice.agents.agent import Agent
from voice.brain import Brain
from voice.errors import BadRequest, LinesBusy, StoreError
from voice.telemetry.logs import call_id_var
from voice.turn.own import markup_at, own_line
from voice.types import CallId, Chunk, ChunkKind, Door

log = logging.getLogger(__name__)

LOOK_UP_S = 0.3  # for whether a call is over: its caller may be waiting for the first words
OUR_REASONS = ("quiet", "idle", "answered")  # a call that we let go of ourselves goes on when its caller does
OVER = "This call has ended."


async def answer_vapi_chat(request: Request, found: Mapping[str, object], heard_at: float) -> ASGIApp:
    """The turn that a request asks for. Never raises: what goes wrong is told in words."""
    brain: Brain = request.app.state.brain
    try:
        body = VapiChatRequest(found)
        shown = request.scope["headers"]
        named_id = chat_call_id(found, *[header_in(shown, name) for name in CALL_HEADERS])
        call_id = named_id or request.app.state.siblings.own_call_id()
        call_id_var.set(call_id)  # from here on every line of the log names the call
        controls: Controls = request.app.state.controls
        controls.notice(named_id, found)
        return await _answer(request, body, call_id, heard_at, one_off=named_id is None)
    except LinesBusy as exc:
        tell_refused(brain.bus, "vapi", exc)
        agent = brain.agents.default
        return how(found, agent).line(own_line(agent, agent.busy))
    except BadRequest as exc:
        return excuse(brain, exc, found)
    except Exception as exc:  # fence: one turn
        log.exception("vapi.turn_failed", extra={"error": type(exc).__name__})
        agent = brain.agents.default
        return how(found, agent).line(own_line(agent, agent.fallbacks[0]))


def excuse(brain: Brain, exc: BadRequest, found: Mapping[str, object] | None = None) -> ASGIApp:
    """What the caller hears when a request cannot be understood; a header tells the developer why."""
    tell_refused(brain.bus, "vapi", exc)
    log.warning("vapi.not_understood", extra={"error": type(exc).__name__})
    agent = brain.agents.default
    return how(found or {}, agent).line(own_line(agent, agent.fallbacks[0]), exc.outside)


def how(found: Mapping[str, object], agent: Agent) -> Answering:
    """How Vapi wants its answer: as a stream, unless `stream` says no."""
    model = found.get("model")
    stream = as_switch(found.get("stream")) is not False
    name = model if isinstance(model, str) else agent.name
    return Answering(name, stream, markup=markup_at(agent, Door.VAPI))


async def _answer(
    request: Request, body: VapiChatRequest, call_id: CallId, heard_at: float, *, one_off: bool
) -> ASGIApp:
    brain: Brain = request.app.state.brain
    asked = whom(request, brain, body.model)
    talk, declared = body.conversation(), body.declared()
    opens = not _has_begun(talk)
    is_turn = talk.words is not None or bool(talk.told or talk.since) or (opens and body.wants_first_words())
    if not is_turn and one_off:  # nobody would ever hang it up
        agent = brain.agents.get(asked.agent)
        return how_of(body, agent).line(_first_words(agent, opens=opens))
    controls: Controls = request.app.state.controls
    caller = body.caller()
    # Nobody else knows the id of a one-off: there is nothing to be in order with.
    async with nullcontext() if one_off else request.app.state.in_order.of(call_id):
        if not one_off and brain.calls.get(call_id) is None and await _is_over(request, call_id):
            agent = brain.agents.get(asked.agent)
            return how_of(body, agent).line(own_line(agent, agent.goodbye), OVER)
        call = await brain.calls.pick_up(call_id, Door.VAPI, agent=asked.agent, caller=caller, is_new=one_off)
        call.line = body.line() or call.line
        answering = how_of(body, call.agent)
        if not is_turn:
            if opens and not call.thread.greeting:
                brain.calls.greet(call, call.agent.greeting)
            return answering.line(_first_words(call.agent, opens=opens))
        key = body.turn_key(talk) + talk.mark
        beyond = beyond_of(controls, call_id)  # not before: a control URL may be told while this one waits
        live = await hear_chat(
            brain, call, talk, asked, key, heard_at, declared, beyond, sent_ms=body.sent_ms()
        )
    past = PastAnswer(controls, request.app.state.once, call, live, live.turn.position)
    handover = Handover(
        call_id,
        call.agent,
        declared,
        line=call.line,
        caller=caller or call.record.caller,
        leaves_alone=True,
        steer=past.steer,
        beyond=beyond,
        is_steered=live.finished and past.is_done(),
        phrases=body.end_phrases(),
        ours=brain.agents,
    )
    instead = {ChunkKind.FALLBACK: own_line(call.agent, call.agent.greeting)} if opens else None
    return await answering.turn(
        request, brain, call, live, handover=handover, instead=instead, one_off=one_off
    )


def how_of(body: VapiChatRequest, agent: Agent) -> Answering:
    markup = markup_at(agent, Door.VAPI)
    return Answering(body.model or agent.name, body.stream is not False, markup=markup)


def _first_words(agent: Agent, *, opens: bool) -> Chunk:
    """What a caller hears who has said nothing: the greeting, where the call begins."""
    return own_line(agent, agent.greeting if opens else agent.fallbacks[0])


async def _is_over(request: Request, call_id: CallId) -> bool:
    """Whether Vapi has told the end of a call that is not live: a late request must not bring it back."""
    brain: Brain = request.app.state.brain
    controls: Controls = request.app.state.controls
    if controls.has_ended(call_id):
        return True
    try:
        async with asyncio.timeout(LOOK_UP_S):
            record = await brain.store.record(call_id)
    except (StoreError, TimeoutError):
        return False
    return record is not None and record.ended_on is not None and record.ended_reason not in OUR_REASONS


def _has_begun(talk: Conversation) -> bool:
    """Whether anything was said on this call, by anybody. Nothing yet: Vapi wants our first message."""
    return bool(talk.history) or talk.said > 0 or bool(talk.told)
