"""A stand-in for a RunPod endpoint on loopback, for clients and for the SDK's worker.

    async with RunPodStandIn(key="k", endpoint_id="e") as runpod:
        client = RunPodClient("runpod", "e", "k", runpod.url, http=http)     # the client side
        Popen([sys.executable, "runpod_handler.py"], env=runpod.worker_env())  # the worker side

Without a worker's process, `worker` answers inside this one, as the SDK would have it answer; and with
`RunPodStandIn(…).in_memory()` no socket takes part, so that played time plays the endpoint, too. Below
`lb_url` the same endpoint is load-balanced, below `rest_url` it is managed. What it leaves out: batches,
results in S3, the listing of requests, and that what is managed changes how the endpoint behaves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Self

import httpx

from voice.simulate.loopback import App, serving
from voice.simulate.runpod.edge import JOBS, LB, REST, Edge
from voice.simulate.runpod.faults import RunPodFaults
from voice.simulate.runpod.inside import InsideWorker, Worker
from voice.simulate.runpod.queue import JobQueue

__all__ = ["RunPodStandIn", "Worker"]


class RunPodStandIn(Edge):
    """One endpoint, served on a port (0: any free one) or in memory.

    `worker` does `at_once` jobs together; `lb_target` is the URL of a worker in load-balancing mode.
    """

    def __init__(
        self,
        key: str = "key",
        endpoint_id: str = "endpoint",
        worker: Worker | None = None,
        port: int = 0,
        at_once: int = 1000,
        faults: RunPodFaults | None = None,
        lb_target: str | None = None,
    ) -> None:
        super().__init__(key, endpoint_id, JobQueue(faults), worker, lb_target)
        self._inside = None if worker is None else InsideWorker(worker, self.queue, at_once)
        self._port, self._base = port, ""
        self._stack = AsyncExitStack()

    @property
    def url(self) -> str:
        """What RUNPOD_BASE_URL is set to."""
        return f"{self._base}/{JOBS}"

    @property
    def lb_url(self) -> str:
        """What RUNPOD_LB_URL is set to."""
        return f"{self._base}/{LB}"

    @property
    def rest_url(self) -> str:
        """What OFFHOOK_RUNPOD_REST_URL is set to."""
        return f"{self._base}/{REST}/{JOBS}"

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
            self._base = await stack.enter_async_context(serving(self, self._port))
            await self._open(stack)
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
            await self._open(stack)
            line = _Line(self, line_s)
            yield await stack.enter_async_context(httpx.AsyncClient(transport=line, timeout=None))

    async def close(self) -> None:
        """Ends every long poll, then the server. May be called twice."""
        await self._stack.aclose()

    async def _open(self, stack: AsyncExitStack) -> None:
        await stack.enter_async_context(self.queue.webhooks.open())
        stack.callback(self.queue.close)  # before the server ends: long polls end with it
        if self.balancer.target is not None:
            await stack.enter_async_context(self.balancer.open())
        if self._inside is not None:
            await stack.enter_async_context(self._inside.employed())


class _Line(httpx.AsyncBaseTransport):
    """The way to an app in this process."""

    def __init__(self, app: App, takes_s: float) -> None:
        self._app, self._takes_s = httpx.ASGITransport(app), takes_s

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await asyncio.sleep(self._takes_s)
        return await self._app.handle_async_request(request)
