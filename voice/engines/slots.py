"""An engine of which no more is asked at once than it can do well."""

from __future__ import annotations

import asyncio

from voice.engines.base import Engine
from voice.types import Finish, Hear, Prompt


class Slots:
    """Lets `at_once` replies of `engine` be written together; further ones wait, first come, first served."""

    def __init__(self, engine: Engine, at_once: int) -> None:
        self.waiting = 0  # replies that wait for a place
        self._engine = engine
        self._places = asyncio.Semaphore(at_once)

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def models(self) -> tuple[str, ...]:
        return self._engine.models

    async def start(self) -> None:
        await self._engine.start()

    async def stop(self) -> None:
        await self._engine.stop()

    def ready(self) -> bool:
        return self._engine.ready()

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        try:
            return await self._engine.write(prompt, hear, model)
        finally:
            self._places.release()
