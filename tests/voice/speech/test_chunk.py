from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speech.chunk import MAX_CHARS, Chunker
from voice.types import Chunk


def chunks(text: str, cut_every: int | None = None) -> list[Chunk]:
    chunker = Chunker()
    step = cut_every or max(1, len(text))
    said = [chunk for i in range(0, len(text), step) for chunk in chunker.feed(text[i : i + step])]
    return said + chunker.end()


def spoken(text: str) -> list[str]:
    return [chunk.text for chunk in chunks(text)]


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        ("I can help. Which unit?", ["I can help.", "Which unit?"]),
        (
            "I'm sorry to hear that, let me see. Which unit?",
            ["I'm sorry to hear that,", "let me see.", "Which unit?"],
        ),
        ("Yes, it is. Good.", ["Yes, it is.", "Good."]),
        ("Dr. Lee comes at 4 p.m. today.", ["Dr. Lee comes at 4 p.m. today."]),
        ("It is $3.50 a day. Fine.", ["It is $3.50 a day.", "Fine."]),
        ("**Rent** is due on the *first*. 🎉", ["Rent is due on the first."]),
        ("See [here. Now](https://x.example/a.b) for it.", ["See here. Now for it."]),
        ("See [our page](https://x.example/a.b?c=d) for it.", ["See our page for it."]),
        ("1. First thing\n2. Second thing", ["First thing", "Second thing"]),
        ("# Repairs\n- sink\n- door\n", ["Repairs", "sink", "door"]),
        ("<think>The caller. Wants. A repair.</think>Which unit?", ["Which unit?"]),
        ("Sure. ```\nx = 1. \n``` Done.", ["Sure.", "Done."]),
        ("<think>never closed. And on.", []),
        ('{"name": "ticket", "arguments": {"issue": "leak. now"}}', []),
        ('[{"name": "ticket"}]', []),
        ('[ticket(issue="leak. now")]', []),
        ("Sure. <tool_call>{}</tool_call> Done.", ["Sure.", "Done."]),
        ("Sure.<|im_end|><|im_start|>user And then.", ["Sure."]),
        ("[Maple Court] is open. Come by.", ["[Maple Court] is open.", "Come by."]),
        ("…", []),
        ("", []),
    ],
)
def test_a_reply_is_cut_where_speech_may_pause(reply: str, said: list[str]) -> None:
    assert spoken(reply) == said


def test_only_the_first_chunk_may_end_at_a_clause() -> None:
    said = spoken("I am sorry about that, truly. One, two, three, and so on. Good.")

    assert said == ["I am sorry about that,", "truly.", "One, two, three, and so on.", "Good."]


def test_a_sentence_without_an_end_is_cut_at_a_space() -> None:
    said = spoken("word " * 400)

    assert len(said) > 5
    assert all(len(chunk) <= MAX_CHARS for chunk in said)


@given(st.text(alphabet="ab .,!?*`<>/think[]()1\n🎉-", max_size=120), st.integers(1, 9))
def test_however_a_reply_is_cut_into_tokens_the_chunks_are_the_same(reply: str, cut_every: int) -> None:
    assert [chunk.text for chunk in chunks(reply, cut_every)] == spoken(reply)


@given(st.text(alphabet="ab .,!?1\n", max_size=120))
def test_the_raw_parts_of_the_chunks_join_to_the_reply(reply: str) -> None:
    parts = "".join(chunk.sent for chunk in chunks(reply))

    assert reply.startswith(parts)
    assert not any(letter.isalnum() for letter in reply[len(parts) :])


@given(st.text(max_size=300))
def test_no_text_makes_it_fail(reply: str) -> None:
    assert all(chunk.text for chunk in chunks(reply, 3))


def test_words_that_wait_for_the_end_of_their_sentence_can_be_had_before_it() -> None:
    chunker = Chunker()
    chunker.feed("I will ask our plumb")

    assert [chunk.text for chunk in chunker.flush()] == ["I will ask our"]
    assert [chunk.text for chunk in chunker.feed("er to come. ")] == ["plumber to come."]


@pytest.mark.parametrize(
    "written", ["Well", "<think>I will ask our plumber", '{"name": "ask our', "see [our page of "]
)
def test_what_is_no_speech_yet_is_not_flushed(written: str) -> None:
    chunker = Chunker()
    chunker.feed(written)

    assert chunker.flush() == []


def test_a_reply_of_nothing_but_marks_costs_no_more_the_longer_it_gets() -> None:
    chunker = Chunker()

    # Work that grew with what came before would take minutes here.
    assert [chunk for _ in range(30_000) for chunk in chunker.feed("\n* ")] == []
    assert chunker.end() == []
