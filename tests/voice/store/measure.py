# ruff: noqa: T201 (a measurement prints its table)
"""How fast turns are kept and messages claimed: `python -m tests.voice.store.measure [URL]`.

By default on SQLite in a new folder. Each writer is a call: it opens a turn, closes it with its whole
record, and waits until it is committed. Each claimer claims message after message, each with its answer.
"""

from __future__ import annotations

import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Sequence

from tests.voice.store.databases import opened
from voice.store.sql import SqlStore
from voice.types import CallId, CallRecord, ChunkKind, Door, Ending, Left, Outcome, Rung, Turn, Why

TURNS = 200  # for each writer
CLAIMS = 500  # for each claimer
PACED_S = 0.05


async def main(url: str) -> None:
    print(f"{'writers':>8} {'paced':>6} {'turns/s':>8} {'CPU ms/turn':>12} {'commit p50 ms':>14} {'p99':>7}")
    for writers, pace_s in ((50, 0.0), (1, 0.0), (1, PACED_S), (10, PACED_S), (50, PACED_S)):
        async with opened(url) as store:
            waits: list[float] = []
            calls = (call(store, f"{writers}-{pace_s}-{number}", pace_s, waits) for number in range(writers))
            row(writers, pace_s, waits, *await timed(asyncio.gather(*calls)))
    print(
        f"{'claimers':>8} {'paced':>6} {'claims/s':>8} {'CPU ms/claim':>12} {'claim p50 ms':>14} {'p99':>7}"
    )
    for claimers, pace_s in ((1, 0.0), (50, 0.0), (1, PACED_S), (50, PACED_S)):
        async with opened(url) as store:
            waits = []
            names = (f"{claimers}-{pace_s}-{number}" for number in range(claimers))
            asked = (claim(store, name, pace_s, waits) for name in names)
            row(claimers, pace_s, waits, *await timed(asyncio.gather(*asked)))


async def timed(work: Awaitable[object]) -> tuple[float, float]:
    """Seconds that it took, and seconds of CPU."""
    began_at, cpu_s = time.perf_counter(), time.process_time()
    await work
    return time.perf_counter() - began_at, time.process_time() - cpu_s


def row(many: int, pace_s: float, waits: Sequence[float], took_s: float, cpu_s: float) -> None:
    cuts = statistics.quantiles(waits, n=100)
    print(
        f"{many:>8} {pace_s:>6} {len(waits) / took_s:>8.0f} {cpu_s / len(waits) * 1e3:>12.3f} "
        f"{cuts[49] * 1e3:>14.2f} {cuts[98] * 1e3:>7.2f}"
    )


async def claim(store: SqlStore, name: str, pace_s: float, waits: list[float]) -> None:
    for number in range(CLAIMS if not pace_s else CLAIMS // 10):
        asked_at = time.perf_counter()
        assert await store.claim(f"{name} {number}")
        waits.append(time.perf_counter() - asked_at)
        store.keep_answer(f"{name} {number}", "<Response><Say>Which unit are you in?</Say></Response>")
        await asyncio.sleep(pace_s)


async def call(store: SqlStore, name: str, pace_s: float, waits: list[float]) -> None:
    call_id = CallId(name)
    store.keep_call(CallRecord(call_id, Door.VAPI, "jamie"))
    for position in range(TURNS):
        turn = Turn(position, "My kitchen sink leaks since this morning.", "key")
        store.keep_turn(call_id, turn)
        turn.sent = turn.spoken = "I am sorry to hear that. Which unit are you in?"
        turn.ending = Ending.ANSWERED
        turn.timing.left = [Left(400.0, 23, ChunkKind.REPLY), Left(520.0, 24, ChunkKind.REPLY)]
        turn.rungs = [Rung("runpod", Why.FIRST, 1.2, 380.0, 380.0, 400.0, 520.0, outcome=Outcome.WON)]
        turn.rungs[0].wrote = turn.sent
        store.keep_turn(call_id, turn)
        asked_at = time.perf_counter()
        await store.committed()
        waits.append(time.perf_counter() - asked_at)
        await asyncio.sleep(pace_s)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/offhook.db"))
