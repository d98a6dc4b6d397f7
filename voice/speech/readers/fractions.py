"""Two numbers with a slash, and what is said with them: fractions, quotients, "24/7"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import next_word, previous_word
from voice.speech.readers.lengths import INCH_WORD, in_quotation
from voice.speech.readers.numbers import amount, in_pairs
from voice.speech.span import Span
from voice.speech.tables import word_set

_FRACTION = Pattern(
    r"(\d{1,4})\s?[/⁄]\s?(\d{1,3}(?:,\d{3}){1,3}|\d{1,4})(?:(?:st|nd|rd|th)s?)?+(?!(?!(?:in|ft|mi|lb|oz)\b)\w|/)"
)
_MIXED = Pattern(r"(\d{1,6})(?:[\s-]|\s(?:and|&)\s)(\d{1,2})[/⁄](\d{1,3})(?:(?:st|nd|rd|th)s?)?+(?![\w/])")
_SLASHED_RUN = Pattern(r"\d{1,3}/\d{1,3}(?:/\d{1,3})?(?![\w/])")
_UNIT = Pattern(r"[\s-]?((?:sq|cu|fl)\.?\s(?:ft|in|oz)|[a-z]{1,4}\.?|HP)(?![\w])")
VULGAR = {"½": (1, 2), "¼": (1, 4), "¾": (3, 4), "⅓": (1, 3), "⅔": (2, 3), "⅙": (1, 6), "⅚": (5, 6)} | {
    "⅛": (1, 8),
    "⅜": (3, 8),
    "⅝": (5, 8),
    "⅞": (7, 8),
    "⅕": (1, 5),
    "⅖": (2, 5),
    "⅗": (3, 5),
    "⅘": (4, 5),
}
_SPLIT = Pattern(r"\s(?:split|rule|ratio|mix|schedule|vision|mpg|MPG)\b")
_DOSE = Pattern(r"\s?mc?g\b")  # of two drugs: "5/325 mg"
_SPAN = Pattern(r"[\s-](?:hours?|days?|months?|weeks?|hrs?)\b")  # 24/48 hours: either
_EQUALS = Pattern(r"\s?=")
_SEASON = Pattern(r"((?:19|20)\d\d)/((?:19|20)?\d\d)(?![\w/])")
_LISTED = Pattern(r"\d{1,2}(?:/\d{1,2}){1,4}(?=-([a-z]{3,}))")  # 6/9/12-month
_SLASHED_LIST = Pattern(r"\d{1,3}(?:/\d{1,3}){2,5}(?![\w/-])")  # 30/60/90 days, which are no day
_PART = Pattern(r"(?:1/[2-9]|[23]/[345]|[3579]/(?:8|16)|1/(?:10|16|32|64))(?=-)")  # 1/2-mile
_LISTED_NOUNS = word_set(
    "month months bed bedroom bedrooms bath person people pack story year years unit car"
)
_STEP_CUES = word_set("page step part slide question item level phase attempt round chapter lesson module")
LAYOUT = Pattern(r"\s(?:units?|apartments?|apts?|condos?|floor|layout|plan|model|home|house)\b")
_GLUED_INCHES = Pattern(r"in(?!\w)")
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
    parts = _LISTED.match(text, found.start())
    if parts and not (parts[1] not in _LISTED_NOUNS and _PART.match(text, found.start())):
        said = ", ".join([locale.cardinal(int(part)) for part in parts[0].split("/")])
        return Span(parts.start(), parts.end(), "number", said)
    if parts := _SLASHED_LIST.match(text, found.start()):
        said = ", ".join([locale.cardinal(int(part)) for part in parts[0].split("/")])
        return _measured(text, parts.start(), parts.end(), said, True, locale)
    pair = _FRACTION.match(text, found.start())
    if pair and pair[2].isdecimal() and int(pair[1]) >= int(pair[2]) > 0 and LAYOUT.match(text, pair.end()):
        said = f"{locale.cardinal(int(pair[1]))} {locale.cardinal(int(pair[2]))}"
        return Span(pair.start(), pair.end(), "measure", said)
    years = _SEASON.match(text, found.start())
    if years is None or (int(years[1]) + 1) % 100 != int(years[2]) % 100:
        return None
    last = int(years[2])
    until = locale.year(last) if last > 99 else _short_year(last, locale)
    said = f"{locale.year(int(years[1]))} {locale.signs.to} {until}"
    return Span(years.start(), years.end(), "date", said)


def _short_year(number: int, locale: Locale) -> str:
    return f"{locale.oh} {locale.digits[number]}" if number < 10 else locale.cardinal(number)


def fraction(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "3/4" → "three quarters", "0/0" → "zero divided by zero", "80/20" → "eighty twenty"."""
    parts = _FRACTION.match(text, found.start())
    if parts is None:
        return None
    top, bottom = int(parts[1]), int(parts[2].replace(",", ""))
    if " " in parts[0] and (name := locale.slashed.get(f"{parts[1]}/{parts[2]}")):
        return Span(found.start(), parts.end(), "abbreviation", name)
    between = ""
    if bottom == 0 or " " in parts[0] or _EQUALS.match(text, parts.end()):
        between = f" {locale.signs.divided_by} "
    elif top == 0 or (top == bottom > 2) or (bottom in _RATED and is_mark(text, parts)):
        between = f" {locale.signs.out_of} "
    elif top <= bottom and is_step(text, found.start()):
        between = f" {locale.signs.of} "  # "page 3/10"
    elif bottom < top and top in range(70, 251) and bottom in range(40, 151):
        said = f"{in_pairs(parts[1], locale)} {locale.signs.over} {in_pairs(parts[2], locale)}"
        return Span(found.start(), parts.end(), "fraction", said)  # of blood: "120/80"
    elif (
        top + bottom == 100
        or (bottom > 1 and _SPLIT.match(text, parts.end()))
        or (bottom > 20 and _DOSE.match(text, parts.end()))
    ):
        between = " "
    elif top < bottom and bottom >= 12 and _SPAN.match(text, parts.end()):
        between = f" {locale.signs.to} "
    if between:
        said = f"{locale.cardinal(top)}{between}{locale.cardinal(bottom)}"
        if between == " ":
            return _measured(text, found.start(), parts.end(), said, True, locale)  # "28/36 mpg"
        return Span(found.start(), parts.end(), "fraction", said)
    return _measured(text, found.start(), parts.end(), locale.fraction(top, bottom), top > bottom, locale)


def is_step(text: str, start: int) -> bool:
    """Whether "3/10" is one of several: "page 3/10"."""
    return previous_word(text, start).lower() in _STEP_CUES


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
    end = found.end() + (text[found.end() : found.end() + 1] == " ")
    vulgar = VULGAR.get(text[end : end + 1])
    if vulgar and not found[2]:
        said = locale.mixed(int(found[1].replace(",", "")[-9:]), *vulgar)
        return _measured(text, found.start(), end + 1, said, True, locale)
    parts = _MIXED.match(text, found.start())
    if parts is None or not 0 < int(parts[2]) < int(parts[3]):
        return None
    said = locale.mixed(*map(int, parts.groups()))
    return _measured(text, found.start(), parts.end(), said, True, locale)


def sign(text: str, start: int, end: int, locale: Locale) -> Span:
    """ "½" → "one half", "a ½ mile" → "a half mile", "¼ lb"; a letter of the Greek, too."""
    written = text[start:end]
    said = locale.signs.others[written]
    has_article = text[max(0, start - 3) : start].lower().split()[-1:] == ["a"]
    said = said.partition(" ")[2] if has_article and written in VULGAR else said
    return _measured(text, start, end, said, False, locale)


def _measured(text: str, start: int, end: int, said: str, is_many: bool, locale: Locale) -> Span:
    """A fraction with its unit: "1/2 lb" → "one half pound", "2 1/2 ft" → "two and a half feet"."""
    if mark := _INCH_MARK.match(text, end) or _GLUED_INCHES.match(text, end) or INCH_WORD.match(text, end):
        inch = locale.units["in."]
        is_many = is_many and next_word(text, mark.end()) not in locale.measured_things
        is_quoted = mark[0] == '"' and in_quotation(text[max(0, start - 80) : start])
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
