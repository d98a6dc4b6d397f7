"""The shapes that nearly every amount, time, date, year, telephone number and range has, each at one look.

The readers of `table.py` know these shapes, too, and say the same of them, but ask three to ten questions
first: here a sentence full of numbers takes half the time. A shape counts only where nothing stands beside
it that may change its meaning ("3:05 pm ET", "10/20/2040 mg"); in doubt it is none, and they are asked.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import cache, lru_cache

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers import money
from voice.speech.readers.bare import CODE_LEFT, MODERN
from voice.speech.readers.context import LOOK_BACK, range_word
from voice.speech.readers.durations import HOURS
from voice.speech.readers.numbers import digits
from voice.speech.readers.table import behind_readers
from voice.speech.readers.telephone import extension, said_group
from voice.speech.span import Span, made

_END = r"(?=[,;!?)](?!\d)|\.?(?: |\Z))"  # a space, the end, a mark that is no part of a number
_TIME = (
    r"(?:1[0-2]|0?[1-9])(?::[0-5][0-9])? ?"
    r"(?:(?:[ap]m|[AP]M)(?=[,;!?)]|\.?\Z| (?![ECMPGUecmph(]))|[ap]\.m\.(?=[,;!?]|\.\Z| [abdfgi-lnoq-z]))"
)
_DATE = (
    rf"(?:19|20)[0-9]{{2}}-[0-9]{{2}}-[0-9]{{2}}{_END}"
    rf"|[0-9]{{1,2}}/[0-9]{{1,2}}/[12][0-9]{{3}}{_END}(?!\s{{1,3}}[md])"
)
_PHONE = (
    r"(?:\([0-9]{3}\) ?[0-9]{3}[-.]|[0-9]{3}(?P<gap>[-. ])[0-9]{3}(?P=gap))[0-9]{4}"
    rf"(?: (?:x|ext\. ?)[0-9]{{1,6}}(?!\))|(?![ ,(]{{0,3}}[xeE#])){_END}"
)
_WORD = r"[a-z]{2,}+(?![\w/'’-])"
_RANGE = rf"[1-9][0-9]?[-–](?=(?P<high>[1-9][0-9]?)(?:%| (?P<unit>{_WORD})))"
_COUNT = rf"[1-9][0-9]?(?= (?P<thing>{_WORD}))"
# Behind it only the end, a mark that ends something, or a word of small letters: "1204 Oak Ave" is a house.
_YEAR = rf"(?:1[2-9]|20)[0-9]{{2}}(?=[,.:](?: |\Z)|[;!?)]|\Z| (?P<follows>{_WORD}))"
_BEFORE_RANGE = ("", " ", "(")
_USUAL = Pattern(
    rf"(?P<money>{money.USUAL})|(?P<time>{_TIME})|(?P<date>{_DATE})"
    rf"|(?P<phone>{_PHONE})|(?P<range>{_RANGE})|(?P<number>{_COUNT})|(?P<year>{_YEAR})"
)


def usual(text: str, at: int, locale: Locale) -> Span | None:
    """What begins with the digit, the dollar or the bracket at `at`, if it has one of the usual shapes."""
    found = _USUAL.match(text, at)
    if found is None:
        return None
    kind = found.lastgroup or ""
    if (say := _SAID.get(kind)) is not None:
        said = say(found[0], locale)
        return made((at, found.end(), kind, said)) if said else None
    return _READERS[kind](text, at, found, locale)


@lru_cache(2048)  # calls are about the same hours again and again
def _said_time(written: str, locale: Locale) -> str:
    """ "3:05 p.m." → "three oh five PM"."""
    plain = written.rstrip("apmAPM. ")
    hour, _, minute = plain.partition(":")
    half = locale.halves_of_day[written[len(plain) :].lstrip()[0].lower() + "m"]
    if not minute or minute == "00":
        return f"{locale.cardinal(int(hour))} {half}"
    return f"{locale.clock(int(hour), int(minute))} {half}"


@lru_cache(2048)  # … and days
def _said_date(written: str, locale: Locale) -> str:
    """ "2026-03-14" and "3/14/2026" → "March fourteenth twenty twenty six", or "" for no day."""
    if written[4] == "-":
        if locale.phone_cues:
            return ""  # "Tel. 2026-03-14" is a number there
        year, month, day, day_first = int(written[:4]), int(written[5:7]), int(written[8:]), False
    else:
        first, second, year = map(int, written.split("/"))
        day_first = locale.day_first
        if not (1 <= (second if day_first else first) <= 12 and 1 <= (first if day_first else second) <= 31):
            day_first = not day_first  # written as elsewhere
        month, day = (second, first) if day_first else (first, second)
    return locale.date(year, month, day, day_first) if 1 <= month <= 12 and 1 <= day <= 31 else ""


def _phone(text: str, at: int, found: re.Match[str], locale: Locale) -> Span | None:
    if locale.phone_cues:
        return None  # other groups are usual there
    written = found[0]
    area, rest = (written[1:4], written[5:].lstrip()) if written[0] == "(" else (written[:3], written[4:])
    said = f"{said_group(area, locale)}, {said_group(rest[:3], locale)}, {digits(rest[4:8], locale)}"
    if len(rest) > 8:
        said = f"{said}, {locale.extension} {extension(rest[8:].lstrip(' ext.'), locale)}"
    return made((at, found.end(), "phone", said))


def _range(text: str, at: int, found: re.Match[str], locale: Locale) -> Span | None:
    """ "5–12 days" → "five to"; the second is read next."""
    low = int(found[0][:-1])
    if (
        locale.agreed is not None
        or low >= int(found["high"])
        or found["unit"] in locale.month_forms
        or text[at - 1 : at] not in _BEFORE_RANGE
        or text.endswith(CODE_LEFT, 0, at)
    ):
        return None
    said = f"{locale.cardinal(low)} {range_word(text, at, locale)} "
    return made((at, found.end(), "number", said))


def _plain(text: str, at: int, found: re.Match[str], locale: Locale) -> Span | None:
    """ "12 days" → "twelve", where the word behind is none that is read with its number."""
    if locale.agreed is not None or found["thing"] in _named(locale) or text[at - 1 : at] == "*":
        return None
    return made((at, found.end(), "number", locale.cardinal(int(found[0]))))


def _year(text: str, at: int, found: re.Match[str], locale: Locale) -> Span | None:
    """ "in 1964", "Robert (1804)", where no word beside it makes it a count, a code, a flat or a road."""
    left, follows = text[max(0, at - LOOK_BACK) : at], found["follows"] or ""
    if (
        locale.agreed is not None
        or (left and left[-1] != " " and left[-2:] != " (")
        or follows in _named(locale)
        or follows in _no_year_before(locale)
        or (follows[-1:] == "s" and int(found[0]) < MODERN)  # "1828 chairs"
    ):
        return None
    words = left.removesuffix("(").split()
    if words and not _leads_to_year(words, locale):
        return None
    return made((at, found.end(), "date", locale.year(int(found[0]))))


def _leads_to_year(words: list[str], locale: Locale) -> bool:
    """Whether the last of these words, and before an "in" the one before it, is no cue for anything else."""
    word = words[-1].rstrip(",")
    if word == "in" and len(words) > 1:
        word = words[-2]  # "your order in 1204"
    is_one = word.isalnum() and (word.isalpha() or len(word) < 3)  # "grew to 5 in 1966"
    return is_one and not word.isupper() and word.lower() not in _no_year_behind(locale)


@cache
def _no_year_behind(locale: Locale) -> frozenset[str]:
    """Words behind which four digits may be something else, or that leave it to a word before them."""
    return locale.digit_cues | locale.unit_cues | locale.road_cues | locale.links | {"of"}


@cache
def _no_year_before(locale: Locale) -> frozenset[str]:
    """Words before which four digits may be no year."""
    return locale.counted_things | {*HOURS, "st", "ave", "rd", "dr"}  # "1204 ave B" is a house


@cache
def _named(locale: Locale) -> frozenset[str]:
    """The words that may be read with a number before them, without their dots."""
    return frozenset({form.rstrip(".") for form in behind_readers(locale)} | {"sq", "cu", "fl", "and"})


_SAID: Mapping[str, Callable[[str, Locale], str]] = {"time": _said_time, "date": _said_date}
_READERS: Mapping[str, Callable[[str, int, re.Match[str], Locale], Span | None]] = {
    "money": money.usual,
    "phone": _phone,
    "range": _range,
    "number": _plain,
    "year": _year,
}
