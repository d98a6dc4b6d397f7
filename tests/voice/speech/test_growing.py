from __future__ import annotations

import re

import pytest

from tests.voice.speech.said import CASES
from tests.voice.speech.said_in_offices import CASES as IN_OFFICES
from tests.voice.speech.said_in_papers import CASES as IN_PAPERS
from tests.voice.speech.said_in_words import CASES as IN_WORDS
from voice.speech.aloud import Reader, aloud
from voice.speech.chunk import Chunker
from voice.speech.growing import growing
from voice.speech.normalise import spoken

LINES = [
    written
    for tables in (CASES, IN_OFFICES, IN_PAPERS, IN_WORDS)
    for table in tables.values()
    for written, _ in table
]
AMID = ("{}", "So {} today", "{} and more")
IN_REPLIES = (
    "Sure, I can do that: {}, I think. Then we go on.",
    "Yes. {} Fine. I will call you.",
    "The answer that you want is {} with me.",
)
WORD = re.compile(r"[\w’']+")


@pytest.mark.parametrize(
    ("text", "open_part"),
    [
        ("It is $1,", "$1,"),
        ("It is $1,250", "$1,250"),
        ("It is $5 ", "$5 "),
        ("Rent is due March 3, ", "March 3, "),
        ("call (512) ", "(512) "),
        ("call (512) 555-", "(512) 555-"),
        ("ask Dr. ", "Dr. "),
        ("on 3/1", "3/1"),
        ("in Apt. 4", "Apt. 4"),
        ("at 2 p.m", "2 p.m"),
        ("write to jane@oak.co", "jane@oak.co"),
        ("see https://oak.com/", "https://oak.com/"),
        ("code AB1", "AB1"),
        ("that", "that"),
        ("that is ", ""),
        ("well, ", ""),
        ("Sure, I can do that. ", ""),
        ("", ""),
        ("Open Mon ", "Mon "),
        ("It ended in 2026. ", ""),
        ("I have 3 dogs and ", ""),
        ("at (512) 555-0134 ext. ", "(512) 555-0134 ext. "),
        ("no. ", "no. "),
        ("I have 3/7 or ", "3/7 or "),
        ("on March 7, 8 and ", "March 7, 8 and "),
        ("call 512 - 555 - ", "512 - 555 - "),
        ("it has 12 ft ", "12 ft "),
        ("3 bd / ", "3 bd / "),
        ("on Tu ", "Tu "),
        ("the NW ", "NW "),
        ("pets or ", ""),
        ("it's 850 sq ", "850 sq "),
        ("at 2100 Kramer ", "2100 Kramer "),
        ("at 2100 Martin Luther King ", "2100 Martin Luther King "),
        ("on N. Main ", "N. Main "),
        ("on N Main ", "N Main "),
        ("ask Dr ", "Dr "),
        ("take SR ", "SR "),
        ("about the parts I ", "I "),
        ("press # ", "# "),
        ("2100 people ", ""),
        ("Kim and I ", ""),
    ],
)
def test_the_part_that_more_text_may_change_is_held(text: str, open_part: str) -> None:
    assert text[growing(text) :] == open_part


@pytest.mark.parametrize("amid", AMID)
def test_what_does_not_grow_is_said_as_in_the_whole_line(amid: str) -> None:
    assert [settled for line in LINES if (settled := changed(amid.format(line)))] == []


@pytest.mark.parametrize("reply", IN_REPLIES)
@pytest.mark.parametrize("size", [1, 4, 50])
def test_lines_sound_the_same_chunk_by_chunk(reply: str, size: int) -> None:
    replies = [reply.format(line) for line in LINES]

    assert [one for one in replies if in_chunks(one, size) != WORD.findall(aloud(one))] == []


def changed(text: str) -> str:
    """The first beginning that does not grow any more, and is said otherwise in the whole text; or ""."""
    whole = WORD.findall(spoken(text))
    for end in range(1, len(text)):
        settled = text[: growing(text[:end])]
        words = WORD.findall(spoken(settled))
        if words != whole[: len(words)]:
            return settled
    return ""


def in_chunks(reply: str, size: int) -> list[str]:
    """The words of a reply that comes in pieces of this size, as the caller hears them."""
    chunker, reader = Chunker(), Reader("en-US", ())
    chunks = [chunk for at in range(0, len(reply), size) for chunk in chunker.feed(reply[at : at + size])]
    return [word for chunk in [*chunks, *chunker.end()] for word in WORD.findall(reader.read(chunk).text)]
