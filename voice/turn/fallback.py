"""What is said instead, when nobody answers, and what ends a sentence that nobody can finish."""

from __future__ import annotations

from voice.call import Call
from voice.tools.farewell import is_goodbye
from voice.turn.own import own_line
from voice.types import Chunk, ChunkKind


def fallback(call: Call, said: str = "") -> Chunk:
    """The agent's next fallback, the last one from then on. An answered turn begins again with the first.

    Who says goodbye hears goodbye: nothing is lost if no model answers that.
    """
    lines = call.agent.fallbacks
    line = lines[min(call.fallbacks_said, len(lines) - 1)]
    if is_goodbye(said):
        return own_line(call.agent, call.agent.goodbye, ChunkKind.FALLBACK)
    call.fallbacks_said += 1
    return own_line(call.agent, line, ChunkKind.FALLBACK)


def breaking_off(call: Call) -> Chunk:
    """What ends a reply in the middle of a sentence: the caller is asked to go on."""
    return own_line(call.agent, call.agent.breaks_off, ChunkKind.FALLBACK)
