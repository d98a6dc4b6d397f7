"""A reply as it is spoken: how much of it a caller has heard who speaks over it.

A model's words come much quicker than a voice says them. So a platform that is interrupted tells of
the words it has spoken, not of those it was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from voice.clock import now

LOOKS_S = 0.02  # between two looks at how far the voice has come: a word takes 0.3 s


@dataclass(slots=True)
class Aloud:
    """Speaks one reply after the other. Each piece begins when it has come and the one before is said.

    `chars_per_s` is the voice's pace; None: a piece is heard the moment it comes. `begins` is told each
    piece when it begins to be spoken.
    """

    chars_per_s: float | None = None
    begins: Callable[[str], None] = lambda _: None
    _pieces: list[tuple[float, str]] = field(default_factory=list, init=False)  # when each begins
    _ends_at: float = field(default=0.0, init=False)
    _waiting: list[asyncio.TimerHandle] = field(default_factory=list, init=False)
    _came: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    @property
    def ends_at(self) -> float:
        """When everything that came will have been said."""
        return self._ends_at

    def start(self) -> None:
        """A new reply: the one before is over."""
        self._silence()
        self._pieces, self._ends_at = [], now()

    def add(self, text: str) -> None:
        """A piece of the reply has come."""
        text = " ".join(text.split())
        if not text:
            return
        begins_at = max(now(), self._ends_at)
        self._pieces.append((begins_at, text))
        self._ends_at = begins_at + (len(text) / self.chars_per_s if self.chars_per_s else 0.0)
        if begins_at <= now():
            self.begins(text)
        else:
            self._waiting.append(asyncio.get_running_loop().call_at(begins_at, self.begins, text))
        self._came.set()

    async def end(self) -> None:
        """Return when everything that came has been said."""
        await asyncio.sleep(max(0.0, self._ends_at - now()))

    async def words(self, count: int) -> None:
        """Return when so many words of the reply have been said."""
        while len(self.heard().split()) < count:
            self._came.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOKS_S if self._ends_at > now() else None):
                    await self._came.wait()

    def stop(self) -> str:
        """The caller speaks: nothing more is said. What they have heard, in whole words."""
        heard = self.heard()
        self._silence()
        return heard

    def heard(self) -> str:
        """What has been said by now, in whole words."""
        return " ".join(heard for at, text in self._pieces if (heard := self._heard(text, now() - at)))

    def _heard(self, text: str, since_s: float) -> str:
        if self.chars_per_s is None:
            return text
        chars = max(0, int(since_s * self.chars_per_s + 1e-6))  # an instant that was computed may be early
        return f"{text} "[: chars + 1].rpartition(" ")[0]  # a word is said at the space behind it

    def _silence(self) -> None:
        for handle in self._waiting:
            handle.cancel()
        self._waiting = []
