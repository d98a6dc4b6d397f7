# ruff: noqa: T201 (a measurement prints its figures)
"""Many calls at once, and what is left of them: `python -m tests.handlers.measure_crowd PART [CALLS]`.

hang-ups   streams that all hang up in the middle of their turns: what is still open at an OpenAI-compatible
           host half a second later, and how soon nothing is
runpod     the same with jobs in RunPod's queue, by each of its ways: how many run on, and for how long
memory     the server's memory with open streams, and after each of five rounds of calls nobody ends for us
embedded   first words with 1, 8 and 30 calls at once on the embedded model, and beside hung-up ones

The server is a process of its own, as `offhook serve` runs it, with a ticker in its loop: the longest time
that the loop gave to anything but the ticker, on the wall and on its CPU, and the longest pause for garbage.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from threading import Thread
from typing import Any

from voice.call import Call
from voice.cli.bench.callers import BenchDoor, Caller, Heard, open_caller
from voice.cli.bench.host import Pace
from voice.cli.bench.load import Load
from voice.cli.bench.process import BenchProcess
from voice.cli.bench.server import PATIENT, BenchServer
from voice.cli.bench.wire import Wires
from voice.cli.garbage import calm_collector
from voice.cli.server import bind, loop_factory, running, url_of
from voice.engines.scripted import ScriptedEngine
from voice.engines.worker import work
from voice.settings import Settings
from voice.simulate.report import percentile
from voice.simulate.runpod.standin import RunPodStandIn
from voice.telemetry.logs import set_up_logs
from voice.types import Json

CALLS = 1000
GONE_S = 0.5
TICK_S = 0.002
SLOW = Pace(first_s=0.2, every_s=1.0, words=60)  # a reply in whose middle everybody hangs up
QUICK = Pace(first_s=0.0, every_s=0.0, words=12)
WAYS = ("stream", "runsync", "run")
ROUNDS = 5
TOGETHER, APART_S = 25, 0.1  # new calls; more at once than one process picks up in time
DOORS: tuple[BenchDoor, ...] = ("vapi", "v1", "chat")
LOOKS_S = (0.5, 2, 5, 10)
AT_ONCE = (1, 8, 30)


# The server


class Ticker:
    """What keeps the loop from its ticks."""

    def __init__(self) -> None:
        self._began = 0.0
        gc.callbacks.append(self._collected)
        self.forget()

    def forget(self) -> None:
        self.late = self.busy = 0.0
        self.found = 0
        self.pauses = {generation: [0, 0.0] for generation in range(3)}

    async def tick(self) -> None:
        while True:
            at, cpu = time.perf_counter(), time.thread_time()
            await asyncio.sleep(TICK_S)
            self.late = max(self.late, time.perf_counter() - at - TICK_S)
            self.busy = max(self.busy, time.thread_time() - cpu)

    def told(self) -> dict[str, Any]:
        pauses = {str(one): (many, round(longest * 1000, 1)) for one, (many, longest) in self.pauses.items()}
        return {
            "late_ms": round(self.late * 1000, 1),
            "busy_ms": round(self.busy * 1000, 1),
            "gc": pauses,
            "found": self.found,
        }

    def _collected(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began = time.thread_time()
            return
        pause = self.pauses[info["generation"]]
        pause[0] += 1
        pause[1] = max(pause[1], time.thread_time() - self._began)


async def serve(values: dict[str, Any]) -> None:
    """Say where, then answer each line of the input until it ends."""
    set_up_logs("WARNING", keep_pii=False, secrets=())
    listener, ticker = bind("127.0.0.1", 0), Ticker()
    lines: asyncio.Queue[str] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(lines.put_nowait, line.strip())
        loop.call_soon_threadsafe(lines.put_nowait, "")

    async with running(Settings.model_validate(values), listener) as server:
        calm_collector()
        ticker.forget()
        ticking = asyncio.create_task(ticker.tick())
        Thread(target=read, daemon=True).start()
        print(url_of(listener), flush=True)
        while line := await lines.get():
            if line == "sweep":  # as the sweeper does half an hour later
                for call_id in [one.call_id for one in gc.get_objects() if isinstance(one, Call)]:
                    await server.brain.calls.hang_up(call_id, "idle")
            elif line == "look":  # what Python's own settings would do once in a while
                ticker.found = gc.collect()
            print(json.dumps({"live": server.brain.calls.live, **ticker.told()}), flush=True)
            ticker.forget()
        ticking.cancel()


class Server:
    """It as a process."""

    def __init__(self, process: asyncio.subprocess.Process, url: str) -> None:
        self.process, self.url = process, url

    async def tell(self, line: str) -> dict[str, Any]:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{line}\n".encode())
        told: dict[str, Any] = json.loads(await self.process.stdout.readline())
        return told

    @property
    def rss_mb(self) -> float:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="utf-8").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


@asynccontextmanager
async def served(folder: str, **values: Any) -> AsyncIterator[Server]:
    agents = Path(folder) / "agents"
    agents.mkdir(exist_ok=True)
    (agents / "patient.toml").write_text(PATIENT, encoding="utf-8")
    settings = {"data_dir": folder, "agents_dir": str(agents), "max_calls": 100_000, **values}
    command = [sys.executable, "-m", "tests.handlers.measure_crowd", "serve", json.dumps(settings)]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield Server(process, (await process.stdout.readline()).decode().strip())
    finally:
        process.stdin.close()
        await process.wait()


class Crowd:
    """Callers of one server, through one door."""

    def __init__(self, url: str, door: BenchDoor = "vapi", agent: str | None = "patient") -> None:
        self._url, self._door, self._agent, self.wires = url, door, agent, Wires(url)
        self.load = Load(self.opens, turns=1)
        self._numbers = count(1)

    def opens(self) -> Caller:
        return open_caller(self._door, self.wires, self._url, ours=True, agent=self._agent)

    async def says(self) -> None:
        """One caller's first turn."""
        caller = self.opens()
        self.load.callers.append(caller)
        await caller.turn(Heard(next(self._numbers), time.perf_counter()))

    async def leave(self, turns: list[asyncio.Task[None]]) -> None:
        """All of them hang up at once."""
        for turn in turns:
            turn.cancel()
        await asyncio.gather(*turns, return_exceptions=True)
        await self.wires.close()


# The parts


async def hang_ups(calls: int, folder: str) -> None:
    async with BenchProcess(BenchServer("host", folder, pace=SLOW)) as host:
        for door in DOORS:
            async with served(folder, **_asking(host)) as server:
                crowd = Crowd(server.url, door)
                turns = await crowd.load.hold(calls)
                opening = await server.tell("opened")
                begun = await _replies(host)
                await asyncio.sleep(2.0)
                talking = await server.tell("talked")
                await crowd.leave(turns)
                await asyncio.sleep(GONE_S)
                left = await _replies(host)
                print(f"{door:5} open at the host {begun}, {GONE_S} s after all hung up {left}")
                for name, told in (("open", opening), ("talk", talking), ("hang", await server.tell("left"))):
                    print(f"      {name}: {_stalls(told)}")
                told = await server.tell("look")
                print(f"      a look through all: {_stalls(told)}; {told['found']} objects freed")


async def runpod(calls: int, folder: str) -> None:
    engine = ScriptedEngine(["One more word. "] * 14, gap_s=1.0)
    await engine.start()

    async def worker(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        async for chunk in work(job, engine):
            yield chunk

    for way in WAYS:
        async with RunPodStandIn(worker=worker) as standin:
            routed = {"runpod_base_url": standin.url, "runpod_endpoint_id": standin.endpoint_id}
            told = {"runpod_api_key": standin.key, "runpod_via": [way], "strategy": "remote_only"}
            async with served(folder, **routed, **told) as server:
                crowd = Crowd(server.url, agent=None)
                jobs = standin.queue.jobs
                asking = []
                for place in range(calls):
                    asking.append(asyncio.create_task(crowd.says()))
                    if place % TOGETHER == 0:
                        await asyncio.sleep(APART_S)
                at, begun = time.perf_counter(), sum(not one.is_final for one in jobs.values())
                await crowd.leave(asking)
                ran_s, looks = 0.0, []
                for due_s in LOOKS_S:
                    while (since := time.perf_counter() - at) < due_s:
                        running_now = sum(not one.is_final for one in jobs.values())
                        await asyncio.sleep(0.1)
                        ran_s += running_now * (time.perf_counter() - at - since)
                    looks.append(f"{due_s} s: {running_now}")
            print(f"{way:8} {begun} jobs, after the hang-up {', '.join(looks)}; {ran_s:.0f} job seconds")


async def memory(calls: int, folder: str) -> None:
    async with (
        BenchProcess(BenchServer("host", folder, pace=SLOW)) as host,
        served(folder, **_asking(host)) as server,
    ):
        await _round(server, 50)
        print(f"idle {server.rss_mb:.1f} MB")
        crowd, held = Crowd(server.url), []
        for part in range(1, 5):
            held += await crowd.load.hold(calls // 4)
            print(f"{part * calls // 4} open: {server.rss_mb:.1f} MB")
        await crowd.leave(held)
        await crowd.load.hang_up()
        print(f"all ended: {server.rss_mb:.1f} MB")
        await host_pace(host, QUICK)
        for number in range(1, ROUNDS + 1):
            await _round(server, calls)
            told = await server.tell("sweep")
            await asyncio.sleep(1.0)
            print(f"round {number}: {server.rss_mb:.1f} MB, live {told['live']}; {_stalls(told)}")
        told = await server.tell("look")
        print(f"left to the collector: {told['found']} objects; {_stalls(told)}; {server.rss_mb:.1f} MB")


async def embedded(calls: int, folder: str) -> None:
    async with served(folder, strategy="local_only") as server:
        for agent in ("patient", None):
            for many in AT_ONCE:
                crowd = Crowd(server.url, agent=agent)
                await crowd.load.closed(many, None, 0.0, turns=max(2, 30 // many))
                print(f"{agent or 'default':8} {many:3} at once: {_firsts(crowd.load)}")
                await crowd.load.hang_up()
        gone, crowd = Crowd(server.url, agent="patient"), Crowd(server.url, agent="patient")
        leaving = [asyncio.create_task(gone.says()) for _ in range(calls // 10)]
        await asyncio.sleep(0.3)
        await gone.leave(leaving)
        await crowd.load.closed(8, None, 0.0, turns=3)
        print(f"8 at once behind {len(leaving)} that have hung up: {_firsts(crowd.load)}")


async def _round(server: Server, calls: int) -> None:
    """So many short calls, fifty at once; no platform tells of their end."""
    crowd = Crowd(server.url)
    gate = asyncio.Semaphore(50)

    async def one() -> None:
        async with gate:
            await crowd.says()

    await asyncio.gather(*(one() for _ in range(calls)))
    await crowd.wires.close()


def _asking(host: BenchProcess) -> dict[str, Any]:
    return {"llm_endpoint": f"{host.url}/v1", "llm_model": "bench", "strategy": "remote_first"}


async def _replies(host: BenchProcess) -> int:
    return int((await _ask(host, "GET", "/bench/open"))["replies"])


async def host_pace(host: BenchProcess, pace: Pace) -> None:
    await _ask(host, "PUT", "/bench/pace", asdict(pace))


async def _ask(host: BenchProcess, method: str, path: str, body: object = None) -> dict[str, Any]:
    wires = Wires(host.url)
    try:
        told: dict[str, Any] = json.loads((await wires.ask(method, path, json.dumps(body).encode(), {})).body)
        return told
    finally:
        await wires.close()


def _stalls(told: dict[str, Any]) -> str:
    pauses = ", ".join(f"gen {one}: {many} × ≤ {ms} ms" for one, (many, ms) in told["gc"].items() if many)
    return f"loop held {told['late_ms']} ms, of it {told['busy_ms']} ms CPU; garbage {pauses or 'none'}"


def _firsts(load: Load) -> str:
    took = [(one.pieces[0][0] - one.due_at) * 1000 for one in load.heard if one.pieces]
    ended = [(one.ended_at - one.due_at) * 1000 for one in load.heard if one.pieces]
    p50, p95 = percentile(took, 50), percentile(took, 95)
    first = f"first words p50 {p50:.0f} p95 {p95:.0f} max {max(took):.0f} ms"
    return f"{first}; ends p95 {percentile(ended, 95):.0f}"


PARTS = {"hang-ups": hang_ups, "runpod": runpod, "memory": memory, "embedded": embedded}


def main() -> None:
    part = sys.argv[1]
    with asyncio.Runner(loop_factory=loop_factory()) as runner, TemporaryDirectory() as folder:
        if part == "serve":
            runner.run(serve(json.loads(sys.argv[2])))
        else:
            calls = int(sys.argv[2]) if len(sys.argv) > 2 else CALLS
            runner.run(PARTS[part](calls, folder))


if __name__ == "__main__":
    main()
