from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voice.speech.normalise import spans
from voice.speech.output import Markup, document, escaped, marked_up

TAGS = {"speak", "say-as", "spell"}


def said(text: str, markup: Markup) -> str:
    return marked_up(text, spans(text), markup)


@pytest.mark.parametrize(
    ("markup", "expected"),
    [
        (Markup.NONE, "Ticket A B one two, due three."),
        (Markup.SAY_AS, 'Ticket <say-as interpret-as="characters">AB12</say-as>, due three.'),
        (Markup.SPELL, "Ticket <spell>AB12</spell>, due three."),
    ],
)
def test_a_code_is_spelled_as_the_voice_takes_it(markup: Markup, expected: str) -> None:
    assert said("Ticket AB12, due 3.", markup) == expected


def test_the_groups_of_a_telephone_number_are_spelled_one_by_one() -> None:
    assert (
        said("(512) 555-0134", Markup.SPELL) == "<spell>512</spell>, <spell>555</spell>, <spell>0134</spell>"
    )


def test_the_words_of_a_number_are_said_and_not_spelled() -> None:
    assert "<spell>ext" not in said("Call 512-555-0111 ext. 12.", Markup.SPELL)


def test_an_extension_does_not_keep_a_telephone_number_from_being_spelled() -> None:
    assert said("(512) 555-0134, ext. 12", Markup.SPELL) == (
        "<spell>512</spell>, <spell>555</spell>, <spell>0134</spell>, extension <spell>12</spell>"
    )


def test_a_code_with_a_dash_behind_its_letters_is_spelled_as_one() -> None:
    assert said("Ticket AB-12", Markup.SPELL) == "Ticket <spell>AB12</spell>"


@given(st.text(max_size=200), st.sampled_from([Markup.SAY_AS, Markup.SPELL]))
def test_ssml_always_parses_and_has_no_tags_but_ours(text: str, markup: Markup) -> None:
    root = ElementTree.fromstring(document(said(text, markup)))  # our own output

    assert {node.tag for node in root.iter()} <= TAGS


@given(st.text(max_size=200))
def test_any_text_may_stand_in_a_document(text: str) -> None:
    assert ElementTree.fromstring(f"<Say>{escaped(text)}</Say>") is not None  # our own output
