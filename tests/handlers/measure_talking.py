# ruff: noqa: T201 (a measurement prints its figures)
"""How soon a ringing call is answered while others talk: `python -m tests.handlers.measure_talking [CALLS]`.

A real server in a process of its own, a scripted model behind it, CALLS simulated Vapi calls in the middle
of their turns (200 by default), and beside them one assistant-request after the other.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time

from voice.cli.bench import EVERY_S, FIRST_S, REPLY
from voice.cli.bench_process import BenchProcess
from voice.cli.bench_server import BenchServer
from voice.models.http import open_http
from voice.simulate.caller import AC_REPAIR, Script, play
from voice.simulate.report import percentile
from voice.simulate.vapi import VapiLine

TURNS, PROBES, EVERY_PROBE_S = 15, 60, 0.08
PAUSE_S = 2.0  # a caller thinks and speaks between two turns


class PacedLine(VapiLine):
    """A caller who takes their time before they speak."""

    async def say(self, text: str):  # type: ignore[no-untyped-def]  # as VapiLine's
        await asyncio.sleep(PAUSE_S)
        return await super().say(text)


async def main(calls: int) -> None:
    script = Script("talk", tuple(AC_REPAIR.says[turn % len(AC_REPAIR.says)] for turn in range(TURNS)))
    with tempfile.TemporaryDirectory() as folder:
        server = BenchServer(
            "offhook", folder, "scripted", REPLY, FIRST_S, EVERY_S, max_calls=2 * calls + PROBES
        )
        async with BenchProcess(server) as ours, open_http() as http:
            lines = [PacedLine(f"{ours.url}/vapi", http=http) for _ in range(calls)]
            talking = []
            for line in lines:
                talking.append(asyncio.create_task(play(line, script)))
                await asyncio.sleep(PAUSE_S / calls)
            await asyncio.sleep(PAUSE_S)
            took_ms = []
            for number in range(PROBES):
                message = {"message": {"type": "assistant-request", "call": {"id": f"probe-{number}"}}}
                began_s = time.perf_counter()
                answer = await http.post(f"{ours.url}/vapi/webhook", json=message)
                took_ms.append((time.perf_counter() - began_s) * 1000)
                assert "assistant" in answer.json()
                await asyncio.sleep(EVERY_PROBE_S)
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)
    shown = ", ".join(f"p{place} {percentile(took_ms, place):.1f}" for place in (50, 95, 99))
    print(f"assistant-request while {calls} calls are talking: {shown} ms")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
