"""What is done at RunPod while no turn waits for it: jobs are cancelled, looked at, given to wake a worker.

RunPod takes 100 cancels in ten seconds and 20 at once (runpod_rates.py). Those beyond the 20 wait for
their turn. Those beyond the 100 wait until it takes more, the job first that would live longest, as long
as its own ttl has not ended it.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Final

from voice.clock import now
from voice.errors import ModelError, RouteBusy
from voice.job import job_input
from voice.models.http import translated
from voice.models.runpod_api import FINAL, Answer, Endpoint, id_of, status_of
from voice.models.runpod_workers import QUEUED_S, Workers
from voice.types import Json, Message, Prompt

CANCEL_S = 2.0  # the wait for a turn included: five rounds of 20
NAME_S = 3.0  # until RunPod names a job: /runsync does so after the 2 s that it is given to wait
LOOK_S = 1.0
WAKE_S = 5.0
WAKE_EVERY_S = 10.0  # as long as a wake-up job lives: a second one would wait behind it
# RunPod's least: what wakes a worker must not be found in the queue by a worker that comes late.
WAKE_POLICY: Final[dict[str, Json]] = {"executionTimeout": 5_000, "ttl": 10_000}

log = logging.getLogger(__name__)


class Errands:
    """The errands of one endpoint. `end` waits for the cancelling and drops the rest."""

    def __init__(self, endpoint: Endpoint, workers: Workers, model: str | None) -> None:
        self._endpoint, self._workers, self._model = endpoint, workers, model
        self._cancelling: set[asyncio.Task[None]] = set()
        self._others: set[asyncio.Task[None]] = set()
        self._uncancelled: dict[str, float] = {}  # jobs beyond the limit: when each is over by itself
        self._catching_up: asyncio.Task[None] | None = None
        self._woken_at = -math.inf

    def cancel(self, job_id: str, over_at: float) -> None:
        """Have a job stopped that is over by itself at `over_at`."""
        if self._endpoint.rates.take("cancel"):
            self._start(self._cancelling, "cancel", CANCEL_S, partial(self._cancel, job_id, over_at))
            return
        self._put_back(job_id, over_at)

    def cancel_unknown(self, sending: asyncio.Task[Answer], over_at: float) -> None:
        """The turn ended while its job was being given: learn its id, then have it stopped."""
        self._start(self._cancelling, "cancel", NAME_S, partial(self._cancel_when_named, sending, over_at))

    def look(self, job_id: str) -> None:
        """Learn whether a job has been taken."""
        self.do("look", LOOK_S, partial(self._look, job_id))

    def do(self, name: str, limit_s: float, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Have something done that nobody waits for; it is dropped at the end."""
        self._start(self._others, name, limit_s, work)

    def wake(self, work: Callable[[], Coroutine[None, None, None]] | None = None) -> bool:
        """Give a job of one token, or do `work`, so that RunPod starts a worker.

        False: one is awake, or was woken.
        """
        if self._workers.are_awake or now() - self._woken_at < WAKE_EVERY_S:
            return False
        self._woken_at, self._workers.told = now(), None  # what was told before is no news of this start
        self.do("wake", WAKE_S, work or self._wake)
        return True

    async def end(self) -> None:
        """Returns when nothing runs any longer. Jobs beyond the limit are left to their own ends."""
        while tasks := self._cancelling | self._others:
            for task in self._others:  # also what a cancel that RunPod refused has begun meanwhile
                task.cancel()
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)

    def _put_back(self, job_id: str, over_at: float) -> None:
        self._uncancelled[job_id] = over_at
        if self._catching_up is None:
            log.info("runpod.cancels_wait", extra={"route": self._endpoint.host.route})
            self._catching_up = asyncio.create_task(self._catch_up(), name="runpod cancels")
            self._others.add(self._catching_up)
            self._catching_up.add_done_callback(self._others.discard)

    async def _cancel(self, job_id: str, over_at: float) -> None:
        try:
            await self._endpoint.send("POST", f"cancel/{job_id}")
        except RouteBusy:  # somebody else cancels with the same key
            self._put_back(job_id, over_at)

    async def _cancel_when_named(self, sending: asyncio.Task[Answer], over_at: float) -> None:
        answer = await sending
        if status_of(answer) not in FINAL and (job_id := id_of(answer)) is not None:
            self.cancel(job_id, over_at)

    async def _catch_up(self) -> None:
        """Cancel what was beyond the limit, as soon as RunPod takes it and as far as it still runs."""
        rates, waiting = self._endpoint.rates, self._uncancelled
        try:
            while waiting:
                await asyncio.sleep(rates.wait_s("cancel"))
                for job_id in [one for one, over_at in waiting.items() if over_at <= now()]:
                    del waiting[job_id]
                for job_id in sorted(waiting, key=waiting.__getitem__, reverse=True):
                    if not rates.take("cancel"):
                        break
                    over_at = waiting.pop(job_id)
                    self._start(self._cancelling, "cancel", CANCEL_S, partial(self._cancel, job_id, over_at))
        finally:
            self._catching_up = None

    async def _look(self, job_id: str) -> None:
        self._workers.saw_job(job_id, status_of(await self._endpoint.poll(f"status/{job_id}")))

    async def _wake(self) -> None:
        hello = Prompt((Message("user", "Hello."),), max_tokens=1, temperature=0.0)
        given_at = now()
        body: dict[str, Json] = {"input": job_input(hello, model=self._model), "policy": WAKE_POLICY}
        answer = await self._endpoint.give("run", body, {})
        if (job_id := id_of(answer)) is None:
            return
        self._workers.given(job_id, given_at)
        try:
            # One look, for the turn that follows: it had better know whether a worker is there.
            await asyncio.sleep(given_at + QUEUED_S - now())
            await self._look(job_id)
        finally:
            self._workers.forget(job_id)

    def _start(
        self,
        tasks: set[asyncio.Task[None]],
        name: str,
        limit_s: float,
        work: Callable[[], Coroutine[None, None, None]],
    ) -> None:
        task = asyncio.create_task(self._within(name, limit_s, work), name=f"runpod {name}")
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    async def _within(
        self, name: str, limit_s: float, work: Callable[[], Coroutine[None, None, None]]
    ) -> None:
        try:
            async with asyncio.timeout(limit_s):
                with translated(self._endpoint.host):
                    await work()
        except (ModelError, TimeoutError) as exc:
            fields = {"route": self._endpoint.host.route, "errand": name, "error": type(exc).__name__}
            log.info("runpod.errand_failed", extra=fields)
