"""A worker whose engine writes at an even pace, as a GPU does, and costs nothing.

OFFHOOK_WORKER_MODE=lb PORT=20001 python -m tests.voice.engines.measured_worker
"""

from __future__ import annotations

import asyncio
import os

import runpod_handler
from voice.engines.scripted import ScriptedEngine

TOKENS, GAP_S = 60, 0.02  # 50 tokens a second, as an 8 B model on a 24 GB card
PLACES = 64


def paced_engine() -> ScriptedEngine:
    """Writes 60 tokens in 1.2 s, the first of which is a clause."""
    return ScriptedEngine(["Yes, ", *["word "] * (TOKENS - 1)], gap_s=GAP_S)


if __name__ == "__main__":
    if os.environ.get("OFFHOOK_WORKER_MODE") == "lb":
        asyncio.run(runpod_handler.serve_http(paced_engine(), PLACES))
    else:
        runpod_handler.serve(paced_engine(), PLACES)
