"""An engine in a thread and an event loop of its own, asked from any loop.

RunPod's SDK runs its fitness checks in one event loop and the jobs in another, and its images
are restored from a snapshot taken after loading. So the engine is loaded before the SDK starts,
in a loop that lives as long as the process, and the SDK's loops only ask it.
"""

from __future__ import annotations

import asyncio
import threading

from voice.engines.base import Engine
from voice.errors import EngineDied
from voice.types import Finish, Hear, Prompt


class OwnLoop:
    """Puts `engine` into its own loop."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._over = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._live, name="engine", daemon=True)

    @property
    def model(self) -> str:
        return self._engine.model

    @property
    def models(self) -> tuple[str, ...]:
        return self._engine.models

    def launch(self) -> None:
        """Load the engine; returns when it is warm. Blocks, so that it works where no loop runs.

        Raises what the engine's `start` raises. An engine is launched once.
        """
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(self._engine.start(), self._loop).result()
        except BaseException:
            self._end()
            raise

    def shut(self) -> None:
        """Let go of the engine; returns when it is gone. Replies in flight end with EngineDied."""
        if self._thread.is_alive():
            try:
                asyncio.run_coroutine_threadsafe(self._engine.stop(), self._loop).result()
            finally:
                self._end()

    async def start(self) -> None:
        await asyncio.to_thread(self.launch)

    async def stop(self) -> None:
        await asyncio.to_thread(self.shut)

    def ready(self) -> bool:
        return self._loop.is_running() and self._engine.ready()

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        if not self._loop.is_running():
            raise EngineDied("the engine's loop is not running")
        here = asyncio.get_running_loop()
        listens = True

        def heard(text: str) -> None:  # in the engine's thread; order is kept up to the result
            if not here.is_closed():
                here.call_soon_threadsafe(lambda: hear(text) if listens else None)

        written = asyncio.run_coroutine_threadsafe(self._engine.write(prompt, heard, model), self._loop)
        try:
            return await asyncio.wrap_future(written)  # cancelling this cancels the writing over there
        finally:
            listens = False

    def _live(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:  # cancels what is left at its end
            runner.run(self._waiting())

    async def _waiting(self) -> None:
        await self._over.wait()

    def _end(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self._thread.join()
