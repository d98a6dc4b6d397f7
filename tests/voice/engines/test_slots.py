"""No more replies are written at once than the engine can write well."""

from __future__ import annotations

import asyncio

from voice.engines.scripted import ScriptedEngine
from voice.engines.slots import Slots
from voice.types import Message, Prompt

PROMPT = Prompt((Message("user", "Hello."),))


async def test_no_more_than_its_places_write_at_once():
    engine = Slots(ScriptedEngine(("Hi.",), hangs=True), at_once=2)
    await engine.start()
    began = [asyncio.Event() for _ in range(3)]

    writing = [
        asyncio.create_task(engine.write(PROMPT, lambda _, heard=heard: heard.set())) for heard in began
    ]
    await asyncio.gather(began[0].wait(), began[1].wait())
    third_waited, waiting = not began[2].is_set(), engine.waiting
    writing[0].cancel()
    await began[2].wait()

    assert third_waited
    assert waiting == 1
    for task in writing:
        task.cancel()
    await asyncio.wait(writing)


async def test_a_job_that_is_cancelled_before_it_starts_is_never_written():
    scripted = ScriptedEngine(("Hi.",), hangs=True)
    engine = Slots(scripted, at_once=1)
    await engine.start()
    begun = asyncio.Event()
    first = asyncio.create_task(engine.write(PROMPT, lambda _: begun.set()))
    await begun.wait()
    second = asyncio.create_task(engine.write(PROMPT, lambda _: None))
    await asyncio.sleep(0)

    second.cancel()
    await asyncio.wait([second])
    first.cancel()
    await asyncio.wait([first])

    assert len(scripted.asked) == 1
    assert engine.waiting == 0
