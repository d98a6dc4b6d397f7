"""Models and adapters that are put into a folder while the worker runs: a job may name them from then on.

The folder is looked at once a second at most, when a job names a model. What is loaded stays loaded; a new
version gets a new name.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

LORA: Final = "adapter_config.json"  # what PEFT writes beside an adapter's weights
KINDS: Final = (LORA, "genai_config.json", "config.json")  # one of them makes a folder a model or an adapter
LOOK_S: Final = 1.0  # between two looks


class Found:
    """What is in `folder`, by its names; nothing where there is none."""

    def __init__(self, folder: Path | None = None, look_s: float = LOOK_S) -> None:
        self._folder, self._look_s = folder, look_s
        self._names: tuple[str, ...] = ()
        self._looked_at: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names that may be asked for, as seen at the last look."""
        at = time.monotonic()  # also asked where no loop runs
        if self._folder is not None and (self._looked_at is None or at - self._looked_at >= self._look_s):
            self._looked_at = at
            self._names = _names(self._folder)
        return self._names

    def of(self, name: str) -> Path | None:
        """The folder of a name."""
        return self._folder / name if self._folder is not None and name in self.names else None


class Loads:
    """What is loaded by its name, once, however many jobs ask for it; a job that leaves does not stop it."""

    def __init__(self) -> None:
        self.there: set[str] = set()  # what needs no loading
        self._tasks: dict[str, asyncio.Task[None]] = {}

    async def of(self, name: str, load: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """Returns when it is loaded. Raises what `load` raises; the next one who asks tries again."""
        if name in self.there:
            return
        if name not in self._tasks:
            self._tasks[name] = task = asyncio.create_task(load(), name=f"load {name}")
            task.add_done_callback(lambda done: self._has_ended(name, done))
        await asyncio.shield(self._tasks[name])

    async def end(self) -> None:
        """Nothing loads any longer."""
        for task in (tasks := [*self._tasks.values()]):
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _has_ended(self, name: str, task: asyncio.Task[None]) -> None:
        self._tasks.pop(name, None)
        if not task.cancelled() and task.exception() is None:  # asked for, also where all have left
            self.there.add(name)


def _names(folder: Path) -> tuple[str, ...]:
    try:
        here = sorted(folder.iterdir())
        return tuple(one.name for one in here if any((one / kind).is_file() for kind in KINDS))
    except OSError:  # the volume is not there, or not now
        return ()
