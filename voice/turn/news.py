"""News: one task is told that something has come, or that an instant has.

What an `asyncio.Event` within an `asyncio.timeout_at` does, in a third of the time and a tenth of the
memory: every wait of a turn for its model comes here.
"""

from __future__ import annotations

import asyncio


class News:
    """Told by whoever brings something, waited for by one task at a time."""

    __slots__ = ("_has_come", "_waiting")

    def __init__(self) -> None:
        self._has_come = False  # since the last wait
        self._waiting: asyncio.Future[None] | None = None

    def tell(self) -> None:
        """Something has come."""
        self._has_come = True
        self._wake()

    async def wait(self, until: float) -> None:
        """Return when something has come, or at `until`, an instant on the loop's clock."""
        if not self._has_come:
            loop = asyncio.get_running_loop()
            self._waiting = loop.create_future()
            timer = loop.call_at(until, self._wake)
            try:
                await self._waiting
            finally:
                timer.cancel()
                self._waiting = None
        self._has_come = False

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
