# ruff: noqa: T201 (a measurement prints its figures)
"""Many relay calls at once: `python -m tests.handlers.measure_relay [CALLS] [SECONDS]`.

A real server in a process of its own, on one core; a scripted model behind it (first word after 200 ms, a
word every 10 ms); CALLS sockets (500) by the `websockets` client on another core, each with a turn every ten
seconds, at an instant of its own. Our own delay is the time to the first words less the time at which the
model has written the word that completes them. Beside it the floor: a bare app on the same server that sends
the same frames at the same instants and knows nothing of calls.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from websockets.asyncio.client import ClientConnection, connect

from handlers.wire.relay import text
from voice.cli.garbage import calm_collector
from voice.cli.server import bind, loop_factory, running, serving, url_of
from voice.models.scripted import ScriptedClient
from voice.settings import Settings
from voice.simulate.report import percentile

REPLY = "I can help with that. Which unit are you in? I will send somebody to look at it tomorrow at nine."
FIRST_S, EVERY_S = 0.2, 0.01
DECIDES = 5  # the number of the word, from 0, that shows the first sentence to be over
BUDGET_S, TURN_S = 1.2, 10.0
OPENS_S = 0.02  # between two calls that come in
PUBLIC = "https://voice.example.com"
CORES = sorted(os.sched_getaffinity(0))  # the servers run on the last one, the callers on the first
WARM = 20  # calls before memory is looked at: what is loaded with the first of them is nobody's own

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


# The servers


async def floor(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
    """Says the reply at the instants at which the model would have written it."""
    if scope["type"] != "websocket":
        return
    await receive()
    await send({"type": "websocket.accept"})
    await receive()
    while (await receive())["type"] == "websocket.receive":
        for at_s, frame in ((_written_s(DECIDES), text("x" * 22)), (_written_s(20), text("", last=True))):
            await asyncio.sleep(at_s)
            await send({"type": "websocket.send", "text": frame})


async def serve(kind: str, folder: str) -> None:
    listener = bind("127.0.0.1", 0)
    print(url_of(listener), flush=True)
    if kind == "floor":
        async with serving(floor, listener):
            calm_collector()
            await _stdin_closed()
        return
    values = {"data_dir": Path(folder), "strategy": "local_only", "max_calls": 5000, "public_url": PUBLIC}
    model = ScriptedClient(reply=REPLY, first_s=FIRST_S, every_s=EVERY_S)
    async with running(Settings.model_validate(values), listener, clients=[model]):
        calm_collector()
        await _stdin_closed()


def _written_s(word: int) -> float:
    return FIRST_S + EVERY_S * word


async def _stdin_closed() -> None:
    await asyncio.to_thread(sys.stdin.read)


@dataclass
class Server:
    """One of them as a process, on the first core."""

    process: asyncio.subprocess.Process
    url: str

    @property
    def rss_kb(self) -> int:
        pages = Path(f"/proc/{self.process.pid}/statm").read_text(encoding="utf-8").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") // 1000

    @property
    def cpu_s(self) -> float:
        stat = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(stat[11]) + int(stat[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def started(kind: str, folder: str) -> AsyncIterator[Server]:
    pipe = asyncio.subprocess.PIPE
    command = [sys.executable, "-m", "tests.handlers.measure_relay", "serve", kind, folder]
    process = await asyncio.create_subprocess_exec(*command, stdin=pipe, stdout=pipe)
    assert process.stdout is not None
    assert process.stdin is not None
    os.sched_setaffinity(process.pid, {CORES[-1]})
    try:
        yield Server(process, (await process.stdout.readline()).decode().strip())
    finally:
        process.stdin.close()
        await process.wait()


# The callers


@dataclass
class Figures:
    """What one run has shown. Times in seconds."""

    delays: list[float] = field(default_factory=list)
    late: int = 0
    kb_per_call: float = 0.0
    cpu_ms_per_turn: float = 0.0

    def shown(self) -> dict[str, float]:
        """By name, as they are printed."""
        return {
            "turns": len(self.delays),
            "late turns": self.late,
            "own delay p50, ms": (percentile(self.delays, 50) or 0.0) * 1000,
            "own delay p99, ms": (percentile(self.delays, 99) or 0.0) * 1000,
            "own delay at most, ms": max(self.delays, default=0.0) * 1000,
            "CPU of the server per turn, ms": self.cpu_ms_per_turn,
            "memory per open call, kB": self.kb_per_call,
        }


@asynccontextmanager
async def on_line(server: Server, http: httpx.AsyncClient, kind: str) -> AsyncIterator[ClientConnection]:
    """One call, answered and set up."""
    call_id, path = f"CA{uuid4().hex}", "/"
    if kind != "floor":
        fields = {"CallSid": call_id, "From": "+12025550123", "To": "+12025550199", "CallStatus": "ringing"}
        document = (await http.post(f"{server.url}/twilio/voice", data=fields)).text
        found = re.search(r'url="wss://[^/]+([^"]+)"', document)
        assert found is not None, document
        path = unescape(found.group(1))
    async with connect(server.url.replace("http", "ws") + path, compression=None) as socket:
        await socket.send(json.dumps({"type": "setup", "callSid": call_id}))
        yield socket


async def caller(server: Server, http: httpx.AsyncClient, kind: str, until: float, ours: Figures) -> None:
    async with on_line(server, http, kind) as socket:
        await asyncio.sleep(random.uniform(0.0, TURN_S))
        number = 0
        while time.perf_counter() < until:
            number += 1
            prompt = {"type": "prompt", "voicePrompt": f"My sink leaks, number {number}.", "last": True}
            began = time.perf_counter()
            await socket.send(json.dumps(prompt))
            await socket.recv()
            took = time.perf_counter() - began
            ours.delays.append(took - _written_s(DECIDES))
            ours.late += took > BUDGET_S
            while not json.loads(await socket.recv())["last"]:
                pass
            await asyncio.sleep(max(0.0, began + TURN_S - time.perf_counter()))
        await asyncio.sleep(max(0.0, until + TURN_S - time.perf_counter()))


async def run(kind: str, calls: int, lasts_s: float, folder: str) -> Figures:
    ours = Figures()
    async with started(kind, folder) as server, httpx.AsyncClient(trust_env=False) as http:
        ends = time.perf_counter() + lasts_s
        async with asyncio.TaskGroup() as talking:

            async def opened(count: int) -> None:
                for _ in range(count):
                    talking.create_task(caller(server, http, kind, ends, ours))
                    await asyncio.sleep(OPENS_S)
                await asyncio.sleep(TURN_S + 1)

            await opened(min(WARM, calls))
            before_kb = server.rss_kb
            await opened(calls - min(WARM, calls))
            ours.delays.clear()  # from here on all of them talk, and nobody rings
            begun_s = server.cpu_s
            await asyncio.sleep(max(0.0, ends - time.perf_counter()))
            ours.kb_per_call = (server.rss_kb - before_kb) / max(1, calls - WARM)
            ours.cpu_ms_per_turn = (server.cpu_s - begun_s) * 1000 / max(1, len(ours.delays))
    return ours


async def main(calls: int, lasts_s: float) -> None:
    os.sched_setaffinity(0, {CORES[0]})
    found = {}
    with tempfile.TemporaryDirectory() as folder:
        for kind in ("floor", "offhook"):
            found[kind] = await run(kind, calls, lasts_s, folder)
    print(f"{calls} relay calls at once, a turn every {TURN_S:.0f} s{'offhook':>24}{'floor':>12}")
    shown = {kind: one.shown() for kind, one in found.items()}
    for name, value in shown["offhook"].items():
        print(f"{name:<56}{value:>12.1f}{shown['floor'][name]:>12.1f}")


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        if sys.argv[1:2] == ["serve"]:
            runner.run(serve(sys.argv[2], sys.argv[3]))
        else:
            runner.run(main(int((sys.argv[1:2] or ["500"])[0]), float((sys.argv[2:3] or ["60"])[0])))
