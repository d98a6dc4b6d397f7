"""What is read at one look is read as the readers that know every shape read it."""

from __future__ import annotations

from itertools import product

import pytest

from voice.speech.locales.base import Locale
from voice.speech.locales.english import ENGLISH
from voice.speech.locales.spanish import SPANISH
from voice.speech.readers import money, telephone
from voice.speech.readers.table import read_number
from voice.speech.readers.usual import usual
from voice.speech.span import Span

SHAPES = (
    *("$5", "$0.50", "$1.00", "$1,250", "$12.08", "$900/mo", "$1,250.50/month", "$3/day"),
    *("3 pm", "3:05 a.m.", "11:30PM", "12:00 am", "07am", "2026-03-14", "2026-13-40"),
    *("3/14/2026", "14/3/2026", "40/3/2026", "(512) 555-0134", "(800)555-0134", "512-555-0134"),
    *("512.555.0134", "512 555 0134", "512-555-0134 x12", "(512) 555-0134 ext. 204"),
    *("5-12", "5–12", "12-5", "7-7", "24-7", "1", "12", "99", "1204", "1828", "1964", "2026", "2063"),
)
BEFORE = ("", "It is ", "(", "code ", "between ", "Tel. ", "dial *", "pages ", "a ", "/", "-", "x")
BEFORE_YEARS = (
    *("in ", "grew in ", "grew to 5 in ", "your order in ", "ending in ", "code of ", "order ", "is ", "by "),
    *("UA ", "Kim (", "apt. (", "the order (", "code, ", "Kim, ", "the flat's ", "route in ", "fm ", "x("),
    *("in, ", "pin in, ", "in in ", "in ", "was ", "years ", "May "),
)
BEHIND = (
    *("", ".", ",", ")", " ", ". The", ". the", ", 5", ",5", ".5", "-6", "–", "/", "/ft", " ft", "'s", "x"),
    *(" million", " k", " fee", " late fee", " ea.", " each", " USD", " US$", " I", " off", "+", " - $9"),
    *(" ET", " E.T.", " hours", " hrs", " CST", ". EST", " p.m.", " to 5 pm", " mg", " days", " May"),
    *(" may", " x12", ", ext. 4", " (x4)", " #4", " people", " miles.", " min.", " sq ft", " and 1/2", "%"),
    *(" to 1901", " houses", " people", " is", " hours", " hours of", " st", " ave", ": it", "; it", "! It"),
    *(" B.C.", " in", " a", " thirds", " of May", "th", " h", "T10:30"),
)


def in_full(text: str, at: int, locale: Locale) -> Span | None:
    """What the readers of all shapes make of a place."""
    if text[at] == "$":
        return money.by_sign(text, at, locale)
    return telephone.number(text, at, locale) if text[at] == "(" else read_number(text, at, locale)


@pytest.mark.parametrize("locale", [ENGLISH, SPANISH], ids=["English", "Spanish"])
def test_a_usual_shape_is_said_as_any_other_would_be(locale: Locale) -> None:
    wrong = [
        (text, span)
        for before, shape, behind in product(BEFORE + BEFORE_YEARS, SHAPES, BEHIND)
        for text, at in [(before + shape + behind, len(before))]
        if (span := usual(text, at, locale)) is not None and span != in_full(text, at, locale)
    ]

    assert wrong == []


def test_the_usual_shapes_are_known_where_nothing_unusual_stands_behind_them() -> None:
    unknown = [shape for shape in SHAPES if usual(f"{shape} today", 0, ENGLISH) is None]

    assert unknown == ["2026-13-40", "40/3/2026", "12-5", "7-7", "24-7"]
