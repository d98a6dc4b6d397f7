"""The engine of the transformers library, beyond the contract."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from tests.voice.engines.asked import ROOT, a_prompt, needs_peft, needs_torch, reply_of
from tests.voice.engines.tiny_llama import make, make_adapter
from voice.engines.many import Many
from voice.engines.tally import Tally
from voice.engines.transformers import TransformersEngine
from voice.engines.writing import Writing
from voice.errors import EngineDied
from voice.job import Job

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


@needs_torch
async def test_a_model_whose_thread_has_ended_is_loaded_again_and_a_reply_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    make(tmp_path)
    engine = TransformersEngine(tmp_path, at_once=2)
    await engine.start()
    assert engine._batch is not None
    library, heard = engine._batch._manager.batch_processor, list[str]()

    def hear(text: str) -> None:
        heard.append(text)
        if len(heard) == 1:
            library.update_batch = None  # its thread ends with an error, as when the GPU fails

    asked = Job(a_prompt("My sink leaks.", max_tokens=400))
    finish = await Writing(engine, asked, hear, Tally()).end()
    await engine.stop()

    assert finish.reason in ("stop", "length")
    assert len(heard) > 1
    assert [one.message for one in caplog.records if one.message.startswith("engine.")] == [
        "engine.died",
        "engine.restarted",
    ]


@needs_peft
@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning")  # between those two libraries
async def test_an_adapter_is_another_voice_of_the_same_model_and_leaves_that_as_it_is(tmp_path: Path) -> None:
    jamie, rosa = tmp_path / "jamie", tmp_path / "rosa"
    make(jamie)
    make_adapter(jamie, rosa)
    engine = Many(
        {
            "jamie": TransformersEngine(jamie, at_once=2),
            "rosa": TransformersEngine(jamie, at_once=2, adapter=rosa),
        }
    )
    await engine.start()
    prompt = a_prompt("My sink leaks.")
    pieces: dict[str, list[str]] = {"jamie": [], "rosa": []}

    await asyncio.gather(*(engine.write(prompt, heard.append, name) for name, heard in pieces.items()))
    said = {name: "".join(heard) for name, heard in pieces.items()}
    await engine.stop()

    alone = TransformersEngine(jamie, at_once=2)
    await alone.start()
    assert said["jamie"] == (await reply_of(alone, prompt))[0] != said["rosa"]
    await alone.stop()
