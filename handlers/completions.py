"""A chat-completions request as a turn of a call: shared by Vapi's doors and /v1.

Its messages are taken apart once; who answers is an agent or, by name, a route; the answer is
a stream of frames or one completion.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from starlette.requests import Request
from starlette.types import ASGIApp

from handlers.handover import Handover, Parting, is_newest
from handlers.problems import json_answer, superseded
from handlers.reach import Reach
from handlers.sse import SpokenLine, SpokenTurn, whole_turn
from handlers.wire.declared import NOTHING, Declared
from handlers.wire.openai import ChatFrames, Conversation, completion
from voice.brain import Brain
from voice.call import Call
from voice.routing.strategy import ranked
from voice.routing.table import Route
from voice.speech.aloud import locale_of
from voice.speech.output import Markup, marked, untagged
from voice.turn.live import LiveTurn
from voice.turn.offered import offered
from voice.types import Action, Chunk, ChunkKind, Door, Ending, Message, ToolSpec, Utterance, join_words

MAX_ROUNDS = 3  # in which a platform runs tools for the same words: then the caller is told something


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked: an agent (None: the default one), or a route with the messages as they are."""

    agent: str | None = None
    route: Route | None = None


def named(brain: Brain, model: str | None) -> Asked | None:
    """Whom a request's `model` names. None: nobody of this name."""
    if model is None:
        return Asked()
    if model in brain.agents:
        return Asked(agent=model)
    route = next((route for route in brain.routes if route.name == model), None)
    return Asked(route=route) if route else None


async def hear_chat(
    brain: Brain,
    call: Call,
    talk: Conversation,
    asked: Asked,
    key: str | None,
    heard_at: float,
    declared: Declared = NOTHING,
    beyond: frozenset[Action] = frozenset(),
    *,
    sent_ms: float | None = None,
) -> LiveTurn:
    """Give a request's newest words to its call, with what tools have answered to them since.

    Without words the agent speaks first. `declared` are the tools that the client runs; `beyond` is what
    the door can do to the call without one. `sent_ms`: when the platform sent it, by its own clock.
    """
    brain.calls.follow(call, asked.agent)
    _prepare(brain, call, talk, asked, declared, beyond)
    history = _as_said(call, talk.history)
    opening = history[0] if history else None
    if (
        opening is not None
        and opening.role == "assistant"
        and not (call.thread.greeting or call.thread.turns)
    ):
        brain.calls.greet(call, opening.text)  # a first message that the platform said without us
    text, told = ("", talk.told_since) if talk.goes_on else (talk.words or "", None)
    heard = Utterance(text, heard_at, language=call.agent.language, key=key, told=told, sent_ms=sent_ms)
    deadline, agent = call.agent.budget.deadline(heard_at), call.agent
    live = await brain.calls.hear(call, heard, deadline, history, talk.told)
    if call.agent is not agent:  # a handoff was undone; the turn has not asked anybody yet
        _prepare(brain, call, talk, asked, declared, beyond)
    return live


def _as_said(call: Call, history: tuple[Message, ...]) -> tuple[Message, ...]:
    """A platform's account without the tags that we have given it with our words."""
    if not [one for one in history if "<" in one.text]:  # nearly always
        return history
    locale = locale_of(call.agent.language)
    return tuple(
        replace(one, text=untagged(one.text, locale)) if one.role == "assistant" else one for one in history
    )


def _prepare(
    brain: Brain, call: Call, talk: Conversation, asked: Asked, declared: Declared, beyond: frozenset[Action]
) -> None:
    """Tell a call what this request lets its agent do, and with whom."""
    call.system, call.added = talk.system, talk.added
    call.actions = declared.actions | beyond if asked.route is None else frozenset()
    call.reaches = Reach(call.agent, declared, beyond, call.line, call.record.caller).leads_to
    if asked.route is not None:
        call.as_is, call.routes = talk.as_is, (asked.route,)
    elif call.as_is is not None:  # the turn before this one went to a route
        call.as_is, call.routes = None, ranked(brain.routes, brain.settings.strategy)
    call.platform_tools = _platforms(call, talk, asked, declared)


def _platforms(call: Call, talk: Conversation, asked: Asked, declared: Declared) -> tuple[ToolSpec, ...]:
    """The tools that the model may ask the platform for."""
    if not declared.tools:
        return ()
    if _rounds(talk) >= MAX_ROUNDS and (asked.route is None or call.record.door is Door.VAPI):
        return ()
    if asked.route is not None:
        return declared.specs
    own = {tool.action for tool in offered(call).values()}
    if all(one.is_ours for one in call.agent.handoff):
        own.discard(Action.HANDOFF)  # a tool that leads to our own agents only is none for the platform's
    return declared.platforms(own)


def _rounds(talk: Conversation) -> int:
    """How often tools were asked for since the caller spoke; several at once are one round."""
    return sum(bool(message.tool_calls) for message in talk.told)


@dataclass(slots=True)  # not frozen: made on each turn, and that would take four times as long
class Answering:
    """How the client wants its answer. `model` is the name it used, which it gets back.

    `markup`: how the voice that reads it aloud is told to spell.

    `tells_superseded`: a whole turn that newer words stopped is answered 409; else with what there is.
    """

    model: str
    stream: bool
    with_usage: bool = False
    tells_superseded: bool = False
    markup: Markup = Markup.NONE

    async def turn(
        self,
        request: Request,
        brain: Brain,
        call: Call,
        live: LiveTurn,
        *,
        handover: Handover,
        instead: Mapping[ChunkKind, Chunk] | None = None,
        one_off: bool = False,
    ) -> ASGIApp:
        """A turn, while it is spoken or whole; with its last word leaves what `handover` lets go."""
        if self.stream:
            frames = self._frames()
            return SpokenTurn(
                brain.calls,
                call,
                live,
                frames,
                handover=handover,
                instead=instead,
                markup=self.markup,
                one_off=one_off,
            )
        turn = await whole_turn(brain.calls, call, live, request.receive, one_off=one_off)
        told = superseded(turn) if self.tells_superseded else None
        if told is not None:
            return told
        said = Chunk("" if await handover.silences(live) else turn.spoken, "", readings=turn.readings)
        if turn.ending is Ending.FELL_BACK:
            said = (instead or {}).get(ChunkKind.FALLBACK, said)
        spoken = marked(said, self.markup) if said.text else ""
        parting = handover.part(turn, has_spoken=bool(spoken)) if is_newest(call, turn) else Parting()
        if turn.spoken and parting.calls and not spoken:  # they were held back: nobody heard them
            brain.calls.heard(call, turn, "")
        if handover.steer and parting.past:
            handover.steer(parting.past)
        text = join_words(spoken, marked(parting.line, self.markup) if parting.line else "")
        return json_answer(completion(self.model, text, turn, parting.calls))

    def line(self, said: Chunk, note: str | None = None) -> ASGIApp:
        """A line that no turn wrote. `note` tells a developer why; the caller hears only the line."""
        text = marked(said, self.markup)
        if not self.stream:
            headers = {"X-Offhook-Problem": note} if note else None
            return json_answer(completion(self.model, text, None), headers=headers)
        frames = self._frames()
        return SpokenLine(frames.begin() + frames.text(text) + frames.end(None), note)

    def _frames(self) -> ChatFrames:
        return ChatFrames(self.model, with_usage=self.with_usage)
