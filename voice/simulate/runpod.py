"""A stand-in for RunPod's queue endpoint on loopback, for clients and for the SDK's worker.

    async with RunPodStandIn(key="k", endpoint_id="e") as runpod:
        client = RunPodClient("runpod", "e", "k", runpod.url, http=http)     # the client side
        Popen([sys.executable, "runpod_handler.py"], env=runpod.worker_env())  # the worker side

Without a worker's process, `worker` answers inside this one, as the SDK would have it answer; and with
`RunPodStandIn(…).in_memory()` no socket takes part, so that played time plays the endpoint, too.
What it leaves out: rate limits, webhooks, retries of lost jobs, regions.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any, Self
from urllib.parse import parse_qsl

import httpx

from voice.simulate.loopback import App, Receive, Scope, Send, serving
from voice.simulate.runpod_queue import Bell, JobQueue, PlatformJob
from voice.types import Json

Worker = Callable[[Mapping[str, object]], AsyncGenerator[Json, None]]

TAKE_S = 1.0  # how long a worker's empty poll is held; RunPod's 90 s would delay a worker's end
STREAM_WAIT_S = (1.0, 300.0, 10.0)  # least, most, default of ?wait=
RUNSYNC_WAIT_S = (1.0, 300.0, 90.0)
INSIDE = "inside"  # the worker id of `worker`


class _Answer(Exception):
    """Ends a request with a status and a body."""

    def __init__(self, status: int, body: Json = None) -> None:
        self.status, self.body = status, body


class _Request:
    """One request to the stand-in. `path` is what follows the endpoint's id."""

    def __init__(self, scope: Scope, receive: Receive, body: bytes, path: list[str]) -> None:
        self.method: str = scope["method"]
        self.path = path
        self.query = dict(parse_qsl(scope["query_string"].decode()))
        self._receive, self._body = receive, body

    def json(self) -> Mapping[str, Json]:
        try:
            body = json.loads(self._body)
        except ValueError:
            raise _Answer(400, {"error": "the body is not JSON"}) from None
        if not isinstance(body, dict):
            raise _Answer(400, {"error": "the body is not an object"})
        return body

    def wait_s(self, least: float, most: float, default: float) -> float:
        wait = self.query.get("wait", "")
        return min(most, max(least, int(wait) / 1000)) if wait.isdigit() else default

    async def gone(self) -> None:
        """Returns when the other side has hung up."""
        while (await self._receive())["type"] != "http.disconnect":
            pass


class RunPodStandIn:
    """One endpoint. `refuses` names operations and the status they are refused with: {"stream": 405}.

    `tells_health` replaces the answer of /health. `port` 0: any free one. `cold_s` is how long `worker`
    takes to start once the first job waits; it does `at_once` jobs together.
    """

    def __init__(
        self,
        key: str = "key",
        endpoint_id: str = "endpoint",
        worker: Worker | None = None,
        port: int = 0,
        cold_s: float = 0.0,
        at_once: int = 1000,
    ) -> None:
        self.key, self.endpoint_id = key, endpoint_id
        self.queue = JobQueue()
        self.refuses: dict[str, int] = {}
        self.tells_health: Json = None
        self.asked: list[str] = []  # operations, in order
        self.was_asked = Bell()  # rings with each of them
        self.pings: list[Mapping[str, str]] = []
        self._worker, self._port, self._cold_s = worker, port, cold_s
        self._at_once = at_once
        self._working: dict[str, asyncio.Task[None]] = {}  # jobs of `worker`
        self._base = ""
        self._stack = AsyncExitStack()
        self._operations: dict[str, tuple[str, Callable[[_Request], Awaitable[Json]]]] = {
            "run": ("POST", self._run),
            "runsync": ("POST", self._runsync),
            "status": ("GET POST", self._status),
            "stream": ("GET POST", self._stream),
            "cancel": ("POST", self._cancel),
            "health": ("GET", self._health),
            "job-take": ("GET", self._take),
            "job-take-batch": ("GET", self._take_batch),
            "job-stream": ("POST", self._job_stream),
            "job-done": ("POST", self._job_done),
            "job-stop": ("GET", self._job_stop),
            "ping": ("GET", self._ping),
        }

    @property
    def url(self) -> str:
        """What RUNPOD_BASE_URL is set to."""
        return f"{self._base}/v2"

    def worker_env(self) -> dict[str, str]:
        """What RunPod sets in a worker's environment, to be laid over one's own; no checks of the network."""
        root = f"{self.url}/{self.endpoint_id}"
        return {
            "RUNPOD_WEBHOOK_GET_JOB": f"{root}/job-take/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_OUTPUT": f"{root}/job-done/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_POST_STREAM": f"{root}/job-stream/$RUNPOD_POD_ID/$ID?gpu=none",
            "RUNPOD_WEBHOOK_PING": f"{root}/ping/$RUNPOD_POD_ID",
            "RUNPOD_AI_API_KEY": self.key,
            "RUNPOD_ENDPOINT_ID": self.endpoint_id,
            "RUNPOD_POD_ID": "worker-1",
            "RUNPOD_SKIP_AUTO_SYSTEM_CHECKS": "true",
            "RUNPOD_SKIP_GPU_CHECK": "true",
        }

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            self._base = await stack.enter_async_context(serving(self._app, self._port))
            stack.callback(self.queue.close)  # before the server ends: long polls end with it
            if self._worker is not None:
                await stack.enter_async_context(self._employed(self._worker))
            self._stack = stack.pop_all()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @asynccontextmanager
    async def in_memory(self, line_s: float = 0.0) -> AsyncIterator[httpx.AsyncClient]:
        """The endpoint without a server: `url` is reached through the client that this gives only.

        Each request is `line_s` on its way, one that is given up on its way is not heard.
        """
        self._base = "http://runpod.test"
        async with AsyncExitStack() as stack:
            stack.callback(self.queue.close)
            if self._worker is not None:
                await stack.enter_async_context(self._employed(self._worker))
            line = _Line(self._app, line_s)
            yield await stack.enter_async_context(httpx.AsyncClient(transport=line, timeout=None))

    async def close(self) -> None:
        """Ends every long poll, then the server. May be called twice."""
        await self._stack.aclose()

    # The web side

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer, status = await self._answer(scope, receive), 200
        except _Answer as end:
            answer, status = end.body, end.status
        body = b"" if status == 204 else json.dumps(answer).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive) -> Json:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        if headers.get(b"authorization", b"").decode().removeprefix("Bearer ") != self.key:
            raise _Answer(401, {"error": "Unauthorized"})
        version, endpoint, operation, *path = [*scope["path"].strip("/").split("/"), "", ""][:5]
        if (version, endpoint) != ("v2", self.endpoint_id) or operation not in self._operations:
            raise _Answer(404, {"error": "Not found"})
        self.asked.append(operation)
        self.was_asked.ring()
        if operation in self.refuses:
            raise _Answer(self.refuses[operation], {"error": "refused"})
        methods, answer = self._operations[operation]
        if scope["method"] not in methods.split():
            raise _Answer(405, {"error": "Method not allowed"})
        return await answer(_Request(scope, receive, await _body(receive), path))

    # Clients

    async def _run(self, request: _Request) -> Json:
        job = self._submit(request, "run")
        return {"id": job.id, "status": job.status}

    async def _runsync(self, request: _Request) -> Json:
        job = self._submit(request, "runsync")
        limit_s = request.wait_s(*RUNSYNC_WAIT_S)
        await job.bell.until(lambda: job.is_final or self.queue.closing, limit_s)
        return job.told()

    async def _status(self, request: _Request) -> Json:
        return self._job(request.path[0]).told()

    async def _stream(self, request: _Request) -> Json:
        job = self._job(request.path[0])
        limit_s = request.wait_s(*STREAM_WAIT_S)
        await job.bell.until(lambda: bool(job.unread) or job.is_final or self.queue.closing, limit_s)
        return {"status": job.status, "stream": job.drained()}

    async def _cancel(self, request: _Request) -> Json:
        job = self._job(request.path[0])
        self.queue.cancel(job)
        return {"id": job.id, "status": job.status}

    async def _health(self, request: _Request) -> Json:
        return self.tells_health or self.queue.health()

    def _submit(self, request: _Request, operation: str) -> PlatformJob:
        body = request.json()
        if "input" not in body:
            raise _Answer(400, {"error": "input is missing"})
        policy = body.get("policy")
        return self.queue.submit(body["input"], policy if isinstance(policy, dict) else {}, operation)

    def _job(self, job_id: str) -> PlatformJob:
        job = self.queue.jobs.get(job_id)
        if job is None:
            raise _Answer(404, {"error": "job not found"})
        return job

    # Workers

    async def _take(self, request: _Request) -> Json:
        return (await self._taken(request, 1))[0]

    async def _take_batch(self, request: _Request) -> Json:
        return await self._taken(request, int(request.query.get("batch_size", "1")))

    async def _taken(self, request: _Request, most: int) -> list[Json]:
        worker = request.path[0]
        self.queue.saw(worker)
        async with _hanging_up(request, self.queue.arrived.ring) as gone:
            await self.queue.arrived.until(
                lambda: self.queue.has_work() or gone.is_set() or self.queue.closing, TAKE_S
            )
            if gone.is_set() or self.queue.closing or not self.queue.has_work():
                raise _Answer(204)
            self.queue.saw(worker)
            return [{"id": job.id, "input": job.input} for job in self.queue.take(worker, most)]

    async def _job_stream(self, request: _Request) -> Json:
        job = self.queue.jobs.get(request.path[1])
        if job is not None:
            self.queue.stream(job, request.json().get("output"))
        return {}

    async def _job_done(self, request: _Request) -> Json:
        job, body = self.queue.jobs.get(request.path[1]), request.json()
        if job is not None:
            self._done(job, body)
        return {}

    def _done(self, job: PlatformJob, body: Mapping[str, Json]) -> None:
        result = {key: body[key] for key in ("output", "error") if key in body}
        if body.get("status") == "IN_PROGRESS":  # a progress update
            job.result = result
        else:
            self.queue.end(job, "FAILED" if "error" in body else "COMPLETED", result)

    async def _job_stop(self, request: _Request) -> Json:
        worker = request.path[0]
        async with _hanging_up(request, self.queue.stirred.ring) as gone:
            await self.queue.stirred.until(
                lambda: self.queue.has_stops(worker) or gone.is_set() or self.queue.closing, TAKE_S
            )
            if gone.is_set() or not self.queue.has_stops(worker):
                raise _Answer(204)
            stops: list[Json] = [*self.queue.stops_for(worker)]
            return {"jobsToStop": stops}

    async def _ping(self, request: _Request) -> Json:
        self.pings.append(request.query)
        return {}

    # A worker inside this process

    @asynccontextmanager
    async def _employed(self, worker: Worker) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            loops = [
                group.create_task(self._keep_taking(worker, group)),
                group.create_task(self._keep_stopping()),
            ]
            yield
            for task in [*loops, *self._working.values()]:
                task.cancel()

    async def _keep_taking(self, worker: Worker, group: asyncio.TaskGroup) -> None:
        if self._cold_s:
            while not await self.queue.arrived.until(self.queue.has_work, TAKE_S):
                pass
            await asyncio.sleep(self._cold_s)
        while True:
            self.queue.saw(INSIDE)
            if not await self.queue.arrived.until(self._can_take, TAKE_S):
                continue
            for job in self.queue.take(INSIDE, 1):
                task = group.create_task(self._do(worker, job))
                self._working[job.id] = task
                task.add_done_callback(partial(self._has_done, job.id))

    def _can_take(self) -> bool:
        return self.queue.has_work() and len(self._working) < self._at_once

    async def _keep_stopping(self) -> None:
        while True:
            await self.queue.stirred.until(lambda: self.queue.has_stops(INSIDE), TAKE_S)
            for job_id in self.queue.stops_for(INSIDE):
                if job_id in self._working:
                    self._working[job_id].cancel()

    def _has_done(self, job_id: str, _: asyncio.Task[None]) -> None:
        self._working.pop(job_id, None)
        self.queue.arrived.ring()  # there is room for the next one

    async def _do(self, worker: Worker, job: PlatformJob) -> None:
        """As the SDK does it: an error ends the job and is turned into text."""
        given: list[Json] = []
        async for item in worker({"id": job.id, "input": job.input}):
            if isinstance(item, dict) and item.get("error"):
                self._done(job, {"error": str(item["error"])})
                return
            given.append(item)
            self.queue.stream(job, item)
        self._done(job, {"output": given})


class _Line(httpx.AsyncBaseTransport):
    """The way to an app in this process."""

    def __init__(self, app: App, takes_s: float) -> None:
        self._app, self._takes_s = httpx.ASGITransport(app), takes_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._takes_s)
        return await self._app.handle_async_request(request)


async def _body(receive: Receive) -> bytes:
    body = b""
    while True:
        message: Mapping[str, Any] = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


@asynccontextmanager
async def _hanging_up(request: _Request, ring: Callable[[], None]) -> AsyncIterator[asyncio.Event]:
    """An event that is set when the other side hangs up: a job given to a dead worker would be lost."""
    gone = asyncio.Event()

    def hung_up(_: asyncio.Task[None]) -> None:
        gone.set()
        ring()

    listening = asyncio.create_task(request.gone())
    listening.add_done_callback(hung_up)
    try:
        yield gone
    finally:
        listening.remove_done_callback(hung_up)
        listening.cancel()
