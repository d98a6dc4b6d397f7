"""RunPod's rate limits, kept by a played RunPod: too many requests are answered with 429.

Source: the limits in RunPod's serverless documentation, 2026-08-20.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from voice.clock import now
from voice.simulate.runpod.request import Refusal

WINDOW_S: Final = 10.0
LIMITS: Final = {
    # operation: requests in ten seconds, requests at once
    "run": (1000, 200),
    "runsync": (2000, 400),
    "status": (2000, 400),
    "status-sync": (2000, 400),
    "stream": (2000, 400),
    "openai": (2000, 400),
    "cancel": (100, 20),
    "purge-queue": (2, 1000),
}


class Limits:
    """The limits of one endpoint, times `scale`; 0: none."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._asked_at: defaultdict[str, deque[float]] = defaultdict(deque)
        self._at_once: defaultdict[str, int] = defaultdict(int)

    @asynccontextmanager
    async def place(self, operation: str) -> AsyncIterator[None]:
        """Counts a request while it lasts. Raises Refusal when it is one too many."""
        if self._scale <= 0.0 or operation not in LIMITS:
            yield
            return
        in_window, at_once = (max(1, int(most * self._scale)) for most in LIMITS[operation])
        asked_at = self._asked_at[operation]
        while asked_at and asked_at[0] <= now() - WINDOW_S:
            asked_at.popleft()
        if len(asked_at) >= in_window or self._at_once[operation] >= at_once:
            raise Refusal(429, {"error": "rate limit exceeded"})
        asked_at.append(now())
        self._at_once[operation] += 1
        try:
            yield
        finally:
            self._at_once[operation] -= 1
