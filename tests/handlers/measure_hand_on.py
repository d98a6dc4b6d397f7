# ruff: noqa: T201 (a measurement prints its table)
"""What it costs to hand a turn on: `python -m tests.handlers.measure_hand_on`.

The same turns through the Vapi door, of a call that the asked process owns and of one that its sibling owns,
in turn. Both apps are in this process, so the CPU is that of both; the model is scripted and instant.
"""

from __future__ import annotations

import asyncio
import logging
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from tests.handlers.test_hand_on import HERS, MINE, PATH, a_turn, two
from voice.cli.server import bind, loop_factory, serving, url_of

ROUNDS, TURNS = 7, 60


async def _turns(http: httpx.AsyncClient, call_id: str, number: int) -> tuple[float, float]:
    """CPU and time of one turn, in milliseconds."""
    cpu, began = time.process_time(), time.perf_counter()
    for turn in range(TURNS):
        answer = await http.post(PATH, json=a_turn(f"My sink leaks, {number} {turn}.", call_id))
        answer.raise_for_status()
    return (time.process_time() - cpu) / TURNS * 1000, (time.perf_counter() - began) / TURNS * 1000


async def _measure(folder: Path) -> None:
    listener = bind("127.0.0.1", 0)
    url = url_of(listener)
    found: dict[str, list[tuple[float, float]]] = {MINE: [], HERS: []}
    async with (
        two(folder) as both,
        serving(both.mine.app, listener),
        httpx.AsyncClient(base_url=url, trust_env=False) as http,
    ):
        for number in range(ROUNDS):
            for call_id, times in found.items():
                times.append(await _turns(http, call_id, number))
    for name, call_id in (("served where it came", MINE), ("handed on", HERS)):
        cpu, wall = (statistics.median(one[place] for one in found[call_id]) for place in (0, 1))
        print(f"{name:22} {cpu:6.2f} ms CPU  {wall:6.2f} ms, the client's own with it")


def main() -> None:
    logging.disable()
    with TemporaryDirectory() as folder, asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(_measure(Path(folder)))


if __name__ == "__main__":
    main()
