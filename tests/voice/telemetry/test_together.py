"""Lines of a moment leave in one write, in their order; none is lost when a process ends as it should."""

from __future__ import annotations

import asyncio
import io
import logging
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import VirtualTime
from voice.telemetry.together import PORTION, WAIT_S, Together


class Writes(io.StringIO):
    """A stream that knows each write to it."""

    def __init__(self) -> None:
        super().__init__()
        self.writes: list[str] = []

    def write(self, text: str) -> int:
        self.writes.append(text)
        return super().write(text)


@pytest.fixture
def stream() -> Writes:
    return Writes()


@pytest.fixture
def log(stream: Writes) -> Iterator[logging.Logger]:
    logger, handler = logging.getLogger("together.test"), Together(stream)
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    yield logger
    logger.removeHandler(handler)


async def test_lines_of_a_moment_leave_in_one_write(
    log: logging.Logger, stream: Writes, virtual_time: VirtualTime
) -> None:
    log.info("one")
    log.info("two")
    assert stream.writes == []

    await asyncio.sleep(WAIT_S)
    log.info("three")
    await asyncio.sleep(WAIT_S)

    assert stream.writes == ["one\ntwo\n", "three\n"]


async def test_a_warning_leaves_at_once_behind_what_came_before_it(
    log: logging.Logger, stream: Writes, virtual_time: VirtualTime
) -> None:
    log.info("one")
    log.warning("two")

    assert stream.writes == ["one\ntwo\n"]


async def test_what_follows_a_warning_leaves_in_its_time(
    log: logging.Logger, stream: Writes, virtual_time: VirtualTime
) -> None:
    log.info("one")
    log.warning("two")
    log.info("three")
    await asyncio.sleep(WAIT_S)

    assert stream.getvalue() == "one\ntwo\nthree\n"


def test_where_no_loop_runs_each_line_leaves_at_once(log: logging.Logger, stream: Writes) -> None:
    log.info("one")
    log.info("two")

    assert stream.writes == ["one\n", "two\n"]


def test_nothing_is_lost_when_the_loop_ends_before_its_time_has_come(
    log: logging.Logger, stream: Writes
) -> None:
    async def serve(line: str) -> None:
        log.info(line)

    asyncio.run(serve("one"))
    asyncio.run(serve("two"))
    log.handlers[0].flush()  # as logging does when the process ends

    assert stream.getvalue() == "one\ntwo\n"


async def test_a_line_of_another_thread_keeps_its_place(
    log: logging.Logger, stream: Writes, virtual_time: VirtualTime
) -> None:
    log.info("one")
    await asyncio.to_thread(log.info, "two")
    log.info("three")
    await asyncio.sleep(WAIT_S)

    assert stream.getvalue() == "one\ntwo\nthree\n"


@pytest.mark.parametrize("sign", ["a", "ü"])
async def test_no_write_is_longer_than_a_pipe_keeps_together(
    sign: str, log: logging.Logger, stream: Writes, virtual_time: VirtualTime
) -> None:
    for _ in range(50):
        log.info(300 * sign)
    await asyncio.sleep(WAIT_S)

    assert len(stream.getvalue().splitlines()) == 50
    assert max(len(portion.encode()) for portion in stream.writes) <= PORTION
    assert all(portion.endswith("\n") for portion in stream.writes)


class Pipe(io.RawIOBase):
    """The end of a pipe that knows each write to it."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, some: Any) -> int:
        self.writes.append(bytes(some))
        return len(some)


async def test_a_stream_that_gathers_what_is_written_puts_no_two_writes_together(
    virtual_time: VirtualTime,
) -> None:
    pipe = Pipe()
    handler = Together(io.TextIOWrapper(io.BufferedWriter(pipe, 16 * PORTION)))

    for _ in range(50):
        handler.put(300 * "a", logging.INFO)
    await asyncio.sleep(WAIT_S)

    assert len(b"".join(pipe.writes).splitlines()) == 50
    assert max(map(len, pipe.writes)) <= PORTION
    assert all(portion.endswith(b"\n") for portion in pipe.writes)


async def test_a_stream_that_is_closed_meanwhile_breaks_nothing(
    log: logging.Logger, stream: Writes, virtual_time: VirtualTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    log.info("one")
    stream.close()
    await asyncio.sleep(WAIT_S)

    log.info("two")
