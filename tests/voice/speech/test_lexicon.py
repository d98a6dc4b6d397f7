from __future__ import annotations

import pytest

from voice.speech.chunk import Chunker
from voice.speech.lexicon import Lexicon
from voice.speech.locales.english import ENGLISH
from voice.speech.normalise import spans, spoken

NAMES = Lexicon({"Apt 9": "Apartment Nine", "Nguyen": "win", "Oak 360": "Oak three sixty", "Oak": "oke"})


def test_a_name_is_said_in_the_way_of_its_agent() -> None:
    assert spoken("Mr. Nguyen is at Oak 360.", ENGLISH, NAMES) == "Mister win is at Oak three sixty."


def test_a_name_is_a_whole_word_and_the_longest_one_wins() -> None:
    assert spoken("Oakland has an Oak", ENGLISH, NAMES) == "Oakland has an oke"


@pytest.mark.parametrize("mark", ["'s", "’s", "'s.", ", I think", "?", ")"])
def test_a_name_keeps_what_stands_behind_it(mark: str) -> None:
    assert spoken(f"Nguyen{mark}", ENGLISH, NAMES) == f"win{mark}"


def test_what_stands_around_a_name_is_read_as_ever() -> None:
    found = spans("$5 for Oak, 3/14", ENGLISH, NAMES)

    assert [(span.kind, span.spoken) for span in found] == [
        ("money", "five dollars"),
        ("name", "oke"),
        ("date", "March fourteenth"),
    ]


def test_how_a_name_is_said_is_not_read_again() -> None:
    names = Lexicon({"TLC": "T.L.C. 5/x"})

    assert spoken("5/Apt TLC", ENGLISH, names) == "five slash Apartment T.L.C. 5/x"


def test_an_empty_lexicon_costs_nothing() -> None:
    text = "Nothing to read here."

    assert spoken(text, ENGLISH, Lexicon({})) is text


@pytest.mark.parametrize("size", [1, 3, 50])
@pytest.mark.parametrize(
    ("reply", "chunks"),
    [
        ("Welcome to Cafe St. Oslo in town. Hi.", ["Welcome to Cafe St. Oslo in town.", "Hi."]),
        ("Welcome to Cafe St. Oh well. Hi.", ["Welcome to Cafe St.", "Oh well.", "Hi."]),
        ("The tour of House on the Hill is at two.", ["The tour of House on the Hill", "is at two."]),
        ("Welcome to Cafe St.", ["Welcome to Cafe St."]),
    ],
)
def test_a_name_of_several_words_is_in_one_chunk(reply: str, chunks: list[str], size: int) -> None:
    chunker = Chunker(names=Lexicon({"Cafe St. Oslo": "cafe saint oslo", "House on the Hill": "the house"}))

    said = [chunk for at in range(0, len(reply), size) for chunk in chunker.feed(reply[at : at + size])]

    assert [chunk.text for chunk in [*said, *chunker.end()]] == chunks
