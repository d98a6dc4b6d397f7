"""Several models in one worker, chosen job by job: the model switch that needs no new worker."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from voice.engines.base import Engine
from voice.errors import UnknownModel
from voice.types import Finish, Hear, Prompt


class Many:
    """Engines by the names that jobs ask for; the first answers where a job names none."""

    def __init__(self, engines: Mapping[str, Engine]) -> None:
        self._engines = dict(engines)

    @property
    def model(self) -> str:
        return next(iter(self._engines))

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(self._engines)

    async def start(self) -> None:
        """Load and warm them all. Where one cannot be loaded, none stays."""
        try:
            async with asyncio.TaskGroup() as group:
                for engine in self._engines.values():
                    group.create_task(engine.start())
        except BaseExceptionGroup as exc:
            await self.stop()
            raise exc.exceptions[0] from exc

    async def stop(self) -> None:
        await asyncio.gather(*(engine.stop() for engine in self._engines.values()))

    def ready(self) -> bool:
        return all(engine.ready() for engine in self._engines.values())

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        name = self.model if model is None else model
        if name not in self._engines:
            raise UnknownModel(f"model {name!r} is not here; this worker has {', '.join(self.models)}.")
        return await self._engines[name].write(prompt, hear)
