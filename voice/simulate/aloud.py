"""A reply as it is spoken: how much of it a caller has heard who speaks over it.

A model's words come much quicker than a voice says them. So a platform that is interrupted tells of
the words it has spoken, not of those it was sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from voice.clock import now


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

    async def end(self) -> None:
        """Return when everything that came has been said."""
        await asyncio.sleep(max(0.0, self._ends_at - now()))

    def stop(self) -> str:
        """The caller speaks: nothing more is said. What they have heard, in whole words."""
        self._silence()
        return " ".join(heard for at, text in self._pieces if (heard := self._heard(text, now() - at)))

    def _heard(self, text: str, since_s: float) -> str:
        if self.chars_per_s is None:
            return text
        chars = max(0, int(since_s * self.chars_per_s))
        return f"{text} "[: chars + 1].rpartition(" ")[0]  # a word is said at the space behind it

    def _silence(self) -> None:
        for handle in self._waiting:
            handle.cancel()
        self._waiting = []
