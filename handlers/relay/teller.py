"""Says a turn on a relay socket while it is written, and not a word more once it is told to stop.

A platform speaks what it has been sent to its end, unless the caller's voice cuts it. So no more leaves than
a few seconds of talk: what newer words take the place of is soon over.
"""

from __future__ import annotations

import asyncio

from handlers.relay.broken import Rest, unheard
from handlers.relay.socket import Line, TurnOver, Waits
from handlers.relay.voice import Voice
from voice.call import Spawn
from voice.turn.live import LiveTurn
from voice.types import Chunk, ChunkKind, words


class Teller:
    """Says one turn at a time, in a task of its own. `live` is the one being said, or said last.

    `cut_at`: the caller has cut it off behind these words, and nobody knows yet whether they say something.
    """

    def __init__(self, line: Line, voice: Voice) -> None:
        self._line, self._voice = line, voice
        self._telling: asyncio.Task[None] | None = None
        self._told, self._was_last = 0, False  # chunks of it that have been taken
        self.live: LiveTurn | None = None
        self.cut_at: str | None = None

    @property
    def is_telling(self) -> bool:
        """Whether words of it are still to be sent."""
        return self._telling is not None and not self._telling.done()

    def tell(self, live: LiveTurn, spawn: Spawn, heard: str = "", then: Chunk | None = None) -> None:
        """Say a turn from now on: what lies behind the words that were `heard`, and `then` a line."""
        self.stop()
        known = self._told if live is self.live else 0  # no filler is said twice
        self.live, self._told, self.cut_at = live, 0, None
        self._voice.begin(live.turn, heard)
        self._telling = spawn(self._say_all(live, heard, then, known))

    def stop(self) -> None:
        """Say nothing more of it. The turn itself goes on, unless it is stopped."""
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None

    def cut(self, heard: str, *, was_last: bool) -> None:
        """Say nothing more of it, for now: the caller's voice has stopped it behind these words.

        `was_last`: the call was to end with it. Then it is not said on: the caller is asked what they want.
        """
        self.stop()
        self.cut_at, self._was_last = heard, was_last

    @property
    def heard(self) -> str | None:
        """What was heard of a reply that was cut off; None: all that there is of it."""
        is_all = self.live is None or words(self.live.turn.spoken) == words(self.cut_at or "")
        return None if is_all else self.cut_at

    @property
    def rest(self) -> Rest | None:
        """What is to be said on, if the caller has only coughed; None: they have heard all of it."""
        if self.live is None or self.cut_at is None or self._was_last:
            return None
        turn = self.live.turn
        is_whole = self.live.finished and turn.effect is None and words(turn.spoken) == words(self.cut_at)
        return None if is_whole else Rest(self.live, self.cut_at)

    async def _say_all(self, live: LiveTurn, heard: str, then: Chunk | None, known: int) -> None:
        async for chunk in live.listen():
            part, heard = unheard(chunk, heard)
            if chunk.kind is ChunkKind.FILLER and self._told < known:
                part = None
            await self._line.room()
            if part is not None:
                await self._voice.room()
                self._voice.say(part)
            self._told += 1
            if part is not None and part.kind is ChunkKind.FILLER:
                await self._line.tell(Waits())
        if then is not None:
            self._voice.say(then)
        self._voice.end()
        await self._line.tell(TurnOver(live))
