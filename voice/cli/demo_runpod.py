"""RunPod, played on this machine: its queue by our stand-in, its worker by RunPod's own SDK."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from voice.cli.screen import Failed
from voice.settings import Settings, env_name
from voice.simulate.runpod.standin import RunPodStandIn

START_S = 30.0  # the SDK's import and checks take 2 s on a quick machine
STOP_S = 5.0
LOOK_EVERY_S = 0.05


@asynccontextmanager
async def played_runpod(folder: Path) -> AsyncIterator[dict[str, Any]]:
    """A queue and one worker that takes its jobs; the settings that lead to them."""
    if find_spec("runpod") is None:
        raise Failed('the worker needs RunPod\'s SDK: .venv/bin/pip install -e ".[worker]"')
    async with RunPodStandIn() as runpod, _worker(runpod, folder):
        yield {
            "strategy": "remote_only",
            "runpod_api_key": runpod.key,
            "runpod_endpoint_id": runpod.endpoint_id,
            "runpod_base_url": runpod.url,
        }


@asynccontextmanager
async def _worker(runpod: RunPodStandIn, folder: Path) -> AsyncIterator[None]:
    """The process that RunPod would run in a container, once it has asked for its first job."""
    entry = find_spec("runpod_handler")
    assert entry is not None
    assert entry.origin is not None
    ours = {env_name(field) for field in Settings.model_fields}
    env = {name: value for name, value in os.environ.items() if name not in ours} | runpod.worker_env()
    log = folder / "worker.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            entry.origin,
            cwd=folder,
            env=env,
            stdout=output,
            stderr=output,
            start_new_session=True,  # Ctrl-C is for us; we end it
        )
    try:
        await _asks_for_jobs(runpod, process, log)
        yield
    finally:
        await _end(process)


async def _asks_for_jobs(runpod: RunPodStandIn, process: asyncio.subprocess.Process, log: Path) -> None:
    try:
        async with asyncio.timeout(START_S):
            while not any("job-take" in asked for asked in runpod.asked):
                if process.returncode is not None:
                    raise Failed(f"the worker ended with status {process.returncode}: {_last_line(log)}")
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise Failed(f"the worker asked for no job within {START_S:.0f} s") from None


def _last_line(log: Path) -> str:
    return log.read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        async with asyncio.timeout(STOP_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
