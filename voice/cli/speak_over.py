"""A caller who types may speak over the agent, as on the telephone.

The agent's words appear at the pace of a voice. A line that is typed meanwhile stops them: the
request in flight is given up, and the next one tells what had been heard.
"""

from __future__ import annotations

import asyncio

from voice.cli.conversation import Speech
from voice.cli.typed import Typed
from voice.simulate.aloud import Aloud
from voice.simulate.caller import Line
from voice.simulate.chat import ChatLine
from voice.simulate.report import TurnReport
from voice.simulate.vapi import VapiLine
from voice.threads.speaking import CHARS_PER_S


class SpeakOver:
    """One call on which the words that are typed stop the words that are spoken."""

    def __init__(self, line: VapiLine | ChatLine, typed: Typed) -> None:
        self._line, self._typed, self._speech = line, typed, Speech()
        # A chat is read, not heard: its words are there as soon as they come.
        line.aloud = Aloud(CHARS_PER_S if isinstance(line, VapiLine) else None, self._speech.piece)

    @classmethod
    def on(cls, line: Line, typed: Typed) -> SpeakOver | None:
        """For a line that knows how; None for the others, and where nobody types."""
        return cls(line, typed) if typed.by_hand and isinstance(line, VapiLine | ChatLine) else None

    async def say(self, words: str) -> TurnReport:
        """Speak, and hear the reply to its end, or until something is typed; its words are printed."""
        self._speech.begin()
        saying = asyncio.create_task(self._line.say(words))
        stopping = asyncio.create_task(self._typed.came())
        try:
            await asyncio.wait({saying, stopping}, return_when=asyncio.FIRST_COMPLETED)
            saying.cancel()  # nothing, when it is done
            await asyncio.wait({saying})
        finally:
            saying.cancel()
            stopping.cancel()
        report = self._line.cut if saying.cancelled() else saying.result()
        assert report is not None, "a line that was cut tells what was heard"
        self._speech.end(report)
        return report
