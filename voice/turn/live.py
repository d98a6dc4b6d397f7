"""LiveTurn: a turn while it runs, as doors listen to it.

The turn writes its chunks into a log; whoever listens reads the log from its start. So a
platform's second request for the same turn hears the same words, a slow reader costs no
more than the text itself, and a turn to which nobody listens any more can be stopped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from voice.types import Chunk, Turn


class LiveTurn:
    """The chunks of one turn so far. `finished` once it is closed and kept."""

    __slots__ = ("_waiting", "chunks", "finished", "is_spoken", "listeners", "turn")

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.chunks: list[Chunk] = []
        self.finished = False
        self.is_spoken = False  # whether a listener has begun to say it: then the others say it, too
        self.listeners = 0
        self._waiting: list[asyncio.Future[None]] = []

    @classmethod
    def replay(cls, turn: Turn) -> LiveTurn:
        """The stored answer of a turn, as if it were said now."""
        live = cls(turn)
        if turn.spoken:
            live.chunks.append(Chunk(turn.spoken, turn.sent, readings=turn.readings))
        live.finished = True
        live.is_spoken = bool(turn.was_heard)
        return live

    async def say(self, chunk: Chunk) -> None:
        """Add a chunk; never waits: the log is bounded by the reply's own length."""
        self.chunks.append(chunk)
        self._wake()

    def finish(self) -> None:
        """No chunk will follow."""
        self.finished = True
        self._wake()

    async def listen(self, start: int = 0) -> AsyncIterator[Chunk]:
        """Every chunk from number `start`, as it comes, until the turn is finished."""
        heard = start
        while True:
            while heard < len(self.chunks):
                yield self.chunks[heard]
                heard += 1
            if self.finished:
                return
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting

    async def settled(self) -> None:
        """Return when the turn is finished."""
        while not self.finished:
            waiting = asyncio.get_running_loop().create_future()
            self._waiting.append(waiting)
            await waiting

    def _wake(self) -> None:
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()
