"""RunPod's SDK begins a job when it looks for one, ten times a second. Here it begins when it comes.

The SDK's one loop takes jobs and puts them into a queue; its other one looks into that every 100 ms. So a
caller waits 50 ms for nothing, and a job that is cancelled meanwhile is done all the same. A job counts
twice until it is begun, and a worker whose count is full takes none for a whole second, whatever ends in
that time. `prompt` makes the SDK's class wait for what it sleeps for: for a job, for a place. All else stays
the SDK's own: how jobs are taken, done, stopped and counted.

Three ways to lose a job go with it. A worker whose engine is away takes none, so that another one does them.
One that was told to end does what its last question still brings it. And a job that is stopped before its
first step gives its place back.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any

from voice.types import Json

KNOWN = frozenset({"fd5640414aa5"})  # 1.10.1, 1.11.0 and 1.12.0 have the same
# What of the SDK's class must be as we know it.
READ = ("run", "set_scale", "current_occupancy", "get_jobs", "run_jobs")
LOOK_S = 0.1  # between two looks whether the worker was told to end, or its engine is back

log = logging.getLogger(__name__)


class _ToldToEnd(Exception):
    """No more jobs are to be taken."""


def width(scaler: Any, at_once: int) -> int:
    """How many jobs a worker holds that writes `at_once` replies together.

    Some more than those, for the next reply begins when one is written, and its job is taken when the other
    one's end was posted. Not many more: what waits here is taken by no other worker, and starts none.
    """
    if fingerprint(scaler) in KNOWN:
        return at_once + 1 + at_once // 8
    return 2 * at_once + 2  # or each job, counted twice, would have the SDK sleep


def prompt(scaler: Any, engine_is_ready: Callable[[], bool] = lambda: True) -> Any:
    """The SDK's class of those loops, as a class that begins jobs at once.

    An SDK that does this in another way than we know is left as it is.
    """
    if fingerprint(scaler) not in KNOWN:
        log.warning("worker.sdk_is_not_known", extra={"fingerprint": fingerprint(scaler)})
        return scaler

    class PromptScaler(scaler):  # type: ignore[misc]  # the SDK has no types
        def __init__(self, config: Any) -> None:
            super().__init__(config)
            self._counted = asyncio.Event()  # a job has begun or ended: it counts less
            self._asks = True  # RunPod is asked for jobs, or has been and may still give some

        async def get_jobs(self, session: Any) -> None:
            """Take jobs until the worker is told to end."""
            try:
                await super().get_jobs(session)
            except _ToldToEnd:
                pass
            finally:
                self._asks = False

        async def set_scale(self) -> None:
            """What the SDK does before it takes jobs; returns when one could be begun."""
            await super().set_scale()
            while not engine_is_ready() or self.current_occupancy() >= self.current_concurrency:
                if not self.is_alive():
                    raise _ToldToEnd
                self._counted.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S):
                        await self._counted.wait()

        async def run_jobs(self, session: Any) -> None:
            """Begin each job that was taken; at the end wait for those that are being done."""
            doing = set[asyncio.Task[None]]()
            while self._asks or not self.jobs_queue.empty():
                try:
                    async with asyncio.timeout(LOOK_S):
                        job = await self.jobs_queue.get()
                except TimeoutError:
                    continue
                task = asyncio.create_task(self.handle_job(session, job))
                self.jobs_tasks[job["id"]] = task  # by which the SDK stops it
                doing.add(task)
                task.add_done_callback(partial(self._ended, job))
                task.add_done_callback(doing.discard)
                self._counted.set()
            await asyncio.gather(*doing, return_exceptions=True)

        def _ended(self, job: Mapping[str, Json], task: asyncio.Task[None]) -> None:
            # Of one that was stopped before its first step nobody has counted the end.
            if self.jobs_tasks.get(job["id"]) is task:
                del self.jobs_tasks[job["id"]]
                self.job_progress.remove(job)
            self._counted.set()

    return PromptScaler


def fingerprint(scaler: Any) -> str:
    """What of an SDK must be as we know it, in twelve characters."""
    try:
        sources = [inspect.getsource(getattr(scaler, name)) for name in READ]
    except (AttributeError, OSError, TypeError):
        return ""
    return hashlib.sha256("".join(sources).encode()).hexdigest()[:12]
