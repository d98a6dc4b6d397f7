from __future__ import annotations

import pytest

from tests.voice.speech.generated import phone_cases
from tests.voice.speech.said import CASES
from tests.voice.speech.said_in_figures import CASES as IN_FIGURES
from tests.voice.speech.said_in_offices import CASES as IN_OFFICES
from tests.voice.speech.said_in_papers import CASES as IN_PAPERS
from tests.voice.speech.said_in_words import CASES as IN_WORDS
from voice.speech.normalise import spans, spoken
from voice.speech.span import replaced

ALL = [
    (kind, written, said)
    for tables in (CASES, IN_FIGURES, IN_OFFICES, IN_PAPERS, IN_WORDS)
    for kind, table in tables.items()
    for written, said in table
]


@pytest.mark.parametrize(
    ("kind", "written", "said"), ALL, ids=[f"{kind}: {written}" for kind, written, _ in ALL]
)
def test_what_is_written_is_said_as_people_say_it(kind: str, written: str, said: str) -> None:
    assert spoken(written) == said


@pytest.mark.parametrize("seed", range(4))
def test_generated_sentences_are_said_as_their_parts_are(seed: int) -> None:
    wrong = [
        (written, said, spoken(written))
        for written, said in phone_cases(seed, 250)
        if spoken(written) != said
    ]

    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Sure, I can help you with that.",
        "It's on the left-hand side, right by the pool.",
        "Let's see... I think Tuesday works, doesn't it?",
        "I'd say it's a twenty-minute drive!",
        "Señor Müller über Zürich",
        "Your appointment is at eight oh five AM, doctor.",
    ],
)
def test_text_with_nothing_to_do_comes_back_as_it_is(text: str) -> None:
    assert spoken(text) is text


def test_the_spans_of_a_text_replaced_are_what_is_spoken() -> None:
    text = "Rent is $1,250/mo, due 3/14. Call (512) 555-0134."

    found = spans(text)

    assert [(text[span.start : span.end], span.kind) for span in found] == [
        ("$1,250/mo", "money"),
        ("3/14", "date"),
        ("(512) 555-0134", "phone"),
    ]
    assert replaced(text, found) == spoken(text)


def test_what_was_read_beside_strange_signs_is_read_to_the_end() -> None:
    text = "5/Apt. 12 is \x00free"

    found = spans(text)

    assert replaced(text, found) == spoken(text) == "five slash Apartment twelve is free"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("7" * 5000, "a number of five thousand digits"),
        ("bell\x07 and \u202eright to left", "bell and right to left"),
        ("half \ud800 a pair", "half a pair"),
        ("\u0663 in other digits", "three in other digits"),
        ("a combi\u0301ned mark", "a combi\u0301ned mark"),
        ("", ""),
    ],
)
def test_bad_input_is_said_as_well_as_can_be(text: str, said: str) -> None:
    assert spoken(text) == said
