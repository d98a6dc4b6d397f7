"""The engine for a GPU, or a CPU, without vLLM: the transformers library's continuous batching.

Replies of all callers are written together, and what two of them begin with alike, such as a persona or
the earlier turns of a call, is read once. The library works in a thread of this process, which it seldom
holds up. Tools are shown to a model whose chat template has words for them.
"""

from __future__ import annotations

import asyncio
import gc
import logging
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from voice.errors import BadJob, EngineDied, SetupError
from voice.types import Finish, Hear, Message, Prompt, Usage

if TYPE_CHECKING:
    from voice.engines.transformers_batch import Batch

HELLO = Prompt((Message("user", "Hello."),), max_tokens=2, temperature=0.0)
LOOK_S = 0.2  # between two looks whether the library's thread lives
PAUSE_S = (0.1, 30.0)  # before the model is loaded again; doubled at each further time, up to the second

log = logging.getLogger(__name__)


class TransformersEngine:
    """Runs a model folder as Hugging Face writes it. `at_once` replies are written together.

    `adapter` is a LoRA adapter as PEFT writes it: it is merged into the model, a copy of this engine's own.
    When the library's thread has ended, the model is loaded again. A GPU that has failed refuses that in the
    same process: then the worker has to end (voice/engines/gone.py).
    """

    def __init__(self, folder: Path, at_once: int, adapter: Path | None = None) -> None:
        self.model = (adapter or folder).name
        self._folder, self._at_once, self._adapter = folder, at_once, adapter
        self._batch: Batch | None = None  # None: no model is loaded and warm
        self._tending: asyncio.Task[None] | None = None  # None: it was not started
        self._numbers = count(1)

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model,)

    def ready(self) -> bool:
        return self._batch is not None and self._batch.is_running()

    async def start(self) -> None:
        """Load and warm the model; see Engine. Raises SetupError where the library is not installed."""
        if self._tending is None:
            await self._bring_up()
            self._tending = asyncio.create_task(self._tend(), name="transformers")

    async def stop(self) -> None:
        """Let go of the model; replies in flight end with EngineDied."""
        tending, self._tending = self._tending, None
        if tending is not None:
            tending.cancel()
            await asyncio.wait([tending])
        await self._let_go()

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        """Write one reply; see Engine. There is one model here, so `model` chooses nothing."""
        batch = self._batch
        if batch is None:
            raise EngineDied("the model is not loaded")
        return await self._write(batch, prompt, hear)

    async def _write(self, batch: Batch, prompt: Prompt, hear: Hear) -> Finish:
        reading = await asyncio.to_thread(batch.read, prompt)
        reply = batch.reply(prompt, len(reading.tokens))
        name, arrived = f"reply-{next(self._numbers)}", asyncio.Queue[list[int] | None]()
        if not batch.is_running():
            raise EngineDied("the model has stopped")
        batch.ask(name, reading.tokens, reply.max_tokens, prompt.temperature, arrived.put_nowait)
        try:
            while reply.reason is None:
                if text := reply.add_all(await self._next(batch, arrived)):  # once: the hearer may cancel us
                    hear(text)
        finally:
            batch.cancel(name)
        usage = Usage(len(reading.tokens), len(reply.tokens))
        return Finish(
            reply.reason, usage, reply.calls, dropped_turns=reading.dropped_turns, ignored=reading.ignored
        )

    @staticmethod
    async def _next(batch: Batch, arrived: asyncio.Queue[list[int] | None]) -> list[int]:
        """All tokens so far, when there are more. Raises EngineDied when no more will come."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    tokens = await arrived.get()
            except TimeoutError:
                if batch.is_running():
                    continue
                tokens = None
            if tokens is None:
                await asyncio.sleep(LOOK_S)  # a thread that fails tells its replies first: `ready` must know
                raise EngineDied("the model stopped in the middle of its reply")
            return tokens

    # The model's life

    async def _bring_up(self) -> None:
        try:
            batch = await self._loaded()
        except ImportError as exc:
            more = " peft" if self._adapter else ""
            raise SetupError(
                "the engine 'transformers' needs torch and transformers from 5.19 on"
                f"{', and peft for adapters' if more else ''}:"
                f" .venv/bin/pip install torch 'transformers>=5.19'{more} ({exc})"
            ) from exc
        except (OSError, RuntimeError, ValueError, KeyError) as exc:
            raise EngineDied(f"the model in {self._adapter or self._folder} cannot be used: {exc}") from exc
        try:
            await self._write(batch, HELLO, lambda _: None)
        except BaseException:
            await asyncio.to_thread(batch.stop)
            raise
        self._batch = batch

    async def _loaded(self) -> Batch:
        loading = asyncio.create_task(asyncio.to_thread(self._load))
        try:
            return await asyncio.shield(loading)
        except asyncio.CancelledError:
            await asyncio.wait([loading])  # a thread cannot be cancelled
            if loading.exception() is None:
                await asyncio.to_thread(loading.result().stop)
            raise

    async def _let_go(self) -> None:
        batch, self._batch = self._batch, None
        if batch is not None:
            await asyncio.to_thread(batch.stop)

    async def _tend(self) -> None:
        """When the library's thread has ended, bring the model up again."""
        while True:
            await asyncio.sleep(LOOK_S)
            if self.ready():
                continue
            log.error("engine.died", extra={"model": self.model})
            await self._let_go()
            await self._bring_back()
            log.warning("engine.restarted", extra={"model": self.model})

    async def _bring_back(self) -> None:
        pause_s = PAUSE_S[0]
        while not self.ready():
            gc.collect()  # the dead model's memory, for the new one
            await asyncio.sleep(pause_s)
            pause_s = min(PAUSE_S[1], pause_s * 2)
            try:
                await self._bring_up()
            except (BadJob, EngineDied, SetupError) as exc:
                error = {"error": str(exc), "retry_s": pause_s}
                log.error("engine.not_restarted", extra={"model": self.model, **error})

    def _load(self) -> Batch:
        from voice.engines.transformers_batch import Batch

        return Batch(self._folder, self._at_once, self._adapter)
