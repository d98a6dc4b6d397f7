# ruff: noqa: T201 (a measurement prints its table)
"""What the worker costs beside its engine: `python -m tests.voice.engines.measure`.

Each figure stands beside the same engine driven directly in the same minute, for machines are noisy.
The embedded engine shares this machine's processors with the worker and with this measurement; the paced
one costs nothing, so what is lost with it is the worker's own. Nothing but loopback is asked.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aiohttp

from tests.voice.engines.asked import ROOT, free_port
from tests.voice.engines.measured_worker import TOKENS, paced_engine
from voice.clock import Budget, now
from voice.engines.base import Engine
from voice.engines.onnx import OnnxEngine
from voice.models.http import open_http
from voice.models.runpod import RunPodClient
from voice.simulate.runpod.standin import RunPodStandIn
from voice.types import CallId, Message, Prompt

TURNS = 20  # of a call with a long history
SENTENCE = "The water under the kitchen sink came back this morning, and the cupboard is wet again."
SLOW_ROUNDS = 6  # where a reply takes a second
ROUNDS = 9  # of each throughput, direct and through the worker in turn; the median of their ratios counts
STARTS = 3
EMBEDDED_TOKENS = 60


@dataclass(frozen=True)
class Written:
    """One reply: when its first words came and how many tokens it had. Seconds since it was asked."""

    ttft_s: float
    total_s: float
    tokens: int


Ask = Callable[[Prompt], Awaitable[Written]]


def directly(engine: Engine) -> Ask:
    async def ask(prompt: Prompt) -> Written:
        began, first = time.perf_counter(), list[float]()
        finish = await engine.write(prompt, lambda _: first.append(time.perf_counter()))
        tokens = finish.usage.completion_tokens
        return Written(first[0] - began, time.perf_counter() - began, tokens)

    return ask


def over_http(http: aiohttp.ClientSession) -> Ask:
    async def ask(prompt: Prompt) -> Written:
        body = {
            "messages": [{"role": one.role, "content": one.text} for one in prompt.messages],
            "max_tokens": prompt.max_tokens,
            "temperature": prompt.temperature,
            "call_id": prompt.call_id,
            "stream": True,
        }
        began, first, last = time.perf_counter(), 0.0, b""
        async with http.post("/v1/chat/completions", json=body) as answer:
            async for piece in answer.content.iter_any():
                first = first or time.perf_counter()
                last = piece
        told = next(line for line in last.decode().split("\n\n") if '"usage"' in line)
        tokens = json.loads(told.removeprefix("data: "))["usage"]["completion_tokens"]
        return Written(first - began, time.perf_counter() - began, tokens)

    return ask


@asynccontextmanager
async def a_worker(*command: str, **env: str) -> AsyncIterator[aiohttp.ClientSession]:
    """A worker behind the load balancer, in a process of its own, once it answers."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *command),
        cwd=ROOT,
        env={**os.environ, "PORT": str(port), "OFFHOOK_WORKER_MODE": "lb", **env},
        stderr=asyncio.subprocess.DEVNULL,
    )
    base = f"http://127.0.0.1:{port}"
    try:
        async with aiohttp.ClientSession(base, connector=aiohttp.TCPConnector(limit=0)) as http:
            while not await _answers(http):  # noqa: ASYNC110 – it tells nobody
                await asyncio.sleep(0.02)
            yield http
    finally:
        process.terminate()
        await process.wait()


async def _answers(http: aiohttp.ClientSession) -> bool:
    try:
        async with http.get("/ping") as answer:
            return answer.status == 200
    except aiohttp.ClientError:
        return False


def a_prompt(call: str, turns: Sequence[str] = (), max_tokens: int = EMBEDDED_TOKENS) -> Prompt:
    said = [Message("assistant" if place % 2 else "user", text) for place, text in enumerate(turns)]
    messages = (Message("system", "You are Jamie, who answers for Maple Court."), *said)
    return Prompt(messages, max_tokens, 0.0, call_id=CallId(call))


def a_history(tokens: int) -> list[str]:
    """Turns of about so many tokens together, the caller's last."""
    count = max(1, tokens // 20) | 1
    return [SENTENCE] * count


async def tokens_per_s(ask: Ask, prompts: Sequence[Prompt]) -> float:
    began = time.perf_counter()
    replies = await asyncio.gather(*(ask(prompt) for prompt in prompts))
    return sum(reply.tokens for reply in replies) / (time.perf_counter() - began)


def ms(values: Sequence[float], share: float = 0.5) -> float:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


async def starts() -> None:
    """From the process's start to ready, with the packaged model."""
    lb: list[dict[str, Any]] = []
    for _ in range(STARTS):
        async with a_worker("runpod_handler.py") as http, http.get("/health") as answer:
            lb.append((await answer.json())["started"])
    best = min(lb, key=lambda one: one["ready_ms"])
    print(f"start to ready, lb: {best['ready_ms']} ms (imports {best['import_ms']}, load {best['load_ms']})")
    took = [await queue_start() for _ in range(STARTS)]
    print(f"start to first job taken, queue, SDK included: {min(took) * 1000:.0f} ms")


async def queue_start() -> float:
    began = time.perf_counter()
    async with a_queue("runpod_handler.py"):
        return time.perf_counter() - began


@asynccontextmanager
async def a_queue(*command: str) -> AsyncIterator[Ask]:
    """A worker in a process of its own behind a stand-in of RunPod's queue, once it takes jobs."""
    async with RunPodStandIn() as runpod, open_http() as http:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *command),
            cwd=ROOT,
            env={**os.environ, **runpod.worker_env()},
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        client = RunPodClient("runpod", runpod.endpoint_id, runpod.key, runpod.url, http=http)
        try:
            await runpod.was_asked.until(lambda: any("job-take" in one for one in runpod.asked), 60)
            yield over_queue(client)
        finally:
            await client.close()
            process.kill()
            await process.wait()


def over_queue(client: RunPodClient) -> Ask:
    async def ask(prompt: Prompt) -> Written:
        began, first = time.perf_counter(), list[float]()
        deadline = Budget(reply_s=60).deadline(now())
        finish = await client.write(prompt, deadline, lambda _: first.append(time.perf_counter()))
        return Written(first[0] - began, time.perf_counter() - began, finish.usage.completion_tokens)

    return ask


async def later_turns(engine: Engine) -> None:
    """First tokens of a call's turns when its history is 600 tokens long; each asks something new."""
    ask, history, first = directly(engine), a_history(600), list[float]()
    opening = await ask(a_prompt("long", history))
    for turn in range(TURNS):
        later = [*history, SENTENCE, f"And what about unit {turn}, where {turn * 7} boxes are still wet?"]
        first.append((await ask(a_prompt("long", later, 24))).ttft_s)
    print(
        f"600-token history: first turn {opening.ttft_s * 1000:.0f} ms to the first token,"
        f" later turns p50 {ms(first):.1f} ms, p95 {ms(first, 0.95):.1f} ms"
    )


async def eight_at_once(engine: Engine) -> None:
    """First tokens of eight calls that speak at the same instant, each with something new in a later turn."""
    ask, first, history = directly(engine), list[float](), a_history(300)
    await asyncio.gather(*(ask(a_prompt(f"c{one}", history, 24)) for one in range(8)))
    for turn in range(TURNS):
        later = [*history, SENTENCE, f"And what about unit {turn}, where {turn * 7} boxes are still wet?"]
        replies = await asyncio.gather(*(ask(a_prompt(f"c{one}", later, 24)) for one in range(8)))
        first.extend(reply.ttft_s for reply in replies)
    print(f"8 calls at once: p50 {ms(first):.0f} ms, p95 {ms(first, 0.95):.0f} ms to the first token")


async def beside(name: str, direct: Ask, worker: Ask, prompts: Callable[[int], list[Prompt]]) -> None:
    """Throughput at 1, 8 and 32 replies at once, and the time to the first token that the worker adds."""
    for at_once in (1, 8, 32):
        asked = prompts(at_once)
        rounds = [
            (await tokens_per_s(direct, asked), await tokens_per_s(worker, asked))
            for _ in range(ROUNDS if name == "embedded" else SLOW_ROUNDS // 2)
        ]
        alone, through = (statistics.median(column) for column in zip(*rounds, strict=True))
        ratio = statistics.median(through / alone for alone, through in rounds)
        print(f"{name}, {at_once:>2} at once: {through:7.0f} of {alone:7.0f} tokens/s ({ratio:.2f} x)")
    times = TURNS if name == "embedded" else SLOW_ROUNDS
    pairs = [(await direct(prompts(1)[0]), await worker(prompts(1)[0])) for _ in range(times)]
    alone_ms = [one.ttft_s * 1000 for one, _ in pairs]
    long = statistics.median(one.total_s * 1000 for one, _ in pairs)
    tokens = statistics.median(one.tokens for one, _ in pairs)
    added_ms = [(other.ttft_s - one.ttft_s) * 1000 for one, other in pairs]
    print(
        f"{name}: the worker adds {statistics.median(added_ms):.1f} ms to a first token"
        f" that takes {statistics.median(alone_ms):.1f} ms; a reply of {tokens:.0f} tokens: {long:.1f} ms"
    )


async def main() -> None:
    await starts()
    engine = OnnxEngine(calls=8)
    await engine.start()
    await later_turns(engine)
    await eight_at_once(engine)
    async with a_worker("runpod_handler.py", OFFHOOK_WORKER_JOBS="32", OFFHOOK_EMBEDDED_CALLS="8") as http:
        turns = ["Tell me everything about the rules of the house."]
        await beside(
            "embedded",
            directly(engine),
            over_http(http),
            lambda count: [a_prompt(f"t{one}", turns) for one in range(count)],
        )
    await engine.stop()
    paced = paced_engine()
    await paced.start()
    async with a_worker("-m", "tests.voice.engines.measured_worker") as http:
        prompts = [a_prompt("p", ["Hello."], TOKENS)]
        await beside("paced", directly(paced), over_http(http), lambda count: prompts * count)
    async with a_queue("-m", "tests.voice.engines.measured_worker") as ask:
        await beside("paced, by queue", directly(paced), ask, lambda count: prompts * count)


if __name__ == "__main__":
    asyncio.run(main())
