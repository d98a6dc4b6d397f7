"""RunPod's queue as its clients and workers see it: jobs wait, are taken, stream, end, expire.

Source of the rules: RunPod's job API, and its SDK's worker loop. Times are on the loop's clock.
"""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from voice.clock import now
from voice.types import Json

FINAL: Final = frozenset(("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"))
EXECUTION_S: Final = (600.0, 5.0)  # default and least
TTL_S: Final = (86_400.0, 10.0)
KEPT_S: Final = {"run": 1800.0, "runsync": 60.0}  # a result after its end
STREAM_ITEMS: Final = 32  # in one reply: a job may be COMPLETED while more are waiting
WORKER_SEEN_S: Final = 95.0  # a worker that has not asked for that long is gone; its polls take up to 90 s


class Bell:
    """Wakes whoever waits for something to have changed."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()
        self._rung = asyncio.Event()

    async def until(self, ready: Callable[[], bool], limit_s: float) -> bool:
        """Waits until `ready()`, looked at whenever the bell rings; false when `limit_s` have passed."""
        limit_at = now() + limit_s
        while not ready():
            try:
                async with asyncio.timeout_at(limit_at):
                    await self._rung.wait()
            except TimeoutError:
                return ready()
        return True


@dataclass(eq=False)
class PlatformJob:
    """One job as RunPod keeps it."""

    id: str
    input: Json
    execution_s: float
    submitted_at: float
    kept_s: float
    status: str = "IN_QUEUE"
    worker: str | None = None
    taken_at: float | None = None
    done_at: float | None = None
    result: Mapping[str, Json] = field(default_factory=dict)  # `output` and `error`, as far as they are there
    unread: deque[Json] = field(default_factory=deque)
    bell: Bell = field(default_factory=Bell)
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def told(self) -> dict[str, Json]:
        """The job object of /status and /runsync."""
        told: dict[str, Json] = {"id": self.id, "status": self.status, **self.result}
        if self.taken_at is not None:
            told["delayTime"] = round((self.taken_at - self.submitted_at) * 1000)
            told["workerId"] = self.worker
            if self.done_at is not None:
                told["executionTime"] = round((self.done_at - self.taken_at) * 1000)
        return told

    def drained(self) -> list[Json]:
        """The next stream items; each is given once."""
        return [{"output": self.unread.popleft()} for _ in range(min(STREAM_ITEMS, len(self.unread)))]


class JobQueue:
    """All jobs of one endpoint. Nothing is bounded: it lives as long as a test or a simulation."""

    def __init__(self) -> None:
        self.jobs: dict[str, PlatformJob] = {}
        self.arrived = Bell()  # a job waits
        self.stirred = Bell()  # a job is to be stopped
        self.retired = 0  # completed jobs no longer kept
        self.closing = False
        self._waiting: deque[PlatformJob] = deque()
        self._stops: dict[str, list[str]] = {}  # by worker
        self._seen_at: dict[str, float] = {}  # workers

    def submit(self, asked: Json, policy: Mapping[str, Json], operation: str) -> PlatformJob:
        """Takes a job into the queue. `policy`: executionTimeout and ttl in milliseconds."""
        job = PlatformJob(
            id=("sync-" if operation == "runsync" else "") + f"{uuid.uuid4()}-u1",
            input=asked,
            execution_s=_limit_s(policy.get("executionTimeout"), *EXECUTION_S),
            submitted_at=now(),
            kept_s=KEPT_S[operation],
        )
        self._later(job, _limit_s(policy.get("ttl"), *TTL_S), partial(self._forget, job))
        self.jobs[job.id] = job
        self._waiting.append(job)
        self.arrived.ring()
        return job

    def has_work(self) -> bool:
        return bool(self._waiting)

    def take(self, worker: str, most: int) -> list[PlatformJob]:
        """Gives up to `most` waiting jobs to a worker."""
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        for job in taken:
            job.status, job.worker, job.taken_at = "IN_PROGRESS", worker, now()
            self._later(job, job.execution_s, partial(self._overruns, job))
            job.bell.ring()
        return taken

    def stream(self, job: PlatformJob, item: Json) -> None:
        """A worker's chunk."""
        if not job.is_final:
            job.unread.append(item)
            job.bell.ring()

    def end(self, job: PlatformJob, status: str, result: Mapping[str, Json]) -> None:
        """Ends a job; one that has ended stays as it is."""
        if job.is_final:
            return
        job.status, job.result, job.done_at = status, result, now()
        for timer in job.timers[1:]:  # its ttl runs on
            timer.cancel()
        self._later(job, job.kept_s, partial(self._forget, job))
        job.bell.ring()

    def cancel(self, job: PlatformJob) -> None:
        """Takes a job out of the queue, or stops it at its worker."""
        self._stop(job)
        self.end(job, "CANCELLED", {})

    def stops_for(self, worker: str) -> list[str]:
        """The ids of the jobs that a worker is to stop; each is told once."""
        return self._stops.pop(worker, [])

    def has_stops(self, worker: str) -> bool:
        return worker in self._stops

    def saw(self, worker: str) -> None:
        """A worker has asked for work."""
        self._seen_at[worker] = now()

    def health(self) -> dict[str, Json]:
        """The answer of /health."""
        statuses = [job.status for job in self.jobs.values()]
        here = {worker for worker, at in self._seen_at.items() if at > now() - WORKER_SEEN_S}
        busy = here & {job.worker for job in self.jobs.values() if job.status == "IN_PROGRESS"}
        return {
            "jobs": {
                "completed": statuses.count("COMPLETED") + self.retired,
                "failed": statuses.count("FAILED"),
                "inProgress": statuses.count("IN_PROGRESS"),
                "inQueue": statuses.count("IN_QUEUE"),
                "retried": 0,
            },
            "workers": {
                "idle": len(here - busy),
                "initializing": 0,
                "ready": len(here - busy),
                "running": len(busy),
                "throttled": 0,
                "unhealthy": 0,
            },
        }

    def close(self) -> None:
        """Ends every long poll and timer."""
        self.closing = True
        self.arrived.ring()
        self.stirred.ring()
        for job in self.jobs.values():
            job.bell.ring()
            for timer in job.timers:
                timer.cancel()

    def _overruns(self, job: PlatformJob) -> None:
        self._stop(job)
        self.end(job, "FAILED", {"error": "executionTimeout exceeded"})

    def _stop(self, job: PlatformJob) -> None:
        if job.status == "IN_QUEUE":
            self._waiting.remove(job)
        elif not job.is_final and job.worker is not None:
            self._stops.setdefault(job.worker, []).append(job.id)
            self.stirred.ring()

    def _forget(self, job: PlatformJob) -> None:
        self._stop(job)
        self.jobs.pop(job.id, None)
        self.retired += job.status == "COMPLETED"
        for timer in job.timers:
            timer.cancel()
        job.bell.ring()

    def _later(self, job: PlatformJob, delay_s: float, then: Callable[[], None]) -> None:
        job.timers.append(asyncio.get_running_loop().call_later(delay_s, then))


def _limit_s(given_ms: Json, default_s: float, least_s: float) -> float:
    if isinstance(given_ms, bool) or not isinstance(given_ms, int | float):
        return default_s
    return max(least_s, given_ms / 1000)
