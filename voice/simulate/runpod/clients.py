"""The side of a played RunPod that clients see: run, runsync, stream, status, cancel, health, OpenAI."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping

from voice.simulate.runpod.jobs import PlatformJob
from voice.simulate.runpod.queue import JobQueue
from voice.simulate.runpod.request import JSON, Refusal, Request, is_unknown_model, piece, reply
from voice.types import Json

STREAM_WAIT_S = (1.0, 300.0, 10.0)  # least, most, default of ?wait=
RUNSYNC_WAIT_S = (1.0, 300.0, 90.0)
STATUS_SYNC_WAIT_S = (1.0, 90.0, 90.0)
OPENAI_S = 300.0  # the longest that a request through /openai is held
BODY_BYTES = {"run": 10_000_000, "runsync": 20_000_000}
WEB = re.compile(r"https?://\S+\Z")
MISSING: Json = {"error": "job not found"}

Operation = Callable[[Request], Awaitable[Json]]


class ClientSide:
    """One endpoint's operations, by name: the methods they take and what does them."""

    def __init__(self, queue: JobQueue) -> None:
        async def health(_: Request) -> Json:
            return health_told(queue)

        self._queue = queue
        self.operations: Mapping[str, tuple[str, Operation]] = {
            "run": ("POST", self._run),
            "runsync": ("POST", self._runsync),
            "status": ("GET POST", self._status),
            "status-sync": ("GET", self._status_sync),
            "stream": ("GET POST", self._stream),
            "cancel": ("POST", self._cancel),
            "retry": ("POST", self._retry),
            "purge-queue": ("POST", self._purge),
            "health": ("GET", health),
        }

    async def openai(self, request: Request) -> None:
        """`/openai/v1/…`: a job of the path and the body, whose chunks are the answer's body."""
        if request.method not in ("GET", "POST"):
            raise Refusal(405, {"error": "Method not allowed"})
        asked: dict[str, Json] = {"openai_route": "/" + "/".join(filter(None, request.path))}
        if request.method == "POST":
            asked["openai_input"] = dict(request.json())
        job = self._queue.submit(asked, {}, "run")
        leaving = asyncio.create_task(request.gone())
        leaving.add_done_callback(lambda _: job.bell.ring())
        try:
            await self._carry(request, job)
        finally:
            leaving.cancel()
            if not job.is_final:
                self._queue.cancel(job)

    async def _carry(self, request: Request, job: PlatformJob) -> None:
        began = False

        def stirs() -> bool:
            return bool(job.unread) or job.is_final or request.has_hung_up or self._queue.closing

        while await job.bell.until(stirs, OPENAI_S) and job.unread and not request.has_hung_up:
            chunk = job.unread.popleft()
            if not began and not isinstance(chunk, str):
                await reply(request.send, 200, chunk)
                return
            if not began:
                began = True
                headers = [(b"content-type", b"text/event-stream")]
                await request.send({"type": "http.response.start", "status": 200, "headers": headers})
            await request.send({"type": "http.response.body", "body": piece(chunk), "more_body": True})
        if began:
            await request.send({"type": "http.response.body", "body": b""})
        else:
            error = job.result.get("error", "the job gave nothing")
            raise Refusal(404 if is_unknown_model(error) else 500, {"error": error})

    async def _run(self, request: Request) -> Json:
        job = self._submit(request, "run")
        return {"id": job.id, "status": job.status}

    async def _runsync(self, request: Request) -> Json:
        job = self._submit(request, "runsync")
        limit_s = request.wait_s(*RUNSYNC_WAIT_S)
        await job.bell.until(lambda: job.is_final or self._queue.closing, limit_s)
        return job.told()

    async def _status(self, request: Request) -> Json:
        return self._job(request).told()

    async def _status_sync(self, request: Request) -> Json:
        """Not in RunPod's documentation, but in its JavaScript and Go clients."""
        job, limit_s = self._job(request), request.wait_s(*STATUS_SYNC_WAIT_S)
        await job.bell.until(lambda: job.is_final or self._queue.closing, limit_s)
        return job.told()

    async def _stream(self, request: Request) -> Json:
        job = self._job(request)
        limit_s = request.wait_s(*STREAM_WAIT_S)
        await job.bell.until(lambda: bool(job.unread) or job.is_final or self._queue.closing, limit_s)
        return {"status": job.status, "stream": job.drained()}

    async def _cancel(self, request: Request) -> Json:
        job = self._job(request)
        self._queue.cancel(job)
        return {"id": job.id, "status": job.status}

    async def _retry(self, request: Request) -> Json:
        job = self._job(request)
        if job.status not in ("FAILED", "TIMED_OUT"):
            raise Refusal(400, {"error": "only a job that failed or timed out is tried again"})
        self._queue.retry(job)
        return {"id": job.id, "status": job.status}

    async def _purge(self, request: Request) -> Json:
        waiting = [job for job in self._queue.jobs.values() if job.status == "IN_QUEUE"]
        for job in waiting:
            self._queue.cancel(job)
        return {"removed": len(waiting), "status": "completed"}

    def _submit(self, request: Request, operation: str) -> PlatformJob:
        if len(request.body) > BODY_BYTES[operation]:
            raise Refusal(413, {"error": "the body is too large"})
        if JSON not in request.headers.get("content-type", JSON):
            raise Refusal(400, {"error": "the body is not JSON: send Content-Type: application/json"})
        body = request.json()
        if "input" not in body:
            raise Refusal(400, {"error": "input is missing"})
        policy, webhook = body.get("policy"), body.get("webhook")
        if webhook is not None and not (isinstance(webhook, str) and WEB.match(webhook)):
            raise Refusal(400, {"error": "webhook must be a URL"})
        return self._queue.submit(
            body["input"], policy if isinstance(policy, dict) else {}, operation, webhook
        )

    def _job(self, request: Request) -> PlatformJob:
        job = self._queue.jobs.get(request.path[0])
        if job is None:
            raise Refusal(404, MISSING)
        return job


def health_told(queue: JobQueue) -> dict[str, Json]:
    """The answer of /health."""
    jobs = [*queue.jobs.values()]
    statuses = [job.status for job in jobs]
    return {
        "jobs": {
            "completed": statuses.count("COMPLETED") + queue.retired,
            "failed": statuses.count("FAILED"),
            "inProgress": statuses.count("IN_PROGRESS"),
            "inQueue": statuses.count("IN_QUEUE"),
            "retried": sum(job.retries for job in jobs),
        },
        "workers": queue.staff.told(jobs, queue.capacity),
    }
