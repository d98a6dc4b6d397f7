"""When the words of a reply leave the worker: the first clause at once, then a few chunks a second.

RunPod's SDK sends each chunk in a round trip of its own and waits for it, and RunPod gives an endpoint's
clients 200 looks a second at all its streams together. So words gather between two chunks, and the longer
a reply goes on, the longer they may: a model writes ten times as quickly as a voice reads aloud.
"""

from __future__ import annotations

import asyncio

from voice.clock import now

PACE_S = 0.1  # between the first two chunks
SLOWEST_S = 0.3  # between two chunks, however long the reply; a voice has said one word meanwhile
GROWTH = 1.5  # of the time between two chunks, from one to the next
CLAUSE_ENDS = frozenset(".,;:!?…—。，！？")


class Pace:
    """Text gathers until it is due. `eager`: the line has no round trips. Nothing of the first clause waits
    for the rest of it there, and the time between two chunks stays what it was.

    `until` is the task that writes: its end makes everything due.
    """

    def __init__(self, *, eager: bool = False) -> None:
        self.began_at = now()
        self.first_at: float | None = None  # of the first text
        self._eager = eager
        self._left_at: float | None = None  # of the last chunk
        self._gap_s = PACE_S
        self._clause_left = False
        self._gathered = ""
        self._stirred = asyncio.Event()

    def hear(self, text: str) -> None:
        """The engine has written this."""
        if text and self.first_at is None:
            self.first_at = now()
        # Only what may change when the next chunk is due wakes whoever waits for it: most tokens do not.
        if not self._gathered or (not self._clause_left and _ends_clause(text)):
            self._stirred.set()
        self._gathered += text

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
        if self._left_at is not None and not self._eager:
            self._gap_s = min(SLOWEST_S, self._gap_s * GROWTH)
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
        return (self.first_at if self._left_at is None else self._left_at) + self._gap_s


def _ends_clause(text: str) -> bool:
    return not CLAUSE_ENDS.isdisjoint(text)
