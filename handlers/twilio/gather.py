"""Twilio's <Gather> loop: speech result in, TwiML out.

A webhook is one question and one answer, so a reply that takes its time travels in hops: a
document goes back with the sentences that are ready and a Redirect that fetches the rest of
the running turn. Where the loop stands is written in its URLs, so a restart forgets nothing, and a
webhook that Twilio sends again is told from the next one: it gets the same document.

While the caller speaks, Twilio tells what it has understood so far. A reply is begun to that, and taken
when the finished utterance has the same words.

Source: Twilio's "Gather" and "TwiML for Programmable Voice" pages.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from handlers.problems import STOPPED
from handlers.twilio.doubt import hold, is_in_doubt
from handlers.twilio.signature import NOTHING, refusal, signed_fields
from handlers.twilio.transfer import transfer_document
from handlers.twilio.twiml import Document, Line, is_borne
from handlers.twilio.visit import ACTIONS, Visit, answer, is_too_long
from handlers.wire.place import Place
from handlers.wire.twilio import GatherResult, PartialResult
from voice.brain import Brain
from voice.call import Call
from voice.clock import now
from voice.errors import BadRequest, NotAllowed
from voice.events import RequestRefused
from voice.speech.chunk import is_whole
from voice.telemetry.logs import about_call
from voice.threads.again import turn_key
from voice.turn.live import LiveTurn
from voice.types import Action, Chunk, ChunkKind, Turn, Utterance

log = logging.getLogger(__name__)

MAX_HOP_S = 12.0  # whatever an agent's file says: Twilio gives up at 15 s
MARGIN_S = 0.02  # the document must have left by the hop's end, not begun to leave
REST_S = 0.4  # a sentence that is ready waits this long for the others: about what a Redirect costs
SENTENCE_ENDS = (".", "!", "?", "…")


async def gather(request: Request) -> Response:
    """The caller has said something, or nothing, or waits for the rest of a reply."""
    # Without a turn in its URL nothing tells a retry from a caller who says the same again.
    has_turn = Place.read(request.query_params).turn is not None
    return await answer(request, GatherResult, _hear, heard_at=now(), once=has_turn)


async def partial(request: Request) -> Response:
    """The caller is still speaking. Twilio reads nothing but the HTTP status of the answer."""
    brain: Brain = request.app.state.brain
    try:
        told = PartialResult.read(await signed_fields(request))
        with about_call(told.call_id):
            _foresee(brain, told, Place.read(request.query_params))
    except NotAllowed as exc:
        return refusal(brain.bus, exc)
    except (BadRequest, ClientDisconnect) as exc:
        brain.bus.publish(RequestRefused("twilio", 400, type(exc).__name__))
        return Response(NOTHING, 400, media_type="text/xml")
    except Exception as exc:  # fence: one job
        log.exception("partial.crashed", extra={"error": type(exc).__name__})
    return Response(status_code=204)


def _foresee(brain: Brain, told: PartialResult, place: Place) -> None:
    """Have a reply begun to what was understood so far, unless the utterance has been finished since."""
    call = brain.calls.get(told.call_id)
    if call is None or place.turn is None or len(call.thread.turns) >= place.turn or not told.words:
        return
    heard = Utterance(told.words, now(), call.agent.language, key=_key(place.turn))
    brain.calls.foresee(call, heard, call.agent.budget.deadline(heard.heard_at, _hop_s(call)))


# One result


async def _hear(visit: Visit[GatherResult]) -> Document:
    if (farewell := await visit.farewell()) is not None:
        return farewell
    call, place, told = await visit.call(), visit.place, visit.told
    if call.farewell is not None:
        return await _leave(visit, call, call.farewell)
    number = place.turn or len(call.thread.turns) + 1
    waits = place.said is not None
    words = _said_in(call, number) if waits else told.words(call.agent.language)
    if not words:
        return await _nudge(visit, call)
    if told.is_doubtful and not waits and not place.missed:
        # Once: who is asked twice to say the same does not speak more clearly the third time.
        return _ask_again(visit, call, call.agent.unclear)
    if is_in_doubt(call) and not waits:
        return await _hold(visit, call, words, number)
    heard = Utterance(words, visit.heard_at, call.agent.language, key=_key(number))
    return await _reply(visit, call, heard, number)


async def _hold(visit: Visit[GatherResult], call: Call, words: str, number: int) -> Document:
    """The first words on a call of ours, which may be a machine's greeting."""
    await hold(call, words)
    if call.record.ended_on is not None:
        return Document()
    if call.farewell is not None:
        return await _leave(visit, call, call.farewell)
    known = replace(visit, heard_at=now())
    heard = Utterance(words, known.heard_at, call.agent.language, key=_key(number))
    return await _reply(known, await known.call(), heard, number)


async def _leave(visit: Visit[GatherResult], call: Call, message: str) -> Document:
    """A machine has picked up, and Twilio's API could not be told what to leave: the document says it."""
    await visit.brain.calls.hang_up(call.call_id, "voicemail" if message else "machine")
    return visit.write(call).end(message)


async def _reply(visit: Visit[GatherResult], call: Call, heard: Utterance, number: int) -> Document:
    """What is ready of a turn's reply at the end of this hop."""
    hop_s, place, write = _hop_s(call), visit.place, visit.write(call)
    live, start = call.live, place.said or 0
    if live is None or live.turn.key != turn_key(heard):
        if place.chars and (broken := _broken_off(call, heard)) is not None:
            return await _resume(visit, call, broken, number)
        live, start = await _begin(visit, call, heard, hop_s), 0
        if live.finished:
            lines: list[Line] = [_unsaid(live.turn, place.chars)] if live.turn.spoken else []
            return await _close(visit, call, live.turn, place.next_turn(number), lines)
        place = replace(place, chars=0)
    await _hop(live, start, visit.heard_at + hop_s - MARGIN_S, visit.heard_at + MAX_HOP_S)
    ready = live.chunks[start:]
    if live.finished:
        return await _close(visit, call, live.turn, place.next_turn(number), ready)
    chars = sum(len(chunk.text) + 1 for chunk in ready if chunk.kind is not ChunkKind.FILLER)
    rest = place.rest(number, start + len(ready), place.chars + chars)
    visit.brain.calls.heard(call, live.turn, live.turn.heard)  # so that a restart knows what was said
    return write.go_on(rest, *(ready or call.agent.fillers[:1]))


async def _resume(visit: Visit[GatherResult], call: Call, turn: Turn, number: int) -> Document:
    """Say what is left of a reply that ended with the process that spoke it; not a word of it twice."""
    rest = turn.spoken[visit.place.chars :].lstrip()
    lines: list[Line] = [_whole(turn).rest(rest)] if rest else []
    if not rest or not is_whole(turn.spoken):
        lines.append(call.agent.breaks_off)
        visit.brain.calls.overheard(call.call_id, call.agent.breaks_off)
    return await _go_on(visit, call, visit.place.next_turn(number), lines)


async def _close(
    visit: Visit[GatherResult], call: Call, turn: Turn, following: Place, lines: Sequence[Line]
) -> Document:
    """The document that ends a turn: it does to the call what the turn wants done, or listens again."""
    agent, effect = call.agent, turn.effect
    has_spoken = bool(turn.spoken or turn.filler)
    if effect is None or turn.ending in STOPPED:
        return await _go_on(visit, call, following, lines if has_spoken else [agent.fallbacks[0]])
    if effect.action is Action.END_CALL:
        await visit.brain.calls.hang_up(call.call_id, "agent")
        return visit.write(call).end(*(lines if has_spoken else [agent.goodbye]))
    if effect.action in ACTIONS:
        said = lines if has_spoken else agent.fillers[:1]
        url = visit.brain.settings.public_url
        document = transfer_document(call, effect, url, *said, place=following)
        if document is not None:
            return document
    else:
        log.warning("effect.not_possible", extra={"action": effect.action.value})
    return await _go_on(visit, call, following, [agent.fallbacks[0]])


async def _go_on(visit: Visit[GatherResult], call: Call, following: Place, lines: Sequence[Line]) -> Document:
    """Say it and listen again, unless the call has lasted long enough."""
    if not is_too_long(call):
        return visit.write(call).ask(following, *lines)
    await visit.brain.calls.hang_up(call.call_id, "limit")
    return visit.write(call).end(*lines, call.agent.goodbye)


async def _nudge(visit: Visit[GatherResult], call: Call) -> Document:
    """Nothing was heard: listen on for as long as silence is borne, ask again, in the end say goodbye."""
    if visit.place.said is None and is_borne(call.agent, visit.place):
        return visit.write(call).ask(replace(visit.place, quiet=visit.place.quiet + 1))
    lines, missed = call.agent.silence_lines, visit.place.missed
    if missed < len(lines) and not is_too_long(call):
        return _ask_again(visit, call, lines[missed])
    await visit.brain.calls.hang_up(call.call_id, "silence" if missed >= len(lines) else "limit")
    return visit.write(call).end(call.agent.goodbye)


def _ask_again(visit: Visit[GatherResult], call: Call, line: str) -> Document:
    """Ask for what was not understood; the model reads that the caller was asked."""
    visit.brain.calls.overheard(call.call_id, line)
    return visit.write(call).ask(visit.place.again(), line)


# One turn


async def _begin(visit: Visit[GatherResult], call: Call, heard: Utterance, hop_s: float) -> LiveTurn:
    """The turn that answers these words: a new one, or what is kept of it."""
    known = next((turn for turn in reversed(call.thread.turns) if turn.key == turn_key(heard)), None)
    if known is not None and known is not call.thread.turns[-1]:
        return LiveTurn.replay(known)  # a retry that comes so late must not stop what is said now
    call.gathers = True  # whatever led it before: nobody tells any more how much of a reply was heard
    return await visit.brain.calls.hear(call, heard, call.agent.budget.deadline(visit.heard_at, hop_s))


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


def _hop_s(call: Call) -> float:
    return min(call.agent.budget.gather_hop_s, MAX_HOP_S)


def _broken_off(call: Call, heard: Utterance) -> Turn | None:
    """The newest turn, where it answers these words and a process that is gone has said some of it."""
    turn = call.thread.turns[-1] if call.thread.turns else None
    if turn is None or turn.key != turn_key(heard) or turn.ending not in STOPPED:
        return None
    return turn if turn.spoken else None


def _whole(turn: Turn) -> Chunk:
    """All of a stored reply, as it is said."""
    return Chunk(turn.spoken, turn.sent, readings=turn.readings)


def _unsaid(turn: Turn, chars: int) -> Chunk:
    """What a stored reply still has to say when `chars` of it have been said.

    All of it, when they do not end between two words: it was written anew since then.
    """
    said, rest = turn.spoken[:chars], turn.spoken[chars:]
    return _whole(turn).rest(rest if said.endswith(" ") or not rest else turn.spoken)


def _key(number: int) -> str:
    return f"gather{number}"


def _said_in(call: Call, number: int) -> str:
    """The caller's words of a turn that has begun; "" when nobody remembers it."""
    turns = reversed(call.thread.turns)
    return next((turn.said for turn in turns if turn.key.startswith(f"{_key(number)}:")), "")
