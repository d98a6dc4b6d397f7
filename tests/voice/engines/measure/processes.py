"""Processes that are measured: a worker behind a load balancer, a worker behind a played queue."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from tests.voice.engines.asked import ROOT, free_port
from tests.voice.engines.measure.asking import Queue

HANDLER = ("runpod_handler.py",)
PACED = ("-m", "tests.voice.engines.measure.worker")
BARE = (*PACED, "bare")
LOOK_S = 0.02
WAIT_S = 60.0
PLACES = "MEASURE_PLACES"  # how many replies the paced worker writes at once
TICK_S = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Running:
    """A process, for its cost and for what it prints."""

    process: asyncio.subprocess.Process
    began_on: float  # seconds since the epoch

    def cpu_s(self) -> float:
        """Processor time so far, without its children's."""
        return cpu_s_of(self.process.pid)

    def child(self, module: str) -> int:
        """The process id of the child that runs a module."""
        children = (one.read_text() for one in Path(f"/proc/{self.process.pid}/task").glob("*/children"))
        pids = [int(pid) for listed in children for pid in listed.split()]
        return next(pid for pid in pids if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes())

    async def line(self) -> bytes:
        assert self.process.stdout is not None
        return await self.process.stdout.readline()


def cpu_s_of(pid: int) -> float:
    stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


@asynccontextmanager
async def running(*command: str, is_heard: bool = False, **env: str) -> AsyncIterator[Running]:
    began_on = time.time()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command),
        cwd=ROOT,
        env={**os.environ, **env},
        stdout=asyncio.subprocess.PIPE if is_heard else asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        yield Running(process, began_on)
    finally:
        # At once, for the SDK leaves when its long poll returns; and with the process that pings for it.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@asynccontextmanager
async def lb_worker(*command: str, **env: str) -> AsyncIterator[tuple[aiohttp.ClientSession, Running]]:
    """A worker behind the load balancer, once it answers."""
    port = free_port()
    async with (
        running(*command, PORT=str(port), OFFHOOK_WORKER_MODE="lb", **env) as process,
        aiohttp.ClientSession(f"http://127.0.0.1:{port}", connector=_unlimited()) as http,
    ):
        await _until_ok(http, "/ping")
        yield http, process


@asynccontextmanager
async def queue_worker(
    *command: str, line_s: float = 0.0, **env: str
) -> AsyncIterator[tuple[Queue, Running]]:
    """A worker behind a played queue, once it takes jobs. Each is in a process of its own."""
    async with running("-m", f"{__package__}.platform", str(line_s), is_heard=True) as platform:
        told = json.loads(await platform.line())
        headers = {"Authorization": f"Bearer {told['key']}"}
        async with (
            aiohttp.ClientSession(told["url"], headers=headers, connector=_unlimited()) as http,
            running(*command, **told["env"], **env) as process,
        ):
            while not await _is_idle(http):  # noqa: ASYNC110 – it tells nobody
                await asyncio.sleep(LOOK_S)
            yield Queue(http), process


def _unlimited() -> aiohttp.TCPConnector:
    return aiohttp.TCPConnector(limit=0)


async def _until_ok(http: aiohttp.ClientSession, path: str) -> None:
    async with asyncio.timeout(WAIT_S):
        while not await _is_ok(http, path):  # noqa: ASYNC110 – it tells nobody
            await asyncio.sleep(LOOK_S)


async def _is_ok(http: aiohttp.ClientSession, path: str) -> bool:
    try:
        async with http.get(path) as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


async def _is_idle(http: aiohttp.ClientSession) -> bool:
    async with http.get("health") as answer:
        workers = (await answer.json())["workers"]
    return bool(workers["idle"])
