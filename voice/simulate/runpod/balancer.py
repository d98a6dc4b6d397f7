"""A played load-balancing endpoint: requests go straight to a worker, events and all.

The worker is a process that listens on a port (`target`), as RunPod's container does on PORT, or the one
inside: then a request is its OpenAI job. Without a worker a request is held for `NO_WORKER_S`, then
refused as RunPod does it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager

import httpx

from voice.simulate.runpod.inside import INSIDE, Worker
from voice.simulate.runpod.queue import JobQueue
from voice.simulate.runpod.request import Refusal, Request, is_unknown_model, piece, reply
from voice.types import Json

NO_WORKER_S = 120.0
NO_WORKER: Mapping[str, Json] = {"error": "no workers available"}
WORKER_HEADER = "x-runpod-worker-id"
PASSED_ON = ("content-type", "accept", "user-agent")  # of a request; the key is RunPod's alone
DROPPED = ("content-length", "transfer-encoding", "connection", "date", "server")
EVENTS = "text/event-stream"
NO_LIMITS = httpx.Limits(max_connections=None, max_keepalive_connections=100)


class Balancer:
    """One endpoint's load balancer. `target` is a worker's URL; `wanted` keeps the workers asked for."""

    def __init__(self, queue: JobQueue, worker: Worker | None, target: str | None) -> None:
        self.target = target
        self.wanted: list[str | None] = []
        self._queue, self._worker = queue, worker
        self._http: httpx.AsyncClient | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """It has connections to its target while this context is open."""
        async with httpx.AsyncClient(timeout=None, trust_env=False, limits=NO_LIMITS) as self._http:
            yield

    async def carry(self, request: Request) -> None:
        """Answers one request through a worker."""
        self.wanted.append(request.headers.get(WORKER_HEADER))
        capacity = self._queue.capacity
        capacity.want()
        if capacity.state == "initializing" and request.path[-1:] == ["ping"]:
            await reply(request.send, 204, None)
            return
        await self._unless_gone(request)

    async def _unless_gone(self, request: Request) -> None:
        working = asyncio.create_task(self._answer(request))
        leaving = asyncio.create_task(request.gone())
        try:
            await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (working, leaving):
                task.cancel()
            await asyncio.wait([working, leaving])
        if not working.cancelled() and (exc := working.exception()) is not None:
            raise exc

    async def _answer(self, request: Request) -> None:
        queue = self._queue
        has_worker = self._worker is not None or self.target is not None
        is_there = await queue.arrived.until(
            lambda: queue.closing or (has_worker and queue.capacity.state == "ready"), NO_WORKER_S
        )
        if not is_there or queue.closing:
            raise Refusal(400, dict(NO_WORKER))
        queue.capacity.begin()
        try:
            await (self._work(request) if self.target is None else self._pass_on(request, self.target))
        finally:
            queue.capacity.end()

    async def _pass_on(self, request: Request, target: str) -> None:
        headers = {name: request.headers[name] for name in PASSED_ON if name in request.headers}
        url = f"{target}/{'/'.join(request.path)}"
        assert self._http is not None
        try:
            async with self._http.stream(
                request.method, url, params=request.query, content=request.body, headers=headers
            ) as answer:
                told = {name: value for name, value in answer.headers.items() if name not in DROPPED}
                await _send(request, answer.status_code, told, answer.aiter_raw())
        except httpx.HTTPError:
            raise Refusal(502, {"error": "bad gateway"}) from None

    async def _work(self, request: Request) -> None:
        assert self._worker is not None
        if request.path[-1:] == ["ping"]:  # empty, as a worker's own
            await _send(request, 200, {"content-length": "0"}, _pieces())
            return
        if request.path == ["health"]:
            await reply(request.send, 200, {"status": "ready"}, {WORKER_HEADER: INSIDE})
            return
        asked: dict[str, object] = {"openai_route": "/" + "/".join(request.path)}
        if request.method == "POST":
            asked["openai_input"] = dict(request.json())
        chunks = self._worker({"id": "lb", "input": asked})
        async with aclosing(chunks):
            first = await anext(chunks, None)
            if isinstance(first, str):
                await _send(request, 200, {"content-type": EVENTS}, _events(first, chunks))
                return
        error = first.get("error") if isinstance(first, dict) else None
        status = 200 if not error else 404 if is_unknown_model(error) else 400
        await reply(request.send, status, first, {WORKER_HEADER: INSIDE})


async def _pieces(*given: bytes) -> AsyncIterator[bytes]:
    for one in given:
        yield one


async def _events(first: str, rest: AsyncIterator[Json]) -> AsyncIterator[bytes]:
    yield first.encode()
    async for chunk in rest:
        yield piece(chunk)


async def _send(
    request: Request, status: int, headers: Mapping[str, str], pieces: AsyncIterator[bytes]
) -> None:
    listed = [(name.encode(), value.encode()) for name, value in headers.items()]
    listed.append((WORKER_HEADER.encode(), INSIDE.encode()))
    await request.send({"type": "http.response.start", "status": status, "headers": listed})
    async for part in pieces:
        await request.send({"type": "http.response.body", "body": part, "more_body": True})
    await request.send({"type": "http.response.body", "body": b""})
