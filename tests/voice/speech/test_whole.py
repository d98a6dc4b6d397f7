"""A reply that is read chunk by chunk sounds as it does when it is read at once."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.voice.speech.generated import phone_cases
from voice.speech.aloud import Reader, aloud
from voice.speech.chunk import Chunker

WORD = re.compile(r"[\w’']+")
FACTS = st.sampled_from(
    (
        "$900–$1,100", "$1,250/mo", "Mon–Fri", "Monday–Friday", "Jan–March", "10:00am - 2:00pm", "3/1 - 3/5",
        "10 - 15 minutes", "$5K–$7K", "$1,400 - 1,600", "March 1, 2026 - Feb. 28, 2027", "8am - noon",
        "(512) 555-0134, ext. 5", "512-555-0134 x12", "9 a.m. to 5 p.m.", "June 3, 2026", "3/14 at 2:30 pm",
        "Apt. 4B", "Ste. A", "Ste. 200", "Unit 1204", "2100 Kramer Ln", "Dr. Lee", "a@b.com", "oak.com",
        "conf. # 4471", "your code is 4471", "1 cu. ft.", "850 sq. ft.", "approx. 5 days", "65–70°F",
        "3BR/2BA", "incl. utilities", "2-3 business days", "e.g. a cat", "#305", "INC0012345", "w/ parking",
        "I-35N", "US 290 W", "Sec. 4.2", "Vol. III", "Phases I, II and III", "temp. is 72", "Exh. B", "C#",
        "no. of units", "Matt. 5:3", "Ctrl+C", "N. Main St.", "E 6th St", "Rt. 9", "vit. D", "Sam Lee III",
        "€1,50", "kr 100", "1 000 000", "12 500 km", "a 15A breaker", "at 0900", "2h 15m", "8.30 - 5.30",
        "¼ lb", "Jan/Feb", "Jan to Mar", "XXX-XXX-0134", "(512) 555-01XX", "20 degrees C", "won 21 - 14",
        "Q1-Q3 2025", "January 5-7, 2026", "1/5 - 1/7", "50 lb / 23 kg", "6 ft x 9 ft", "'90-'95", "Rs. 500",
    )
)  # fmt: skip
SAYS = st.sampled_from(
    (
        "Rent is usually",
        "We are open",
        "Please note that",
        "It is",
        "You can have",
        "I would go for",
        "Yes, I can do",
    )
)
LINKS = st.sampled_from((", ", " and ", " or ", " for ", " – maybe ", " - then ", "; also ", " (", ": "))
ENDS = st.sampled_from(
    (".", " for that.", ", I think.", " – if you like.", "", "?", " with the manager, too.")
)


def in_chunks(reply: str, size: int) -> list[str]:
    """The words of a reply that comes in pieces of this size, as the caller hears them."""
    chunker, reader = Chunker(), Reader("en-US", ())
    chunks = [chunk for at in range(0, len(reply), size) for chunk in chunker.feed(reply[at : at + size])]
    return [word for chunk in [*chunks, *chunker.end()] for word in WORD.findall(reader.read(chunk).text)]


@given(
    st.lists(st.tuples(SAYS, FACTS, LINKS, FACTS, ENDS).map(lambda parts: f"{parts[0]} {''.join(parts[1:])}"),
             min_size=1, max_size=2),
    st.integers(1, 7),
)  # fmt: skip
def test_whatever_is_read_as_a_whole_is_never_parted(sentences: list[str], size: int) -> None:
    reply = sentences[0] if len(sentences) == 1 else f"{sentences[0]} Fine. {sentences[1]}"

    assert in_chunks(reply, size) == WORD.findall(aloud(reply))


def test_generated_replies_sound_the_same_in_chunks() -> None:
    for reply, _ in phone_cases(seed=6, count=500):
        assert in_chunks(reply, 3) == WORD.findall(aloud(reply)), reply


@pytest.mark.parametrize(
    ("reply", "first"),
    [
        ("Rent is $900–$1,100 for that.", "Rent is nine hundred dollars to one thousand one hundred dollars"),
        (
            "Call (512) 555-0134, ext. 5 for it.",
            "Call five one two, five five five, zero one three four, ext",
        ),
        ("It is March 1, 2026 - Feb. 28, 2027, I think.", "It is March first twenty twenty six to February"),
    ],
)
def test_a_range_or_an_extension_leaves_with_what_it_belongs_to(reply: str, first: str) -> None:
    chunker, reader = Chunker(), Reader("en-US", ())

    chunk = reader.read([*chunker.feed(reply), *chunker.end()][0])

    assert chunk.text.startswith(first)


def test_a_dash_between_words_is_a_pause_before_its_sentence_has_ended() -> None:
    chunker = Chunker()
    reply = "Sure thing – we can do that for you today."

    leaves_at = next(reply[: at + 1] for at in range(len(reply)) if chunker.feed(reply[at]))

    assert len(leaves_at) <= len("Sure thing – we can ")


def test_what_begins_in_the_chunk_before_is_never_left_unread() -> None:
    chunker, reader = Chunker(), Reader("en-US", ())
    chunker.feed("The code has been sent to 4471")
    said = [
        reader.read(chunk).text for chunk in [*chunker.flush(), *chunker.feed(" 22, today."), *chunker.end()]
    ]

    assert not any(map(str.isdigit, "".join(said)))


def test_a_spoken_chunk_holds_no_two_spaces() -> None:
    chunker, reader = Chunker(), Reader("en-US", ())

    said = [reader.read(chunk).text for chunk in [*chunker.feed("It is -.5 or _ 5 & 6."), *chunker.end()]]

    assert "  " not in "".join(said)


@pytest.mark.parametrize(
    "unit", ["…", "5 Oak St. ", "\n", "&lt;", "$5–", "12, e", '"a":', '["a', "{a ", "a_b("]
)
def test_ten_times_a_hostile_reply_takes_about_ten_times_as_long(unit: str) -> None:
    fed(unit * 10)

    short, long = (min(fed((unit * 10_000)[:chars]) for _ in range(2)) for chars in (2_000, 20_000))

    assert long < 40 * short + 0.002


def fed(text: str) -> float:
    """Seconds to chunk a text in pieces of four characters, and to read it at once."""
    began = time.process_time()
    chunker = Chunker()
    for at in range(0, len(text), 4):
        chunker.feed(text[at : at + 4])
    chunker.end()
    aloud(text)
    return time.process_time() - began
