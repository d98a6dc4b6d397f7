"""Entry of the GPU container: load the engine once, give each job to the worker.

Started as `python runpod_handler.py`. OFFHOOK_WORKER_MODE says who asks: RunPod's queue through its
SDK, or its load balancer over plain HTTP. For the queue the engine is loaded and warm before the SDK
starts, so that a worker restored from RunPod's snapshot answers at once; the SDK's loops ask the
engine in its own loop (voice/engines/own_loop.py). For the load balancer the server is up first, and
says that it is loading.
"""

from __future__ import annotations

import asyncio
import importlib
import importlib.metadata
import multiprocessing
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from types import ModuleType

from voice.engines.base import Engine
from voice.engines.choose import engine_from
from voice.engines.gone import Watch
from voice.engines.http import WorkerApp
from voice.engines.own_loop import OwnLoop
from voice.engines.sdk_loop import prompt, width
from voice.engines.slots import Slots
from voice.engines.started import Steps
from voice.engines.tally import Tally
from voice.engines.worker import work
from voice.errors import EngineDied, ModelError, SetupError
from voice.settings import Settings, load_settings
from voice.telemetry.logs import set_up_logs, write_out
from voice.types import Json, Message, Prompt

OLDEST_SDK = (1, 10, 1)  # before it a cancelled job runs on, and all jobs went to one worker
FITNESS_S = 60.0  # a warm engine answers in milliseconds; a dead one never
LEAVE_S = 5  # for replies in flight when the load balancer's worker is told to end
DEFAULT_PORT = "80"  # RunPod's, where PORT is not set

_here: tuple[OwnLoop, Engine] | None = None  # where jobs are done, and by what
_tally = Tally()


async def handler(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
    """Answers one job. The SDK streams only from a plain generator function, as this one is."""
    if _here is None:
        yield {"error": "The worker was not started with `python runpod_handler.py`."}
        return
    loop, engine = _here
    async with aclosing(loop.each(work(job, engine, _tally))) as chunks:
        async for chunk in chunks:
            yield chunk


async def engine_answers() -> None:
    """Fitness check: a worker whose engine does not answer must not take jobs."""
    if _here is None:
        raise SetupError("the engine was not loaded")
    loop, engine = _here
    async with asyncio.timeout(FITNESS_S):
        await loop.call(engine.write(Prompt((Message("user", "Hello."),), max_tokens=1), lambda _: None))


def serve(engine: Engine, at_once: int, steps: Steps | None = None) -> None:
    """Takes jobs from RunPod's queue until it ends the process; `at_once` of them are answered together.

    The SDK is told a constant width, for one that changes would have it take no job until all have ended.
    It holds a few more jobs than that; the engine's places hold those back.
    """
    global _here
    import uvloop  # late, as in `main`

    runpod = _sdk()
    # The SDK pings from a second process. A forked one would hold the engine's pipes open, and its locks.
    multiprocessing.set_start_method("spawn", force=True)
    # Before the SDK makes its loops, where each chunk is a request.
    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
    loop, places, steps = OwnLoop(uvloop.new_event_loop), Slots(engine, at_once), steps or Steps()
    with steps.step("load"):
        loop.launch(places.start())
    _here = loop, places
    steps.finish(mode="queue", model=engine.model)
    scale = importlib.import_module("runpod.serverless.modules.rp_scale")
    most = width(scale.JobScaler, at_once)
    scale.JobScaler = prompt(scale.JobScaler, places.ready)  # type: ignore[attr-defined]  # the SDK offers no other way
    try:
        runpod.serverless.register_fitness_check(engine_answers)
        with Watch(places, _end_in_order):
            runpod.serverless.start(
                {"handler": handler, "return_aggregate_stream": True, "concurrency_modifier": lambda _: most}
            )
    finally:
        loop.shut(places.stop())


async def serve_http(engine: Engine, at_once: int, steps: Steps | None = None) -> None:
    """Answers RunPod's load balancer on PORT until the process is told to end. Raises EngineDied."""
    import uvicorn  # late: only this mode needs it

    places, steps = Slots(engine, at_once), steps or Steps()
    app = WorkerApp(places, at_once, _tally, os.environ.get("HEALTH_CHECK_PATH", "/ping"))
    config = uvicorn.Config(
        app,
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,  # nobody asks who the peer is
        timeout_graceful_shutdown=LEAVE_S,
        timeout_keep_alive=75,  # longer than a caller speaks: the next turn finds the line open
    )
    server = uvicorn.Server(config)
    for number in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises them again, and we have more to end
        signal.signal(number, lambda *_: None)
    serving = asyncio.create_task(server.serve(sockets=_sockets()))
    try:
        with steps.step("load"):
            await _loaded(places, serving)
        steps.finish(mode="lb", model=engine.model)
        app.started, app.has_loaded = steps.ms, True
        with Watch(places, _end_in_order):
            await serving
    finally:
        server.should_exit = True
        await asyncio.wait([serving])
        await places.stop()


async def _loaded(engine: Engine, serving: asyncio.Task[None]) -> None:
    """Returns when the engine is warm. Raises EngineDied when it cannot load, or the server ends before."""
    loading = asyncio.create_task(engine.start())
    await asyncio.wait([loading, serving], return_when=asyncio.FIRST_COMPLETED)
    if not loading.done():
        loading.cancel()
        await asyncio.wait([loading])
        raise EngineDied("the worker was told to end while it loaded its model")
    await loading


def _sockets() -> list[socket.socket]:
    """One for requests, and one for the health check where RunPod asks at a port of its own."""
    port = os.environ.get("PORT", DEFAULT_PORT)
    ports = dict.fromkeys([port, os.environ.get("PORT_HEALTH", port)])
    try:
        return [_listening(int(one)) for one in ports]
    except (ValueError, OverflowError, OSError) as exc:
        raise SetupError(f"cannot listen on PORT {', '.join(ports)}: {exc}") from exc


def _listening(port: int) -> socket.socket:
    # Named a TCP socket, or asyncio leaves Nagle's algorithm on and words wait 40 ms.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind(("0.0.0.0", port))
    return listener


def _end_in_order() -> None:
    os.kill(os.getpid(), signal.SIGTERM)


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
    steps = Steps()
    for name in ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE"):  # a caller never waits for a download
        os.environ.setdefault(name, "1")
    try:
        settings = load_settings()
        if settings.worker_mode == "queue":
            with steps.step("sdk"):
                _sdk()  # first, for it puts a handler at the root logger
        _set_up_logs(settings)
        engine = engine_from(settings)
        if settings.worker_mode == "lb":
            import uvloop  # late: the SDK makes loops of its own

            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve_http(engine, settings.worker_jobs, steps))
        else:
            serve(engine, settings.worker_jobs, steps)
    except (SetupError, ModelError) as exc:
        write_out()  # so that the reason stands last
        sys.exit(str(exc))


def _set_up_logs(settings: Settings) -> None:
    key = settings.llm_api_key.get_secret_value() if settings.llm_api_key else None
    secrets = [os.environ.get("RUNPOD_AI_API_KEY"), key]
    set_up_logs(settings.log_level, keep_pii=settings.log_pii, secrets=secrets)


if __name__ == "__main__":
    main()
