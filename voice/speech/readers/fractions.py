"""Two numbers with a slash, and what is said with them: fractions, quotients, "24/7"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import next_word
from voice.speech.readers.measures import INCH_WORD
from voice.speech.readers.numbers import amount
from voice.speech.span import Span

_FRACTION = Pattern(r"(\d{1,4})\s?/\s?(\d{1,4})(?:(?:st|nd|rd|th)s?)?+(?![\w/])")
_MIXED = Pattern(r"(\d{1,6})[\s-](\d{1,2})[/⁄](\d{1,3})(?:(?:st|nd|rd|th)s?)?+(?![\w/])")
_SLASHED_RUN = Pattern(r"\d{1,3}/\d{1,3}(?:/\d{1,3})?(?![\w/])")
_UNIT = Pattern(r"[\s-]((?:sq|cu|fl)\.?\s(?:ft|in|oz)|[a-z]{1,4}\.?)(?![\w])")
_VULGAR = {"½": (1, 2), "¼": (1, 4), "¾": (3, 4), "⅓": (1, 3), "⅔": (2, 3), "⅛": (1, 8), "⅜": (3, 8)}
_SPLIT = Pattern(r"\s(?:split|rule|ratio|mix)\b")
_SPAN = Pattern(r"[\s-](?:hours?|days?|months?|weeks?|hrs?)\b")  # 24/48 hours: either
_SEASON = Pattern(r"((?:19|20)\d\d)/(\d\d)(?![\w/])")
_LISTED = Pattern(r"\d{1,2}(?:/\d{1,2}){1,4}(?=-[a-z]{3})")  # 6/9/12-month
LAYOUT = Pattern(r"\s(?:units?|apartments?|apts?|condos?|floor|layout|plan|model|home|house)\b")
_INCH_MARK = Pattern(r"[\"”″](?!\w)")
_RATING = Pattern(r"/(5|10|100)(?![\w/]|\.\d)")
_SCORED = Pattern(r"\b(?:rated|scored?|rating|gives?|gave|rate)(?:\s(?:it|a|of|us)){0,2}\s$", re.IGNORECASE)
_SCORE_NEXT = Pattern(r"\s(?:rating|stars?|score|review)\b")
_RATED = (5, 10, 100)  # "10/10" is a mark


def slashed_name(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Numbers with a slash that have a name: "24/7"."""
    run = _SLASHED_RUN.match(text, found.start())
    said = locale.slashed.get(run[0]) if run else None
    return Span(found.start(), run.end(), "abbreviation", said) if run and said else None


def listed(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "6/9/12-month" → "six, nine, twelve-month", "a 2/2 unit" → "two two", "2025/26" as a season."""
    if parts := _LISTED.match(text, found.start()):
        said = ", ".join([locale.cardinal(int(part)) for part in parts[0].split("/")])
        return Span(parts.start(), parts.end(), "number", said)
    pair = _FRACTION.match(text, found.start())
    if pair and pair[1] == pair[2] and LAYOUT.match(text, pair.end()):
        count = locale.cardinal(int(pair[1]))
        return Span(pair.start(), pair.end(), "measure", f"{count} {count}")
    years = _SEASON.match(text, found.start())
    if years is None or (int(years[1]) + 1) % 100 != int(years[2]):
        return None
    said = f"{locale.year(int(years[1]))} {locale.signs.to} {locale.cardinal(int(years[2]))}"
    return Span(years.start(), years.end(), "date", said)


def fraction(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "3/4" → "three quarters", "0/0" → "zero divided by zero", "80/20" → "eighty twenty"."""
    parts = _FRACTION.match(text, found.start())
    if parts is None:
        return None
    top, bottom = int(parts[1]), int(parts[2])
    between = ""
    if bottom == 0 or " " in parts[0]:
        between = f" {locale.signs.divided_by} "
    elif bottom in _RATED and (top == bottom or is_mark(text, parts)):
        between = f" {locale.signs.out_of} "
    elif top + bottom == 100 or (bottom > 1 and _SPLIT.match(text, parts.end())):
        between = " "
    elif top < bottom and bottom >= 12 and _SPAN.match(text, parts.end()):
        between = f" {locale.signs.to} "
    if between:
        said = f"{locale.cardinal(top)}{between}{locale.cardinal(bottom)}"
        return Span(found.start(), parts.end(), "fraction", said)
    return _measured(text, found.start(), parts.end(), locale.fraction(top, bottom), top > bottom, locale)


def is_mark(text: str, parts: re.Match[str]) -> bool:
    """Whether "7/10" is a mark: "rated 7/10", "a 7/10 rating"."""
    left = text[max(0, parts.start() - 16) : parts.start()]
    return bool(_SCORED.search(left) or _SCORE_NEXT.match(text, parts.end()))


def rating(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "4.7/5 stars" → "four point seven out of five"."""
    parts = _RATING.match(text, found.end()) if found[2] else None
    if parts is None:
        return None
    said = f"{amount(found[1], found[2], locale)} {locale.signs.out_of} {locale.cardinal(int(parts[1]))}"
    return Span(found.start(), parts.end(), "fraction", said)


def mixed(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "2 1/2" → "two and a half", "2½" the same."""
    vulgar = _VULGAR.get(text[found.end() : found.end() + 1])
    if vulgar and not found[2]:
        said = locale.mixed(int(found[1].replace(",", "")[-9:]), *vulgar)
        return _measured(text, found.start(), found.end() + 1, said, True, locale)
    parts = _MIXED.match(text, found.start())
    if parts is None or not 0 < int(parts[2]) < int(parts[3]):
        return None
    said = locale.mixed(*map(int, parts.groups()))
    return _measured(text, found.start(), parts.end(), said, True, locale)


def _measured(text: str, start: int, end: int, said: str, is_many: bool, locale: Locale) -> Span:
    """A fraction with its unit: "1/2 lb" → "one half pound", "2 1/2 ft" → "two and a half feet"."""
    if mark := _INCH_MARK.match(text, end) or INCH_WORD.match(text, end):
        inch = locale.units["in."]
        is_many = is_many and next_word(text, mark.end()) not in locale.measured_things
        is_quoted = text.count('"', max(0, start - 80), start) % 2 and mark[0] == '"'
        return Span(
            start,
            end if is_quoted else mark.end(),
            "measure",
            said if is_quoted else f"{said} {inch.many if is_many else inch.one}",
        )
    behind = _UNIT.match(text, end)
    unit = locale.units.get(behind[1]) or locale.units.get(behind[1].rstrip(".")) if behind else None
    if behind is None or unit is None or (len(behind[1]) == 1 and behind[1] not in "mgl"):
        return Span(start, end, "fraction", said)
    stop = behind.end() - (behind[1].endswith(".") and not text[behind.end() :].strip(" \n"))
    return Span(start, stop, "fraction", f"{said} {unit.many if is_many else unit.one}")
