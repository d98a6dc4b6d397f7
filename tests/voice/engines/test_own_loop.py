"""Work that is done in a loop of its own is asked for from any other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

import pytest

from voice.engines.own_loop import OwnLoop
from voice.engines.scripted import HELLO, ScriptedEngine
from voice.engines.worker import work
from voice.errors import EngineDied

JOB = {"id": "j1", "input": {"messages": [{"role": "user", "content": "Hello."}]}}


async def said_by(loop: OwnLoop, engine: ScriptedEngine) -> str:
    return "".join([chunk["text"] async for chunk in loop.each(work(JOB, engine))])


def test_an_engine_loaded_before_any_loop_runs_answers_in_two_of_them():
    loop, engine = OwnLoop(), ScriptedEngine()
    loop.launch(engine.start())

    said = [asyncio.run(said_by(loop, engine)) for _ in range(2)]
    loop.shut(engine.stop())

    assert said == ["".join(HELLO)] * 2
    assert not engine.ready()


def test_a_load_that_fails_leaves_no_thread_behind():
    async def load() -> None:
        raise EngineDied("no such folder: /models")

    async def answer() -> None:
        raise AssertionError("nobody is there to do this")

    loop = OwnLoop()

    with pytest.raises(EngineDied, match="no such folder"):
        loop.launch(load())
    with pytest.raises(EngineDied, match="not running"):
        asyncio.run(loop.call(answer()))


async def test_what_is_raised_over_there_is_raised_here():
    async def broken() -> AsyncGenerator[str, None]:
        yield "Well, "
        raise EngineDied("out of memory")

    async def call() -> None:
        raise EngineDied("out of time")

    heard: list[str] = []

    with Launched() as loop:
        with pytest.raises(EngineDied, match="out of memory"):
            heard.extend([chunk async for chunk in loop.each(broken())])
        with pytest.raises(EngineDied, match="out of time"):
            await loop.call(call())


async def test_a_chunk_is_made_when_the_one_before_it_has_been_taken():
    made: list[int] = []

    async def numbers() -> AsyncGenerator[int, None]:
        for number in range(3):
            made.append(number)
            yield number

    with Launched() as loop:
        chunks = loop.each(numbers())
        await anext(chunks)
        made_for_one = list(made)
        rest = [chunk async for chunk in chunks]

    assert made_for_one == [0]
    assert rest == [1, 2]


async def test_a_reader_that_is_cancelled_stops_the_engine_even_where_it_leaves_its_generator_half_read():
    engine = ScriptedEngine(("Hi, ",), hangs=True)
    stopped = asyncio.Event()
    here = asyncio.get_running_loop()
    left = []

    async def sdk() -> None:
        """Posts a chunk, and is cancelled in that; nobody closes the generator."""
        left.append(chunks := loop.each(work(JOB, engine)))
        await anext(chunks)
        posting.set()
        await asyncio.Event().wait()

    async def tell() -> None:
        await engine.was_stopped.wait()
        here.call_soon_threadsafe(stopped.set)

    with Launched() as loop:
        await loop.call(engine.start())
        posting = asyncio.Event()
        job = asyncio.create_task(sdk())
        await posting.wait()
        job.cancel()
        telling = asyncio.create_task(loop.call(tell()))
        async with asyncio.timeout(30):
            await stopped.wait()
        await telling
        await left[0].aclose()


async def test_a_reply_in_flight_when_the_worker_ends_is_told_so():
    engine = ScriptedEngine(("Hi, ",), hangs=True)
    loop = OwnLoop()
    await asyncio.to_thread(loop.launch, engine.start())

    chunks = loop.each(work(JOB, engine))
    await anext(chunks)
    await asyncio.to_thread(loop.shut, engine.stop())

    with pytest.raises(EngineDied, match="has ended"):
        await anext(chunks)


class Launched:
    """A loop that runs within a `with`."""

    def __enter__(self) -> OwnLoop:
        self.loop = OwnLoop()
        self.loop.launch(nothing())
        return self.loop

    def __exit__(self, *_: object) -> None:
        self.loop.shut(nothing())


async def nothing() -> None:
    pass
