"""The worker with the paced engine, and beside it what RunPod's SDK does with a handler of four lines.

    MEASURE_PLACES=8 OFFHOOK_WORKER_MODE=lb PORT=20001 python -m tests.voice.engines.measure.worker
    MEASURE_PLACES=8 python -m tests.voice.engines.measure.worker [bare]

`bare` yields each token as it is written, with the same width and as many places: the SDK's own share.
"""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from typing import Any

import runpod_handler
from tests.voice.engines.measure.paced import GAP_S, PacedEngine
from tests.voice.engines.measure.processes import PLACES
from voice.clock import now

GAP = "MEASURE_GAP_S"

_places = asyncio.Semaphore(int(os.environ.get(PLACES, "1")))


async def bare(job: dict[str, Any]) -> AsyncGenerator[Any, None]:
    tokens, gap_s = job["input"]["max_tokens"], float(os.environ.get(GAP, GAP_S))
    async with _places:
        began_at = now()
        for token in range(tokens):
            await asyncio.sleep(began_at + (token + 1) * gap_s - now())
            yield {"text": "word " if token else "Yes, "}
    yield {"text": "", "finish_reason": "length", "usage": {"completion_tokens": tokens}}


def main() -> None:
    places = int(os.environ.get(PLACES, "1"))
    if sys.argv[1:] == ["bare"]:
        width = 2 * places + 2
        runpod = runpod_handler._sdk()
        runpod.serverless.start(
            {"handler": bare, "return_aggregate_stream": True, "concurrency_modifier": lambda _: width}
        )
        return
    engine = PacedEngine(float(os.environ.get(GAP, GAP_S)))
    if os.environ.get("OFFHOOK_WORKER_MODE") == "lb":
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(runpod_handler.serve_http(engine, places))
    else:
        runpod_handler.serve(engine, places)


if __name__ == "__main__":
    main()
