"""The side of a played RunPod that workers see, as RunPod's SDK asks it: take, stream, done, stop, ping."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Final

from voice.simulate.runpod.clients import Operation
from voice.simulate.runpod.faults import LOST_S
from voice.simulate.runpod.jobs import PlatformJob
from voice.simulate.runpod.queue import JobQueue
from voice.simulate.runpod.request import Refusal, Request, hanging_up
from voice.types import Json

LOST: Final[Mapping[str, Json]] = {"error": "job timed out after 1 retries"}
TAKE_S = 1.0  # how long a worker's empty poll is held; RunPod's 90 s would delay a worker's end


class WorkerSide:
    """One endpoint's operations for workers. `pings` keeps what they told."""

    def __init__(self, queue: JobQueue) -> None:
        self.pings: list[Mapping[str, str]] = []
        self._queue, self._staff = queue, queue.staff
        self.operations: Mapping[str, tuple[str, Operation]] = {
            "job-take": ("GET", self._take),
            "job-take-batch": ("GET", self._take_batch),
            "job-stream": ("POST", self._job_stream),
            "job-done": ("POST", self._job_done),
            "job-stop": ("GET", self._job_stop),
            "ping": ("GET", self._ping),
        }

    async def _take(self, request: Request) -> Json:
        return (await self._taken(request, 1))[0]

    async def _take_batch(self, request: Request) -> Json:
        size = request.query.get("batch_size", "1")
        return await self._taken(request, int(size) if size.isdecimal() and len(size) < 5 else 1)

    async def _taken(self, request: Request, most: int) -> list[Json]:
        worker, queue = request.path[0], self._queue
        self._staff.saw(worker)
        async with hanging_up(request, queue.arrived.ring) as gone:
            await queue.arrived.until(lambda: queue.has_work() or gone.is_set() or queue.closing, TAKE_S)
            if gone.is_set() or queue.closing or not queue.has_work():
                raise Refusal(204)
            self._staff.saw(worker)
            return [{"id": job.id, "input": job.input} for job in queue.take(worker, most)]

    async def _job_stream(self, request: Request) -> Json:
        job = self._queue.jobs.get(request.path[1])
        if job is not None:
            self._queue.stream(job, request.json().get("output"))
        return {}

    async def _job_done(self, request: Request) -> Json:
        job, body = self._queue.jobs.get(request.path[1]), request.json()
        if job is not None:
            done(self._queue, job, body)
        return {}

    async def _job_stop(self, request: Request) -> Json:
        worker, staff = request.path[0], self._staff
        async with hanging_up(request, staff.stirred.ring) as gone:
            await staff.stirred.until(
                lambda: staff.has_stops(worker) or gone.is_set() or self._queue.closing, TAKE_S
            )
            if gone.is_set() or not staff.has_stops(worker):
                raise Refusal(204)
            stops: list[Json] = [*staff.stops_for(worker)]
            return {"jobsToStop": stops}

    async def _ping(self, request: Request) -> Json:
        self.pings.append(request.query)
        return {}


def done(queue: JobQueue, job: PlatformJob, body: Mapping[str, Json]) -> None:
    """A worker's job-done: an update on the job's progress, or its end, known at once, late, or never."""
    result = {key: body[key] for key in ("output", "error") if key in body}
    if body.get("status") == "IN_PROGRESS":
        job.result = result
        return
    end = partial(queue.end, job, "FAILED" if "error" in body else "COMPLETED", result)
    late_s = queue.dice.end_late_s()
    if late_s is None:
        job.later(LOST_S, partial(_give_up, queue, job))
    elif late_s > 0.0:
        job.later(late_s, end)
    else:
        end()


def _give_up(queue: JobQueue, job: PlatformJob) -> None:
    """RunPod has tried the job again, and nobody has told its end."""
    job.retries = 1
    queue.end(job, "FAILED", LOST)
