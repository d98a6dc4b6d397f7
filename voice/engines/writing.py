"""The writing of one job's reply: a task beside whoever reads it, ended with them, counted at its end.

RunPod's SDK leaves the generator of a stopped job half read, and it may lie about for long; so the
writing also ends with the task that began to read, the job's own. An engine that dies in the middle is
waited for and asked once more, to go on behind the words that were written: its other jobs lose nothing.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from voice.clock import now
from voice.engines.base import Engine
from voice.engines.tally import Tally
from voice.errors import BadJob, EngineDied, RouteSlow
from voice.job import Job
from voice.types import Finish, Hear, Usage

BACK_S = 5.0  # how long an engine that died is waited for; the embedded one is back within a second
LOOK_S = 0.02  # between two looks whether it is back

log = logging.getLogger(__name__)


class Writing:
    """Begins at once. `hear` gets the words; the task that makes this must be the one that reads them."""

    def __init__(self, engine: Engine, asked: Job, hear: Hear, tally: Tally, job_id: object = None) -> None:
        self.is_late = False  # it was stopped at the job's own limit
        self._engine, self._asked, self._hear = engine, asked, hear
        self._tally, self._job_id = tally, job_id
        self._words = ""
        self._is_stopped = False
        self._task = asyncio.create_task(self._write())
        self._task.add_done_callback(self._count)
        self._reader = asyncio.current_task()
        if self._reader:
            self._reader.add_done_callback(self._reader_is_gone)
        self._limit = None
        if asked.reply_s is not None:
            self._limit = asyncio.get_running_loop().call_later(asked.reply_s, self._be_late)

    @property
    def task(self) -> asyncio.Task[Finish]:
        """To wait for. Its result is for `end`."""
        return self._task

    async def end(self) -> Finish:
        """How the writing ended. Raises what the engine raised; RouteSlow when not a word came in time."""
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            return self._task.result()
        if not self.is_late:  # not by us: the job must still be answered
            raise EngineDied("the engine stopped while it wrote")
        if not self._words:
            raise RouteSlow("Not a word was written within reply_ms.")
        return Finish("length", Usage(0, self._tally.tokens_in(self._words)))

    async def stop(self) -> None:
        """Stops the writing, and waits until it has stopped."""
        if self._reader:
            self._reader.remove_done_callback(self._reader_is_gone)
        self._cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.exception()  # seen, or asyncio would report it as forgotten

    async def _write(self) -> Finish:
        try:
            return await self._ask()
        except EngineDied:
            if not await self._is_back():
                raise
        log.warning("job.again", extra={"job_id": self._job_id})
        return await self._ask()

    async def _ask(self) -> Finish:
        """Raises what the engine raises. The second time it goes on behind the words of the first."""
        prompt = self._asked.prompt
        if self._words:
            prompt = replace(prompt, so_far=prompt.so_far + self._words)
        return await self._engine.write(prompt, self._heard, self._asked.model)

    async def _is_back(self) -> bool:
        until = now() + BACK_S
        while not self._engine.ready() and now() < until:  # noqa: ASYNC110 – an engine tells nobody
            await asyncio.sleep(LOOK_S)
        return self._engine.ready()

    def _heard(self, text: str) -> None:
        self._words += text
        self._hear(text)

    def _reader_is_gone(self, _: asyncio.Task[object]) -> None:
        self._cancel()

    def _cancel(self) -> None:
        self._is_stopped = not self._task.done()
        self._task.cancel()

    def _be_late(self) -> None:
        self.is_late = not self._task.done()
        self._task.cancel()

    def _count(self, task: asyncio.Task[Finish]) -> None:
        if self._limit:
            self._limit.cancel()
        tally = self._tally
        if task.cancelled() and (self._is_stopped or self.is_late):
            saved = tally.saved(self._asked.prompt.max_tokens, self._words, is_late=self.is_late)
            event = "job.late" if self.is_late else "job.stopped"
            log.info(event, extra={"job_id": self._job_id, "tokens_saved": saved})
        elif task.cancelled() or task.exception():
            tally.broke(is_refused=not task.cancelled() and isinstance(task.exception(), BadJob))
        else:
            tally.wrote(task.result())
            if "tools" in task.result().ignored and tally.without_tools == 1:  # once: it is so with every job
                log.warning("engine.shows_no_tools", extra={"model": self._asked.model or self._engine.model})
