"""The engine for a GPU, or a CPU, without vLLM: the transformers library's continuous batching.

Replies of all callers are written together, and what two of them begin with alike, such as a persona or
the earlier turns of a call, is read once. The library works in a thread of this process, which it seldom
holds up. Like the embedded engine it only talks: tools are not shown to the model.
"""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from voice.errors import EngineDied, SetupError
from voice.types import Finish, Hear, Message, Prompt, Usage

if TYPE_CHECKING:
    from voice.engines.transformers_batch import Batch

HELLO = Prompt((Message("user", "Hello."),), max_tokens=2, temperature=0.0)
LOOK_S = 1.0  # between two looks whether the library's thread lives, while a reply waits for words


class TransformersEngine:
    """Runs a model folder as Hugging Face writes it. `at_once` replies are written together."""

    def __init__(self, folder: Path, at_once: int) -> None:
        self.model = folder.name
        self._folder, self._at_once = folder, at_once
        self._batch: Batch | None = None
        self._numbers = count(1)

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model,)

    def ready(self) -> bool:
        return self._batch is not None and self._batch.is_running()

    async def start(self) -> None:
        """Load and warm the model; see Engine. Raises SetupError where the library is not installed."""
        if self._batch is not None:
            return
        try:
            self._batch = await asyncio.to_thread(self._load)
        except ImportError as exc:
            raise SetupError(
                "the engine 'transformers' needs torch and transformers from 5.19 on:"
                f" .venv/bin/pip install torch 'transformers>=5.19' ({exc})"
            ) from exc
        except (OSError, RuntimeError, ValueError, KeyError) as exc:
            raise EngineDied(f"the model in {self._folder} cannot be used: {exc}") from exc
        await self.write(HELLO, lambda _: None)

    async def stop(self) -> None:
        """Let go of the model; replies in flight end with EngineDied."""
        batch, self._batch = self._batch, None
        if batch is not None:
            await asyncio.to_thread(batch.stop)

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        """Write one reply; see Engine. There is one model here, so `model` chooses nothing."""
        batch = self._batch
        if batch is None or not batch.is_running():
            raise EngineDied("the model is not loaded")
        reading = await asyncio.to_thread(batch.read, prompt)
        reply = batch.reply(prompt, len(reading.tokens))
        name, arrived = f"reply-{next(self._numbers)}", asyncio.Queue[list[int] | None]()
        batch.ask(name, reading.tokens, reply.max_tokens, prompt.temperature, arrived.put_nowait)
        try:
            while reply.reason is None:
                if text := reply.add_all(await self._next(batch, arrived)):  # once: the hearer may cancel us
                    hear(text)
        finally:
            batch.cancel(name)
        usage = Usage(len(reading.tokens), len(reply.tokens))
        return Finish(reply.reason, usage, dropped_turns=reading.dropped_turns)

    async def _next(self, batch: Batch, arrived: asyncio.Queue[list[int] | None]) -> list[int]:
        """All tokens so far, when there are more. Raises EngineDied when no more will come."""
        while True:
            try:
                async with asyncio.timeout(LOOK_S):
                    tokens = await arrived.get()
            except TimeoutError:
                if self._batch is batch and batch.is_running():
                    continue
                tokens = None
            if tokens is None:
                raise EngineDied("the model stopped in the middle of its reply")
            return tokens

    def _load(self) -> Batch:
        from voice.engines.transformers_batch import Batch

        return Batch(self._folder, self._at_once)
