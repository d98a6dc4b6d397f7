"""Events of hosts that write what they should not: halves of characters, no numbers, no end."""

from __future__ import annotations

import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.errors import ModelError
from voice.models.completion import CompletionReader
from voice.models.http import Host
from voice.models.sse import MAX_TRIES, DamagedEvent, EventReader
from voice.types import Json

MANY = 20_000  # pieces
SQUARE = 16  # times as long for four times as much; what is linear takes four times as long


def values_of(body: bytes) -> list[Json]:
    reader = EventReader()
    return [*reader.feed(body), *reader.end()]


def words_of(body: bytes) -> str:
    heard: list[str] = []
    reader = CompletionReader(Host("llm"), heard.append)
    reader.feed(body)
    reader.end()
    reader.finish()
    return "".join(heard)


def test_a_character_that_a_host_cuts_in_two_costs_no_reply() -> None:
    """Hosts that count in UTF-16 write an emoji as two tokens, each half of it by itself."""
    delta = b'data: {"choices": [{"index": 0, "delta": {"content": "%b"}}]}\n\n'
    body = (
        b"".join(delta % part for part in (b"Done ", b"\\ud83d", b"\\ude00", b", thanks.")) + b"data: [DONE]"
    )

    assert words_of(body) == "Done , thanks."


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity"])
def test_what_is_no_number_is_nothing(number: bytes) -> None:
    assert values_of(b'data: {"logprob": ' + number + b"}\n\n") == [{"logprob": None}]


@pytest.mark.parametrize("data", [b"{half", b"[" * 100_000, b"1" * 10_000 + b"x", b'"caf\xc3"'])
def test_what_nobody_can_read_is_damage(data: bytes) -> None:
    with pytest.raises(DamagedEvent):
        values_of(b"data: " + data + b"\n\n")


@pytest.mark.parametrize("lines", [3, MAX_TRIES, 20 * MAX_TRIES])
def test_a_value_may_have_many_lines(lines: int) -> None:
    body = b"data: [\n" + b"data: 1,\n" * lines + b"data: 1]\n\n"

    assert values_of(body + body) == [[1] * (lines + 1)] * 2


def seconds(pieces: list[bytes]) -> float:
    """What it takes to read them: the least of three times."""
    found = []
    for _ in range(3):
        reader, began = EventReader(), time.process_time()
        for piece in pieces:
            reader.feed(piece)
        found.append(time.process_time() - began)
    return min(found)


@pytest.mark.parametrize(
    ("begins", "piece"),
    [
        (b"data: [", b"x" * 64),  # one line
        (b"data: [\n", b"data: 1,\n"),  # one value
        (b"data: [\n", b"data: \n"),
        (b"data: [\n", b": ping\n"),
        (b"", b"\n"),
    ],
)
def test_what_has_no_end_costs_no_more_the_longer_it_gets(begins: bytes, piece: bytes) -> None:
    short, long = (seconds([begins, *[piece] * times]) for times in (MANY, 4 * MANY))

    assert long < SQUARE / 2 * short


@given(
    st.lists(
        st.one_of(st.binary(max_size=30), st.sampled_from([b"data: {", b'"choices": [', b"}\n\n", b"\r"]))
    )
)
def test_whatever_comes_is_read_or_is_an_error_of_the_route(pieces: list[bytes]) -> None:
    reader = CompletionReader(Host("llm"), lambda _: None)
    with suppress(ModelError):  # and nothing else
        for piece in pieces:
            reader.feed(piece)
        reader.end()
        reader.finish()
