"""How often RunPod's job API may be asked: its own limits kept, and its 429s.

The limits are per user and endpoint, for each operation by itself, and grow with the endpoint's running
workers; the least of them are kept here. Source: the limits in RunPod's serverless documentation, 2026-08-20.
"""

from __future__ import annotations

import asyncio
import math
import re
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from voice.clock import now

WINDOW_S: Final = 10.0
LIMITS: Final = {
    # operation: requests in ten seconds, requests at once
    "run": (1000, 200),
    "runsync": (2000, 400),
    "status": (2000, 400),
    "stream": (2000, 400),
    "openai": (2000, 400),
    "cancel": (100, 20),
}
REST_S: Final = (0.25, 10.0)  # after a 429 that names no time: the first, then doubled, the longest
LONGEST_S: Final = 30.0  # of a rest that a 429 asks for


@dataclass
class _Operation:
    """One operation's recent requests."""

    sent_at: deque[float]
    at_once: asyncio.Semaphore
    rests_until: float = -math.inf
    rest_s: float = field(default=REST_S[0])  # after the next 429


class Rates:
    """One endpoint's limits. Operations without a known limit are never held back."""

    def __init__(self) -> None:
        self._operations = {
            name: _Operation(deque(maxlen=in_window), asyncio.Semaphore(at_once))
            for name, (in_window, at_once) in LIMITS.items()
        }

    def take(self, name: str) -> bool:
        """Counts a request, if it may be sent now."""
        one = self._operations.get(name)
        if one is None:
            return True
        if self.wait_s(name) > 0.0:
            return False
        one.sent_at.append(now())
        return True

    def wait_s(self, name: str) -> float:
        """How long until a request may be sent; 0: now."""
        one = self._operations.get(name)
        if one is None:
            return 0.0
        is_full = len(one.sent_at) == one.sent_at.maxlen
        full_until = one.sent_at[0] + WINDOW_S if is_full else -math.inf
        return max(0.0, full_until - now(), one.rests_until - now())

    async def room(self, name: str) -> None:
        """Waits until a request may be sent, and counts it."""
        while not self.take(name):  # noqa: ASYNC110 – others wait, too, and one of them goes first
            await asyncio.sleep(self.wait_s(name))

    def rests(self, name: str) -> bool:
        """Whether RunPod has lately said 429."""
        one = self._operations.get(name)
        return one is not None and one.rests_until > now()

    def refused(self, name: str, wanted_s: float | None) -> None:
        """RunPod said 429; `wanted_s` is the rest that it asks for, as far as it does."""
        one = self._operations.get(name)
        if one is None:
            return
        one.rests_until = now() + (one.rest_s if wanted_s is None else min(LONGEST_S, wanted_s))
        one.rest_s = min(REST_S[1], 2 * one.rest_s)

    def accepted(self, name: str) -> None:
        """RunPod took a request: the next 429 begins with a short rest."""
        if (one := self._operations.get(name)) is not None:
            one.rest_s = REST_S[0]

    @asynccontextmanager
    async def slot(self, name: str) -> AsyncIterator[None]:
        """Holds one of the places that the operation has at once; waits for it."""
        one = self._operations.get(name)
        if one is None:
            yield
            return
        async with one.at_once:
            yield


def rest_in(retry_after: str | None, rate_limit: str | None) -> float | None:
    """The seconds that a 429 asks for: `Retry-After: 3`, or `RateLimit: "minute";r=0;t=12`; None: none."""
    if retry_after and re.fullmatch(r"\d{1,6}(\.\d+)?", retry_after.strip()):
        return float(retry_after)
    spent = [
        int(found[1])
        for part in (rate_limit or "").split(",")
        if re.search(r";\s*r=0\b", part) and (found := re.search(r";\s*t=(\d{1,6})\b", part))
    ]
    return float(max(spent)) if spent else None
