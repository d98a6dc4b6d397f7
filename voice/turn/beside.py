"""Work beside the turns: it may outlast the turn that began it, never the product.

A task group of its own making, since every turn begins two tasks: what breaks must not end the others, and a
coroutine around each of them for that costs 15 µs a turn and a step more at each of its waits.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

log = logging.getLogger(__name__)


class Beside:
    """The work that runs now."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Have it done. What breaks in it is logged, and ends nobody's call."""
        task = asyncio.get_running_loop().create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drained(self) -> None:
        """Return when all of it has ended. Who is cancelled meanwhile cancels the rest."""
        try:
            while self._running:
                await asyncio.wait(self._running)
        except asyncio.CancelledError:
            for task in self._running:
                task.cancel()
            while self._running:
                await asyncio.wait(self._running)
            raise

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._running.discard(task)
        try:
            # A task keeps how it ended: the frames hold the call, and the call its task. Such a ring would
            # wait for the garbage collector, so the task is asked, which makes it forget a cancellation …
            task.result()
        except asyncio.CancelledError:
            pass
        except Exception as exc:  # fence: one job
            log.exception("work.crashed", extra={"error": type(exc).__name__})
            exc.__traceback__ = None  # … and an error its frames
