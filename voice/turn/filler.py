"""Something said while the caller waits: at most one line per turn, and not the same one twice in a row."""

from __future__ import annotations

from voice.call import Call
from voice.types import Chunk, ChunkKind


def filler(call: Call) -> Chunk | None:
    """The agent's next filler; None when it has none."""
    lines = call.agent.fillers
    if not lines:
        return None
    line = lines[call.fillers_said % len(lines)]
    call.fillers_said += 1
    return Chunk(line, "", ChunkKind.FILLER)
