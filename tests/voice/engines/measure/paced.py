"""An engine that writes at an even pace, as a GPU does, and costs nothing: what is lost is the worker's.

Each token has its instant, reckoned from the beginning of its reply: a loop that is late once delivers what
is due and is not late for ever, as a GPU would not wait for it.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

from voice.clock import now
from voice.errors import EngineDied
from voice.types import Finish, Hear, Prompt, Usage

GAP_S = 0.02  # 50 tokens a second, as an 8 B model on a 24 GB card
STOPS = "MEASURE_STOPS"  # names the file that stopped replies are written to, one JSON line each


@dataclass
class PacedEngine:
    """Writes `max_tokens` tokens, each a word, the first of them a clause."""

    gap_s: float = GAP_S
    model: str = "paced"
    _loaded: bool = False

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model,)

    async def start(self) -> None:
        self._loaded = True

    async def stop(self) -> None:
        self._loaded = False

    def ready(self) -> bool:
        return self._loaded

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        if not self._loaded:
            raise EngineDied("the paced engine was not started")
        began_at, written = now(), 0
        try:
            while written < prompt.max_tokens:
                await asyncio.sleep(began_at + (written + 1) * self.gap_s - now())
                hear("word " if written else "Yes, ")
                written += 1
        except asyncio.CancelledError:
            _note_stop(written, prompt.max_tokens)
            raise
        return Finish("length", Usage(len(prompt.messages), written))


def _note_stop(written: int, of: int) -> None:
    if path := os.environ.get(STOPS):
        with Path(path).open("a", encoding="utf-8") as stops:
            stops.write(json.dumps({"at": time.monotonic(), "written": written, "of": of}) + "\n")
