# ruff: noqa: T201 (a measurement prints its figures)
"""How soon a ringing call is answered while others talk: `python -m tests.handlers.measure_talking [CALLS]`.

A real server in a process of its own, a scripted model behind it, CALLS simulated Vapi calls in the middle
of their turns (200 by default), and beside them one assistant-request after the other, each next to a
request for a bare route of the same app. The probe has a process of its own, so that the simulated callers
do not count for the server; before the calls begin the same is measured with nobody talking.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile

from voice.cli.bench.process import BenchProcess
from voice.cli.bench.server import BenchServer
from voice.models.http import open_http
from voice.simulate.caller import play
from voice.simulate.report import percentile
from voice.simulate.script import AC_REPAIR, Script
from voice.simulate.vapi.line import VapiLine

TURNS, PROBES, EVERY_PROBE_S = 15, 150, 0.08
PAUSE_S = 2.0  # a caller thinks and speaks between two turns


class PacedLine(VapiLine):
    """A caller who takes their time before they speak."""

    async def say(self, text: str):  # type: ignore[no-untyped-def]  # as VapiLine's
        await asyncio.sleep(PAUSE_S)
        return await super().say(text)


async def main(calls: int) -> None:
    script = Script.saying("talk", *(AC_REPAIR.says[turn % len(AC_REPAIR.says)] for turn in range(TURNS)))
    with tempfile.TemporaryDirectory() as folder:
        server = BenchServer("offhook", folder, model="scripted")
        async with BenchProcess(server) as ours, open_http() as http:
            show(0, await probe(ours.url))
            lines = [PacedLine(f"{ours.url}/vapi", http=http) for _ in range(calls)]
            talking = []
            for line in lines:
                talking.append(asyncio.create_task(play(line, script)))
                await asyncio.sleep(PAUSE_S / calls)
            await asyncio.sleep(PAUSE_S)
            show(calls, await probe(ours.url))
            for task in talking:
                task.cancel()
            await asyncio.gather(*talking, return_exceptions=True)


async def probe(url: str) -> dict[str, list[float]]:
    """Milliseconds by name, from a process that does nothing else."""
    asked = (sys.executable, "-m", "tests.handlers.measure_probe", url, str(PROBES), str(EVERY_PROBE_S))
    process = await asyncio.create_subprocess_exec(*asked, stdout=asyncio.subprocess.PIPE)
    told, _ = await process.communicate()
    found: dict[str, list[float]] = json.loads(told)
    return found


def show(calls: int, took_ms: dict[str, list[float]]) -> None:
    for name, one in took_ms.items():
        shown = ", ".join(f"p{place} {percentile(one, place):.2f}" for place in (50, 95, 99))
        print(f"{calls:>4} calls talking: {name:<20}{shown} ms")


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 200))
