"""POST /v1/chat/completions and GET /v1/models: the door for every other platform and client.

`model` names an agent or a route. A request may name its call (`X-Call-Id`, `metadata.call_id`,
`user`); one that does not is a call of its own, which ends with its turn. Tools that a request
declares are the client's to run: it gets tool calls, and asks again with what came of them.
"""

from __future__ import annotations

from contextlib import nullcontext

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from handlers.completions import Answering, hear_chat, named
from handlers.handover import Handover
from handlers.once import once_key
from handlers.problems import json_answer
from handlers.signatures import door_guard
from handlers.spelling import asked_markup
from handlers.vapi.turn import answer_vapi_chat
from handlers.wire.openai import ChatRequest, Conversation, model_entry
from handlers.wire.reading import an_id, header_in, read_as, read_object
from voice.brain import Brain
from voice.clock import now
from voice.errors import BadRequest, UnknownAgent
from voice.types import CallId, Door

MAX_SHOWN_CHARS = 80  # of a name that nobody has: it is the sender's own text


async def completions(request: Request) -> ASGIApp:
    """One turn, streamed or whole. A body with `call` is Vapi's and treated as such."""
    heard_at = now()
    brain: Brain = request.app.state.brain
    door_guard(request, "openai", brain.settings.api_key, brain.settings.vapi_secret)
    found = read_object(await request.body())
    if isinstance(found.get("call"), dict):
        return await answer_vapi_chat(request, found, heard_at)
    body, markup = read_as(ChatRequest, found), asked_markup(request)
    asked = named(brain, body.model)
    if asked is None:
        raise unknown(brain, body.model)
    talk = body.conversation()
    if talk.words is None:
        raise BadRequest("messages: one of them must have the role user and hold words.")
    declared = body.declared()
    named_id = an_id(header_in(request.scope["headers"], b"x-call-id")) or body.named_call()
    call_id = CallId(named_id) if named_id else request.app.state.siblings.own_call_id()
    # Nobody else knows an id that was just made: there is nothing to be in order with.
    async with request.app.state.in_order.of(call_id) if named_id else nullcontext():
        call = await brain.calls.pick_up(call_id, Door.OPENAI, agent=asked.agent, is_new=named_id is None)
        live = await hear_chat(brain, call, talk, asked, _key(talk), heard_at, declared)
    answering = Answering(
        body.model or call.agent.name,
        bool(body.stream),
        body.wants_usage(),
        tells_superseded=True,
        markup=markup,
    )
    handover = Handover(call.call_id, call.agent, declared)
    return await answering.turn(request, brain, call, live, handover=handover, one_off=named_id is None)


async def models(request: Request) -> Response:
    """Agents first, then routes."""
    brain: Brain = request.app.state.brain
    door_guard(request, "openai", brain.settings.api_key, brain.settings.vapi_secret)
    return json_answer({"object": "list", "data": [model_entry(name) for name in _names(brain)]})


async def model(request: Request) -> Response:
    """One agent or route."""
    brain: Brain = request.app.state.brain
    door_guard(request, "openai", brain.settings.api_key, brain.settings.vapi_secret)
    name = request.path_params["name"]
    if name not in _names(brain):
        raise unknown(brain, name)
    return json_answer(model_entry(name))


def unknown(brain: Brain, name: str | None) -> UnknownAgent:
    """The error that tells a client which names there are."""
    shown = (name or "")[:MAX_SHOWN_CHARS]
    return UnknownAgent(f"No agent or route is called {shown!r}; there are: {', '.join(_names(brain))}.")


def _names(brain: Brain) -> list[str]:
    routes = [route.name for route in brain.routes]
    return [*brain.agents.names, *(name for name in routes if name not in brain.agents)]


def _key(talk: Conversation) -> str | None:
    """How often the caller has spoken tells a repeat, where the client sends the whole call each time.

    One that sends only its newest words counts one each time: nobody can tell its repeats. Answers of
    tools make a turn of their own, which the ids of their questions tell from every other.
    """
    if talk.answers:
        asked = " ".join(one.tool_call_id or "" for one in talk.told if one.role == "tool")
        return f"u{talk.said}+{talk.answers} {once_key('answers', asked)}"
    return f"u{talk.said}{talk.mark}" if talk.said > 1 or talk.since else None
