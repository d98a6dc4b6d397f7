"""Before it is known who has picked up a call of ours: a machine's greeting is no caller.

Twilio tells it by a callback some seconds after the call was answered; of a machine that a message is left
at, when its greeting has ended. Until then nobody hangs up or is put through, and a long first utterance,
which people rarely begin with, waits for a while. An early "Hello?" is answered at once.

Source: Twilio's "Answering Machine Detection" page.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set

from voice.call import Call
from voice.clock import now
from voice.types import Action, words

DOUBT_S = 30.0  # after the first document; then Twilio itself gives up, and whoever it is counts as a person
HOLD_S = 8.0  # for one utterance: with a hop of the reply behind it less than Twilio waits for a document
LOOK_S = 0.2
FEW_WORDS = 7  # "Hello, this is Kim Miller, who is calling?" is one more: machines greet at length
LEAVES = frozenset({Action.END_CALL, Action.TRANSFER})


def is_in_doubt(call: Call) -> bool:
    """Whether a machine may have picked up."""
    return call.doubt_until is not None and now() < call.doubt_until


def actions_now(call: Call, actions: Set[Action]) -> frozenset[Action]:
    """Of what a door can do to a call, what may be done now."""
    return frozenset(actions - LEAVES if is_in_doubt(call) else actions)


async def hold(call: Call, said: str) -> None:
    """Return when these words may be answered: it is known who says them, or it takes too long."""
    for _ in range(round(HOLD_S / LOOK_S)):
        if not _waits(call, said):
            return
        await asyncio.sleep(LOOK_S)


def _waits(call: Call, said: str) -> bool:
    is_first = not call.thread.turns and len(words(said)) > FEW_WORDS
    return is_first and is_in_doubt(call) and call.record.ended_on is None and call.farewell is None
