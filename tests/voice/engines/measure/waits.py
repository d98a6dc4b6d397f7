"""How long a caller waits: for a worker to start, for first words, for a reply over a slow line."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from tests.voice.engines.measure.asking import SENTENCE, Ask, Queue, a_history, a_prompt, directly, over_http
from tests.voice.engines.measure.paced import GAP_S, PacedEngine
from tests.voice.engines.measure.processes import BARE, HANDLER, PACED, PLACES, lb_worker, queue_worker
from tests.voice.engines.measure.table import at_most_ms, median_ms, row, share_ms
from voice.engines.base import Engine
from voice.engines.onnx import OnnxEngine

STARTS = 3
TURNS = 20  # of a call with a long history
ASKED = 12  # times, each a little later in the SDK's cycle than the one before
CYCLE_S = 0.1  # how often the SDK looks for jobs it has taken
START_MS, LATER_TURN_MS, EIGHT_MS, ADDED_MS = 4000, 40, 250, 5
LINE_S, LINE_TOKENS, LINE_SHARE = 0.05, 60, 1.15


async def starts() -> None:
    """From the process's start to ready, with the packaged model."""
    lb: list[dict[str, Any]] = []
    for _ in range(STARTS):
        async with lb_worker(*HANDLER) as (http, _process), http.get("/health") as answer:
            lb.append((await answer.json())["started"])
    best = min(lb, key=lambda one: one["ready_ms"])
    steps = f"(imports {best['import_ms']}, load {best['load_ms']})"
    at_most_ms("start to ready, lb", best["ready_ms"], START_MS, steps)
    took = list[float]()
    for _ in range(STARTS):
        async with queue_worker(*HANDLER) as (_, process):
            took.append(time.time() - process.began_on)
    at_most_ms("start to first job taken, queue, SDK included", min(took) * 1000, START_MS)


async def embedded() -> None:
    engine = OnnxEngine(calls=8)
    await engine.start()
    await _later_turns(engine)
    await _eight_at_once(engine)
    await engine.stop()


async def _later_turns(engine: Engine) -> None:
    """First tokens of a call's turns when its history is 600 tokens long; each asks something new."""
    ask, history, first = directly(engine), a_history(600), list[float]()
    opening = await ask(a_prompt("long", history))
    for turn in range(TURNS):
        first.append((await ask(a_prompt("long", _asked(history, turn), 24))).ttft_s)
    row("first token after 600 tokens of history, first turn", f"{opening.ttft_s * 1000:.0f} ms")
    at_most_ms("the same, later turns p50", median_ms(first), LATER_TURN_MS)
    at_most_ms("the same, later turns p95", share_ms(first, 0.95), LATER_TURN_MS)


async def _eight_at_once(engine: Engine) -> None:
    """First tokens of eight calls that speak at the same instant, each with something new in a later turn."""
    ask, first, history = directly(engine), list[float](), a_history(300)
    await asyncio.gather(*(ask(a_prompt(f"c{one}", history, 24)) for one in range(8)))
    for turn in range(TURNS):
        later = _asked(history, turn)
        replies = await asyncio.gather(*(ask(a_prompt(f"c{one}", later, 24)) for one in range(8)))
        first.extend(reply.ttft_s for reply in replies)
    at_most_ms(
        "first token of 8 calls at once, p95",
        share_ms(first, 0.95),
        EIGHT_MS,
        f"p50 {median_ms(first):.0f} ms",
    )


def _asked(history: list[str], turn: int) -> list[str]:
    return [*history, SENTENCE, f"And what about unit {turn}, where {turn * 7} boxes are still wet?"]


async def added() -> None:
    """What a worker adds to the first words of an engine that has them after GAP_S."""
    engine = PacedEngine()
    await engine.start()
    direct = directly(engine)
    async with lb_worker(*PACED, **{PLACES: "1"}) as (http, _):
        at_most_ms("added to the first token, lb", await _added_ms(over_http(http), direct), ADDED_MS)
    async with queue_worker(*PACED, **{PLACES: "1"}) as (queue, _):
        ours_ms = await _added_ms(queue.stream, direct)
    async with queue_worker(*BARE, **{PLACES: "1"}) as (queue, _):
        bare_ms = await _added_ms(queue.stream, direct)
    row("added to the first token, queue", f"{ours_ms:.1f} ms")
    row("  by the SDK with a bare handler: its pick-up", f"{bare_ms:.1f} ms")
    at_most_ms("added to the first token, queue, beyond the SDK's", ours_ms - bare_ms, ADDED_MS)


async def _added_ms(ask: Ask, direct: Ask) -> float:
    """To the median of the first words, each asked for in turn with the engine itself."""
    prompt, worker, alone = a_prompt("p", max_tokens=10), list[float](), list[float]()
    await ask(prompt)
    for turn in range(ASKED):
        await asyncio.sleep(CYCLE_S * turn / ASKED)  # or every job would come at the same instant of it
        worker.append((await ask(prompt)).ttft_s)
        alone.append((await direct(prompt)).ttft_s)
    return median_ms(worker) - median_ms(alone)


async def slow_line() -> None:
    """60 tokens, each post of which takes a round trip of 50 ms that the SDK waits for."""
    written_s = LINE_TOKENS * GAP_S
    async with queue_worker(*PACED, line_s=LINE_S, **{PLACES: "1"}) as (queue, _):
        ours = min([await _words_took(queue) for _ in range(3)])
    async with queue_worker(*BARE, line_s=LINE_S, **{PLACES: "1"}) as (queue, _):
        bare = min([await _words_took(queue) for _ in range(2)])
    at_most = LINE_SHARE * written_s
    name = (
        f"{LINE_TOKENS} tokens in {written_s:.1f} s over a line of {LINE_S * 1000:.0f} ms, first word to last"
    )
    row(name, f"{ours / written_s:.2f} x", f"<= {LINE_SHARE} x", ours <= at_most)
    row("  the SDK with a bare handler", f"{bare / written_s:.2f} x")


async def _words_took(queue: Queue) -> float:
    reply = await queue.stream(a_prompt("p", max_tokens=LINE_TOKENS))
    return reply.total_s - reply.ttft_s + GAP_S
