"""Callers with manners, on a line that answers as a test tells it to."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest

from tests.builders import a_turn
from voice.clock import now
from voice.simulate.lab_caller import LabCaller, Live, Manner
from voice.turn.live import LiveTurn
from voice.types import Chunk


@dataclass
class ToyLine:
    """Says a chunk after `first_s` and another every second, three in all. `deaf`: never stops a turn."""

    first_s: float = 0.5
    deaf: bool = False
    said: list[tuple[float, str, str]] = field(default_factory=list)
    left: list[Live] = field(default_factory=list)
    hung_up_at: float | None = None
    _live: dict[str, LiveTurn] = field(default_factory=dict)
    _talking: list[asyncio.Task[None]] = field(default_factory=list)

    async def hear(self, text: str, key: str) -> Live:
        self.said.append((now(), text, key))
        if key not in self._live:
            self._stop()
            self._live[key] = LiveTurn(a_turn(text))
            self._talking.append(asyncio.create_task(self._talk(self._live[key])))
        return self._live[key]

    def leave(self, live: Live) -> None:
        self.left.append(live)

    async def hang_up(self) -> None:
        self.hung_up_at = now()
        self._stop()

    async def _talk(self, live: LiveTurn) -> None:
        await asyncio.sleep(self.first_s)
        for _ in range(3):
            await live.say(Chunk("Words.", "Words."))
            await asyncio.sleep(1)
        live.finish()

    def _stop(self) -> None:
        if self.deaf:
            return
        for task in self._talking:
            task.cancel()
        for live in self._live.values():
            live.finish()


async def a_call(line: ToyLine, manner: Manner, turns: int = 20, seed: int = 1) -> LabCaller:
    caller = LabCaller("5", line, manner, Random(seed))
    await caller.call(turns)
    return caller


async def test_a_patient_caller_hears_every_answer_to_its_end(virtual_time):
    line = ToyLine()
    caller = await a_call(line, "patient")

    assert [len(turn.chunks) for turn in caller.heard] == [3] * 20
    assert all(turn.stopped_at is None and turn.ended_at is not None for turn in caller.heard)
    assert caller.heard[0].chunks[0].at - caller.heard[0].said_at == pytest.approx(0.5)
    assert line.hung_up_at is not None
    assert len(line.left) == 20


async def test_every_utterance_has_an_order_of_its_own(virtual_time):
    caller = await a_call(ToyLine(), "interrupting")

    said = [turn.said for turn in caller.heard]
    assert len(set(said)) == len(said)
    assert all(f"5-{number}" in text for number, text in enumerate(said, 1))


async def test_an_interrupting_caller_speaks_while_the_agent_speaks(virtual_time):
    caller = await a_call(ToyLine(), "interrupting")

    stopped = [turn for turn in caller.heard if turn.stopped_at is not None]
    assert stopped
    for turn in stopped:
        later = caller.heard[caller.heard.index(turn) + 1]
        assert later.said_at == turn.stopped_at
        assert 1 <= len(turn.chunks) < 3


async def test_an_impatient_caller_says_hello_into_the_silence_only(virtual_time):
    slow, quick = ToyLine(first_s=5.0), ToyLine(first_s=0.1)
    into_silence, answered = await a_call(slow, "impatient"), await a_call(quick, "impatient")

    assert any(turn.said.startswith("Hello?") for turn in into_silence.heard)
    assert not any(turn.said.startswith("Hello?") for turn in answered.heard)


async def test_a_repeating_caller_sends_the_same_request_and_hears_the_same(virtual_time):
    line = ToyLine()
    caller = await a_call(line, "repeating")

    again = [turn for turn in caller.heard if turn.again is not None]
    assert again
    for turn in again:
        assert turn.again is not None
        assert turn.again.said == turn.said
        if turn.stopped_at is None:
            assert [one.text for one in turn.again.chunks] == [one.text for one in turn.chunks]
    assert len(line.said) == len(caller.heard) + len(again)


async def test_a_caller_who_hangs_up_says_nothing_more(virtual_time):
    line = ToyLine()
    caller = await a_call(line, "hanging up")

    assert caller.heard[-1].stopped_at is not None
    assert line.hung_up_at is not None
    assert len(caller.heard) < 20
    assert len(line.said) == len(caller.heard)


async def test_a_platform_drops_a_request_and_leaves_its_answer(virtual_time):
    line = ToyLine(first_s=2.0)
    caller = await a_call(line, "repeating", turns=40)

    dropped = [turn for turn in caller.heard if turn.again is not None and turn.stopped_at is not None]
    assert dropped
    for turn in dropped:
        assert turn.live in line.left
        assert turn.again is not None
        assert len(turn.again.chunks) == 3


async def test_words_that_come_after_the_caller_spoke_on_are_stale(virtual_time):
    good, bad = await a_call(ToyLine(), "interrupting"), await a_call(ToyLine(deaf=True), "interrupting")

    assert not any(chunk.is_stale for turn in good.heard for chunk in turn.chunks)
    assert any(chunk.is_stale for turn in bad.heard for chunk in turn.chunks)


async def test_the_same_seed_is_the_same_call(virtual_time):
    once, twice = await a_call(ToyLine(), "interrupting"), await a_call(ToyLine(), "interrupting")
    other = await a_call(ToyLine(), "interrupting", seed=2)

    assert [turn.said for turn in once.heard] == [turn.said for turn in twice.heard]
    assert [turn.said for turn in once.heard] != [turn.said for turn in other.heard]
