"""Codes and identifiers: letters spelled, digits one by one or in pairs; flats: "4B", "B-12", "3BR/2BA"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import cue_before
from voice.speech.readers.numbers import digits, in_pairs
from voice.speech.span import Span

MAX_CODE_CHARS = 64  # a longer run is said piece by piece as it comes

_CODE = Pattern(
    rf"(?=([A-Za-z0-9]{{1,{MAX_CODE_CHARS}}}(?:[-_][A-Za-z0-9]{{1,{MAX_CODE_CHARS}}}){{0,8}}))\1(?!\w|\.\d)"
)
_MIXED_PART = Pattern(r"\d[a-z]|[a-z]\d")
_PARTS = Pattern(r"\d+|[^\W\d_]+")
_DASHED = Pattern(r"\d{1,9}(?:-\d{1,9}){1,5}(?:-X)?(?![\w])")
_SPACED = Pattern(r"\d{2,5}(?: \d{2,5}){1,5}(?![\w%:/-]|[.,]\d|\s[a-z]{2,})")
_FISCAL = Pattern(r"FY((?:19|20)\d\d)")
_SPELLED = 5  # capitals; three when they can be said: more are likelier a word


def letters(written: str, locale: Locale) -> str:
    """Capitals spelled ("INC" → "I N C"), other letters as they are."""
    has_vowel = any(letter in "AEIOUY" for letter in written)
    is_short = len(written) <= _SPELLED - 2 * has_vowel or written in locale.spelled
    if written.isupper() and is_short and written not in locale.as_words:
        return " ".join(written)
    return written


def run(written: str, locale: Locale, by_digit: bool = False) -> str:
    """A run of letters and digits: "L20931" → "L two zero nine three one", "W2s" → "W two s"."""
    return " ".join(
        _digits(part, locale, by_digit, written) if part[0].isdecimal() else letters(part, locale)
        for part in _PARTS.findall(written)
    )


def _digits(written: str, locale: Locale, by_digit: bool, code: str) -> str:
    if written[0] == "0" or len(written) > 4 or by_digit:
        return digits(written, locale)
    if len(written) == 4 and not written.endswith("00"):
        return digits(written, locale)
    return (
        in_pairs(written, locale) if len(written) == 3 and code.isupper() else locale.cardinal(int(written))
    )


def mixed(text: str, at: int, locale: Locale) -> Span | None:
    """A code that begins at `at` and has letters and digits both: "INC0012345", "B-12", "4B", "25d08A"."""
    found = _CODE.match(text, at)
    if found is None:
        return None
    written = found[1]
    if written.isalpha() or not any(map(str.isdecimal, written)) or not any(map(str.isalpha, written)):
        return None
    head = written.replace("_", "-").partition("-")[0]
    is_cued = cue_before(text, at, locale).word in locale.digit_cues
    if "-" in written and not (_is_prefix(head, locale) or (is_cued and _MIXED_PART.search(written))):
        return None  # "covid-19", "4-kilogram", "5-3-Ws": words and numbers, each read for itself
    if fiscal := _FISCAL.fullmatch(written):
        return Span(at, found.end(), "code", f"F Y {locale.year(int(fiscal[1]))}")
    return Span(at, found.end(), "code", run(written, locale, by_digit=is_cued))


def spaced(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Equal groups of digits behind a word that says they are a code: "code is 12 34 56"."""
    parts = _SPACED.match(text, found.start())
    if parts is None or cue_before(text, found.start(), locale).word not in locale.digit_cues:
        return None
    groups = parts[0].split(" ")
    if len({len(group) for group in groups}) > 1:
        return None
    said = ", ".join([digits(group, locale) for group in groups])
    return Span(found.start(), parts.end(), "code", said)


def _is_prefix(head: str, locale: Locale) -> bool:
    """Whether the part before a dash begins a code: a few capitals, perhaps with digits."""
    some_letters = [letter for letter in head if letter.isalpha()]
    return (
        bool(some_letters)
        and head.isupper()
        and len(some_letters) <= _SPELLED
        and head not in locale.as_words
    )


def dashed(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Digits with dashes behind a word that says they are a code: "case 2024-118"."""
    parts = _DASHED.match(text, found.start())
    if parts is None or cue_before(text, found.start(), locale).word not in locale.digit_cues:
        return None
    said = ", ".join([digits(part, locale) if part != "X" else part for part in parts[0].split("-")])
    return Span(found.start(), parts.end(), "code", said)


def spelled_tail(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """A number with letters behind it: "4B", "3D", "97X", "25d08A"."""
    return mixed(text, found.start(), locale)
