"""Any server that speaks OpenAI's chat completions as a route: vLLM, llama.cpp, Ollama, OpenAI itself.

Such a host has no queue that tells anything. What a call that rings can have ready is a connection.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

import httpx

from voice.clock import Deadline, now
from voice.errors import ModelError, RouteRefused
from voice.models.base import Health
from voice.models.chat import Chat
from voice.models.http import Host
from voice.types import Finish, Hear, Prompt

HEALTH_S = 5.0  # asked between calls, not within a turn
WAKE_EVERY_S = 30.0  # a kept connection lives longer: http.KEEP_S, and 60 s and more at most hosts
WAKE_S = 5.0

log = logging.getLogger(__name__)


class OpenAIClient:
    """One model at one host. `base_url` is its `/v1`; `http` is shared and closed by whoever opened it."""

    def __init__(
        self, name: str, base_url: str, model: str, key: str | None, http: httpx.AsyncClient
    ) -> None:
        self.name = name
        self._model = model
        self._chat = Chat(Host(name), base_url, model, key, http)
        self._waking: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Nothing to do: the first request connects."""

    async def close(self) -> None:
        """Replies in flight end with a ModelError."""
        self._chat.end()
        for task in self._waking:
            task.cancel()
        if self._waking:
            await asyncio.wait(self._waking)

    def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Coroutine[Any, Any, Finish]:
        """Have one reply written; see ModelClient."""
        return self._chat.write(prompt, deadline, hear)

    async def health(self) -> Health:
        """Whether the host lists its models."""
        try:
            async with asyncio.timeout(HEALTH_S):
                await self._chat.list_models()
        except TimeoutError:
            return Health("unknown", f"no answer in {HEALTH_S:.0f} s")
        except RouteRefused as exc:
            return Health("refused", str(exc))
        except ModelError as exc:
            return Health("unknown", str(exc))
        return Health("warm", self._model)

    def told(self) -> Health | None:
        """Nothing: replies tell nothing of the host."""
        return None

    async def wake(self) -> bool:
        """Opens a connection, unless one was used lately; see ModelClient."""
        if now() - self._chat.used_at < WAKE_EVERY_S:
            return False
        self._chat.used_at = now()
        task = asyncio.create_task(self._connect(), name=f"wake {self.name}")
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)
        return True

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(WAKE_S):
                await self._chat.list_models()
        except (ModelError, TimeoutError) as exc:
            # A host that lists no models is connected all the same.
            log.debug("llm.not_woken", extra={"route": self.name, "error": type(exc).__name__})
