"""How a turn is closed: what is reckoned of it, and what is said when it broke."""

from __future__ import annotations

from voice.call import Call
from voice.clock import Deadline, now
from voice.turn.fallback import fallback
from voice.turn.live import LiveTurn
from voice.types import Ending, Turn, Usage


async def apologise(call: Call, live: LiveTurn, deadline: Deadline) -> None:
    """Whatever broke, the caller hears a sentence."""
    line = fallback(call)
    await live.say(line)
    live.turn.add(line, deadline.since_ms(now()))
    live.turn.ending = Ending.FELL_BACK


def usage_of(turn: Turn) -> Usage:
    """The tokens of all that was asked for this turn, heard or not."""
    read = written = 0
    for rung in turn.rungs:
        read += rung.usage.prompt_tokens
        written += rung.usage.completion_tokens
    return Usage(read, written)


def is_late(turn: Turn, deadline: Deadline) -> bool:
    """Whether its first chunk left after the deadline, or never, though the caller was there."""
    first = turn.timing.ttfc_ms
    if first is None and turn.handed:
        return False  # the platform has its own words while it runs a tool
    return first is None or first > deadline.since_ms(deadline.at)
