"""Callers with manners: patient ones, and those who interrupt, ask "hello?", repeat themselves, hang up.

Their platform has manners, too: it drops a request and sends it again, or drops it for good.

A caller speaks over a line, hears what comes back, and writes down when. All that they do is drawn from
one seed, so the same caller does the same again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from random import Random
from typing import Literal, Protocol, get_args

from voice.clock import now
from voice.types import Chunk, ChunkKind, Turn

Manner = Literal["patient", "interrupting", "impatient", "repeating", "hanging up"]
MANNERS: tuple[Manner, ...] = get_args(Manner)

SAYS = (
    "Hi, my air conditioning stopped working, that is order {order}.",
    "There is water under my kitchen sink, order {order}.",
    "What are your opening hours? It is for order {order}.",
    "I would like to pay my rent for order {order}.",
    "Somebody can come in tomorrow after three, order {order}.",
    "Yes, that is right, order {order}.",
    "No, nothing else for order {order}, thank you, bye.",
)
HELLO = "Hello? Are you there? Order {order}."
MISBEHAVES = 0.5  # of the turns of a caller who is not patient
THINKS_S = (0.5, 3.0)  # between the agent's last word and the caller's next one
INTERRUPTS_S = (0.02, 1.5)  # behind the first word
BEARS_S = (0.3, 1.15)  # silence, until "hello?"
REPEATS_S = (0.01, 1.5)  # behind the first request
HANGS_UP_S = (0.02, 2.5)
DROPS = 0.5  # of the requests that are repeated or hung up on are dropped before


class Live(Protocol):
    """A turn that is being answered."""

    @property
    def turn(self) -> Turn: ...

    def listen(self) -> AsyncIterator[Chunk]: ...


class LabLine(Protocol):
    """One call, as a door has it."""

    async def hear(self, text: str, key: str) -> Live:
        """The caller said something: the turn that answers it. An exact repeat gives the same words."""
        ...

    def leave(self, live: Live) -> None:
        """Nobody listens to this answer any longer."""
        ...

    async def hang_up(self) -> None: ...


@dataclass(frozen=True, slots=True)
class HeardChunk:
    """A chunk as it reached the caller. `is_stale`: they had already spoken on, or hung up."""

    at: float
    text: str
    kind: ChunkKind
    is_stale: bool


@dataclass(slots=True, eq=False)
class HeardTurn:
    """One answer as one listener heard it. Instants are on the loop's clock.

    `stopped_at`: when the caller spoke on or hung up; None: they heard it to the end. `again` is what a
    repeat of the same request was given.
    """

    said: str
    manner: Manner
    said_at: float
    live: Live
    chunks: list[HeardChunk] = field(default_factory=list)
    stopped_at: float | None = None
    ended_at: float | None = None
    again: HeardTurn | None = None
    begun: asyncio.Event = field(default_factory=asyncio.Event, repr=False)  # a chunk came, or the end

    def stop(self) -> None:
        """The caller wants to hear no more of it."""
        if self.ended_at is None and self.stopped_at is None:
            self.stopped_at = now()


@dataclass(slots=True)
class LabCaller:
    """One caller on one line. `name` is in all that they say; `heard` grows with every turn."""

    name: str
    line: LabLine
    manner: Manner
    rng: Random
    heard: list[HeardTurn] = field(default_factory=list)
    _listening: list[asyncio.Task[None]] = field(default_factory=list)
    _has_left: bool = False

    async def call(self, turns: int) -> None:
        """Say so many utterances, hear the answers, and hang up."""
        while len(self.heard) < turns and not self._has_left:
            heard, listening = await self._say(self.rng.choice(SAYS))
            may = self.manner != "patient" and len(self.heard) < turns
            if may and self.rng.random() < MISBEHAVES:
                await self._misbehave(heard, listening)
            await asyncio.wait(self._listening)
            await asyncio.sleep(self.rng.uniform(*THINKS_S))
        if not self._has_left:
            await self.line.hang_up()
        await asyncio.wait(self._listening)

    async def _misbehave(self, heard: HeardTurn, listening: asyncio.Task[None]) -> None:
        match self.manner:
            case "repeating":
                await self._pass(listening, REPEATS_S)
                heard.again, _ = await self._listen_to(heard.said, len(self.heard))
                if self.rng.random() < DROPS:
                    await self._pass(listening, REPEATS_S)
                    self._drop(heard, listening)
            case "hanging up":
                await self._pass(listening, HANGS_UP_S)
                if self.rng.random() < DROPS:
                    self._drop(heard, listening)
                    await asyncio.sleep(self.rng.uniform(*HANGS_UP_S))
                heard.stop()
                self._has_left = True
                await self.line.hang_up()
            case "interrupting":
                await heard.begun.wait()
                await self._pass(listening, INTERRUPTS_S)
                await self._speak_on(heard, self.rng.choice(SAYS))
            case _:
                await self._pass(listening, BEARS_S)
                if not heard.chunks:
                    await self._speak_on(heard, HELLO)

    def _drop(self, heard: HeardTurn, listening: asyncio.Task[None]) -> None:
        """The platform closes the request in the middle of the answer."""
        if not listening.done():
            heard.stop()
            listening.cancel()
            self.line.leave(heard.live)

    async def _speak_on(self, heard: HeardTurn, text: str) -> None:
        """Say something else, whatever is being said. The platform then drops the older request."""
        heard.stop()
        await self._say(text)
        self.line.leave(heard.live)

    async def _say(self, text: str) -> tuple[HeardTurn, asyncio.Task[None]]:
        """Say something new: every utterance has an order that no other one has."""
        number = len(self.heard) + 1
        heard, listening = await self._listen_to(text.format(order=f"{self.name}-{number}"), number)
        self.heard.append(heard)
        return heard, listening

    async def _listen_to(self, said: str, number: int) -> tuple[HeardTurn, asyncio.Task[None]]:
        said_at = now()
        heard = HeardTurn(said, self.manner, said_at, await self.line.hear(said, str(number)))
        listening = asyncio.create_task(self._listen(heard))
        self._listening.append(listening)
        return heard, listening

    async def _listen(self, heard: HeardTurn) -> None:
        async for chunk in heard.live.listen():
            heard.chunks.append(HeardChunk(now(), chunk.text, chunk.kind, heard.stopped_at is not None))
            heard.begun.set()
        heard.ended_at = now()
        heard.begun.set()
        if heard.stopped_at is None:
            self.line.leave(heard.live)

    async def _pass(self, listening: asyncio.Task[None], span: tuple[float, float]) -> None:
        """Let time pass, but not beyond the end of the answer."""
        await asyncio.wait((listening,), timeout=self.rng.uniform(*span))
