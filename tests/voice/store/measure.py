# ruff: noqa: T201 (a measurement prints its table)
"""How fast turns are kept: `python -m tests.voice.store.measure [URL]`, by default on SQLite in a new folder.

Each writer is a call: it opens a turn, closes it, and waits until it is committed.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time

from voice.store.sql import SqlStore
from voice.types import CallId, CallRecord, Door, Ending, Turn

TURNS = 200  # for each writer
PACED_S = 0.05


async def main(url: str) -> None:
    print(f"{'writers':>8} {'paced':>6} {'turns/s':>8} {'CPU ms/turn':>12} {'commit p50 ms':>14} {'p99':>7}")
    for writers, pace_s in ((50, 0.0), (1, 0.0), (1, PACED_S), (10, PACED_S), (50, PACED_S)):
        began_at = time.perf_counter()
        store = SqlStore(url)
        await store.open()
        opened_s = time.perf_counter() - began_at
        waits: list[float] = []
        began_at, cpu_s = time.perf_counter(), time.process_time()
        calls = (call(store, f"{writers}-{pace_s}-{number}", pace_s, waits) for number in range(writers))
        await asyncio.gather(*calls)
        cpu_s, took_s = time.process_time() - cpu_s, time.perf_counter() - began_at
        await store.close()
        cuts = statistics.quantiles(waits, n=100)
        print(
            f"{writers:>8} {pace_s:>6} {len(waits) / took_s:>8.0f} {cpu_s / len(waits) * 1e3:>12.3f} "
            f"{cuts[49] * 1e3:>14.2f} {cuts[98] * 1e3:>7.2f}   (opened in {opened_s * 1e3:.0f} ms)"
        )


async def call(store: SqlStore, name: str, pace_s: float, waits: list[float]) -> None:
    call_id = CallId(name)
    store.keep_call(CallRecord(call_id, Door.VAPI, "jamie"))
    for position in range(TURNS):
        turn = Turn(position, "My kitchen sink leaks since this morning.", "key")
        store.keep_turn(call_id, turn)
        turn.sent = turn.spoken = "I am sorry to hear that. Which unit are you in?"
        turn.ending = Ending.ANSWERED
        store.keep_turn(call_id, turn)
        asked_at = time.perf_counter()
        await store.committed()
        waits.append(time.perf_counter() - asked_at)
        await asyncio.sleep(pace_s)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/offhook.db"))
