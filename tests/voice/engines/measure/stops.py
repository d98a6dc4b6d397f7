"""How soon a worker stops writing for somebody who has gone, counted in tokens that were not written."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.voice.engines.measure.asking import a_prompt, chat_body
from tests.voice.engines.measure.paced import STOPS
from tests.voice.engines.measure.processes import PACED, PLACES, lb_worker, queue_worker
from tests.voice.engines.measure.table import at_most_ms

TIMES = 5
STOP_MS = 50
TOKENS = 200  # four seconds
HEARD_S = 0.4  # of the reply, until its caller goes
LIMIT_S = 0.5  # of a job that may not be late
LOOK_S = 0.01


@dataclass(frozen=True)
class Stop:
    """Where the engine was stopped, on the system's monotonic clock."""

    at: float
    written: int
    of: int


class Stops:
    """The file in which the paced engine notes its stops."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._seen = 0

    async def next(self) -> Stop:
        async with asyncio.timeout(10):
            while len(lines := self._lines()) <= self._seen:  # noqa: ASYNC110 – a file tells nobody
                await asyncio.sleep(LOOK_S)
        self._seen += 1
        return Stop(**json.loads(lines[self._seen - 1]))

    def _lines(self) -> list[str]:
        return self.path.read_text(encoding="utf-8").splitlines()


@asynccontextmanager
async def noted() -> AsyncIterator[tuple[Stops, dict[str, str]]]:
    """Stops, and the environment of a worker that notes them."""
    with tempfile.NamedTemporaryFile() as file:
        yield Stops(Path(file.name)), {STOPS: file.name, PLACES: "8"}


async def stops() -> None:
    async with noted() as (seen, env), lb_worker(*PACED, **env) as (http, _):
        took = []
        for _ in range(TIMES):
            async with http.post(
                "/v1/chat/completions", json=chat_body(a_prompt("p", max_tokens=TOKENS))
            ) as answer:
                await answer.content.readany()
                await asyncio.sleep(HEARD_S)
                gone_at = time.monotonic()
                answer.close()
            took.append((gone_at, await seen.next()))
        _print("a closed line, lb", took)
        late = []
        for _ in range(TIMES):
            body = {**chat_body(a_prompt("p", max_tokens=TOKENS)), "reply_ms": round(LIMIT_S * 1000)}
            due_at = time.monotonic() + LIMIT_S
            async with http.post("/v1/chat/completions", json=body) as answer:
                await answer.read()
            late.append((due_at, await seen.next()))
        _print("a missed reply_ms, lb", late)
    async with noted() as (seen, env), queue_worker(*PACED, **env) as (queue, _):
        took = []
        for _ in range(TIMES):
            job_id = await queue.run(a_prompt("p", max_tokens=TOKENS))
            await queue.pieces(job_id)
            await asyncio.sleep(HEARD_S)
            gone_at = time.monotonic()
            await queue.cancel(job_id)
            took.append((gone_at, await seen.next()))
        _print("/cancel, queue", took)


def _print(what: str, took: Sequence[tuple[float, Stop]]) -> None:
    worst_ms = max(stop.at - gone_at for gone_at, stop in took) * 1000
    saved = sum(stop.of - stop.written for _, stop in took)
    beside = f"({saved} of {sum(stop.of for _, stop in took)} tokens saved)"
    at_most_ms(f"{what}: the engine stops, worst of {len(took)}", worst_ms, STOP_MS, beside)
