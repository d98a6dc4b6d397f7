"""Twilio's <Gather> loop: speech result in, TwiML out.

A webhook is one question and one answer, so a reply that takes its time travels in hops: a
document goes back with the sentences that are ready and a Redirect that fetches the rest of
the running turn. Where the loop stands is written in its URLs, so a restart forgets nothing, and a
webhook that Twilio sends again is told from the next one: it gets the same document.

Whatever happens, the answer is TwiML that says something: plain text would be read aloud
to the caller, and an error status ends the call.

Source: Twilio's "Gather", "Say" and "TwiML for Programmable Voice" pages.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace

from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from twilio.twiml.voice_response import Gather, VoiceResponse  # type: ignore[import-untyped]  # it ships no types

from handlers.once import Once, once_key
from handlers.problems import STOPPED
from handlers.twilio_signature import refusal, signed_fields
from handlers.wire.numbers import dialable
from handlers.wire.twilio import REACHED, GatherResult, Place
from voice.agents.agent import Agent
from voice.brain import Brain
from voice.call import Call
from voice.clock import now
from voice.errors import BadRequest, LinesBusy, NotAllowed
from voice.events import RequestRefused
from voice.telemetry.logs import about_call
from voice.threads.thread import turn_key
from voice.turn.live import LiveTurn
from voice.types import Action, ChunkKind, Door, Json, Turn, Utterance

log = logging.getLogger(__name__)

ACTION = "/twilio/gather"
MAX_HOP_S = 12.0  # whatever an agent's file says: Twilio gives up at 15 s
MARGIN_S = 0.02  # the document must have left by the hop's end, not begun to leave
REST_S = 0.4  # a sentence that is ready waits this long for the others: about what a Redirect costs
QUIET_S = 5  # silence after our last word that makes an empty result
MAX_MISSED = 3  # results in a row that come to nothing; then the call is ended politely
MAX_SAY_CHARS = 4096  # of one <Say>
RING_S = 25  # before voicemail takes most calls: the caller is better off with us
ACTIONS = frozenset({Action.END_CALL, Action.TRANSFER})
SENTENCE_ENDS = (".", "!", "?", "…")
NUDGES = (
    "Sorry, I didn't catch that. Could you say it again?",
    "Are you still there? Go ahead, I'm listening.",
)
NOBODY_ANSWERED = "Nobody is free to take the call just now. Is there anything I can do for you?"

_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # not even when escaped


class Writer:
    """Writes TwiML in an agent's language: what is said, and what Twilio does after it."""

    def __init__(self, agent: Agent, public_url: str | None) -> None:
        self._language, self._base = agent.language, public_url or ""

    def ask(self, place: Place, *lines: str) -> VoiceResponse:
        """Say it, and listen; the caller may speak while it is said."""
        document, url = VoiceResponse(), self._url(place)
        # "auto" ends an utterance at its first pause; together with a speechModel Twilio would refuse it.
        gather = document.gather(
            input="speech dtmf",
            action=url,
            method="POST",
            action_on_empty_result=True,
            timeout=QUIET_S,
            speech_timeout="auto",
            language=self._language,
        )
        self._say(gather, lines)
        document.redirect(url, method="POST")  # reached when the Gather itself fails; counts as silence
        return document

    def go_on(self, place: Place, *lines: str) -> VoiceResponse:
        """Say it, then fetch the rest."""
        document = VoiceResponse()
        self._say(document, lines)
        document.redirect(self._url(place), method="POST")
        return document

    def end(self, *lines: str) -> VoiceResponse:
        """Say it, and hang up."""
        document = VoiceResponse()
        self._say(document, lines)
        document.hangup()
        return document

    def connect(self, place: Place, to: str, *lines: str) -> VoiceResponse:
        """Say it, and put the caller through. Twilio comes back here when nobody answers, or at the end."""
        document = VoiceResponse()
        self._say(document, lines)
        # Bridged only when somebody answers: until then the caller hears it ring, and no charge begins.
        dial = document.dial(answer_on_bridge=True, timeout=RING_S, action=self._url(place), method="POST")
        if to.lower().startswith("sip"):
            dial.sip(to)
        else:
            dial.number(to)
        return document

    def _say(self, parent: VoiceResponse | Gather, lines: tuple[str, ...]) -> None:
        for line in lines:
            for part in say_parts(line):
                parent.say(part, language=self._language)

    def _url(self, place: Place) -> str:
        query = place.query()
        return f"{self._base}{ACTION}?{query}" if query else f"{self._base}{ACTION}"


@dataclass(frozen=True, slots=True)
class Visit:
    """One webhook of a loop: what came, when, and where the loop stands."""

    brain: Brain
    result: GatherResult
    place: Place
    heard_at: float

    async def call(self) -> Call:
        """The call it is about. Raises LinesBusy."""
        caller, agent = self.result.caller, self.place.agent
        call = await self.brain.calls.pick_up(self.result.call_id, Door.GATHER, agent=agent, caller=caller)
        call.actions, call.platform_tools = ACTIONS, ()
        call.line = self.result.to or call.line
        return call

    def write(self, call: Call) -> Writer:
        return Writer(call.agent, self.brain.settings.public_url)


async def voice(request: Request) -> Response:
    """A call comes in, or comes back: the greeting, and the first question."""
    return await _answer(request, _greet)


async def gather(request: Request) -> Response:
    """The caller has said something, or nothing, or waits for the rest of a reply."""
    return await _answer(request, _hear)


async def _answer(request: Request, act: Callable[[Visit], Awaitable[VoiceResponse]]) -> Response:
    """Every way out of here is TwiML."""
    heard_at = now()
    brain: Brain = request.app.state.brain
    named = Place.read(request.query_params)
    place, agent = _who_answers(named, brain)
    write = Writer(agent, brain.settings.public_url)
    with ExitStack() as about:  # every line of the log names the call, as soon as it is known
        try:
            fields = await signed_fields(request)
            result = GatherResult.read(fields)
            about.enter_context(about_call(result.call_id))
            if place != named:
                log.warning("agent.unknown", extra={"agent": named.agent, "known": brain.agents.names})
            visit = Visit(brain, result, place, heard_at)
            if named.turn is None:  # nothing tells a retry from a caller who says the same again
                return _xml(str(await act(visit)))
            return _xml(await _same_again(request, fields, visit, act))
        except NotAllowed as exc:
            return refusal(brain.bus, exc)
        except LinesBusy as exc:
            log.warning("call.refused", extra={"error": type(exc).__name__, "to_do": exc.to_do})
            return _xml(str(write.end(agent.busy)))
        except (BadRequest, ClientDisconnect) as exc:
            brain.bus.publish(RequestRefused("twilio", 200, type(exc).__name__))
            return _xml(str(write.end(agent.goodbye)))
        except Exception as exc:  # fence: one turn
            log.exception("gather.crashed", extra={"error": type(exc).__name__})
            return _xml(str(_missed(write, place, agent, agent.fallbacks[0])))


async def _same_again(
    request: Request,
    fields: QueryParams,
    visit: Visit,
    act: Callable[[Visit], Awaitable[VoiceResponse]],
) -> str:
    """The document that this webhook got when it came before, or is about to get, else a new one.

    In another process, and after a restart, the turn's own key tells the retry.
    """
    once: Once = request.app.state.once

    async def document() -> Json:
        return str(await act(visit))

    signed = (f"{name}={value}" for name, value in sorted(fields.multi_items()))
    return str(await once.here(once_key("gather", request.url.query, *signed), document))


def _who_answers(place: Place, brain: Brain) -> tuple[Place, Agent]:
    """The agent that the URL names. A wrong name must not cost the caller the call: the default answers."""
    if place.agent is None or place.agent in brain.agents:
        return place, brain.agents.get(place.agent)
    return replace(place, agent=None), brain.agents.default


async def _greet(visit: Visit) -> VoiceResponse:
    call = await visit.call()
    turns = len(call.thread.turns)
    first = Place(turn=turns + 1, agent=visit.place.agent)
    if turns:  # it was ours before: Twilio's fallback URL, or a number that leads here again
        return visit.write(call).ask(first, call.agent.fallbacks[0])
    visit.brain.calls.greet(call, call.agent.greeting)
    return visit.write(call).ask(first, call.agent.greeting)


async def _hear(visit: Visit) -> VoiceResponse:
    call, place = await visit.call(), visit.place
    if visit.result.dialled is not None:
        return await _come_back(visit, call, visit.result.dialled)
    number = place.turn or len(call.thread.turns) + 1
    waits = place.said is not None
    words = _said_in(call, number) if waits else visit.result.words(call.agent.language)
    if not words:
        return await _nudge(visit, call)
    heard = Utterance(words, visit.heard_at, call.agent.language, key=_key(number))
    return await _reply(visit, call, heard, number)


async def _reply(visit: Visit, call: Call, heard: Utterance, number: int) -> VoiceResponse:
    """What is ready of a turn's reply at the end of this hop."""
    hop_s, place, write = min(call.agent.budget.gather_hop_s, MAX_HOP_S), visit.place, visit.write(call)
    live, start = call.live, place.said or 0
    if live is None or live.turn.key != turn_key(heard):
        live, start = await _begin(visit, call, heard, hop_s), 0
        if live.finished:
            lines = [_unsaid(live.turn, place.chars)] if live.turn.spoken else []
            return await _close(visit, call, live.turn, place.next_turn(number), lines)
        place = replace(place, chars=0)
    await _hop(live, start, visit.heard_at + hop_s - MARGIN_S, visit.heard_at + MAX_HOP_S)
    ready = live.chunks[start:]
    lines = [chunk.text for chunk in ready]
    if live.finished:
        return await _close(visit, call, live.turn, place.next_turn(number), lines)
    chars = sum(len(chunk.text) + 1 for chunk in ready if chunk.kind is not ChunkKind.FILLER)
    return write.go_on(
        place.rest(number, start + len(ready), place.chars + chars), *(lines or call.agent.fillers[:1])
    )


async def _close(visit: Visit, call: Call, turn: Turn, following: Place, lines: list[str]) -> VoiceResponse:
    """The document that ends a turn: it does to the call what the turn wants done, or listens again."""
    write, agent, effect = visit.write(call), call.agent, turn.effect
    has_spoken = bool(turn.spoken or turn.filler)
    if effect is None or turn.ending in STOPPED:
        return write.ask(following, *(lines if has_spoken else [agent.fallbacks[0]]))
    if effect.action is Action.END_CALL:
        await visit.brain.calls.hang_up(call.call_id, "agent")
        return write.end(*(lines if has_spoken else [agent.goodbye]))
    own = visit.result.to
    to = dialable(effect.to, own, visit.result.caller, near=own) if effect.action in ACTIONS else None
    if to is None:
        log.warning("effect.not_possible", extra={"action": effect.action.value})
        return write.ask(following, agent.fallbacks[0])
    return write.connect(following, to, *(lines if has_spoken else agent.fillers[:1]))


async def _come_back(visit: Visit, call: Call, dialled: str) -> VoiceResponse:
    """The caller is with us again: nobody took the call that we passed on, or they have had their talk."""
    write, agent = visit.write(call), call.agent
    if dialled in REACHED:
        await visit.brain.calls.hang_up(call.call_id, "transferred")
        return write.end()
    line = NOBODY_ANSWERED if agent.language.startswith("en") else agent.fallbacks[0]
    return write.ask(replace(visit.place, said=None), line)


async def _begin(visit: Visit, call: Call, heard: Utterance, hop_s: float) -> LiveTurn:
    """The turn that answers these words: a new one, or what is kept of it."""
    known = next((turn for turn in reversed(call.thread.turns) if turn.key == turn_key(heard)), None)
    if known is not None and known is not call.thread.turns[-1]:
        return LiveTurn.replay(known)  # a retry that comes so late must not stop what is said now
    return await visit.brain.calls.hear(call, heard, call.agent.budget.deadline(visit.heard_at, hop_s))


def _unsaid(turn: Turn, chars: int) -> str:
    """What a stored reply still has to say when `chars` of it have been said.

    All of it, when they do not end between two words: it was written anew since then.
    """
    said, rest = turn.spoken[:chars], turn.spoken[chars:]
    return rest if said.endswith(" ") or not rest else turn.spoken


async def _hop(live: LiveTurn, start: int, ends_at: float, latest_at: float) -> None:
    """Return when the turn is over, or when what is ready should be said.

    A hop that ends without a word goes on to the next one: the turn keeps its own deadlines.
    """
    with suppress(TimeoutError):
        async with asyncio.timeout_at(ends_at) as limit:
            async for chunk in live.listen(start):
                if chunk.kind is ChunkKind.FILLER and chunk is live.chunks[-1]:
                    ends_at = now()  # it is said because the wait is over
                elif chunk.text.endswith(SENTENCE_ENDS):
                    ends_at = min(ends_at, now() + REST_S)
                limit.reschedule(ends_at)
    if not live.finished and len(live.chunks) <= start:
        with suppress(TimeoutError):
            async with asyncio.timeout_at(latest_at):
                await anext(live.listen(start), None)


async def _nudge(visit: Visit, call: Call) -> VoiceResponse:
    """Nothing was heard: ask again, and in the end say goodbye."""
    agent, missed = call.agent, visit.place.missed
    if missed + 1 >= MAX_MISSED:
        await visit.brain.calls.hang_up(call.call_id, "silence")
    # Only the agent's file knows other languages; its fallbacks ask to say it again.
    lines = NUDGES if agent.language.startswith("en") else agent.fallbacks
    return _missed(visit.write(call), visit.place, agent, lines[min(missed, len(lines) - 1)])


def _missed(write: Writer, place: Place, agent: Agent, line: str) -> VoiceResponse:
    """Ask once more, but not for ever."""
    again = place.again()
    return write.end(agent.goodbye) if again.missed >= MAX_MISSED else write.ask(again, line)


def _key(number: int) -> str:
    return f"gather{number}"


def _said_in(call: Call, number: int) -> str:
    """The caller's words of a turn that has begun; "" when nobody remembers it."""
    turns = reversed(call.thread.turns)
    return next((turn.said for turn in turns if turn.key.startswith(f"{_key(number)}:")), "")


def say_parts(text: str) -> list[str]:
    """A text in pieces that one <Say> takes, cut at spaces; what XML cannot hold is left out."""
    rest, parts = _NO_XML.sub("", text).strip(), []
    while len(rest) > MAX_SAY_CHARS:
        end = rest.rfind(" ", 1, MAX_SAY_CHARS)
        end = end if end > 0 else MAX_SAY_CHARS
        parts.append(rest[:end].strip())
        rest = rest[end:].strip()
    return [*parts, rest] if rest else parts


def _xml(document: str) -> Response:
    return Response(document, media_type="text/xml")
