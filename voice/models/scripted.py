"""ScriptedClient: a model that plays a script, for tests, the bench and the lab.

An ordinary ModelClient: it waits on the loop's clock, so played time plays it, too.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
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
    `first_s` until the first word, `every_s` between words. After `after_words` words `fails` is
    raised, or the client `hangs` for ever. `tool_calls` are asked for in the first reply only.
    `asked` and `cancelled` (by its listener, or at its deadline) tell what became of it.
    """

    def __init__(
        self,
        name: str = "scripted",
        reply: Script = DEFAULT_REPLY,
        *,
        first_s: float = 0.0,
        every_s: float = 0.0,
        fails: ModelError | None = None,
        after_words: int = 0,
        hangs: bool = False,
        tool_calls: tuple[ToolCall, ...] = (),
        finish: Finish | None = None,
    ) -> None:
        self._name, self._reply = name, reply
        self._first_s, self._every_s = first_s, every_s
        self._fails, self._after_words, self._hangs = fails, after_words, hangs
        self._tool_calls, self._finish = tool_calls, finish or Finish()
        self.asked: deque[Prompt] = deque(maxlen=REMEMBERED)
        self.cancelled = 0

    @property
    def name(self) -> str:
        return self._name

    async def open(self) -> None:
        """Nothing to open."""

    async def close(self) -> None:
        """Nothing to close."""

    async def health(self) -> Health:
        return Health("warm")

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
        await asyncio.sleep(self._first_s)
        if self._tool_calls and len(self.asked) == 1:
            return Finish("tool_calls", tool_calls=self._tool_calls)
        words = self._text(prompt).split(" ")
        stops = self._hangs or self._fails is not None
        said = list(islice(words, self._after_words)) if stops else words
        for position, word in enumerate(said):
            if position and self._every_s:
                await asyncio.sleep(self._every_s)
            hear(word if position == 0 else f" {word}")
        if self._hangs:
            await asyncio.Event().wait()
        if self._fails is not None:
            raise self._fails
        usage = Usage(sum(len(message.text.split()) for message in prompt.messages), len(words))
        return Finish(self._finish.reason, usage, self._finish.tool_calls)

    def _text(self, prompt: Prompt) -> str:
        if isinstance(self._reply, str):
            return self._reply
        if callable(self._reply):
            return self._reply(prompt)
        return self._reply[min(len(self.asked), len(self._reply)) - 1]
