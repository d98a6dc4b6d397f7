"""The frame of a reply's events: what fits it is read as its JSON would be, and nothing else fits."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.voice.models.openai_host import DONE, USAGE, delta, frame
from voice.errors import ReplyBroken
from voice.models.completion import DAMAGE, CompletionReader
from voice.models.frame import frame_of
from voice.models.http import Host
from voice.types import Json

STOP = delta(reason="stop")
WAYS: list[Callable[[Json], bytes]] = [
    orjson.dumps,
    lambda event: json.dumps(event).encode(),  # with spaces, and every other letter as \\u00e9
    lambda event: json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode(),
]


def heard_from(*pieces: bytes) -> str:
    heard: list[str] = []
    reader = CompletionReader(Host("llm"), heard.append)
    for piece in pieces:
        reader.feed(piece)
    reader.end()
    return "".join(heard)


def event_of(word: str, write: Callable[[Json], bytes] = orjson.dumps) -> bytes:
    choice: Json = {"index": 0, "delta": {"content": word}, "logprobs": None, "finish_reason": None}
    return b"data: " + write({"id": "c1", "model": "mock", "choices": [choice]}) + b"\n\n"


words = st.lists(st.text(st.characters(codec="utf-8", exclude_characters="<")), max_size=12)


@given(words, st.sampled_from(WAYS), st.lists(st.integers(0, 5000), max_size=8))
@example(["mock ", "is ", 'a "mock"', "\\", "\n", "é", DAMAGE, ""], WAYS[0], [])
@example(["c1", '","content":"', "c1"], WAYS[0], [])
def test_words_are_the_same_by_their_frame_and_by_their_json(
    texts: list[str], write: Callable[[Json], bytes], cuts: list[int]
) -> None:
    body = delta(role="assistant") + b"".join(event_of(text, write) for text in texts) + STOP + USAGE + DONE
    places = [0, *sorted(min(cut, len(body)) for cut in cuts), len(body)]

    assert heard_from(*(body[begin:end] for begin, end in pairwise(places))) == "".join(texts).replace(
        DAMAGE, ""
    )


def test_a_first_word_that_comes_with_a_role_shows_nothing_of_the_others() -> None:
    body = delta("Which ", role="assistant") + delta("unit ") + delta("are ") + delta("you in?") + STOP

    assert heard_from(body) == "Which unit are you in?"


@pytest.mark.parametrize(
    "other",
    [
        frame(choices=[{"index": 1, "delta": {"content": "No."}, "finish_reason": None}]),
        frame(choices=[{"index": 0, "delta": {"reasoning_content": "No."}, "finish_reason": None}]),
        b": keep-alive\n\n",
        frame(choices=[], usage={"prompt_tokens": 1}),
    ],
)
def test_other_events_among_the_words_are_read_as_what_they_are(other: bytes) -> None:
    body = b"".join((delta("Which "), delta("unit "), other, delta("are "), other, delta("you in?"), STOP))

    assert heard_from(body) == "Which unit are you in?"


@pytest.mark.parametrize(
    "event",
    [
        delta(role="assistant"),
        delta(""),
        delta("Hi.", reason="stop"),
        delta("Hi.", tool_calls=[]),
        frame(choices=[{"index": 1, "delta": {"content": "Hi."}}]),
        frame(choices=[{"index": 0, "delta": {"content": "Hi."}}], usage={"prompt_tokens": 1}),
        frame(choices=[{"index": 0, "delta": {"content": "Hi."}}], usage={}),
        frame(choices=[{"index": 0, "delta": {"content": "Hi."}}], error="no"),
        frame(choices=[]),
        DONE,
    ],
)
def test_what_is_more_or_less_than_a_word_shows_no_frame(event: bytes) -> None:
    data = event.removeprefix(b"data: ")

    assert frame_of(event, None if event == DONE else orjson.loads(data)) is None


@pytest.mark.parametrize("word", [",", ":", "c1", "Which"])
def test_a_word_whose_bytes_stand_elsewhere_in_its_event_is_read_all_the_same(word: str) -> None:
    """As llama.cpp writes: texts follow the word, and between two of them stands `","`."""
    events = [
        {"choices": [{"index": 0, "delta": delta}], "id": "c1", "model": "mock"}
        for delta in ({"role": "assistant", "content": "Which"}, {"content": word}, {"content": " unit?"})
    ]
    body = b"".join(b"data: " + orjson.dumps(event) + b"\n\n" for event in events)

    assert heard_from(body + STOP) == f"Which{word} unit?"


@pytest.mark.parametrize("line", [b"id: 7", b": keep-alive", b"retry: 100", b"event: message", b"data:"])
def test_an_event_of_several_lines_is_read_all_the_same(line: bytes) -> None:
    words = ["Which ", "unit ", "are ", "you in?"]
    body = b"".join(event_of(word).removesuffix(b"\n") + line + b"\n\n" for word in words)

    assert heard_from(body + STOP) == "".join(words)


@pytest.mark.parametrize("is_cut", [True, False])
def test_two_halves_of_a_character_in_two_events_are_damage_however_they_come(is_cut: bool) -> None:
    events = [event_of("?").replace(b"?", half) for half in (b"\xc3", b"\xa9")]
    pieces = events if is_cut else [b"".join(events)]

    with pytest.raises(ReplyBroken):
        heard_from(event_of("Which "), *pieces, STOP)


def test_of_equal_texts_in_an_event_the_word_is_found() -> None:
    event = event_of("mock")
    found = frame_of(event, orjson.loads(event.removeprefix(b"data: ")))

    assert found is None or found.words_in(event_of("Hi.")) == ("Hi.", b"")


def test_an_event_that_is_not_whole_waits_for_its_end() -> None:
    event = event_of("Hi.")
    found = frame_of(event, orjson.loads(event.removeprefix(b"data: ")))

    assert found is not None
    assert found.words_in(event + event[:-1]) == ("Hi.", event[:-1])
    assert found.words_in(event[:-1]) == ("", event[:-1])
    assert found.words_in(STOP + event) == ("", STOP + event)
