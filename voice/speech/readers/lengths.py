"""Lengths: feet and inches, "10' x 12'", and what is only multiplied: "3x", "5 x 3 = 15"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import ends_sentence, next_word
from voice.speech.readers.measures import before_noun, written_as
from voice.speech.readers.numbers import amount
from voice.speech.readers.rates import by_period
from voice.speech.readers.science import RAISED
from voice.speech.span import Span

_FEET = Pattern(
    r"(\d{1,5})\s?['’′](?:\s?(\d{1,2}(?:\.\d+)?)\s?(?:[\"”″]|''|’’)|(1?\d)(?!\d))?(?!\w(?<!x)|x\D)"
)
_INCHES = Pattern(r"(?:[\"”″]|'')(?:(?!\w)|(?=x\s?\d))")
_QUOTES = Pattern('["“”]')
_OPENING = Pattern(r"(?:^|\s)['’‘]\S")
# "in" is a word of place, unless a length is spoken of.
INCH_WORD = Pattern(
    r"\s?in(?=\s(?:wide|tall|long|deep|thick|high|across|pipes?|hoses?|bolts?|screws?|screen|gap|valve|tv|TV|"
    r"[x×]\s?\d|by\s\d))"
)
_LAST_INCHES = Pattern(r"\sin(?=[.,;)]|$)")
_FIRST_INCHES = Pattern(r"\d\s(?:in|inches)\s(?:x|×|by)\s$|\d\s?[x×]\s?$")
_GLUED_INCHES = Pattern(r"in(?!\w)")
_UNIT_LEFT = Pattern(r"\d\s?([a-z]{1,4})\.?\s$")
_SQUARE = Pattern(r"\.?\s(?:[Ff]t|[Ff]eet|(?:km|mi|m|yd)(?=[\s.,;)]|$))\b\.?")
_DIMENSION = Pattern(r"\s?[x×X]\s?(?=\d)")
_SPACED_BY = Pattern(r"\s×\s(?=(\d[\d.,]*)(?:\s?([a-z]{1,2}))?(?!\w|\s?=))")
_TIMES = Pattern(r"\s?[x×X](?![\w])")
_PRICE_LEFT = Pattern(r"[$€£][\d.,]+\s$")
_PRODUCT = Pattern(r"\s?[x×]\s?(?:\d[\d.,]*\s?=|10(?:\^|[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]))")  # 5 x 3 = 15, 6.02 × 10^23
_LONG_CODE = Pattern(r"\dX\d{4,9}(?!\d|\.\d)")
_ALWAYS = Pattern(r"x7(?!\w)")  # 24x7
_OPERATORS = frozenset(f"=^+*⁻{RAISED}")
_ALGEBRA = Pattern(r"x(?=\s?[+=^*]\s?[\w(]|\s[-−/]\s\d{1,4}\s?=)")  # 2x + 1
_FT_LAST = Pattern(r"(\d{1,2})ft\s?(1[01]|\d)(?!\w|[.,/-]\d)")  # "5ft10"
_FT_IN = Pattern(r"(\d{1,4})(?:ft\.?|\sft\.?|-foot)\s?(\d{1,2})\s?in(?:\.|ch(?:es)?)?(?!\w)")


def feet(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """`6' 2"` → "six feet two inches"."""
    parts = _FEET.match(text, found.start())
    if parts is None or found[2]:
        return None
    behind = text[parts.end() : parts.end() + 1]
    inches_written = parts[2] or parts[3]
    if (inches_written is None and behind not in ("", " ", ",", ".", "x", "×", "-", "–")) or _is_quoted(
        text, parts
    ):
        return None
    if inches_written:
        said = _both(parts[1], inches_written, locale)
    else:
        said = before_noun(text, parts.end(), found, locale.units["ft"], locale)
    return Span(found.start(), parts.end(), "measure", said)


def _is_quoted(text: str, parts: re.Match[str]) -> bool:
    """Whether the mark behind a number closes a quotation that began before it."""
    left = text[max(0, parts.start() - 40) : parts.start() + 1]
    return not (parts[2] or parts[3]) and _OPENING.search(left) is not None


def inch_word(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "12 in wide" → "twelve inches wide", "12 in x 10 in"; elsewhere "in" is a word."""
    mark = (_GLUED_INCHES if text[found.end()] == "i" else INCH_WORD).match(text, found.end())
    if mark is None and _FIRST_INCHES.search(text[max(0, found.start() - 12) : found.start()]):
        mark = _LAST_INCHES.match(text, found.end())
    if mark is None:
        return None
    said, end = before_noun(text, mark.end(), found, locale.units["in."], locale), mark.end()
    if text[end : end + 1] == "." and not ends_sentence(text, end + 1):
        end += 1
    return Span(found.start(), end, "measure", said)


def inches(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """`12"` → "twelve inches", unless the mark closes a quotation."""
    mark = _INCHES.match(text, found.end())
    if mark is None or in_quotation(text[max(0, found.start() - 80) : found.start()]):
        return None
    said = before_noun(text, mark.end(), found, locale.units["in."], locale)
    return Span(found.start(), mark.end(), "measure", said)


def in_quotation(left: str) -> bool:
    """Whether a quotation is open: a mark behind a digit closes one, or is that of inches."""
    is_open = False
    for mark in _QUOTES.finditer(left):
        at = mark.start()
        is_inches = at > 0 and left[at - 1].isdecimal()
        is_open = mark[0] != "”" and not is_open and not is_inches
    return is_open


def feet_and_inches(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "5ft 10in" → "five feet ten inches"."""
    parts = _FT_IN.match(text, found.start()) or _FT_LAST.match(text, found.start())
    if parts is None:
        return None
    return Span(found.start(), parts.end(), "measure", _both(parts[1], parts[2], locale))


def _both(feet_written: str, inches_written: str, locale: Locale) -> str:
    """("5", "10") → "five feet ten inches"."""
    return (
        f"{written_as(feet_written, locale.units['ft'], locale)}"
        f" {written_as(inches_written, locale.units['in.'], locale)}"
    )


def times(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "10x12" → "ten by" before the second length, "3x" → "three times"."""
    said = amount(found[1], found[2], locale)
    if text[found.end() : found.end() + 1] == "X" and _TIMES.match(text, found.end()):
        is_factor = len(found[1]) == 1 and next_word(text, found.end() + 1).islower()
        if not is_factor:
            return None  # "97X" is a name; "3X the rent" is not
    if _LONG_CODE.match(text, found.start()):
        return None  # "4X7721", of a car
    if found[0] == "24" and _ALWAYS.match(text, found.end()) and "24/7" in locale.slashed:
        return Span(found.start(), found.end() + 2, "abbreviation", locale.slashed["24/7"])
    if not _OPERATORS.isdisjoint(text[found.end() : found.end() + 16]):
        if _PRODUCT.match(text, found.end()) and (sign := _DIMENSION.match(text, found.end())):
            return Span(found.start(), sign.end(), "number", f"{said} {locale.signs.times} ")
        if _ALGEBRA.match(text, found.end()):
            return Span(found.start(), found.end(), "number", f"{said} ")
    if sign := _DIMENSION.match(text, found.end()):
        return Span(found.start(), sign.end(), "measure", f"{said} {locale.signs.by} ")
    if sign := _TIMES.match(text, found.end()):
        times_said = locale.signs.time if found[0] == "1" else locale.signs.times
        said, end = by_period(text, sign.end(), f"{said} {times_said}", locale)
        return Span(found.start(), end, "measure", said)
    return None


def by_spaced(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "1,024 × 768" and "10 × 12 ft" → "by"; small numbers without a unit are multiplied."""
    sign = _SPACED_BY.match(text, found.end())
    if sign is None or not ((len(found[1]) > 2 and len(sign[1]) > 2) or sign[2] in locale.units):
        return None
    said = f"{amount(found[1], found[2], locale)} {locale.signs.by} "
    return Span(found.start(), sign.start(1), "measure", said)


def by(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """The "x" in "10' x 12'"."""
    left, right = text[max(0, start - 2) : start].strip(), text[end : end + 2].strip()
    unit = _UNIT_LEFT.search(text[max(0, start - 8) : start])
    is_unit = unit is not None and (unit[1] in locale.units or f"{unit[1]}." in locale.units)
    is_number = left[-1:].isdecimal() and text[start - 1 : start] == " "
    if right[:1].isdecimal() and (left[-1:] in ("'", "’", "′", '"', "”") or is_unit or is_number):
        is_price = _PRICE_LEFT.search(text[max(0, start - 12) : start])  # "$50 x 2"
        return Span(start, end, "measure", locale.signs.times if is_price else locale.signs.by)
    return None


def square(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "sq. ft." without a number."""
    found = _SQUARE.match(text, end)
    if found is None:
        return None
    stop = found.end() - (text[found.end() - 1] == "." and ends_sentence(text, found.end()))
    unit = locale.units.get(f"sq {found[0].strip('. ').lower()}", locale.units["sq ft"])
    is_one = text.endswith(f"{locale.signs.per} ", 0, start)
    return Span(start, stop, "measure", unit.one if is_one else unit.many)
