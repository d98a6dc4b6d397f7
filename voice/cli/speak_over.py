"""A caller who types may speak over the agent, as on the telephone.

The agent's words appear at the pace of a voice. A line that is typed meanwhile stops them: the
request in flight is given up, and the next one tells what had been heard.
"""

from __future__ import annotations

from voice.cli.conversation import Speech
from voice.cli.typed import Typed
from voice.clock import now
from voice.simulate.caller import Line, SpokenOver, say_until, spoken
from voice.simulate.chat import ChatLine
from voice.simulate.report import TurnReport
from voice.threads.speaking import CHARS_PER_S

NEW_S = 3.0  # of silence, after which words are another reply


class SpeakOver:
    """One call on which the words that are typed stop the words that are spoken."""

    def __init__(self, line: SpokenOver, typed: Typed) -> None:
        self._line, self._typed, self._speech = line, typed, Speech()
        # A chat is read, not heard: its words are there as soon as they come.
        line.aloud.chars_per_s = None if isinstance(line, ChatLine) else CHARS_PER_S
        line.aloud.begins = self._piece
        self._quiet_at = 0.0  # when everything that has come is said

    @classmethod
    def on(cls, line: Line, typed: Typed) -> SpeakOver | None:
        """For a line that knows how; None for the others, and where nobody types."""
        return cls(line, typed) if typed.by_hand and isinstance(line, SpokenOver) else None

    async def say(self, words: str) -> TurnReport:
        """Speak, and hear the reply to its end, or until something is typed; its words are printed."""
        self._speech.begin()
        saying = spoken(self._line, words)
        report = await say_until(self._line, saying, self._typed.came())
        self._speech.end(report)
        return report

    def _piece(self, words: str) -> None:
        if now() - self._quiet_at > NEW_S:  # nobody asked for it: an agent who wants to know who is there
            self._speech.begin()
        self._speech.piece(words)
        self._quiet_at = self._line.aloud.ends_at
