"""The engine of the transformers library, beyond the contract."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.voice.engines.asked import ROOT, a_prompt, needs_torch, reply_of
from tests.voice.engines.tiny_llama import make
from voice.engines.transformers import TransformersEngine
from voice.errors import EngineDied

WITHOUT = """
import asyncio, sys
sys.modules["torch"] = None  # as on a machine that has it not
from pathlib import Path
from voice.engines.transformers import TransformersEngine
from voice.errors import SetupError

try:
    asyncio.run(TransformersEngine(Path("/models/jamie"), at_once=1).start())
except SetupError as exc:
    print(exc)
"""


def test_without_the_library_the_start_says_what_to_install():
    printed = subprocess.run(
        [sys.executable, "-c", WITHOUT], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout

    assert "pip install torch 'transformers>=5.19'" in printed


@needs_torch
async def test_a_folder_without_a_model_is_told_at_start(tmp_path: Path) -> None:
    with pytest.raises(EngineDied, match=str(tmp_path)):
        await TransformersEngine(tmp_path, at_once=1).start()


@needs_torch
async def test_replies_written_at_once_are_the_same_as_alone(tmp_path: Path) -> None:
    make(tmp_path)
    engine = TransformersEngine(tmp_path, at_once=4)
    await engine.start()
    asked = [a_prompt(words) for words in ("My sink leaks.", "The rent is due when?", "I lost my key.")]

    alone = [await reply_of(engine, prompt) for prompt in asked]
    together = await asyncio.gather(*(reply_of(engine, prompt) for prompt in asked))
    await engine.stop()

    assert together == alone
