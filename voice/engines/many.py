"""Several models in one worker, chosen job by job: the model switch that needs no new worker."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from voice.engines.base import Engine
from voice.engines.found import Found, Loads
from voice.errors import UnknownModel, VoiceError
from voice.types import Finish, Hear, Prompt

Make = Callable[[Path], Engine]

log = logging.getLogger(__name__)


class Many:
    """Engines by the names that jobs ask for; the first answers where a job names none.

    What is `found` while the worker runs is made by `make`, and loaded for the first job that names it.
    """

    def __init__(
        self, engines: Mapping[str, Engine], found: Found | None = None, make: Make | None = None
    ) -> None:
        self._engines = dict(engines)
        self._found, self._make = found or Found(), make
        self._loads = Loads()

    @property
    def model(self) -> str:
        return next(iter(self._engines))

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*self._engines, *self._found.names)))

    async def start(self) -> None:
        """Load and warm those that were named at the start. Where one cannot be loaded, none stays."""
        try:
            async with asyncio.TaskGroup() as group:
                for engine in self._engines.values():
                    group.create_task(engine.start())
        except BaseExceptionGroup as exc:
            await self.stop()
            raise exc.exceptions[0] from exc

    async def stop(self) -> None:
        await self._loads.end()
        await asyncio.gather(*(engine.stop() for engine in self._engines.values()))

    def ready(self) -> bool:
        return all(engine.ready() for engine in self._engines.values())

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        name = self.model if model is None else model
        folder = None if name in self._engines else self._found.of(name)
        if folder is not None and (make := self._make) is not None:
            await self._loads.of(name, lambda: self._load(name, make(folder)))
        if name not in self._engines:
            raise UnknownModel(f"model {name!r} is not here; this worker has {', '.join(self.models)}.")
        return await self._engines[name].write(prompt, hear)

    async def _load(self, name: str, engine: Engine) -> None:
        try:
            await engine.start()
        except asyncio.CancelledError:
            await engine.stop()
            raise
        except VoiceError as exc:
            log.error("engine.not_loaded", extra={"model": name, "error": str(exc)})
            raise
        self._engines[name] = engine
        log.info("engine.loaded", extra={"model": name})
