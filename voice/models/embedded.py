"""Asks the engine on this machine: the route that needs no network, no account and no other host."""

from __future__ import annotations

import asyncio

from voice.clock import Deadline
from voice.engines.base import Engine
from voice.errors import BadJob, EmptyReply, EngineDied, ModelError, ReplyBroken, RouteRefused
from voice.models.base import Health
from voice.models.text import Spoken, bounded
from voice.types import Finish, Hear, Prompt


class EmbeddedClient:
    """An engine as a route. The engine belongs to it: opened and closed with it."""

    def __init__(self, name: str, engine: Engine) -> None:
        self.name = name
        self._engine = engine

    async def open(self) -> None:
        """Load and warm the model. Raises EngineDied when it cannot be loaded."""
        await self._engine.start()

    async def close(self) -> None:
        """Let go of the model; replies in flight end with EngineDied."""
        await self._engine.stop()

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        """Have one reply written; see ModelClient."""
        said, spoken, give = False, Spoken(), bounded(hear, prompt, self.name)

        def heard(text: str) -> None:
            nonlocal said
            if text:
                said = said or bool(text.strip())
                give(text)

        try:
            async with asyncio.timeout_at(deadline.reply_at):
                finish = await self._engine.write(prompt, lambda text: heard(spoken.feed(text)))
            heard(spoken.end())
        except (BadJob, EngineDied, TimeoutError) as exc:
            raise self._failure(exc, said) from exc
        if not said and not finish.tool_calls:
            raise EmptyReply(f"route {self.name!r} answered without a word")
        return finish

    async def health(self) -> Health:
        """Whether the engine would take a job now. One that died is started again by itself."""
        if self._engine.ready():
            return Health("warm", self._engine.model)
        return Health("broken", "the process that runs the model is not there")

    def told(self) -> Health | None:
        """Nothing: there is no queue here."""
        return None

    async def wake(self) -> bool:
        """Nothing to wake: `open` has warmed it."""
        return False

    def _failure(self, exc: BaseException, said: bool) -> ModelError:
        what = "was not done in time" if isinstance(exc, TimeoutError) else str(exc)
        if said:
            return ReplyBroken(f"route {self.name!r}: {what}")
        if isinstance(exc, BadJob):
            return RouteRefused(f"route {self.name!r} cannot use the prompt: {what}")
        return EngineDied(f"route {self.name!r}: {what}")
