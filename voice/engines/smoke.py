"""Whether the worker answers: one job of each shape, on the engine that the settings name.

    python -m voice.engines.smoke

Run while the image is built: an image whose worker does not answer is not built.
"""

from __future__ import annotations

import asyncio
import logging
import sys

from voice.engines.base import Engine
from voice.engines.choose import engine_from
from voice.engines.tally import Tally
from voice.engines.worker import work
from voice.errors import ModelError, SetupError
from voice.settings import load_settings
from voice.types import Json

ASKED: dict[str, Json] = {"messages": [{"role": "user", "content": "My sink leaks."}], "max_tokens": 16}
TOOL: Json = {"type": "function", "function": {"name": "ticket", "description": "Opens a ticket."}}
JOBS: dict[str, dict[str, Json]] = {
    "our own shape": dict(ASKED),
    "our own shape, with a tool": {**ASKED, "tools": [TOOL]},
    "OpenAI's, streamed": {
        "openai_route": "/v1/chat/completions",
        "openai_input": {**ASKED, "stream": True},
    },
    "OpenAI's, whole": {"openai_route": "/v1/chat/completions", "openai_input": dict(ASKED)},
    "the list of models": {"openai_route": "/v1/models"},
}


async def smoke(engine: Engine, tally: Tally) -> dict[str, str]:
    """What went wrong, by job; empty when all is well."""
    await engine.start()
    try:
        return {name: wrong for name, job in JOBS.items() if (wrong := await _wrong(engine, job, tally))}
    finally:
        await engine.stop()


async def _wrong(engine: Engine, given: dict[str, Json], tally: Tally) -> str:
    chunks = [chunk async for chunk in work({"id": "smoke", "input": given}, engine, tally)]
    if not chunks:
        return "no answer"
    last = chunks[-1]
    return str(last["error"]) if isinstance(last, dict) and "error" in last else ""


def main() -> None:
    """Exit with 0 when every job was answered, else with what went wrong."""
    logging.disable(logging.WARNING)  # what is no error is told below
    tally = Tally()
    try:
        engine = engine_from(load_settings())
        wrong = asyncio.run(smoke(engine, tally))
    except (SetupError, ModelError) as exc:
        sys.exit(str(exc))
    if wrong:
        sys.exit("\n".join(f"{name}: {what}" for name, what in wrong.items()))
    without = "; its chat template shows it no tools" if tally.without_tools else ""
    sys.stdout.write(f"{engine.model} answered {len(JOBS)} jobs{without}\n")


if __name__ == "__main__":
    main()
