"""A clock that is played: the event loop's time jumps to the next timer instead of waiting for it.

An hour of calls passes in milliseconds and the same way every time. Meant for code that
waits on the loop's clock only; sockets and processes need real time.
"""

from __future__ import annotations

import asyncio
import selectors


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock stands still while there is work, and jumps when there is none."""

    def __init__(self) -> None:
        self._clock_s = 0.0
        super().__init__(_JumpingSelector(self))

    def time(self) -> float:
        return self._clock_s

    def jump(self, by_s: float) -> None:
        """Let time pass."""
        self._clock_s += by_s


class _JumpingSelector(selectors.SelectSelector):
    """Where a loop would wait for its next timer, time jumps there."""

    def __init__(self, loop: VirtualLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if ready or timeout == 0:
            return ready
        if timeout is None:
            # Nothing is scheduled: only another thread or a signal could go on. Wait for it for real.
            return super().select(None)
        self._loop.jump(max(timeout, 0.0))
        return ready
