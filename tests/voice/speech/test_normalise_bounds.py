"""What holds for every text, however strange."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voice.speech.generated import dense_sentences
from tests.voice.speech.hostile import HOSTILE
from voice.speech.growing import growing
from voice.speech.locales.base import Locale
from voice.speech.locales.english import ENGLISH
from voice.speech.locales.spanish import SPANISH
from voice.speech.normalise import MAX_SETTLED_CHARS, spans, spoken
from voice.speech.span import replaced
from voice.speech.tables import word_set

SIGNS = "0123456789 $.,-–/:;ABCIVXamptsrd#@%&'\"()°é½²_*\n"
PIECES = [
    "$1,250",
    "3/14",
    "2:30 pm",
    "(512) 555-0134",
    "a@b.com",
    "Dr. Lee",
    "Apt. 4B",
    "65–70°F",
    "e.g.",
    "INC001",
    "3/7",
    "12 ft",
    "10 in",
    "Sat",
    "9 - 5",
    "code is 12",
    "March 7",
    "3 bd",
    "US",
    "Dallas, TX",
    "I-35N",
    "US 290 W",
    "Phases I, II",
    "Vol. III",
    "C#",
    "press #",
    "temp. is 72",
    "Sec. 4",
    "pt. has",
    "Matt. 5:3",
    "Ctrl+C",
    "PO Box 44",
    "HDMI",
    "2100 Kramer",
    "€1,50",
    "kr",
    "1 000",
    "15A",
    "120V",
    "0900",
    "2h",
    "15m",
    "8.30",
    "¼",
    "lb",
    "Jan",
    "XXX-XXX-0134",
    "degrees C",
    "won 2 - 1",
    "'95",
    "10⁶",
    "1e6",
    "1:45.32",
]
texts = st.one_of(
    st.text(max_size=60),
    st.text(alphabet=SIGNS, max_size=40),
    st.lists(st.sampled_from(PIECES), max_size=5).map(" ".join),
)


words = st.sampled_from(
    sorted(word_set("the rent is due on call it and Please at yes, now. or to x / wide walk corner morning"))
)
sentences = st.lists(st.one_of(words, st.sampled_from(PIECES)), max_size=8).map(
    lambda parts: " ".join(parts) + " "
)


@given(texts)
def test_what_is_spoken_is_spoken_again_as_it_is(text: str) -> None:
    once = spoken(text)

    assert spoken(once) == once


@pytest.mark.parametrize("text", ["Ste HTTP", "Apt. HTTP", "St. 3/2026", "the 13,000 Sun", "at oak.co.uk st"])
def test_words_that_come_to_stand_beside_a_reading_are_read_with_it(text: str) -> None:
    once = spoken(text)

    assert spoken(once) == once


@pytest.mark.parametrize("locale", [ENGLISH, SPANISH], ids=["English", "Spanish"])
@given(text=texts)
def test_spans_are_in_order_and_give_what_is_spoken(locale: Locale, text: str) -> None:
    found = spans(text, locale)

    ends = [0, *(span.end for span in found)]
    assert all(end <= span.start <= span.end for end, span in zip(ends, found, strict=False))
    assert replaced(text, found) == spoken(text, locale)


@pytest.mark.parametrize(
    "text",
    [
        *dense_sentences(seed=4, count=50),
        "Ms. O'Neil's can't-miss 5 m² room, x² + 3 - 2.",
        "It's −5 °C, or +3; _so_ it is @ $5 & 7%.",
        "Ünal's Á la carte is ½ off, ١٢ of them.",
        "The B2B API's PDFs cost US$5.",
        "'Tis .5 mi (555) to St. Mary's, on Mary St.",
        "\u00a05–7 pm…",
    ],
)
def test_a_sentence_is_read_in_a_long_text_as_in_a_short_one(text: str) -> None:
    alone, before_much = f"{text} Then so on. ", f"{text} Then {'so ' * MAX_SETTLED_CHARS}on. "

    assert spans(before_much) == spans(alone)


@given(texts)
def test_what_may_grow_is_the_end_of_the_text(text: str) -> None:
    assert 0 <= growing(text) <= len(text)


@given(sentences, sentences)
def test_what_does_not_grow_is_said_the_same_whatever_follows(text: str, more: str) -> None:
    settled = text[: growing(text)]

    assert spoken(text + more).startswith(spoken(settled).rstrip())


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_is_bounded_in_length(name: str) -> None:
    text = HOSTILE[name]

    said = spoken(text)

    assert len(said) < 4 * len(text) + 100


@pytest.mark.parametrize(
    "seed", ["1-", "1/", "a.", "$1", "x@", "((1", "'7", "St. ", "A ", "I ", "12 m", "Mon-", "http://", "1:"]
)
def test_the_work_grows_with_the_length_only(seed: str) -> None:
    spoken(seed * 10)

    def cost_s(length: int) -> float:
        text = (seed * length)[:length]
        began = time.process_time()
        spoken(text)
        return time.process_time() - began

    small, large = min(cost_s(20_000) for _ in range(3)), min(cost_s(200_000) for _ in range(3))

    assert large < 40 * small + 0.01  # quadratic work would be a hundred times as much
