"""The worker behind RunPod's load balancer: a process of its own, asked by OpenAI's own client."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.voice.engines.asked import free_port

ROOT = Path(__file__).parents[2]
REAL = ROOT / "runpod_handler.py"
SCRIPTED = ROOT / "tests/acceptance/scripted_worker.py"
WAIT_S = 30.0

pytestmark = pytest.mark.slow


class Worker:
    """A worker's process, where it is asked, and what it has logged so far."""

    def __init__(self, process: asyncio.subprocess.Process, port: int) -> None:
        self.process = process
        self.http = httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", timeout=WAIT_S, trust_env=False)
        self.openai = openai.AsyncOpenAI(
            base_url=f"http://127.0.0.1:{port}/v1", api_key="any", max_retries=0, http_client=self.http
        )
        self.log = ""

    async def pings(self, status: int) -> list[int]:
        """Asks until the answer is `status`; returns all answers, 0 where nobody listened yet."""
        heard: list[int] = []
        async with asyncio.timeout(WAIT_S):
            while status not in heard:
                try:
                    heard.append((await self.http.get("/ping")).status_code)
                except httpx.TransportError:
                    assert self.process.returncode is None, await self.logged()
                    heard.append(0)
                await asyncio.sleep(0.01)
        return heard

    async def health(self) -> dict[str, Any]:
        told: dict[str, Any] = (await self.http.get("/health")).json()
        return told

    async def logged(self) -> str:
        """All that it has logged; it must have ended."""
        assert self.process.stdout is not None
        self.log += (await self.process.stdout.read()).decode()
        return self.log

    async def end(self) -> int:
        if self.process.returncode is None:
            self.process.terminate()
        async with asyncio.timeout(WAIT_S):
            return await self.process.wait()


@asynccontextmanager
async def a_worker(entry: Path = SCRIPTED, **env: str) -> AsyncIterator[Worker]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(entry),
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PORT": str(port), "OFFHOOK_WORKER_MODE": "lb", **env},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    worker = Worker(process, port)
    try:
        yield worker
    finally:
        await worker.http.aclose()
        if process.returncode is None:
            process.kill()
        await process.communicate()


def said(words: str) -> list[Any]:
    return [{"role": "user", "content": words}]


async def test_the_worker_says_that_it_loads_and_then_answers_openais_client():
    async with a_worker(REAL) as worker:
        heard = await worker.pings(200)
        stream = await worker.openai.chat.completions.create(
            model="embedded", messages=said("My sink leaks."), stream=True, max_tokens=40
        )
        chunks = [chunk async for chunk in stream]
        models = [model.id async for model in worker.openai.models.list()]
        started = (await worker.health())["started"]

    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert set(heard) <= {0, 204, 200}
    assert text.strip()
    assert chunks[-1].usage.completion_tokens > 0
    assert models == ["embedded"]
    assert started["ready_ms"] >= started["load_ms"] > 0


async def test_a_caller_who_hangs_up_stops_the_engine_and_the_next_one_is_answered():
    async with a_worker() as worker:
        await worker.pings(200)
        body = {"messages": said("hang"), "stream": True, "max_tokens": 100}
        async with worker.http.stream("POST", "/v1/chat/completions", json=body) as answer:
            await anext(answer.aiter_raw())
        async with asyncio.timeout(WAIT_S):
            while not (jobs := (await worker.health())["jobs"])["stopped"]:
                pass
        next_one = await worker.openai.chat.completions.create(model="scripted", messages=said("hello"))
        await worker.end()
        log = await worker.logged()

    assert jobs["tokens_saved"] > 90
    assert next_one.choices[0].message.content == "Good morning, how can I help?"
    assert "engine.stopped" in log
    assert "Good morning" not in log


async def test_a_wrong_model_is_the_error_that_openais_client_knows():
    async with a_worker() as worker:
        await worker.pings(200)
        with pytest.raises(openai.NotFoundError, match="gpt-4"):
            await worker.openai.chat.completions.create(model="gpt-4", messages=said("hello"))
        with pytest.raises(openai.BadRequestError, match="temperature"):
            await worker.openai.chat.completions.create(
                model="scripted", messages=said("hello"), temperature=3
            )


async def test_a_worker_that_is_told_to_end_finishes_what_it_says_and_leaves_no_process():
    async with a_worker(REAL) as worker:
        await worker.pings(200)
        body = {"messages": said("Tell me everything."), "stream": True, "max_tokens": 200}
        async with worker.http.stream("POST", "/v1/chat/completions", json=body) as answer:
            pieces = answer.aiter_text()
            first = await anext(pieces)
            worker.process.send_signal(signal.SIGTERM)
            rest = "".join([piece async for piece in pieces])
        status = await worker.end()

    assert json.loads(first.split("\n\n")[0].removeprefix("data: "))["object"] == "chat.completion.chunk"
    assert (first + rest).endswith("data: [DONE]\n\n")
    assert status == 0


@pytest.mark.parametrize(
    ("env", "words"),
    [
        ({"PORT_HEALTH": "http"}, "cannot listen on PORT"),
        ({"OFFHOOK_MODEL": "/no/such/model"}, "'/no/such/model' is not on this machine"),
        ({"OFFHOOK_MODEL": str(ROOT / "docs")}, "cannot be used"),
        ({"OFFHOOK_WORKER_MODE": "pod"}, "OFFHOOK_WORKER_MODE is 'pod'"),
    ],
)
async def test_a_worker_that_cannot_start_says_why_in_one_line(env: dict[str, str], words: str):
    async with a_worker(REAL, **env) as worker:
        async with asyncio.timeout(WAIT_S):
            status = await worker.process.wait()
        log = await worker.logged()

    assert status == 1
    assert words in log.strip().splitlines()[-1]
    assert "Traceback" not in log
