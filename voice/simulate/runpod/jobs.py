"""A job as RunPod keeps it, and the bell that wakes whoever waits for it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from voice.clock import now
from voice.types import Json

FINAL: Final = frozenset(("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"))
STREAM_ITEMS: Final = 32  # in one reply: a job may be COMPLETED while more are waiting


class Bell:
    """Wakes whoever waits for something to have changed."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    async def until(self, ready: Callable[[], bool], limit_s: float) -> bool:
        """Waits until `ready()`, looked at whenever the bell rings; false when `limit_s` have passed."""
        limit_at = now() + limit_s
        while not ready():
            try:
                async with asyncio.timeout_at(limit_at):
                    await self._rung.wait()
            except TimeoutError:
                return ready()
        return True


@dataclass(eq=False)
class PlatformJob:
    """One job as RunPod keeps it."""

    id: str
    input: Json
    execution_s: float
    submitted_at: float
    kept_s: float
    status: str = "IN_QUEUE"
    worker: str | None = None
    taken_at: float | None = None
    done_at: float | None = None
    webhook: str | None = None
    retries: int = 0
    result: Mapping[str, Json] = field(default_factory=dict)  # `output` and `error`, as far as they are there
    unread: deque[Json] = field(default_factory=deque)
    bell: Bell = field(default_factory=Bell)
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def told(self) -> dict[str, Json]:
        """The job object of /status and /runsync."""
        told: dict[str, Json] = {"id": self.id, "status": self.status, **self.result}
        if self.retries:
            told["retries"] = self.retries
        if self.taken_at is not None:
            told["delayTime"] = round((self.taken_at - self.submitted_at) * 1000)
            told["workerId"] = self.worker
            if self.done_at is not None:
                told["executionTime"] = round((self.done_at - self.taken_at) * 1000)
        return told

    def drained(self) -> list[Json]:
        """The next stream items; each is given once."""
        return [{"output": self.unread.popleft()} for _ in range(min(STREAM_ITEMS, len(self.unread)))]

    def later(self, delay_s: float, then: Callable[[], None]) -> None:
        """Has something happen to it later."""
        self.timers.append(asyncio.get_running_loop().call_later(delay_s, then))

    def silence(self, but: int = 0) -> None:
        """Nothing happens to it later, except what its first `but` timers do."""
        for timer in self.timers[but:]:
            timer.cancel()
        del self.timers[but:]
