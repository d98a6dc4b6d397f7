"""RunPod's queue as its clients and workers see it: jobs wait, are taken, stream, end, expire.

Source of the rules: RunPod's job API, and its SDK's worker loop. Times are on the loop's clock.
"""

from __future__ import annotations

import uuid
from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Final

from voice.clock import now
from voice.simulate.runpod.capacity import Capacity
from voice.simulate.runpod.faults import Dice, RunPodFaults
from voice.simulate.runpod.jobs import Bell, PlatformJob
from voice.simulate.runpod.staff import Staff
from voice.simulate.runpod.webhooks import Webhooks
from voice.types import Json

EXECUTION_S: Final = (600.0, 5.0)  # default and least
TTL_S: Final = (86_400.0, 10.0)
NOTHING: Final[Mapping[str, Json]] = {}
OVERRAN: Final[Mapping[str, Json]] = {"error": "executionTimeout exceeded"}
KEPT_S: Final = {"run": 1800.0, "runsync": 60.0}  # a result after its end


class JobQueue:
    """All jobs of one endpoint. Nothing is bounded: it lives as long as a test or a simulation."""

    def __init__(self, faults: RunPodFaults | None = None) -> None:
        self.faults = faults or RunPodFaults()
        self.dice = Dice(self.faults)
        self.jobs: dict[str, PlatformJob] = {}
        self.arrived = Bell()  # a job may be taken
        self.staff = Staff()
        self.capacity = Capacity(self.faults, self.arrived.ring)
        self.webhooks = Webhooks()
        self.retired = 0  # completed jobs no longer kept
        self.closing = False
        self._waiting: deque[PlatformJob] = deque()

    def submit(
        self, asked: Json, policy: Mapping[str, Json], operation: str, webhook: str | None = None
    ) -> PlatformJob:
        """Takes a job into the queue. `policy`: executionTimeout and ttl in milliseconds, lowPriority.

        `webhook` is told of its end.
        """
        job = PlatformJob(
            id=("sync-" if operation == "runsync" else "") + f"{uuid.uuid4()}-{self.faults.region}",
            input=asked,
            execution_s=_limit_s(policy.get("executionTimeout"), *EXECUTION_S),
            submitted_at=now(),
            kept_s=KEPT_S[operation],
            webhook=webhook,
        )
        job.later(_limit_s(policy.get("ttl"), *TTL_S), partial(self._forget, job))
        self.jobs[job.id] = job
        self._queue(job, wants_worker=policy.get("lowPriority") is not True)
        return job

    def has_work(self) -> bool:
        """Whether a worker that asks is given a job."""
        return bool(self._waiting) and self.capacity.state == "ready"

    def take(self, worker: str, most: int) -> list[PlatformJob]:
        """Gives up to `most` waiting jobs to a worker."""
        if not self.has_work():
            return []
        taken = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
        for job in taken:
            job.status, job.worker, job.taken_at = "IN_PROGRESS", worker, now()
            job.later(job.execution_s, partial(self.cancel, job, "FAILED", OVERRAN))
            job.bell.ring()
            self.capacity.begin()
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
        job.silence(but=1)  # its ttl runs on
        job.later(job.kept_s, partial(self._forget, job))
        job.bell.ring()
        if job.taken_at is not None:
            self.capacity.end()
        self.webhooks.tell(job)

    def cancel(
        self, job: PlatformJob, status: str = "CANCELLED", result: Mapping[str, Json] = NOTHING
    ) -> None:
        """Takes a job out of the queue, or stops it at its worker, and ends it."""
        self._take_back(job)
        self.end(job, status, result)

    def retry(self, job: PlatformJob) -> None:
        """Puts a job that failed into the queue again."""
        job.status, job.result, job.worker, job.taken_at, job.done_at = "IN_QUEUE", {}, None, None, None
        job.unread.clear()
        job.silence(but=1)
        self._queue(job)

    def close(self) -> None:
        """Ends every long poll and timer."""
        self.closing = True
        self.capacity.close()
        self.arrived.ring()
        self.staff.stirred.ring()
        for job in self.jobs.values():
            job.bell.ring()
            job.silence()

    def _queue(self, job: PlatformJob, *, wants_worker: bool = True) -> None:
        if wants_worker:  # one of low priority starts none
            self.capacity.want()
        self._waiting.append(job)
        self.arrived.ring()

    def _take_back(self, job: PlatformJob) -> None:
        if job.status == "IN_QUEUE":
            self._waiting.remove(job)
        elif not job.is_final and job.worker is not None:
            self.staff.stop(job.worker, job.id)

    def _forget(self, job: PlatformJob) -> None:
        self._take_back(job)
        if job.taken_at is not None and not job.is_final:
            self.capacity.end()
        self.jobs.pop(job.id, None)
        self.retired += job.status == "COMPLETED"
        job.silence()
        job.bell.ring()


def _limit_s(given_ms: Json, default_s: float, least_s: float) -> float:
    if isinstance(given_ms, bool) or not isinstance(given_ms, int | float):
        return default_s
    return max(least_s, given_ms / 1000)
