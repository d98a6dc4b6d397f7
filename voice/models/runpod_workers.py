"""What is known of an endpoint's workers: from RunPod's /health, and from how it treats a job.

A job tells more than /health: one that has not been taken after `QUEUED_S` waits for a worker to
start, whatever the counts say.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final

from voice.clock import now
from voice.models.base import Health, HealthState
from voice.types import Json

QUEUED_S = 0.6  # a warm worker takes a job within 0.1 s, RunPod's own way included within 0.3 s
AWAKE_S = 5.0  # RunPod's default idle timeout: a worker seen less long ago is still there
AT_WORK: Final = frozenset(("IN_PROGRESS", "RUNNING", "COMPLETED"))  # what only a worker can bring a job to


class Workers:
    """The newest word on one endpoint's workers. `told` is what jobs told, None when nothing."""

    def __init__(self) -> None:
        self.told: Health | None = None
        self._given_at: dict[str, float] = {}  # jobs of ours that have not ended
        self._working: set[str] = set()  # those of them that a worker has
        self._awake_at = -math.inf

    @property
    def are_awake(self) -> bool:
        """Whether one was seen so lately that it is there still."""
        return bool(self._working) or now() - self._awake_at < AWAKE_S

    def saw_health(self, health: Health) -> None:
        """RunPod told its counts."""
        if health.state in ("warm", "busy"):
            self._awake_at = now()

    def given(self, job_id: str, at: float) -> None:
        """RunPod has a job of ours since `at`."""
        self._given_at[job_id] = at

    def saw_job(self, job_id: str, status: str) -> None:
        """RunPod said where a job is. One that waits while others are worked on waits for its turn only."""
        if job_id not in self._given_at:
            return  # nobody asks for it any longer
        if status in AT_WORK:
            self._working.add(job_id)
            self._awake_at = now()
            self.told = Health("warm", "a worker has taken a job")
            return
        self._working.discard(job_id)  # RunPod gives a lost worker's job to the next one
        waited_s = now() - self._given_at[job_id]
        if status == "IN_QUEUE" and waited_s >= QUEUED_S and not self._working:
            self.told = Health("cold", f"a job has waited {waited_s:.1f} s in the queue")

    def forget(self, job_id: str) -> None:
        """The job has ended, or nobody asks for it any longer."""
        self._given_at.pop(job_id, None)
        self._working.discard(job_id)


ADVICE: Final[Mapping[HealthState, str]] = {
    "starting": "wait; a start takes 10 s to minutes. A model in the image and FlashBoot make it shorter",
    "busy": "raise workers.max, or OFFHOOK_WORKER_JOBS where the GPU has room",
    "throttled": "RunPod has no such GPU to give: name a second GPU type, or add an endpoint elsewhere",
    "broken": "jobs would wait for ever: read the worker's log at RunPod; it ends, or starts for 7 minutes",
    "cold": "scaled to zero: keep one with `offhook runpod schedule`, or let another route answer meanwhile",
    "refused": "check RUNPOD_API_KEY and RUNPOD_ENDPOINT_ID",
    "unknown": "check RUNPOD_BASE_URL and the network",
}


def health_of(answer: Mapping[str, Json]) -> Health:
    """RunPod's counts in one word. Some endpoints tell `idle` and `running` only.

    Unhealthy workers without a ready one are a crash loop, though another is being started: it will end
    as they did. What to do in each state: ADVICE.
    """
    workers = answer.get("workers")
    if not isinstance(workers, dict):
        return Health("unknown", "RunPod tells nothing of its workers")
    jobs = answer.get("jobs")
    counts = {state: count for state, count in workers.items() if isinstance(count, int) and count > 0}
    detail = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no workers"
    waiting = jobs.get("inQueue") if isinstance(jobs, dict) else 0
    if counts.get("ready") or counts.get("idle"):
        return Health("warm", detail)
    if counts.get("running"):
        return Health("busy" if waiting else "warm", detail)
    if counts.get("unhealthy"):
        return Health("broken", f"{detail}: workers crash, see their log")
    if counts.get("initializing"):
        return Health("starting", detail)
    if counts.get("throttled"):
        return Health("throttled", f"{detail}: RunPod has no such GPU to give")
    return Health("cold", f"{detail}: scaled to zero")
