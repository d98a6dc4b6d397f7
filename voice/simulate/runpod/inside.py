"""A worker inside the stand-in's own process, doing its jobs as RunPod's SDK would."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Final

from voice.simulate.runpod.jobs import PlatformJob
from voice.simulate.runpod.platform import TAKE_S, done
from voice.simulate.runpod.queue import JobQueue
from voice.types import Json

Worker = Callable[[Mapping[str, object]], AsyncGenerator[Json, None]]

INSIDE: Final = "inside"  # its id


class InsideWorker:
    """Does up to `at_once` jobs together. A queue that has no worker ready gives it none."""

    def __init__(self, worker: Worker, queue: JobQueue, at_once: int) -> None:
        self._worker, self._queue, self._at_once = worker, queue, at_once
        self._working: dict[str, asyncio.Task[None]] = {}  # by job

    @asynccontextmanager
    async def employed(self) -> AsyncIterator[None]:
        """It works while this context is open."""
        async with asyncio.TaskGroup() as group:
            loops = [group.create_task(self._keep_taking(group)), group.create_task(self._keep_stopping())]
            yield
            for task in [*loops, *self._working.values()]:
                task.cancel()

    async def _keep_taking(self, group: asyncio.TaskGroup) -> None:
        queue = self._queue
        while True:
            if queue.capacity.state == "ready":
                queue.staff.saw(INSIDE)
            if not await queue.arrived.until(self._can_take, TAKE_S):
                continue
            for job in queue.take(INSIDE, 1):
                queue.staff.saw(INSIDE)
                task = group.create_task(self._do(job))
                self._working[job.id] = task
                task.add_done_callback(partial(self._has_done, job.id))

    def _can_take(self) -> bool:
        return self._queue.has_work() and len(self._working) < self._at_once

    async def _keep_stopping(self) -> None:
        staff = self._queue.staff
        while True:
            await staff.stirred.until(lambda: staff.has_stops(INSIDE), TAKE_S)
            for job_id in staff.stops_for(INSIDE):
                if job_id in self._working:
                    self._working[job_id].cancel()

    def _has_done(self, job_id: str, _: asyncio.Task[None]) -> None:
        self._working.pop(job_id, None)
        self._queue.arrived.ring()  # there is room for the next one

    async def _do(self, job: PlatformJob) -> None:
        """As the SDK does it: an error ends the job and is turned into text."""
        given: list[Json] = []
        async for item in self._worker({"id": job.id, "input": job.input}):
            if isinstance(item, dict) and item.get("error"):
                done(self._queue, job, {"error": str(item["error"])})
                return
            given.append(item)
            self._queue.stream(job, item)
        done(self._queue, job, {"output": given})
