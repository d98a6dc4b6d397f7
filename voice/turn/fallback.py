"""What is said instead, when nobody answers: the agent's lines, in their order, the last one from then on."""

from __future__ import annotations

from voice.call import Call
from voice.types import Chunk, ChunkKind


def fallback(call: Call) -> Chunk:
    """The agent's next fallback. An answered turn begins again with the first."""
    lines = call.agent.fallbacks
    line = lines[min(call.fallbacks_said, len(lines) - 1)]
    call.fallbacks_said += 1
    return Chunk(line, line, ChunkKind.FALLBACK)
