"""The wires and bytes that are cut anywhere: the same answer, and an end whatever comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from itertools import pairwise
from typing import cast

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voice.models.test_wires import CHUNKED, HEAD, OK, chunk
from voice.models.wire import Answer, Wire


class Line(asyncio.Transport):
    """A connection that is none: what a host would send is given to the wire itself."""

    def __init__(self) -> None:
        super().__init__()
        self.is_closed = False

    def write(self, data: bytes | bytearray | memoryview) -> None:
        pass

    def is_closing(self) -> bool:
        return self.is_closed

    def abort(self) -> None:
        self.is_closed = True

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


def heard_on(pieces: list[bytes]) -> bytes | type[Exception]:
    """What a wire makes of these pieces, each of them one read; then the host hangs up."""

    async def hear() -> bytes | type[Exception]:
        line, heard = Line(), list[bytes]()
        wire = Wire(lambda _: None, lambda _: None)
        wire.connection_made(line)

        async def read() -> None:
            answer: Answer = await wire.ask(b"")
            await answer.each(heard.append)

        reading = asyncio.create_task(read())
        await asyncio.sleep(0)
        for piece in pieces:
            if not line.is_closed:
                wire.data_received(piece)
            await asyncio.sleep(0)
        wire.connection_lost(None)
        try:
            await reading
        except httpx.TransportError as exc:
            return type(exc)
        return b"".join(heard)

    return asyncio.run(hear())


def cut(some: bytes, places: list[int]) -> list[bytes]:
    ends = sorted({place % (len(some) + 1) for place in places} | {0, len(some)})
    return [some[begin:end] for begin, end in pairwise(ends)]


CUTS = st.lists(st.integers(0, 10_000), max_size=12)


@given(
    parts=st.lists(st.binary(min_size=1, max_size=40), max_size=5),
    framed=st.sampled_from(["chunked", "length", "neither"]),
    before=st.sampled_from([b"", b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 103 Early\r\nx: y\r\n\r\n"]),
    places=CUTS,
)
def test_an_answer_is_the_same_wherever_it_is_cut(
    parts: list[bytes], framed: str, before: bytes, places: list[int]
) -> None:
    body = b"".join(parts)
    frame: dict[str, Callable[[], bytes]] = {
        "chunked": lambda: CHUNKED + b"".join(map(chunk, parts)) + b"0\r\n\r\n",
        "length": lambda: HEAD + b"content-length: %d\r\n\r\n" % len(body) + body,
        "neither": lambda: HEAD + b"\r\n" + body,
    }

    assert heard_on(cut(before + frame[framed](), places)) == body


@given(
    some=st.one_of(
        st.binary(max_size=300),
        st.binary(max_size=100).map(lambda rest: HEAD + rest),
        st.binary(max_size=100).map(lambda rest: CHUNKED + rest),
        st.binary(max_size=100).map(lambda rest: OK + rest),
    ),
    places=CUTS,
)
def test_whatever_a_host_sends_the_question_ends(some: bytes, places: list[int]) -> None:
    outcome = heard_on(cut(some, places))

    assert isinstance(outcome, bytes) or issubclass(cast(type, outcome), httpx.TransportError)


def test_a_host_that_hangs_up_while_its_reader_is_busy_has_broken_off() -> None:
    async def read() -> bytes:
        wire = Wire(lambda _: None, lambda _: None)
        wire.connection_made(Line())
        asking = asyncio.create_task(wire.ask(b""))
        await asyncio.sleep(0)
        wire.data_received(CHUNKED + chunk(b"Which "))
        pieces = (await asking).aiter_bytes()
        heard = await anext(pieces)
        wire.connection_lost(None)
        with pytest.raises(httpx.ReadError):
            await anext(pieces)
        return heard

    assert asyncio.run(read()) == b"Which "
