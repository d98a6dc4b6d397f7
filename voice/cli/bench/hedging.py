"""What hedging gains: the time to an answer's first words, with one route and with a second one to ask.

Played on virtual time with routes whose slowest hundredth takes twenty times their median. A filler is
no answer here; and with one route the deadline is far away, so that its slow replies are seen at all.
"""

from __future__ import annotations

import asyncio
import math
import random
from dataclasses import asdict, dataclass, replace

from voice.brain import Brain
from voice.cli.screen import quiet
from voice.clock import now
from voice.models.scripted import ScriptedClient
from voice.routing.table import Route
from voice.settings import Settings
from voice.simulate.report import percentile
from voice.simulate.virtual_time import VirtualLoop
from voice.store.memory import MemoryStore
from voice.types import CallId, ChunkKind, Door, Utterance

MEDIAN_S, TAIL = 0.2, 20.0  # the 99th percentile is TAIL times the median
FIRST_S, FAR_S = 1.2, 20.0  # the first chunk's budget with two routes, and with one
SHARE = 0.1  # of turns that may be paid twice
LEARNING = 100  # turns before the counting begins
SEED = 20261121
REPLY = "I can help with that. Which unit are you in?"


@dataclass(frozen=True, slots=True)
class Hedged:
    """The times to the first chunk over many turns, in milliseconds, and the share that was paid twice."""

    tail: str
    share: float
    turns: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    paid_twice: float


def bench_hedging(turns: int) -> list[tuple[Hedged, Hedged]]:
    """For each tail without hedging, and with a share of SHARE: the same routes, the same seeds."""
    return [(_played(tail, turns, 0.0), _played(tail, turns, SHARE)) for tail in TAILS]


def as_rows(runs: list[tuple[Hedged, Hedged]]) -> list[dict[str, object]]:
    """All runs for JSON."""
    return [asdict(one) for pair in runs for one in pair]


def _played(tail: str, turns: int, share: float) -> Hedged:
    with quiet(), asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_run(tail, turns, share))


async def _run(tail: str, turns: int, share: float) -> Hedged:
    settings = Settings.model_validate({"hedge_share": share})
    first_s = FIRST_S if share else FAR_S
    routes = [Route(_route(name, tail, seed)) for name, seed in (("primary", SEED), ("second", SEED + 1))]
    async with Brain.open(settings, clients=routes, store=MemoryStore()) as brain:
        played = [await _turn(brain, number, first_s) for number in range(turns + LEARNING)][LEARNING:]
    firsts = [first_ms for first_ms, _ in played]
    p50, p95, p99 = (percentile(firsts, place) or 0.0 for place in (50, 95, 99))
    return Hedged(tail, share, turns, p50, p95, p99, sum(twice for _, twice in played) / turns)


def _route(name: str, tail: str, seed: int) -> ScriptedClient:
    rng = random.Random(seed)
    return ScriptedClient(name, REPLY, first_s=lambda: TAILS[tail](rng))


async def _turn(brain: Brain, number: int, first_s: float) -> tuple[float, bool]:
    """The milliseconds to the first words of the answer, and whether the turn was paid twice."""
    call = await brain.calls.pick_up(CallId(f"bench-{number}"), Door.CHAT)
    heard_at = now()
    deadline = replace(call.agent.budget, reply_s=2 * FAR_S).deadline(heard_at, first_s)
    live = await brain.calls.hear(call, Utterance("My sink leaks.", heard_at), deadline)
    await live.settled()
    await brain.calls.hang_up(call.call_id, "done")
    turn = live.turn
    answers = [left.at_ms for left in turn.timing.left if left.kind is ChunkKind.REPLY]
    return (answers[0] if answers else turn.timing.total_ms or 0.0), len(turn.rungs) > 1


def _cold_now_and_then(rng: random.Random) -> float:
    """Quick, but for one job in fifty, which finds a worker that sleeps."""
    usual_s = MEDIAN_S * rng.uniform(0.7, 1.3)
    return usual_s if rng.random() >= 0.02 else TAIL * MEDIAN_S * rng.uniform(0.9, 1.3)


def _pareto(rng: random.Random) -> float:
    """Slow in every degree: above the median the logarithm of the time is exponential.

    P(time > median × x) = 0.5 / x^a, with a such that TAIL has a hundredth above it.
    """
    exponent = math.log(0.5 / 0.01) / math.log(TAIL)
    share = rng.random()
    if share < 0.5:
        return MEDIAN_S * (0.6 + 0.8 * share)
    return MEDIAN_S * float((0.5 / (1.0 - share)) ** (1.0 / exponent))


TAILS = {"cold one time in fifty": _cold_now_and_then, "slow in every degree": _pareto}
