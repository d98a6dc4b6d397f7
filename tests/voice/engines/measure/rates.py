"""Tokens a second of a worker, beside the same engine asked directly, in turn with it.

`together`: so many replies are asked for at one instant and nobody waits behind them, so that a worker under
RunPod's SDK idles between two of them. `always`: as many more wait in the queue the whole time, and so many
are written at once, as at an endpoint that has work.
"""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from tests.voice.engines.measure.asking import (
    Ask,
    a_history,
    a_prompt,
    burst,
    directly,
    over_http,
    stream_of,
)
from tests.voice.engines.measure.paced import PacedEngine
from tests.voice.engines.measure.processes import (
    BARE,
    HANDLER,
    PACED,
    PLACES,
    Running,
    cpu_s_of,
    lb_worker,
    queue_worker,
)
from tests.voice.engines.measure.table import at_least, row
from voice.engines.onnx import OnnxEngine
from voice.engines.slots import Slots
from voice.types import Prompt

AT_ONCE = (1, 8, 32)
PHONE_TOKENS, LONG_TOKENS = 60, 240  # 1.2 and 4.8 s at the engine's pace
WAVES = 4  # of replies, while requests always wait
EMBEDDED_ROUNDS, PACED_ROUNDS = 5, 2
PACED_BOUND, EMBEDDED_BOUND = 0.97, 0.85


@dataclass(frozen=True)
class Rates:
    """Tokens a second, × directly; and the worker's processor time for a reply."""

    together: float
    always: float
    cpu_ms: float


async def beside(direct: Ask, worker: Ask, process: Running, prompts: Sequence[Prompt], rounds: int) -> Rates:
    """The medians of `rounds` rounds; so many replies at once as there are prompts."""
    many = list(prompts) * max(WAVES, -(-rounds * WAVES // len(prompts)))
    await burst(worker, prompts)  # lines are open, caches are filled
    await burst(direct, prompts)
    together, always, cpu_s = list[float](), list[float](), 0.0
    for _ in range(rounds):
        alone = await burst(direct, prompts)
        together.append(await burst(worker, prompts) / alone)
        alone = await stream_of(direct, many, 2 * len(prompts))
        before_s = process.cpu_s()
        always.append(await stream_of(worker, many, 2 * len(prompts)) / alone)
        cpu_s += process.cpu_s() - before_s
    cpu_ms = cpu_s * 1000 / len(many) / rounds
    return Rates(statistics.median(together), statistics.median(always), cpu_ms)


def print_rates(
    name: str, at_once: int, rates: Rates, bound: float | None, *, picks_up: bool = False
) -> None:
    """`picks_up`: RunPod's pick-up lies between two replies that nobody waits behind, which is not bound."""
    cpu = f"({rates.cpu_ms:.1f} ms of CPU a reply)"
    at_least(f"{name}, {at_once:>2} at once, always more waiting", rates.always, bound, cpu)
    at_least(f"{name}, {at_once:>2} together, nobody waiting", rates.together, None if picks_up else bound)


async def per_cpu(ask: Ask, pid: int, prompts: Sequence[Prompt]) -> float:
    """Tokens a second of the model's own processor time, which sharing the processors does not change."""
    before_s = cpu_s_of(pid)
    replies = await asyncio.gather(*(ask(prompt) for prompt in [*prompts] * WAVES))
    return sum(reply.tokens for reply in replies) / (cpu_s_of(pid) - before_s)


async def embedded() -> None:
    """The packaged model, whose process shares the processors with the worker and with who asks it."""
    engine = OnnxEngine(calls=max(AT_ONCE))
    await engine.start()
    kinds = {"a call's first words": ["Tell me everything about the rules."], "later turn": a_history(120)}
    for at_once in AT_ONCE:
        env = {"OFFHOOK_WORKER_JOBS": str(at_once), "OFFHOOK_EMBEDDED_CALLS": str(max(AT_ONCE))}
        async with lb_worker(*HANDLER, **env) as (http, process):
            direct, worker = directly(Slots(engine, at_once)), over_http(http)
            for kind, turns in kinds.items():
                prompts = [a_prompt(f"t{one}", turns) for one in range(at_once)]
                rates = await beside(direct, worker, process, prompts, EMBEDDED_ROUNDS)
                print_rates(f"embedded, lb, {kind}", at_once, rates, EMBEDDED_BOUND)
                if at_once == max(AT_ONCE):
                    child = process.child("voice.engines.onnx_child")
                    ours = await per_cpu(worker, child, prompts)
                    ratio = ours / await per_cpu(direct, cast(int, engine.pid), prompts)
                    row(
                        f"embedded, lb, {kind}, {at_once}: per second of the model's processor",
                        f"{ratio:.2f} x",
                    )
    await engine.stop()


async def paced_lb() -> None:
    for at_once in AT_ONCE:
        async with lb_worker(*PACED, **{PLACES: str(at_once)}) as (http, process):
            await _paced("paced, lb", over_http(http), process, at_once, PACED_BOUND)


async def paced_queue() -> None:
    """By queue, and in the same minute a handler of four lines under the same SDK."""
    for at_once in AT_ONCE:
        places = {PLACES: str(at_once)}
        async with queue_worker(*PACED, **places) as (queue, process):
            ours = await _paced("paced, queue", queue.whole, process, at_once, PACED_BOUND, picks_up=True)
        async with queue_worker(*BARE, **places) as (queue, process):
            bare = await _paced(
                "  the SDK with a bare handler", queue.whole, process, at_once, None, picks_up=True
            )
        name = f"paced, queue, {at_once:>2}: ours to the SDK with a bare handler"
        row(name, f"{ours.always / bare.always:.2f} x, {ours.together / bare.together:.2f} x together")


async def _paced(
    name: str, worker: Ask, process: Running, at_once: int, bound: float | None, *, picks_up: bool = False
) -> Rates:
    engine = PacedEngine()
    await engine.start()
    direct = directly(Slots(engine, at_once))
    rates = await beside(
        direct, worker, process, [a_prompt("p", max_tokens=PHONE_TOKENS)] * at_once, PACED_ROUNDS
    )
    print_rates(name, at_once, rates, bound, picks_up=picks_up)
    long = [a_prompt("p", max_tokens=LONG_TOKENS)] * at_once
    ratio = await burst(worker, long) / await burst(direct, long)
    at_least(f"{name}, {at_once:>2} together, replies of {LONG_TOKENS} tokens", ratio, bound)
    return rates
