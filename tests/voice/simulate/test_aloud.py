"""A reply as it is spoken: what is heard of it when the caller speaks over it."""

from __future__ import annotations

import asyncio

import pytest

from tests.conftest import VirtualTime
from voice.simulate.aloud import Aloud


@pytest.mark.parametrize(
    ("after_s", "heard"),
    [
        (0.0, ""),
        (0.4, ""),  # "Which" is not out
        (0.6, "Which"),
        (1.85, "Which unit are you"),
        (2.4, "Which unit are you in? I"),
        (2.75, "Which unit are you in? I can"),
        (9.0, "Which unit are you in? I can help."),
    ],
)
async def test_whole_words_are_heard_at_the_pace_of_the_voice(
    virtual_time: VirtualTime, after_s: float, heard: str
) -> None:
    aloud = Aloud(chars_per_s=10.0)
    aloud.start()
    aloud.add("Which unit are you in?")
    aloud.add(" I can help. ")
    await asyncio.sleep(after_s)

    assert aloud.stop() == heard


async def test_a_piece_begins_when_it_has_come_and_the_one_before_is_said(virtual_time: VirtualTime) -> None:
    begun: list[tuple[float, str]] = []
    aloud = Aloud(10.0, lambda words: begun.append((round(virtual_time.elapsed_s, 3), words)))
    aloud.start()
    aloud.add("Ten chars.")
    aloud.add("Ten more…")
    await asyncio.sleep(5.0)
    aloud.add("Late.")
    await aloud.end()

    assert begun == [(0.0, "Ten chars."), (1.0, "Ten more…"), (5.0, "Late.")]
    assert virtual_time.elapsed_s == pytest.approx(5.5)


async def test_nothing_is_said_after_the_caller_has_spoken(virtual_time: VirtualTime) -> None:
    begun: list[str] = []
    aloud = Aloud(10.0, begun.append)
    aloud.start()
    aloud.add("Ten chars.")
    aloud.add("Never said.")
    await asyncio.sleep(0.5)

    aloud.stop()
    await asyncio.sleep(5.0)

    assert begun == ["Ten chars."]


async def test_without_a_pace_words_are_heard_as_they_come(virtual_time: VirtualTime) -> None:
    aloud = Aloud()
    aloud.start()
    aloud.add("Which unit?")
    await aloud.end()

    assert virtual_time.elapsed_s == 0.0
    assert aloud.stop() == "Which unit?"


async def test_a_new_reply_forgets_the_one_before(virtual_time: VirtualTime) -> None:
    aloud = Aloud()
    aloud.start()
    aloud.add("Old.")
    aloud.start()
    aloud.add("New.")

    assert aloud.stop() == "New."


async def test_so_many_words_are_said_when_their_time_has_come(virtual_time: VirtualTime) -> None:
    aloud = Aloud(chars_per_s=10.0)
    aloud.start()
    aloud.add("Which unit are you in?")

    await aloud.words(2)

    assert aloud.heard() == "Which unit"
    assert virtual_time.elapsed_s == pytest.approx(1.0, abs=0.05)
    assert aloud.ends_at == pytest.approx(2.2)


async def test_words_that_have_not_come_yet_are_waited_for(virtual_time: VirtualTime) -> None:
    aloud = Aloud()
    aloud.start()
    waiting = asyncio.create_task(aloud.words(3))
    await asyncio.sleep(5.0)
    aloud.add("Which unit")
    await asyncio.sleep(5.0)
    assert not waiting.done()

    aloud.add("is it?")
    await waiting

    assert virtual_time.elapsed_s == pytest.approx(10.0)
