"""An engine that lives in a loop of its own answers from any other."""

from __future__ import annotations

import asyncio

import pytest

from voice.engines.own_loop import OwnLoop
from voice.engines.scripted import ScriptedEngine
from voice.errors import EngineDied
from voice.types import Message, Prompt

PROMPT = Prompt((Message("user", "Hello."),))


def test_an_engine_loaded_before_any_loop_runs_answers_in_two_of_them():
    engine = OwnLoop(ScriptedEngine())
    engine.launch()
    heard: list[str] = []

    for _ in range(2):
        asyncio.run(engine.write(PROMPT, heard.append))
    engine.shut()

    assert "".join(heard) == "Good morning, how can I help?" * 2


async def test_what_the_engine_raises_is_raised_where_it_was_asked():
    engine = OwnLoop(ScriptedEngine((), error=EngineDied("out of memory")))
    await engine.start()

    with pytest.raises(EngineDied, match="out of memory"):
        await engine.write(PROMPT, lambda _: None)
    await engine.stop()

    with pytest.raises(EngineDied, match="not running"):
        await engine.write(PROMPT, lambda _: None)
    assert not engine.ready()


def test_an_engine_that_cannot_load_leaves_no_thread_behind():
    class Unloadable(ScriptedEngine):
        async def start(self) -> None:
            raise EngineDied("no such folder: /models")

    engine = OwnLoop(Unloadable())

    with pytest.raises(EngineDied, match="no such folder"):
        engine.launch()
    assert not engine.ready()


async def test_a_cancelled_writing_is_not_heard_again():
    engine = OwnLoop(ScriptedEngine(["on and "] * 1000, gap_s=0.0))
    await engine.start()
    heard: list[str] = []
    begun = asyncio.Event()

    def hear(text: str) -> None:
        heard.append(text)
        begun.set()

    writing = asyncio.create_task(engine.write(PROMPT, hear))
    await begun.wait()
    writing.cancel()
    await asyncio.wait([writing])
    count = len(heard)
    await engine.stop()
    await asyncio.sleep(0)

    assert len(heard) == count
