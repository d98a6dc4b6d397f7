"""ScriptedClient: a model that plays a script, for tests, the bench and the lab.

An ordinary ModelClient: it waits on the loop's clock, so played time plays it, too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import islice

from voice.clock import Deadline
from voice.errors import EmptyReply, ModelError, ReplyBroken, RouteDown
from voice.models.base import Health
from voice.types import Finish, Hear, Prompt, ToolCall, Usage

Script = str | Sequence[str] | Callable[[Prompt], str]

REMEMBERED = 1000  # prompts; a bench asks for hours
DEFAULT_REPLY = "I can help with that. Which unit are you in?"


class ScriptedClient:
    """Writes its script word by word.

    `reply`: one text, texts used in turn (the last one from then on), or a function of the prompt.
    `first_s` until the first word (or a function that says it anew for each reply), `every_s` between
    words. After `after_words` words `fails` is raised, or the client `hangs` for ever. `tool_calls` are
    asked for in the first reply only.
    A reply to be gone on with (`Prompt.so_far`) is `goes_on`; without that the rest of `reply` where it
    begins so, else all of it. `told` is what `told()` says. `asked`, `woken` and `cancelled` (by its
    listener, or at its deadline) tell what became of it.
    """

    def __init__(
        self,
        name: str = "scripted",
        reply: Script = DEFAULT_REPLY,
        *,
        first_s: float | Callable[[], float] = 0.0,
        every_s: float = 0.0,
        fails: ModelError | None = None,
        after_words: int = 0,
        hangs: bool = False,
        tool_calls: tuple[ToolCall, ...] = (),
        finish: Finish | None = None,
        goes_on: Script | None = None,
        told: Health | None = None,
    ) -> None:
        self._name, self._reply = name, reply
        self._first_s, self._every_s = first_s, every_s
        self._fails, self._after_words, self._hangs = fails, after_words, hangs
        self._tool_calls, self._finish = tool_calls, finish or Finish()
        self.asked: deque[Prompt] = deque(maxlen=REMEMBERED)
        self.cancelled = 0
        self.woken = 0
        self._goes_on, self._told = goes_on, told

    @property
    def name(self) -> str:
        return self._name

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def health(self) -> Health:
        return Health("warm")

    def told(self) -> Health | None:
        return self._told

    async def wake(self) -> bool:
        self.woken += 1
        return True

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        self.asked.append(prompt)
        said = False

        def heard(text: str) -> None:
            nonlocal said
            said = said or bool(text.strip())
            hear(text)

        try:
            async with asyncio.timeout_at(deadline.reply_at):
                finish = await self._stoppable(prompt, heard)
        except TimeoutError as exc:
            late = ReplyBroken if said else RouteDown
            raise late(f"route {self._name!r} was not done in time") from exc
        if not said and not finish.tool_calls:
            raise EmptyReply(f"route {self._name!r} answered without a word")
        return finish

    async def _stoppable(self, prompt: Prompt, hear: Hear) -> Finish:
        try:
            return await self._play(prompt, hear)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise

    async def _play(self, prompt: Prompt, hear: Hear) -> Finish:
        await asyncio.sleep(self._first_s() if callable(self._first_s) else self._first_s)
        if self._tool_calls and len(self.asked) == 1:
            return Finish("tool_calls", tool_calls=self._tool_calls)
        words = _words(self._text(prompt))
        stops = self._hangs or self._fails is not None
        for position, word in enumerate(islice(words, self._after_words) if stops else words):
            if position and self._every_s:
                await asyncio.sleep(self._every_s)
            hear(word)
        if self._hangs:
            await asyncio.Event().wait()
        if self._fails is not None:
            raise self._fails
        usage = Usage(sum(len(message.text.split()) for message in prompt.messages), len(words))
        return replace(self._finish, usage=usage)

    def _text(self, prompt: Prompt) -> str:
        if not prompt.so_far:
            return self._scripted(self._reply, prompt)
        if self._goes_on is not None:
            return self._scripted(self._goes_on, prompt)
        return self._scripted(self._reply, prompt).removeprefix(prompt.so_far)

    def _scripted(self, script: Script, prompt: Prompt) -> str:
        if isinstance(script, str):
            return script
        if callable(script):
            return script(prompt)
        return script[min(len(self.asked), len(script)) - 1]


def _words(text: str) -> list[str]:
    """The words, each with the space before it."""
    first, *others = text.split(" ")
    return [word for word in (first, *(f" {other}" for other in others)) if word]
