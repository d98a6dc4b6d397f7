"""The same words once more: which turn a platform's request asks for again, and whose place it takes.

Platforms ask several times for one utterance: the caller talks on, a line drops, a transcript is mended.
Only the last of these turns is heard. It takes the place of the one before it, so that a thread has one
turn for one utterance. What tells them from a caller who repeats themselves is the platform's counters,
or its account of the call, which knows nothing of the older one.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import chain

from voice.threads.heard import begins_with, same_words
from voice.types import Aside, Ending, Message, Turn, Utterance, words

FINAL = (Ending.ANSWERED, Ending.FELL_BACK, Ending.CUT_SHORT)
STOPPED = (Ending.INTERRUPTED, Ending.HUNG_UP)  # the second by a process that ends: the call goes on
_ANEW = re.compile(r"\+\d+$")  # of a counter: so many tools have answered, and the platform asks again


def turn_key(heard: Utterance) -> str:
    """What tells this turn from every other of its call: the platform's counters and the words."""
    text = hashlib.blake2b(heard.text.encode(errors="replace"), digest_size=8).hexdigest()
    return f"{heard.key}:{text}" if heard.key is not None else text


def counter(turn: Turn) -> str:
    """What the platform counts the caller's words by; the same though it asks again with what tools told."""
    counted = turn.key.rpartition(":")[0]
    return _ANEW.sub("", counted) if "+" in counted else counted


def with_later(turns: Sequence[Turn]) -> Iterator[tuple[Turn, Turn | None]]:
    """Each turn with the one that follows it."""
    return zip(turns, chain(turns[1:], [None]), strict=False)


def goes_on(turn: Turn, later: Turn) -> bool:
    """Whether a later turn's words begin with this one's, or are the same."""
    return later.said.startswith(turn.said) or begins_with(later.said, turn.said)


def is_counted_alike(turn: Turn, later: Turn) -> bool:
    """Whether the platform's counters have not moved on between the two."""
    counted = counter(turn)
    return bool(counted) and counted == counter(later)


def said_again(turn: Turn, later: Turn | None) -> bool:
    """Whether an unheard turn's words begin the next one: the caller just went on talking."""
    if is_asked_anew(turn, later):
        return True
    if not turn.was_heard:
        return later is not None and goes_on(turn, later)
    return is_replaced(turn, later)


def is_replaced(turn: Turn, later: Turn | None) -> bool:
    """Whether a platform has put longer words in a turn's place: its counters have not moved on."""
    if later is None or turn.heard is not None:
        return False
    return is_counted_alike(turn, later) and goes_on(turn, later)


def is_asked_anew(turn: Turn, later: Turn | None) -> bool:
    """Whether the next turn answers the same words, now that the platform has run the tools of this one.

    What was said before those tools is read there, too. Platforms may count the request for a tool as
    something said: that they have told what it answered decides as much as counters that stand still.
    """
    if later is None or not turn.handed or turn.said != later.said:
        return False
    return is_counted_alike(turn, later) or _ANEW.search(later.key.rpartition(":")[0]) is not None


def goes_with(turn: Turn, later: Turn | None) -> bool:
    """Whether a platform tells of both in one answer: the caller has said nothing in between."""
    return later is not None and (not later.said or is_asked_anew(turn, later))


def makes_way(before: Turn, turn: Turn, *, is_left_out: bool) -> bool:
    """Whether the newest turn so far gives its place to the one that begins: nobody has heard it.

    `is_left_out`: the platform has just told of the call, and not of this turn. A turn whose tools the
    platform runs stays: it was heard, and is asked anew.
    """
    if before.ending is None or before.handed or before.heard or bool(before.said) != bool(turn.said):
        return False
    if is_counted_alike(before, turn):  # then a mended transcript may begin otherwise, too
        return before.ending in STOPPED or (before.key != turn.key and goes_on(before, turn))
    is_unheard = before.ending in STOPPED or before.heard == ""
    return is_left_out and bool(before.said) and is_unheard and goes_on(before, turn)


def is_older(heard: Utterance, newest: Turn, history: Sequence[Message]) -> bool:
    """Whether an utterance is only the beginning of the newest turn's, and comes late: a slow network's.

    `history` is the platform's account with it. One that tells of the newest turn is younger than that.
    """
    begun, whole = words(heard.text), words(newest.said)
    if not begun or begun == whole or whole[: len(begun)] != begun:
        return False
    told = next((one.text for one in reversed(history) if one.role == "user"), "")
    is_counted = is_counted_alike(Turn(0, heard.text, turn_key(heard)), newest)
    return is_counted and not same_words(told, newest.said)


def carried(before: Turn, told: Sequence[Message]) -> tuple[Message, ...]:
    """What tools have done in a turn that made way, besides what is `told`: the model need not ask again.

    Of the words beside it nobody has heard any. What was to be done to the call was not, or is undone.
    """
    known = {one.id for message in told for one in message.tool_calls}
    effect = before.effect or before.led
    if effect is not None:
        known |= {one.tool_call_id or "" for one in before.tools if one.text == effect.told}
    kept = []
    for message in before.tools:
        calls = tuple(one for one in message.tool_calls if one.id not in known)
        if calls:
            kept.append(replace(message, text="", tool_calls=calls))
        elif message.role == "tool" and message.tool_call_id not in known:
            kept.append(message)
    return tuple(kept)


def undone(newest: Turn, turns: Sequence[Turn]) -> str | None:
    """Who goes on again, when a turn that had handed the call on gave its place to another.

    `newest` is the turn that was the newest before. Its words were only a beginning.
    """
    if newest.led is None or any(turn is newest for turn in turns):
        return None
    return newest.agent


def heard_before(turn: Turn) -> tuple[Aside, ...]:
    """What others said within a turn that made way: it was heard before the reply of the next."""
    return tuple(replace(one, after=0) for one in turn.asides)
