"""What the caller of a Twilio call hears, turn by turn, and when."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from voice.clock import now
from voice.simulate.aloud import Aloud
from voice.simulate.report import TurnReport, milliseconds
from voice.simulate.twilio.voice import RelayVoice


@dataclass(slots=True)
class Hearing:
    """One caller's ear. `ready` is set when they have heard what there is, and may speak.

    `asked_at` is when they had finished their words, `first_at` and `last_at` when ours came. `hops` counts
    the documents of this turn. `owes`: they wait for words. `voice` is that of a session, while one lasts.
    """

    aloud: Aloud
    ready: asyncio.Event = field(default_factory=asyncio.Event)
    voice: RelayVoice | None = None
    owes: bool = True
    asked_at: float = 0.0
    first_at: float | None = None
    last_at: float = 0.0
    hops: int = 0
    _gap_ms: float = 0.0
    _said: list[str] = field(default_factory=list)  # by documents, and by sessions that are over
    _filler: str = ""

    def turn(self) -> None:
        """The caller is about to speak: what comes from now on answers them."""
        self.ready.clear()
        self.owes, self.asked_at, self.first_at, self.last_at = True, now(), None, 0.0
        self.hops, self._gap_ms, self._said, self._filler = 0, 0.0, [], ""
        if self.voice is not None:
            self.voice.begin()
        else:
            self.aloud.start()

    def settle(self) -> None:
        """A whole reply has been spoken, or somebody listens."""
        self.owes = False
        self.ready.set()

    def came(self) -> None:
        """Words have come. Silence is what is between the end of those before and these."""
        at = now()
        if self.first_at is None:
            self.first_at = at
        else:
            quiet_since = max(self.last_at, self.aloud.ends_at)
            self._gap_ms = max(self._gap_ms, milliseconds(quiet_since, at))
        self.last_at = at

    def say(self, text: str) -> None:
        """Words of a document."""
        self.came()
        self._said.append(text)
        self.aloud.add(text)

    def session_over(self) -> None:
        """What a session has said stays heard."""
        if self.voice is not None:
            self._said.append(self.voice.heard())
            self._filler += "".join(self.voice.fillers)
        self.voice = None

    def heard(self) -> str:
        """What was heard of this turn."""
        speaking = [self.voice.heard()] if self.voice is not None else []
        return " ".join(part for part in (*self._said, *speaking) if part)

    def report(self, said: str, budget_s: float) -> TurnReport:
        """The turn as it is now."""
        first = None if self.first_at is None else milliseconds(self.asked_at, self.first_at)
        total = milliseconds(self.asked_at, now() if first is None else self.last_at)
        filler = self._filler + ("".join(self.voice.fillers) if self.voice is not None else "")
        budget_ms = budget_s * 1000
        return TurnReport(said, self.heard(), first, total, budget_ms, self._gap_ms, self.hops, filler)

    def cut(self, said: str, heard: str, budget_s: float) -> TurnReport:
        """The turn, spoken over now; whole, when its last word had been said."""
        whole = self.ready.is_set() and self.aloud.ends_at <= now()
        total = milliseconds(self.asked_at, now())
        return replace(self.report(said, budget_s), heard=heard, total_ms=total, cut=not whole)
