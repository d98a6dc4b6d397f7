"""Roads by their number: "I-35N" → "I thirty five North", "US 290 W", "Hwy. 71", "FM-1325"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import ends_sentence
from voice.speech.readers.numbers import in_pairs
from voice.speech.span import Span
from voice.speech.tables import word_set

_NUMBER = Pattern(r"(\.?\s#?|-)(\d{1,4})(?:-?([NSEW]B|[A-Z])(?![\w'’]))?(?![\w%°$]|[,.:/–-]\d|-[A-Za-z])")
_END = Pattern(r"\s?([NSEW]B?)(?![\w'’]|\.[A-Z])")
# "US" and "I" are words, too: "US 290 to Bastrop", but "US 12 states" and "I 5 of them".
_ROAD_GOES_ON = Pattern(
    r"\s*$|[.,;:!?)&/]|\s(?:[NSEW]B?\b|to|at|and|or|near|exit|in|is|on|from|toward|past|north|south|east|west|"
    r"northbound|southbound|eastbound|westbound|&|frontage|Hwy|Highway|will|has)\b"
)
_NAMED = word_set("I US")  # read without a dash only where a road goes on
_COUNTED = word_set("Exit exit MM")  # not in pairs with a letter of a direction: "exit 234B"


_BOUND = Pattern(
    r"\s(?:(?:I|IH|US|SH)-?\d|(?:US|SH|FM|Hwy|Highway|Loop)\s\d|lanes?\b|traffic\b|side\b|exit\b)"
)


def bound(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "NB I-35" → "northbound"."""
    if not _BOUND.match(text, end):
        return None
    return Span(start, end, "road", locale.road_ends[text[start:end]])


def of_country(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "U.S. 290 W" → "U S two ninety West"; `end` is behind the letters."""
    found = _NUMBER.match(text, end) if locale.roads else None
    if found is None or not _ROAD_GOES_ON.match(text, found.end()):
        return None
    return _numbered(text, start, found, "US", locale)


def road(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """A road, with where it goes: "I-35 NB" → "I thirty five northbound"."""
    found = _NUMBER.match(text, end)
    if found is None:
        return None
    word = text[start:end]
    if word in _NAMED and found[1] != "-" and (word == "I" or not _ROAD_GOES_ON.match(text, found.end())):
        return None
    return _numbered(text, start, found, word, locale)


def _numbered(text: str, start: int, found: re.Match[str], word: str, locale: Locale) -> Span:
    """A road and its number, with where it goes."""
    _, number, letter = found.groups()
    said, stop = f"{locale.roads[word]} {in_pairs(number, locale)}", found.end()
    if letter:
        is_end = letter in locale.road_ends and word not in _COUNTED
        return Span(start, stop, "road", f"{said} {locale.road_ends[letter] if is_end else letter}")
    if (way := _END.match(text, stop)) and way[1] in locale.road_ends:
        said, stop = f"{said} {locale.road_ends[way[1]]}", way.end()
        if text[stop : stop + 1] == "." and not ends_sentence(text, stop + 1):
            stop += 1
    return Span(start, stop, "road", said)
