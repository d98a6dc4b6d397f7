"""The developer's plain body, answered: shared by /chat and /vapi/webhook."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from handlers.problems import json_answer, superseded
from handlers.spelling import asked_markup
from handlers.sse import SpokenTurn, whole_turn
from handlers.wire.plain import PlainEvents, PlainMessage, answer_of
from voice.brain import Brain
from voice.call import Call
from voice.speech.output import Markup
from voice.turn.live import LiveTurn
from voice.types import Action, CallId, Door

ACTIONS = frozenset({Action.END_CALL, Action.TRANSFER})  # told in the answer: who asked does them


@dataclass(frozen=True, slots=True)
class Heard:
    """A plain message that a call has heard, and the turn that answers it. `markup`: as the client asked."""

    brain: Brain
    call: Call
    live: LiveTurn
    markup: Markup = Markup.NONE


async def hear_plain(request: Request, body: PlainMessage, door: Door, heard_at: float) -> Heard:
    """Give a developer's words to the call they belong to. Raises UnknownAgent, LinesBusy."""
    brain: Brain = request.app.state.brain
    markup = asked_markup(request)
    call_id = CallId(body.call_id) if body.call_id else request.app.state.siblings.own_call_id()
    call = await brain.calls.pick_up(
        call_id, door, agent=body.agent, caller=body.caller, is_new=body.call_id is None
    )
    brain.calls.follow(call, body.agent)
    call.actions, call.platform_tools = ACTIONS, ()
    words = body.utterance(heard_at, call.agent.language)
    live = await brain.calls.hear(call, words, call.agent.budget.deadline(heard_at))
    return Heard(brain, call, live, markup)


async def answer_plain(request: Request, heard: Heard) -> Response:
    """The whole answer as JSON; 409 when newer words have taken the turn's place."""
    turn = await whole_turn(heard.brain.calls, heard.call, heard.live, request.receive)
    return superseded(turn) or json_answer(
        answer_of(turn, heard.call.call_id, heard.call.agent.name, heard.markup)
    )


def stream_plain(heard: Heard) -> SpokenTurn:
    """The answer as events, chunk by chunk."""
    frames = PlainEvents(heard.call.call_id, heard.call.agent.name, heard.markup)
    return SpokenTurn(heard.brain.calls, heard.call, heard.live, frames, markup=heard.markup)
