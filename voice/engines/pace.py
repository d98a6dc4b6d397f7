"""When the words of a reply leave the worker: the first clause at once, then at most ten chunks a second.

RunPod's SDK sends each chunk in a round trip of its own and waits for it, so words gather between two.
"""

from __future__ import annotations

import asyncio

from voice.clock import now

PACE_S = 0.1  # between two chunks
CLAUSE_ENDS = frozenset(".,;:!?…—。，！？")


class Pace:
    """Text gathers until it is due. `eager`: nothing of the first clause waits for the rest of it.

    `until` is the task that writes: its end makes everything due.
    """

    def __init__(self, *, eager: bool = False) -> None:
        self.began_at = now()
        self.first_at: float | None = None  # of the first text
        self._eager = eager
        self._left_at: float | None = None  # of the last chunk
        self._clause_left = False
        self._gathered = ""
        self._stirred = asyncio.Event()

    def hear(self, text: str) -> None:
        """The engine has written this."""
        if text and self.first_at is None:
            self.first_at = now()
        self._gathered += text
        self._stirred.set()

    async def next_text(self, until: asyncio.Task[object]) -> str:
        """The text of the next chunk, when it is time for it; what is left, or "", once `until` is done."""
        until.add_done_callback(self._stir)
        try:
            while not until.done():
                due_at = self._due_at()
                if due_at is not None and due_at <= now():
                    break
                self._stirred.clear()
                try:
                    async with asyncio.timeout_at(due_at):
                        await self._stirred.wait()
                except TimeoutError:
                    break
        finally:
            until.remove_done_callback(self._stir)
        return self.take()

    def take(self) -> str:
        """All text that has gathered."""
        text, self._gathered = self._gathered, ""
        self._left_at = now()
        self._clause_left = self._clause_left or _ends_clause(text)
        return text

    def timing_ms(self) -> dict[str, float]:
        """Milliseconds since the job began: to the first text, and until now."""
        timing = {"total_ms": round((now() - self.began_at) * 1000, 1)}
        if self.first_at is not None:
            timing["ttft_ms"] = round((self.first_at - self.began_at) * 1000, 1)
        return timing

    def _stir(self, _: object) -> None:
        self._stirred.set()

    def _due_at(self) -> float | None:
        """When the gathered text may leave; None: not before there is some."""
        if not self._gathered or self.first_at is None:
            return None
        if not self._clause_left and (self._eager or _ends_clause(self._gathered)):
            return now()
        return (self.first_at if self._left_at is None else self._left_at) + PACE_S


def _ends_clause(text: str) -> bool:
    return not CLAUSE_ENDS.isdisjoint(text)
