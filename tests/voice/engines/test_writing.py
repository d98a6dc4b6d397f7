"""A reply is written beside its reader: what ends it, and what is counted then."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from typing import Any

import pytest

from voice.engines.scripted import ScriptedEngine
from voice.engines.tally import Tally
from voice.engines.worker import work
from voice.errors import EngineDied
from voice.types import Finish, Hear, Json, Prompt, Usage


class Crashing(ScriptedEngine):
    """Its process dies after the first two pieces, and is back after `back_s`; never, where that is None."""

    back_s: float | None = 0.5

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        if self.asked:
            return await super().write(prompt, hear, model)
        self.asked.append(prompt)
        hear("Good ")
        hear("morning, ")
        await self.stop()
        if self.back_s is not None:
            asyncio.get_running_loop().call_later(self.back_s, setattr, self, "_loaded", True)
        raise EngineDied("its process is gone")


def a_job(**fields: Any) -> dict[str, Any]:
    return {"id": "job-1", "input": {"messages": [{"role": "user", "content": "Hello."}], **fields}}


async def chunks_of(job: dict[str, Any], engine: ScriptedEngine, tally: Tally) -> list[Json]:
    await engine.start()
    return [chunk async for chunk in work(job, engine, tally)]


async def test_an_engine_that_dies_is_waited_for_and_goes_on_behind_its_own_words(virtual_time):
    engine, tally = Crashing(("how can ", "I help?")), Tally()

    *pieces, last = await chunks_of(a_job(), engine, tally)

    assert "".join(piece["text"] for piece in [*pieces, last]) == "Good morning, how can I help?"
    assert engine.asked[1].so_far == "Good morning, "
    assert virtual_time.elapsed_s < 1.0
    assert (tally.done, tally.failed) == (1, 0)


async def test_an_engine_that_does_not_come_back_ends_the_job_with_one_sentence(virtual_time):
    engine, tally = Crashing(), Tally()
    engine.back_s = None

    *_, last = await chunks_of(a_job(), engine, tally)

    assert last == {"error": "The request could not be answered (EngineDied)."}
    assert (tally.done, tally.failed) == (0, 1)


async def test_at_its_own_limit_a_job_ends_with_what_there_is_and_says_so(virtual_time):
    engine, tally = ScriptedEngine(["and "] * 100, gap_s=0.1), Tally()

    *pieces, last = await chunks_of(a_job(reply_ms=1000, max_tokens=200), engine, tally)

    said = "".join(piece["text"] for piece in [*pieces, last])
    assert set(said.split()) == {"and"}
    assert 8 <= len(said.split()) <= 10
    assert (last["finish_reason"], last["stopped_at"]) == ("length", "reply_ms")
    assert virtual_time.elapsed_s == pytest.approx(1.0)
    assert engine.was_stopped.is_set()
    assert (tally.late, tally.stopped, tally.done) == (1, 0, 0)


async def test_a_reply_that_nobody_reads_any_longer_is_counted_as_tokens_saved(virtual_time):
    engine, tally = ScriptedEngine(("A clause of 28 characters,  ",), hangs=True), Tally()
    await engine.start()

    async with aclosing(work(a_job(max_tokens=107), engine, tally)) as chunks:
        await anext(chunks)

    assert engine.was_stopped.is_set()
    assert (tally.stopped, tally.tokens_written, tally.tokens_saved) == (1, 7, 100)


async def test_what_was_read_and_written_is_counted_by_how_it_ended():
    tally = Tally()

    await chunks_of(a_job(), ScriptedEngine(finish=Finish(usage=Usage(90, 7))), tally)
    await chunks_of(a_job(), ScriptedEngine(error=KeyError()), tally)
    await chunks_of(a_job(temperature=float("nan")), ScriptedEngine(), tally)

    assert (tally.done, tally.failed, tally.refused) == (1, 1, 1)
    assert (tally.tokens_read, tally.tokens_written) == (90, 7)
