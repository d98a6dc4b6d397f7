# ruff: noqa: T201 (a measurement prints its table)
"""How long Vapi waits for its answers: `python -m tests.handlers.measure [URL]`, by default on SQLite.

Messages go to the app without a socket, one after the other; each is a new one. `notes` are kept of the
call before. The last lines are what the secrets of a 20 kB report cost.
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

from handlers.app import create_app
from handlers.wire.masked import mask
from tests.handlers.house import CALL_ID, Visitor, a_message
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.types import Note

TIMES = 400
NOTES = 500


async def main(url: str) -> None:
    settings = load_settings(Path("/nonexistent"), database_url=url)
    app = create_app(settings, clients=(ScriptedClient(reply="Which unit?"),))
    async with app.router.lifespan_context(app):
        store = app.state.brain.store
        print(f"{'message':<46}{'p50 ms':>8}{'p99 ms':>8}")

        async def ask(name: str, change: Callable[[dict[str, Any], int], None] = stamp) -> None:
            bodies = [a_message(name) for _ in range(TIMES)]
            took = []
            for number, body in enumerate(bodies):
                change(body["message"], number)
                visitor, begun = Visitor(app), time.perf_counter()
                await visitor.post("/vapi/webhook", body)
                took.append(time.perf_counter() - begun)
            row(name, took)

        await ask("assistant_request", another_call)
        await ask("status_in_progress")
        for _ in range(NOTES):
            store.keep_note(Note(CALL_ID, "transcript", {"role": "user", "transcript": "My sink leaks."}))
        await store.committed()
        for name in ("transcript_final", "endpointing_request", "transfer_destination_request"):
            await ask(name)
        await ask("status_ended")
        await ask("status_in_progress")  # of a call that has ended, with all its notes
        await ask("end_of_call_report")
    secrets()


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
    row(f"secrets of {len(text)} characters", took)


def row(name: str, took: list[float]) -> None:
    cuts = statistics.quantiles(took, n=100)
    print(f"{name:<46}{cuts[49] * 1e3:>8.3f}{cuts[98] * 1e3:>8.3f}")


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else f"sqlite:///{folder}/measured.db"))
