"""Every shape of output and error that RunPod workers are known to give."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.errors import EmptyReply, ReplyBroken
from voice.models.output import OutputReader, error_sentence
from voice.types import Json

SHAPES = json.loads((Path(__file__).parents[2] / "wire/runpod/outputs.json").read_text(encoding="utf-8"))


def cases(kind: str) -> Any:
    return pytest.mark.parametrize("shape", SHAPES[kind], ids=lambda shape: shape["case"])


def read(reader: OutputReader, items: list[Json]) -> str:
    return "".join(reader.feed(item) for item in items) + reader.end()


@cases("read")
def test_the_text_is_found_in(shape):
    reader = OutputReader("runpod")

    text = read(reader, shape["items"])
    finish = reader.finish()

    assert text == shape["text"]
    assert finish.reason == shape.get("reason", "stop")
    assert [finish.usage.prompt_tokens, finish.usage.completion_tokens] == shape.get("usage", [0, 0])
    assert [[call.id, call.name, call.arguments] for call in finish.tool_calls] == shape.get("calls", [])


@cases("empty")
def test_an_empty_reply_is_known_in(shape):
    reader = OutputReader("runpod")
    assert read(reader, shape["items"]).strip() == ""

    with pytest.raises(EmptyReply, match="route 'runpod'"):
        reader.finish()


@cases("broken")
def test_nothing_is_spoken_of(shape):
    reader = OutputReader("runpod")

    with pytest.raises(ReplyBroken) as broken:
        read(reader, shape["items"])

    assert str(broken.value).startswith("route 'runpod' ")
    assert shape["says"] in str(broken.value)
    assert "Traceback" not in str(broken.value)


@cases("errors")
def test_an_error_is_one_short_line_whatever_its_shape(shape):
    assert error_sentence(shape["error"]) == shape["says"]


def test_text_goes_out_as_soon_as_it_is_clear_that_it_is_text():
    reader = OutputReader("runpod")

    assert [reader.feed(piece) for piece in ("Hello", " there")] == ["Hello", " there"]


EVENTS = (
    'data: {"choices": [{"delta": {"role": "assistant", "content": "Grüße, "}}]}\n\n'
    'data: {"choices": [{"delta": {"content": "wie geht’s? 👋"}}]}\n\n'
    'data: {"choices": [{"delta": {}, "finish_reason": "stop"}], "usage": {"prompt_tokens": 3}}\n\n'
    "data: [DONE]\n\n"
)


@given(st.lists(st.integers(0, len(EVENTS)), max_size=12))
def test_events_may_be_cut_anywhere(cuts):
    places = [0, *sorted(cuts), len(EVENTS)]
    reader = OutputReader("runpod")

    text = read(reader, [EVENTS[a:b] for a, b in pairwise(places)])

    assert text == "Grüße, wie geht’s? 👋"
    assert reader.finish().usage.prompt_tokens == 3


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.sampled_from(["{", "[", "data:", "data: {"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["text", "output", "choices", "delta", "error", "usage", "x"]), inner, max_size=3
        )
    ),
    max_leaves=8,
)


@given(st.lists(JSON, max_size=4))
def test_no_output_whatever_raises_anything_else(items):
    reader = OutputReader("runpod")

    try:
        text = read(reader, items)
        reader.finish()
    except (ReplyBroken, EmptyReply):
        return

    assert text.strip()
