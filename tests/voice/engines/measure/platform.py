"""A played RunPod in a process of its own: python -m tests.voice.engines.measure.platform [LINE_S]

Without rate limits. What workers post is answered LINE_S late, as over a line with that round trip.
Prints one line of JSON when it serves: its url, its key, and what its workers need in their environment.
"""

from __future__ import annotations

import asyncio
import json
import sys

import uvloop

from voice.simulate.loopback import Receive, Scope, Send
from voice.simulate.runpod.faults import RunPodFaults
from voice.simulate.runpod.standin import RunPodStandIn

POSTS = ("/job-stream/", "/job-done/")


class FarPlatform(RunPodStandIn):
    """One endpoint."""

    def __init__(self, line_s: float) -> None:
        super().__init__(faults=RunPodFaults(rates=0))
        self._line_s = line_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._line_s and any(part in scope["path"] for part in POSTS):
            await asyncio.sleep(self._line_s)
        await super().__call__(scope, receive, send)


async def main() -> None:
    async with FarPlatform(float(sys.argv[1]) if sys.argv[1:] else 0.0) as runpod:
        told = {"url": f"{runpod.url}/{runpod.endpoint_id}/", "key": runpod.key, "env": runpod.worker_env()}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main())
