"""How a turn is closed: what is reckoned of it, and what is said when it broke."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from voice.call import Call
from voice.clock import Deadline, now
from voice.turn.fallback import fallback
from voice.turn.live import LiveTurn
from voice.types import Ending, Turn, Usage

log = logging.getLogger(__name__)


async def fenced(work: Coroutine[Any, Any, None]) -> None:
    """Work beside the turns: what breaks in it must not end the calls of everybody else."""
    try:
        await work
    except asyncio.CancelledError as exc:
        # A task keeps how it ended: the frames hold the call, and the call its task. Such a ring would wait
        # for the garbage collector.
        raise exc.with_traceback(None) from None
    except Exception as exc:  # fence: one job
        log.exception("work.crashed", extra={"error": type(exc).__name__})


async def apologise(call: Call, live: LiveTurn, deadline: Deadline) -> None:
    """Whatever broke, the caller hears a sentence."""
    line = fallback(call)
    await live.say(line)
    live.turn.add(line, deadline.since_ms(now()))
    live.turn.ending = Ending.FELL_BACK


def usage_of(turn: Turn) -> Usage:
    """The tokens of all that was asked for this turn, heard or not."""
    read = sum(rung.usage.prompt_tokens for rung in turn.rungs)
    return Usage(read, sum(rung.usage.completion_tokens for rung in turn.rungs))


def is_late(turn: Turn, deadline: Deadline) -> bool:
    """Whether its first chunk left after the deadline, or never, though the caller was there."""
    first = turn.timing.ttfc_ms
    if first is None and turn.handed:
        return False  # the platform has its own words while it runs a tool
    return first is None or first > deadline.since_ms(deadline.at)
