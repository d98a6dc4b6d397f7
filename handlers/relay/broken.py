"""Where a call goes on whose socket was lost.

The thread says it, so that another process, or this one after a restart, says the same: a reply that was
not heard to its end is said on from where it broke off, words that nobody has answered are answered now,
and where there is nothing left to say the caller is asked for what they may have said meanwhile.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from voice.call import Call
from voice.speech.chunk import is_whole
from voice.threads.heard import after
from voice.threads.speaking import heard_until
from voice.turn.live import LiveTurn
from voice.turn.own import own_line
from voice.types import Action, Chunk, ChunkKind, Ending, Turn

STOPPED = (Ending.INTERRUPTED, Ending.HUNG_UP)


@dataclass(frozen=True, slots=True)
class Rest:
    """A reply to be said on, behind what was heard of it. `then` is said after it."""

    live: LiveTurn
    heard: str
    then: Chunk | None = None


@dataclass(frozen=True, slots=True)
class Unanswered:
    """Words of the caller to which nothing was heard."""

    said: str


@dataclass(frozen=True, slots=True)
class Undone:
    """All was said, but what the turn wants done to the call has not been done."""

    turn: Turn


@dataclass(frozen=True, slots=True)
class Nothing:
    """All was said. `line` asks the caller to say theirs again."""

    line: Chunk


def first_words(call: Call) -> str:
    """What the platform says on a new socket by itself: the greeting, or a line that brings a caller back."""
    turn = call.thread.turns[-1] if call.thread.turns else None
    if turn is None:
        return call.thread.greeting
    return turn.asides[-1].text if turn.asides else _fallback(call).text


def greeting_of(call: Call) -> Chunk:
    """The call's greeting, as far as it was said, else the agent's."""
    thread = call.thread
    if not thread.greeting:
        return own_line(call.agent, call.agent.greeting)
    return Chunk(thread.greeting, thread.greeting, readings=thread.greeting_readings)


def cut_line(call: Call, line: str, heard: str) -> str | None:
    """A greeting, or what followed it, as far as it was heard when the caller cut in.

    None: turns have followed, or the line is no part of it.
    """
    greeting = call.thread.greeting
    if call.thread.turns or not line or not greeting.endswith(line):
        return None
    return greeting.removesuffix(line) + heard


def where_it_broke(call: Call) -> Rest | Unanswered | Undone | Nothing:
    """What is to be said first on the new socket."""
    turn = call.thread.turns[-1] if call.thread.turns else None
    if turn is None:
        return Nothing(greeting_of(call))
    live = call.live if call.live is not None and call.live.turn is turn else None
    if live is not None and not live.finished:
        return Rest(live, turn.heard or "")
    if turn.ending in STOPPED and not turn.was_heard and turn.said:
        return Unanswered(turn.said)
    heard = _heard_of(turn, is_ours=live is not None)
    if heard is None and _is_undone(turn):
        return Undone(turn)
    if heard is None or turn.ending is Ending.INTERRUPTED:  # the caller has cut it off themselves
        return Nothing(_fallback(call))
    then = None if is_whole(turn.spoken) else own_line(call.agent, call.agent.breaks_off, ChunkKind.FALLBACK)
    return Rest(live or LiveTurn.replay(turn), heard, then)


def unheard(chunk: Chunk, heard: str) -> tuple[Chunk | None, str]:
    """What of a chunk is still to be said, and what of the words heard lies behind it."""
    if not heard or chunk.kind is ChunkKind.FILLER:
        return (None if heard else chunk), heard
    if (rest := after(chunk.text, heard)) is not None:
        return (chunk.rest(rest) if rest else None), ""
    further = after(heard, chunk.text)
    return (None, further) if further is not None else (chunk, "")


def heard_when_lost(call: Call, began_on: datetime, lasted_s: float) -> tuple[Turn, str] | None:
    """The newest turn and what was heard of it, by how long the session lasted that began then.

    None: all of it, or somebody of this process knows better.
    """
    turn = call.thread.turns[-1] if call.thread.turns else None
    if turn is None or call.live is not None or turn.heard is not None or not lasted_s:
        return None
    heard = heard_until(turn, (began_on - turn.began_on).total_seconds() + lasted_s)
    return None if heard is None else (turn, heard)


def _fallback(call: Call) -> Chunk:
    return own_line(call.agent, call.agent.fallbacks[0])


def _is_undone(turn: Turn) -> bool:
    """Whether the call was to end, or to be passed on, and the socket was lost before.

    Who was passed on and came back has been told so since.
    """
    was_told_since = any(aside.after >= len(turn.spoken) for aside in turn.asides)
    is_wanted = turn.effect is not None and turn.effect.action in (Action.END_CALL, Action.TRANSFER)
    return is_wanted and not was_told_since and turn.ending not in STOPPED


def _heard_of(turn: Turn, *, is_ours: bool) -> str | None:
    """What was heard of a reply; None: all of it.

    A process that ended has told nobody how far it came: then the clock on the wall says it.
    """
    if turn.heard is not None or is_ours:
        return turn.heard
    return heard_until(turn, (datetime.now(UTC) - turn.began_on).total_seconds())
