"""What a played RunPod tells of ended jobs by itself: the job object, posted to the URL that came with it.

RunPod expects 200, and tries twice more, ten seconds apart. It documents no signature, and not whether a
cancelled job is told; here each end is, and a job that was forgotten past its ttl is not.
Source: webhooks in RunPod's serverless documentation, 2026-08-20.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final

import httpx

from voice.simulate.runpod.jobs import PlatformJob

TRIES: Final = 3
PAUSE_S: Final = 10.0
LIMIT_S: Final = 10.0  # for one answer; RunPod does not say

Post = Callable[[str, bytes], Awaitable[int]]
"""Posts JSON to a URL; the status of the answer, 0 where there was none."""


class Webhooks:
    """The tellings of one endpoint. `told` keeps each try: the job, the URL, the status that came back."""

    def __init__(self, post: Post | None = None) -> None:
        self.told: list[tuple[str, str, int]] = []
        self._post = post
        self._telling: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Jobs are told while this context is open; what is not told by then is not."""
        async with httpx.AsyncClient(timeout=LIMIT_S, trust_env=False) as http:
            if self._post is None:
                self._post = _by(http)
            try:
                yield
            finally:
                for task in self._telling:
                    task.cancel()
                if self._telling:
                    await asyncio.wait(self._telling)

    def tell(self, job: PlatformJob) -> None:
        """A job has ended."""
        if job.webhook is None or self._post is None:
            return
        task = asyncio.create_task(
            self._tell(job.id, job.webhook, json.dumps(job.told()).encode(), self._post)
        )
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def _tell(self, job_id: str, url: str, body: bytes, post: Post) -> None:
        for left in reversed(range(TRIES)):
            status = await post(url, body)
            self.told.append((job_id, url, status))
            if status == httpx.codes.OK or not left:
                return
            await asyncio.sleep(PAUSE_S)


def _by(http: httpx.AsyncClient) -> Post:
    async def post(url: str, body: bytes) -> int:
        try:
            answer = await http.post(url, content=body, headers={"Content-Type": "application/json"})
        except httpx.HTTPError:
            return 0
        return answer.status_code

    return post
