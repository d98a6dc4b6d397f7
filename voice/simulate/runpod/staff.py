"""The workers of a played endpoint: who has asked for work, who is to stop what, how they are."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from voice.clock import now
from voice.simulate.runpod.capacity import Capacity
from voice.simulate.runpod.jobs import Bell, PlatformJob
from voice.types import Json

WORKER_SEEN_S: Final = 95.0  # a worker that has not asked for that long is gone; its polls take up to 90 s


class Staff:
    """The workers, by their ids. `stirred` rings when one is to stop a job."""

    def __init__(self) -> None:
        self.stirred = Bell()
        self._stops: dict[str, list[str]] = {}
        self._seen_at: dict[str, float] = {}

    def saw(self, worker: str) -> None:
        """A worker has asked for work."""
        self._seen_at[worker] = now()

    def stop(self, worker: str, job_id: str) -> None:
        """It is to stop a job."""
        self._stops.setdefault(worker, []).append(job_id)
        self.stirred.ring()

    def stops_for(self, worker: str) -> list[str]:
        """The ids of the jobs that a worker is to stop; each is told once."""
        return self._stops.pop(worker, [])

    def has_stops(self, worker: str) -> bool:
        return worker in self._stops

    def told(self, jobs: Iterable[PlatformJob], capacity: Capacity) -> dict[str, Json]:
        """The workers in the answer of /health."""
        here = {worker for worker, at in self._seen_at.items() if at > now() - WORKER_SEEN_S}
        busy = here & {job.worker for job in jobs if job.status == "IN_PROGRESS" and job.worker}
        state = capacity.state
        idle = len(here - busy) if state == "ready" else 0
        return {
            "idle": idle,
            "initializing": int(state == "initializing"),
            "ready": idle,
            "running": len(busy),
            "throttled": int(state == "throttled"),
            "unhealthy": int(state == "unhealthy"),
        }
