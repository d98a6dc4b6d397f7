"""The engine that asks a model server on loopback: vLLM, or any other that speaks OpenAI's protocol.

vLLM cannot share an environment with RunPod's SDK, so it runs in one of its own, as a process beside
us: `command` starts it, and starts it again when it dies. Without a command somebody else runs it.
A closed connection is what stops a reply there, and so a cancelled task closes its own.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from voice.engines.found import Found, Loads
from voice.engines.openai_ask import without_older_half
from voice.engines.openai_line import ServerLine, TooLong
from voice.engines.server_process import ServerProcess
from voice.errors import BadJob, EngineDied
from voice.types import Finish, Hear, Message, Prompt

LOAD_S = 1200.0  # what a big model takes to load from a cold disk and to be compiled
LOOK_S = 0.2  # between two looks whether the server answers
PAUSE_S = (0.2, 30.0)  # before the first restart; doubled at each further one, up to the second
HELLO = Prompt((Message("user", "Hello."),), max_tokens=2, temperature=0.0)

log = logging.getLogger(__name__)


class ModelServer:
    """The server at `url`, its /v1 base. `model` None: the first that it serves.

    `adapters` are LoRA folders by name. Those that the server does not serve yet are loaded into it; what
    is `found` later, when a job names it.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        key: str | None = None,
        adapters: Mapping[str, str] | None = None,
        found: Found | None = None,
        command: Sequence[str] = (),
        load_s: float = LOAD_S,
    ) -> None:
        self.model = model or ""
        self._line = ServerLine(url, key, self._lose)
        self._adapters, self._found = dict(adapters or {}), found or Found()
        self._loads = Loads()
        self._process = ServerProcess(command) if command else None
        self._load_s = load_s
        self._context: int | None = None  # in tokens; None: the server does not tell
        self._lost = asyncio.Event()  # the line has broken
        self._answers = False
        self._tending: asyncio.Task[None] | None = None  # None: it was not started

    @property
    def models(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((self.model, *self._adapters, *self._found.names)))

    def ready(self) -> bool:
        return self._answers

    async def start(self) -> None:
        """Start the server where that is ours to do, wait until it answers, load adapters, warm it."""
        if self._tending is not None:
            return
        self._line.open()
        try:
            await self._bring_up()
        except BaseException:
            await self.stop()
            raise
        self._tending = asyncio.create_task(self._tend(), name="model server")

    async def stop(self) -> None:
        """Let go of the server, and end it where it was ours to start."""
        tending, self._tending = self._tending, None
        if tending is not None:
            tending.cancel()
            await asyncio.wait([tending])
        self._answers = False
        await self._loads.end()
        await self._line.close()
        if self._process is not None:
            await self._process.end()

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        """Write one reply; see Engine. From a prompt that is too long, older turns go until it fits."""
        if not self._answers:
            raise EngineDied("the model server is not there")
        if model is not None and (folder := self._found.of(model)) is not None:
            await self._loads.of(model, lambda: self._line.load_adapter(model, str(folder)))
        dropped = 0
        while True:
            try:
                finish = await self._line.write(prompt, hear, model or self.model, self._context)
                return replace(finish, dropped_turns=finish.dropped_turns + dropped)
            except TooLong:
                prompt, gone = without_older_half(prompt)
                if not gone:
                    raise BadJob("the last message is longer than the model's context.") from None
                dropped += gone

    # The server's life

    def _lose(self) -> None:
        self._answers = False
        self._lost.set()

    async def _bring_up(self) -> None:
        if self._process is not None:
            await self._process.start()
        try:
            async with asyncio.timeout(self._load_s):
                served = await self._served()
        except TimeoutError:
            said = f"no model server answered at {self._line.url} within {self._load_s:.0f} s"
            raise EngineDied(said) from None
        self.model = self.model or next(iter(served), "")
        if self.model not in served:
            there = ", ".join(served) or "no model"
            raise EngineDied(f"the model server at {self._line.url} has {there}, not {self.model!r}")
        self._context = served[self.model]
        self._loads.there = {*served}
        for name in self._adapters.keys() - served.keys():
            await self._loads.of(name, partial(self._line.load_adapter, name, self._adapters[name]))
        for name in (self.model, *self._adapters):
            await self._line.write(HELLO, lambda _: None, name, self._context)
        self._lost.clear()
        self._answers = True

    async def _served(self) -> Mapping[str, int | None]:
        while (served := await self._line.served()) is None:
            if self._process is not None and self._process.has_ended:
                raise EngineDied(f"the model server ended: {self._process.last_words}")
            await asyncio.sleep(LOOK_S)
        return served

    async def _tend(self) -> None:
        """When the server is gone, bring it up again."""
        while True:
            await self._is_lost()
            self._answers = False
            log.error("engine.died", extra={"model": self.model})
            await self._bring_back()
            log.warning("engine.restarted", extra={"model": self.model})

    async def _is_lost(self) -> None:
        waits: list[asyncio.Task[object]] = [asyncio.create_task(self._lost.wait())]
        if self._process is not None:
            waits.append(asyncio.create_task(self._process.ended()))
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()

    async def _bring_back(self) -> None:
        pause_s = PAUSE_S[0]
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(PAUSE_S[1], pause_s * 2)
            try:
                await self._bring_up()
            except (EngineDied, BadJob, TooLong, OSError) as exc:
                error = {"error": str(exc), "retry_s": pause_s}
                log.error("engine.not_restarted", extra={"model": self.model, **error})
            else:
                return
