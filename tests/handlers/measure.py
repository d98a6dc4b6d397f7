# ruff: noqa: T201 (a measurement prints its table)
"""How long Vapi waits for its answers: `python -m tests.handlers.measure [URL]`, by default on SQLite.

Messages go to the app without a socket, one after the other; each is a new one. "answered" is when the
answer leaves, "whole" when all that it caused is done. `notes` are kept of the call before. The bare route
is what app and measurement cost by themselves. The last line is what the secrets of a 20 kB report cost.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp, Message

from handlers.app import create_app
from handlers.wire.masked import mask
from tests.handlers.house import CALL_ID, Visitor, a_message
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.types import Note

TIMES = 400
NOTES = 500

Change = Callable[[dict[str, Any], int], None]
"""Makes a message the n-th of its kind."""


class Timed(Visitor):
    """A visitor who looks at the clock when the answer comes."""

    answered_s = 0.0

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.answered_s = time.perf_counter()
        await super()._send(message)


async def main(url: str) -> None:
    settings = load_settings(Path("/nonexistent"), database_url=url, max_calls=2 * TIMES)
    app = create_app(settings, clients=(ScriptedClient(reply="Which unit?"),))
    async with app.router.lifespan_context(app):
        store = app.state.brain.store
        print(f"{'message':<34}{'answered: p50':>14}{'p99 ms':>9}{'whole: p50':>14}{'p99 ms':>9}")
        await bare(app)
        await ask(app, "assistant_request", another_call)
        await ask(app, "status_in_progress")
        for _ in range(NOTES):
            store.keep_note(Note(CALL_ID, "transcript", {"role": "user", "transcript": "My sink leaks."}))
        await store.committed()
        for name in ("transcript_final", "endpointing_request", "transfer_destination_request"):
            await ask(app, name)
        await ask(app, "status_ended")
        await ask(app, "status_in_progress")  # of a call that has ended, with all its notes
        await ask(app, "end_of_call_report")
    secrets()


async def ask(app: ASGIApp, name: str, change: Change | None = None) -> None:
    bodies = [a_message(name) for _ in range(TIMES)]
    answered, whole = [], []
    for number, body in enumerate(bodies):
        (change or stamp)(body["message"], number)
        visitor, begun = Timed(app), time.perf_counter()
        await visitor.post("/vapi/webhook", body)
        whole.append(time.perf_counter() - begun)
        answered.append(visitor.answered_s - begun)
    row(name, answered, whole)


async def bare(app: ASGIApp) -> None:
    """What app and measurement cost by themselves: a path that takes no POST."""
    answered, whole = [], []
    for _ in range(TIMES):
        visitor, begun = Timed(app), time.perf_counter()
        await visitor.post("/health/live", {})
        whole.append(time.perf_counter() - begun)
        answered.append(visitor.answered_s - begun)
    row("(a bare route)", answered, whole)


def stamp(message: dict[str, Any], number: int) -> None:
    message["timestamp"] += number + 1


def another_call(message: dict[str, Any], number: int) -> None:
    message["call"]["id"] = f"{CALL_ID}-{number}"


def secrets() -> None:
    report = a_message("end_of_call_report")["message"]
    line = {
        "role": "user",
        "message": "My kitchen sink leaks since this morning, and the floor is wet.",
        "time": 1,
    }
    report["messages"] = []
    while len(json.dumps(report)) < 20_000:
        report["messages"].append({**line, "endTime": 2.5, "secondsFromStart": 3.5, "duration": 900})
    text = json.dumps(report)
    took = []
    for _ in range(TIMES):
        found = json.loads(text)
        begun = time.perf_counter()
        mask(found)
        took.append(time.perf_counter() - begun)
    row(f"secrets of {len(text)} characters", took, took)


def row(name: str, answered: list[float], whole: list[float]) -> None:
    cuts = [statistics.quantiles(took, n=100) for took in (answered, whole)]
    shown = "".join(f"{one[49] * 1e3:>14.3f}{one[98] * 1e3:>9.3f}" for one in cuts)
    print(f"{name:<34}{shown}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/measured.db"))
