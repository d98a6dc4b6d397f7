"""Twilio's voice in a ConversationRelay session: tokens become speech, and speech takes its time.

Tokens are glued as they come, in talk cycles that `last` closes. Words of a preemptible cycle stop where
the next cycle begins. What was played, and who is speaking, is told as `info`, where the TwiML asks for it.

Source: Twilio's "WebSocket messages for Voice"; the shapes of `info` from public code that reads them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from voice.clock import now
from voice.simulate.aloud import Aloud
from voice.simulate.twiml_relay import SPEAKER_EVENTS, TOKENS_PLAYED


@dataclass(frozen=True, slots=True)
class Tidings:
    """Tells who speaks and what was played, as far as `events` ask for it."""

    events: frozenset[str]
    tell: Callable[[Mapping[str, Any]], None]

    def speaks(self, who: str, is_on: bool) -> None:
        """`who` (agentSpeaking or clientSpeaking) begins or ends."""
        if SPEAKER_EVENTS in self.events:
            value, ts = "on" if is_on else "off", round(time.time() * 1000)
            self.tell({"type": "info", "name": who, "value": value, "ts": ts})

    def played(self, text: str) -> None:
        """These words have been spoken."""
        if TOKENS_PLAYED in self.events:
            self.tell({"type": "info", "name": "tokensPlayed", "value": text})


@dataclass(slots=True)
class RelayVoice:
    """Speaks the tokens of one session through `aloud`; `settled` hears that a whole reply has been spoken.

    A cycle whose words were all preemptible promises more: it settles nothing. `is_speaking`: words are
    being said, or will be when their cycle goes on. `interruptible` is what they may be spoken over with.
    `fillers` are the preemptible words of this turn, as they came.
    """

    aloud: Aloud
    tidings: Tidings
    settled: Callable[[], None]
    interruptible: str = "any"
    is_speaking: bool = False
    fillers: list[str] = field(default_factory=list)
    _before: list[str] = field(default_factory=list)  # heard in this turn, and cut by words of a next cycle
    _rest: str = ""  # a word that may go on with the next token
    _cycle_open: bool = False
    _owes_end: bool = False  # words have come whose cycle is not closed
    _is_filler: bool = False  # all words of the newest cycle were preemptible
    _began_at: float = 0.0
    _timers: list[asyncio.TimerHandle] = field(default_factory=list)

    @property
    def spoke_ms(self) -> int:
        """How long the newest words have been spoken."""
        return round((now() - self._began_at) * 1000)

    def begin(self) -> None:
        """A new turn of the caller: what was heard before belongs to the last one."""
        self._before, self.fillers = [], []
        if not self.is_speaking:
            self.aloud.start()

    def token(self, text: str, *, last: bool, preemptible: bool) -> None:
        """A piece of a talk cycle."""
        if text.strip():
            if not self._cycle_open:
                if self._is_filler and self.is_speaking:
                    self.cut()
                self._is_filler = preemptible
            self._cycle_open = self._owes_end = True
            self._is_filler = self._is_filler and preemptible
            self.fillers += [text] if preemptible else []
        words = self._rest + text
        end = len(words) if last else max(words.rfind(" "), words.rfind("\n")) + 1
        whole, self._rest = words[:end], words[end:]
        self._speak(whole)
        if last:
            settles = self._owes_end and not self._is_filler
            self._cycle_open = self._owes_end = False
            self._at(self.aloud.ends_at, lambda: self._cycle_is_said(settles=settles))

    def cut(self) -> str:
        """Nothing more of it is said: the words of the newest reply that were heard."""
        for timer in self._timers:
            timer.cancel()
        heard, self._timers, self._rest = self.aloud.stop(), [], ""
        self._before.append(heard)
        self.aloud.start()
        self._quiet()
        return heard

    def interrupt(self) -> str:
        """The caller speaks over it: as `cut`; what still comes of this cycle is another one."""
        self._cycle_open = self._owes_end = False
        return self.cut()

    def heard(self) -> str:
        """All that was heard in this turn by now."""
        return " ".join(part for part in (*self._before, self.aloud.heard()) if part)

    def _speak(self, text: str) -> None:
        if not text.strip():
            return
        self._at(max(now(), self.aloud.ends_at), self._begins)
        self.aloud.add(text)
        self._at(self.aloud.ends_at, lambda: self.tidings.played(text))

    def _begins(self) -> None:
        if not self.is_speaking:
            self.is_speaking, self._began_at = True, now()
            self.tidings.speaks("agentSpeaking", True)

    def _cycle_is_said(self, *, settles: bool) -> None:
        self._quiet()
        if settles:
            self.settled()

    def _quiet(self) -> None:
        if self.is_speaking:
            self.is_speaking = False
            self.tidings.speaks("agentSpeaking", False)

    def _at(self, at: float, act: Callable[[], None]) -> None:
        """Do it then; at once when there is nothing to wait for."""
        if at <= now():
            act()
        else:
            self._timers.append(asyncio.get_running_loop().call_at(at, act))
