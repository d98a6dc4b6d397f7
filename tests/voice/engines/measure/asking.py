"""Who is asked, and how: an engine directly, a worker over HTTP, a worker through RunPod's queue."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import aiohttp

from voice.engines.base import Engine
from voice.job import job_input
from voice.types import CallId, Message, Prompt

SENTENCE = "The water under the kitchen sink came back this morning, and the cupboard is wet again."
FINAL = ("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT")


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


def chat_body(prompt: Prompt) -> dict[str, Any]:
    return {
        "messages": [{"role": one.role, "content": one.text} for one in prompt.messages],
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
        "call_id": prompt.call_id,
        "stream": True,
    }


def over_http(http: aiohttp.ClientSession) -> Ask:
    async def ask(prompt: Prompt) -> Written:
        began, first, last = time.perf_counter(), 0.0, b""
        async with http.post("/v1/chat/completions", json=chat_body(prompt)) as answer:
            async for piece in answer.content.iter_any():
                first = first or time.perf_counter()
                last = piece
        told = next(line for line in last.decode().split("\n\n") if '"usage"' in line)
        tokens = json.loads(told.removeprefix("data: "))["usage"]["completion_tokens"]
        return Written(first - began, time.perf_counter() - began, tokens)

    return ask


@dataclass(frozen=True)
class Queue:
    """RunPod's job API, as lean as a client can be: what it costs is no worker's."""

    http: aiohttp.ClientSession

    async def run(self, prompt: Prompt, **fields: Any) -> str:
        """Gives a job; returns its id."""
        job_id: str = (await self._post("run", {**job_input(prompt), **fields}))["id"]
        return job_id

    async def pieces(self, job_id: str) -> tuple[str, list[Any]]:
        """The next pieces of a job, waited for, and its status."""
        async with self.http.get(f"stream/{job_id}?wait=10000") as answer:
            told = await answer.json()
        return told["status"], [item["output"] for item in told["stream"]]

    async def status(self, job_id: str) -> Mapping[str, Any]:
        async with self.http.get(f"status/{job_id}") as answer:
            told: Mapping[str, Any] = await answer.json()
            return told

    async def cancel(self, job_id: str) -> None:
        async with self.http.post(f"cancel/{job_id}"):
            pass

    async def stream(self, prompt: Prompt) -> Written:
        """A reply as a call hears it: each piece is asked for while the next is written."""
        began, first, tokens = time.perf_counter(), 0.0, 0
        job_id, status, some = await self.run(prompt), "", list[Any]()
        while status not in FINAL or some:
            status, some = await self.pieces(job_id)
            first = first or (time.perf_counter() if some else 0.0)
            for one in some:
                if "usage" in one:  # the last words: nobody waits for what the SDK posts behind them
                    tokens = one["usage"]["completion_tokens"]
                    return Written(first - began, time.perf_counter() - began, tokens)
        raise AssertionError(f"job {job_id} ended as {status}: {await self.status(job_id)}")

    async def whole(self, prompt: Prompt) -> Written:
        """A reply in one request, so that reading it takes nothing from the worker's processors."""
        began = time.perf_counter()
        told = await self._post("runsync?wait=90000", job_input(prompt))
        total_s = time.perf_counter() - began
        return Written(total_s, total_s, told["output"][-1]["usage"]["completion_tokens"])

    async def _post(self, operation: str, given: Mapping[str, Any]) -> Mapping[str, Any]:
        async with self.http.post(operation, json={"input": given}) as answer:
            told: Mapping[str, Any] = await answer.json()
        return told


def a_prompt(call: str, turns: Sequence[str] = ("Hello.",), max_tokens: int = 60) -> Prompt:
    said = [Message("assistant" if place % 2 else "user", text) for place, text in enumerate(turns)]
    messages = (Message("system", "You are Jamie, who answers for Maple Court."), *said)
    return Prompt(messages, max_tokens, 0.0, call_id=CallId(call))


def a_history(tokens: int) -> list[str]:
    """Turns of about so many tokens together, the caller's last."""
    count = max(1, tokens // 20) | 1
    return [SENTENCE] * count


async def burst(ask: Ask, prompts: Sequence[Prompt]) -> float:
    """Tokens a second of replies that are asked for at the same instant, with nobody waiting behind them."""
    began = time.perf_counter()
    replies = await asyncio.gather(*(ask(prompt) for prompt in prompts))
    return sum(reply.tokens for reply in replies) / (time.perf_counter() - began)


async def stream_of(ask: Ask, prompts: Sequence[Prompt], at_once: int) -> float:
    """Tokens a second while there are always `at_once` requests for one of `prompts`, one after the other.

    Counted from the first reply's end to the last one's that was written with all others at work.
    """
    waiting, ends = iter(prompts), list[tuple[float, int]]()

    async def keep_asking() -> None:
        for prompt in waiting:
            reply = await ask(prompt)
            ends.append((time.perf_counter(), reply.tokens))

    await asyncio.gather(*(keep_asking() for _ in range(at_once)))
    full = ends[: len(prompts) - at_once + 1]  # behind them the last ones write alone
    return sum(tokens for _, tokens in full[1:]) / (full[-1][0] - full[0][0])
