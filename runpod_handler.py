"""Entry of the GPU container: load the engine once, give each job to the worker.

Started as `python runpod_handler.py`. The engine is loaded and warm before RunPod's SDK starts, so
that a worker restored from RunPod's snapshot answers at once. The SDK's loops ask the engine in its
own loop (voice/engines/own_loop.py).
"""

from __future__ import annotations

import asyncio
import importlib.metadata
import multiprocessing
import os
import re
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from types import ModuleType

from voice.engines.base import Engine
from voice.engines.own_loop import OwnLoop
from voice.engines.worker import work
from voice.errors import ModelError, SetupError
from voice.settings import Settings, load_settings
from voice.telemetry.logs import set_up_logs
from voice.types import Json, Message, Prompt

OLDEST_SDK = (1, 10, 1)  # before it a cancelled job runs on, and all jobs went to one worker
FITNESS_S = 60.0  # a warm engine answers in milliseconds; a dead one never

_engine: OwnLoop | None = None


async def handler(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
    """Answers one job. The SDK streams only from a plain generator function, as this one is."""
    if _engine is None:
        yield {"error": "The worker was not started with `python runpod_handler.py`."}
        return
    async with aclosing(work(job, _engine)) as chunks:
        async for chunk in chunks:
            yield chunk


async def engine_answers() -> None:
    """Fitness check: a worker whose engine does not answer must not take jobs."""
    if _engine is None:
        raise SetupError("the engine was not loaded")
    async with asyncio.timeout(FITNESS_S):
        await _engine.write(Prompt((Message("user", "Hello."),), max_tokens=1), lambda _: None)


def serve(engine: Engine, at_once: int) -> None:
    """Takes jobs until RunPod ends the process; `at_once` of them are answered together.

    The SDK counts a waiting job twice and sleeps a second when its count is full, so it is told
    a constant width of more than twice as many; the engine's own loop holds the others back.
    """
    global _engine
    runpod = _sdk()
    # The SDK pings from a second process. A forked one would hold the engine's pipes open, and its locks.
    multiprocessing.set_start_method("spawn", force=True)
    _engine = OwnLoop(engine, at_once)
    _engine.launch()
    width = 2 * at_once + 2
    try:
        runpod.serverless.register_fitness_check(engine_answers)
        runpod.serverless.start(
            {"handler": handler, "return_aggregate_stream": True, "concurrency_modifier": lambda _: width}
        )
    finally:
        _engine.shut()


def engine_from(settings: Settings) -> Engine:
    """The engine that OFFHOOK_ENGINE names, not yet loaded."""
    from voice.engines.onnx import OnnxEngine  # late: another engine's image need not have it

    return OnnxEngine(settings.model, calls=max(settings.worker_jobs, settings.embedded_calls))


def check_sdk(version: str) -> None:
    """Raises SetupError when RunPod's SDK is older than OLDEST_SDK."""
    if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < OLDEST_SDK:
        raise SetupError(f"RunPod's SDK {version} is too old: install runpod>=1.12.")


def _sdk() -> ModuleType:
    try:
        check_sdk(importlib.metadata.version("runpod"))
    except importlib.metadata.PackageNotFoundError as exc:
        raise SetupError("RunPod's SDK is not installed: .venv/bin/pip install -e '.[worker]'") from exc
    # At its default level the SDK logs every output, which is what callers are told.
    os.environ.setdefault("RUNPOD_LOG_LEVEL", os.environ.get("RUNPOD_DEBUG_LEVEL", "INFO"))
    import runpod  # late: 1.5 s and 60 MB, and only this process needs it

    return runpod  # type: ignore[no-any-return]  # the SDK has no types


def main() -> None:
    """Start the worker as the environment says."""
    try:
        settings = load_settings()
        _sdk()  # first, for it puts a handler at the root logger
        set_up_logs(
            settings.log_level, keep_pii=settings.log_pii, secrets=[os.environ.get("RUNPOD_AI_API_KEY")]
        )
        serve(engine_from(settings), settings.worker_jobs)
    except (SetupError, ModelError) as exc:
        sys.exit(str(exc))


if __name__ == "__main__":
    main()
