"""Where a turn's CPU goes: every place on its road belongs to a stage."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path
from types import FrameType

import pytest

from voice.cli.bench.proc import has_proc
from voice.cli.bench.stages import (
    ASK,
    DOOR,
    LOOP,
    PROMPT,
    READ,
    RECORD,
    SPEECH,
    STAGES,
    Sampler,
    owner,
    stage_of,
)
from voice.speech.clean import clean

ROOT = Path(__file__).parents[4]
ROOF = ("cli", "simulate", "training")  # what is not on the road of a turn


@pytest.mark.parametrize(
    ("file", "function", "stage"),
    [
        ("/x/voice/speech/chunk.py", "feed", SPEECH),
        ("/x/voice/store/sql.py", "write", RECORD),
        ("/x/site-packages/sqlalchemy/engine/base.py", "execute", RECORD),
        ("/x/voice/models/openai.py", "write", ASK),
        ("/x/site-packages/httpx_aiohttp/transport.py", "handle_async_request", ASK),
        ("/x/voice/turn/prompt.py", "build_prompt", PROMPT),
        ("/x/handlers/wire/openai.py", "conversation", READ),
        ("/x/handlers/sse.py", "_speak", DOOR),
        ("/x/site-packages/uvicorn/protocols/http/httptools_impl.py", "data_received", READ),
        ("/x/site-packages/uvicorn/protocols/http/httptools_impl.py", "send", DOOR),
        ("/usr/lib/python3.11/asyncio/runners.py", "run", LOOP),
        ("/usr/lib/python3.11/json/encoder.py", "encode", None),
        ("/usr/lib/python3.11/asyncio/futures.py", "set_result", None),
    ],
)
def test_code_belongs_to_a_stage_or_to_its_caller(file: str, function: str, stage: str | None) -> None:
    assert owner(file, function) == stage


@pytest.mark.parametrize("room", ["handlers", "voice"])
def test_no_module_on_the_road_of_a_turn_is_left_out(room: str) -> None:
    modules = [path for path in (ROOT / room).rglob("*.py") if path.relative_to(ROOT).parts[1] not in ROOF]

    missing = [str(path) for path in modules if owner(str(path), "anything") is None]

    assert missing == []


def test_a_stack_is_booked_on_the_innermost_stage() -> None:
    def looked(frame: FrameType) -> str:
        return stage_of(frame)

    assert looked(sys._getframe()) == LOOP  # a test stands on no road
    assert stage_of(None) == LOOP


@pytest.mark.skipif(not has_proc(), reason="this system does not tell the CPU of threads")
async def test_the_cpu_that_was_used_is_the_sum_of_the_stages() -> None:
    sampler = Sampler()
    began_s = time.thread_time()
    sampler.start()
    while time.thread_time() - began_s < 0.2:
        clean("Please **hold** the line, " * 20)
    used_s = time.thread_time() - began_s
    found = sampler.stop()

    stages = found["stages"]
    assert isinstance(stages, dict)
    assert set(stages) <= set(STAGES)
    assert sum(stages.values()) == pytest.approx(used_s, rel=0.3)
    assert max(stages, key=lambda one: stages[one]) == SPEECH
    assert found["looks"]
    await asyncio.sleep(0)
