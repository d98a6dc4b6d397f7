"""An engine that writes what it was told to: for tests and simulations.

It behaves like any other: pieces come over time, a cancelled task stops the writing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from voice.errors import EngineDied
from voice.types import Finish, Hear, Prompt, Usage

HELLO = ("Good ", "morning, ", "how can ", "I help?")


@dataclass
class ScriptedEngine:
    """Writes `pieces`, one every `gap_s`; then fails with `error`, or hangs, or ends with `finish`.

    `adapters` are further names that it may be asked by; `asked_for` holds those it was.
    """

    pieces: Sequence[str] = HELLO
    gap_s: float = 0.0
    error: Exception | None = None
    hangs: bool = False
    finish: Finish | None = None
    model: str = "scripted"
    adapters: tuple[str, ...] = ()
    asked: list[Prompt] = field(default_factory=list)
    asked_for: list[str | None] = field(default_factory=list)
    was_stopped: asyncio.Event = field(default_factory=asyncio.Event)
    _loaded: bool = False

    @property
    def models(self) -> tuple[str, ...]:
        return self.model, *self.adapters

    async def start(self) -> None:
        self._loaded = True

    async def stop(self) -> None:
        self._loaded = False

    def ready(self) -> bool:
        return self._loaded

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        if not self._loaded:
            raise EngineDied("the scripted engine was not started")
        self.asked.append(prompt)
        self.asked_for.append(model)
        try:
            for piece in self.pieces:
                await asyncio.sleep(self.gap_s)
                hear(piece)
            if self.error is not None:
                raise self.error
            if self.hangs:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.was_stopped.set()
            raise
        return self.finish or Finish(usage=Usage(len(prompt.messages), len(self.pieces)))
