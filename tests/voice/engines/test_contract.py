"""What every engine keeps to. Those that this machine has are asked; the others say what is missing."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from tests.voice.engines import asked
from tests.voice.engines.asked import PERSONA, WAIT_S, Opened, a_prompt, reply_of
from voice.engines.base import Engine
from voice.errors import BadJob, EngineDied
from voice.types import Message, Prompt

READING = [
    pytest.param(asked.onnx, id="onnx", marks=asked.needs_weights),
    pytest.param(asked.model_server, id="openai", marks=asked.needs_weights),
    pytest.param(asked.transformers, id="transformers", marks=asked.needs_torch),
    pytest.param(asked.vllm, id="vllm", marks=asked.needs_vllm),
]


@asynccontextmanager
async def started(opened: Opened, folder: Path) -> AsyncIterator[Engine]:
    async with opened(folder) as engine:
        await engine.start()
        yield engine
        await engine.stop()


@pytest.fixture(params=[pytest.param(asked.scripted, id="scripted"), *READING])
async def engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    async with started(request.param, tmp_path) as engine:
        yield engine


@pytest.fixture(params=READING)
async def reading_engine(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine that reads what it is asked, as the scripted one does not."""
    async with started(request.param, tmp_path) as engine:
        yield engine


async def test_an_engine_answers_and_counts_its_tokens(engine: Engine) -> None:
    text, finish = await reply_of(engine, a_prompt("My sink leaks."))

    assert text.strip()
    assert finish.reason in ("stop", "length")
    assert finish.usage.prompt_tokens > 0
    assert 0 < finish.usage.completion_tokens <= 24
    assert finish.dropped_turns == 0


async def test_an_engine_names_its_models_the_first_one_first(engine: Engine) -> None:
    assert engine.models[0] == engine.model != ""


async def test_an_engine_writes_for_more_callers_than_it_has_places(engine: Engine) -> None:
    prompts = [a_prompt(f"My sink leaks in unit {unit}.", call_id=str(unit)) for unit in range(7)]

    replies = await asyncio.gather(*(reply_of(engine, prompt) for prompt in prompts))

    assert all(text.strip() for text, _ in replies)


async def test_a_cancelled_reply_is_not_heard_again_and_the_next_one_is_written(engine: Engine) -> None:
    heard: list[str] = []

    def hear(text: str) -> None:
        heard.append(text)
        writing.cancel()

    writing = asyncio.create_task(engine.write(a_prompt("Tell me everything.", max_tokens=400), hear))
    await asyncio.wait([writing], timeout=WAIT_S)
    text, _ = await reply_of(engine, a_prompt("My sink leaks."))

    assert writing.cancelled()
    assert len(heard) == 1
    assert text


async def test_a_listener_that_fails_ends_its_own_reply_only(engine: Engine) -> None:
    def deaf(_: str) -> None:
        raise KeyError("deaf")

    with pytest.raises(KeyError):
        await engine.write(a_prompt("My sink leaks."), deaf)

    assert (await reply_of(engine, a_prompt("My sink leaks.")))[0]


async def test_an_engine_that_was_stopped_says_so_at_once_and_can_start_again(engine: Engine) -> None:
    await engine.stop()

    with pytest.raises(EngineDied):
        await engine.write(a_prompt("Hello?"), lambda _: None)
    assert not engine.ready()

    await engine.start()
    assert engine.ready()
    assert (await reply_of(engine, a_prompt("Hello?")))[0]


async def test_a_reply_ends_at_its_most_tokens_and_says_so(reading_engine: Engine) -> None:
    _, finish = await reply_of(reading_engine, a_prompt("Tell me everything.", max_tokens=3))

    assert finish.reason == "length"
    assert finish.usage.completion_tokens == 3


async def test_a_reply_ends_before_a_stop_string(reading_engine: Engine) -> None:
    whole, _ = await reply_of(reading_engine, a_prompt("My sink leaks."))
    stop = whole.split()[1]

    cut, finish = await reply_of(reading_engine, a_prompt("My sink leaks.", stop=(stop,)))

    assert cut.strip() == whole[: whole.index(stop)].strip()
    assert finish.reason == "stop"


async def test_a_reply_goes_on_behind_its_first_words(reading_engine: Engine) -> None:
    prompt = a_prompt("My sink leaks.", max_tokens=12)
    whole, _ = await reply_of(reading_engine, prompt)
    so_far = " ".join(whole.split(" ")[:3])

    rest, _ = await reply_of(reading_engine, replace(prompt, so_far=so_far))

    assert (so_far + rest).startswith(whole)


async def test_a_call_longer_than_the_context_loses_its_oldest_turns_and_says_how_many(
    reading_engine: Engine,
) -> None:
    words = [f"This is sentence {number} of a very long call." for number in range(401)]

    text, finish = await reply_of(reading_engine, a_prompt(*words, max_tokens=40))

    assert text
    assert 100 < finish.dropped_turns < 201
    assert finish.usage.prompt_tokens < asked.context_of(reading_engine)


async def test_last_words_longer_than_the_context_are_refused(reading_engine: Engine) -> None:
    with pytest.raises(BadJob, match="longer than"):
        await reply_of(reading_engine, a_prompt("and then I said " * 4000))


async def test_more_tokens_than_the_context_has_are_not_an_error(reading_engine: Engine) -> None:
    hearing = asyncio.Event()
    prompt = a_prompt("My sink leaks.", max_tokens=4096)

    writing = asyncio.create_task(reading_engine.write(prompt, lambda _: hearing.set()))
    waiting = asyncio.create_task(hearing.wait())
    await asyncio.wait([writing, waiting], timeout=WAIT_S, return_when=asyncio.FIRST_COMPLETED)

    assert hearing.is_set()
    writing.cancel()
    await asyncio.wait([writing])


async def test_strange_words_are_read_as_words(reading_engine: Engine) -> None:
    strange = "half \ud83d an emoji, a \0 zero, \n a line, <|end|> 漏水 😀".encode(
        "utf-8", "replace"
    ).decode()

    text, _ = await reply_of(reading_engine, Prompt((Message("system", PERSONA), Message("user", strange))))

    assert text
