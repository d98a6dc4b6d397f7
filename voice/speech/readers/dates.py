"""Dates, months, weekdays, quarters and what is left of a calendar."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers import fractions
from voice.speech.readers.context import cue_before, ends_sentence
from voice.speech.readers.numbers import NUMBER
from voice.speech.readers.weekdays import ends_with_name, joined_to
from voice.speech.span import Span

_SLASHED = Pattern(r"(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|['’]?\d{2}))?(?![\d/]|\.\d|-[a-z]|st|nd|rd|th)")
_YEAR_FIRST = Pattern(r"([12]\d{3})([/.-])(\d{1,2})\2(\d{1,2})(?![\d/]|[.-]\d)")
_MONTH_OF_YEAR = Pattern(r"(\d{1,2})/((?:19|20)\d\d)(?![\d/-])")
_MONTH_DAY = Pattern(
    r"\.?[\s-]{1,2}(\d{1,2})(?:st|nd|rd|th)?+"
    # No day: "May 5:30", "May 5%", "May 5.5", "May 5 pm", "May 5-10".
    r"(?![\d:%/]|\.\d|,\d(?!\d{3}\b)|[-–]\d{1,2}\b|\s?[ap]\.?m\b)"
    r"(?:(?:,?[\s-]{1,2}|,)((?:1[0-9]|20|21)\d{2}(?!\d|,\d))|,\s'(\d\d))?+",
    re.IGNORECASE,
)
_MONTH_DAYS = Pattern(
    r"\.?\s(\d{1,2})(?:st|nd|rd|th)?(?:\s?[-–]\s?|\s(?:to|through|thru)\s)(\d{1,2})(?:st|nd|rd|th)?"
    r"(?![\d:%/,-]|\.\d|\s?[ap]\.?m\b|\s(?!and\b|or\b|at\b|in\b|is\b|for\b|from\b)[a-z])",
    re.IGNORECASE,
)
# "March 7, 8 and 9": days go on up to the end of their clause.
_MONTH_LIST = Pattern(
    r"\.?((?:,?\s\d{1,2}(?:st|nd|rd|th)?,?){1,6})\s(and|or|&)\s(\d{1,2})(?:st|nd|rd|th)?"
    r"(?=[.,;!?)]?$|[.,;!?)]\s|\s(?:are|at|in|for|from|work|is)\b)"
)
_DAYS = Pattern(r"\d{1,2}")
_MONTH_YEAR = Pattern(r"\.?,?[\s-](?:of\s)?((?:1[0-9]|20|21)\d{2})(?!\d|[,.]\d|\s?%)")
_MONTH_SHORT_YEAR = Pattern(r"\.?[\s-]?['’](\d\d)(?!\d|s)")
_DAY_MONTH = Pattern(
    r"(\d{1,2})(?:st|nd|rd|th)?[\s-](?:of\s|de\s)?([^\W\d_]{3,10})\.?"
    r"(?:,?[\s-](?:del?\s)?((?:1[0-9]|20|21)\d{2})(?!\d|,\d))?",
    re.IGNORECASE,
)
_FIRST_DAY = Pattern(r"(\d{1,2})[-–](?=\d{1,2}\s[A-Z][a-z]{2})")
_ERA = Pattern(r"\s?(B\.?\s?C\.?(?:\s?E\.?)?|A\.?\s?D\.?|C\.\s?E\.?|CE)(?![^\W_])")
_QUARTER = Pattern(r"([1-4])Q\s?['’]?(\d{4}|\d{2})?(?!\w)")
_QUARTER_FIRST = Pattern(r"([1-4])(?:\s?['’]?(\d{4}|(?<=['’\s])\d{2})(?!\w))?(?!\w)")
_PLAIN_MONTHS = ("may", "march", "mar", "dec", "sun", "jun")  # lower case words that are no month at all
_DAY_BEHIND = Pattern(
    r"\s(?:at|@)\s?\d|([\"”″]|[\s-](?:of|cups?|miles?|inch(?:es)?|hours?|teaspoons?|tablespoons?|tsp|tbsp|the|in|"
    r"lbs?|oz|ft|feet|yards?|pounds?|ounces?|pint|quart|gallon|acres?|scale|full|done|complete|stars?|share|"
    r"majority|vote|mi|hp|turn|chance|odds|cases|customers|people)\b)"
)
_LAST_DAY = Pattern(r"[-–](\d{1,2})(?![\d/:%.-])")
_DASHES = (" - ", " – ", "-", "–")
_DAY_ENDS = Pattern(r"\d(?:st|nd|rd|th)?$")
# Below these a fraction is likelier than a day when nothing says "date".
_USUAL_BOTTOMS = (2, 3, 4, 5, 6, 8)
_SIMPLE = frozenset(("1/2", "1/3", "2/3", "1/4", "3/4", "1/8", "3/8", "5/8", "7/8"))
_JOINT = r"(?:,?\s(?:or|and|to|through|thru|&)\s|,\s|\s?[-–]\s?)"
_DAY_JOINED = Pattern(rf"{_JOINT}(?:[A-Z][a-z]{{2,8}}\.?,?\s)?(\d{{1,2}}/\d{{1,2}})(?![\d/])")
_JOINED_DAY = Pattern(rf"(?<![\d/])(\d{{1,2}}/\d{{1,2}}){_JOINT}(?:[A-Z][a-z]{{2,8}}\.?,?\s)?$")
_CARD_CUES = ("exp", "expiration", "expiry")


def _is_day(month: int, day: int) -> bool:
    return 1 <= month <= 12 and 1 <= day <= 31


def slashed(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "3/14/2026", "02.15.2017", "15.01.2020", "2024-03-15", "1998/2/30"; "4/9" where it is a day."""
    start = found.start()
    parts = _SLASHED.match(text, start)
    if parts is None:
        return _slashed_year(text, start, locale)
    first, mark, second, year_written = int(parts[1]), parts[2], int(parts[3]), parts[4]
    if mark != "/" and text[parts.end() : parts.end() + 1] == "-":
        return None
    if year_written is None and (mark != "/" or not _is_cued_day(text, parts, locale)):
        return None
    day_first = locale.day_first
    if not _is_day(second, first) if day_first else not _is_day(first, second):
        day_first = not day_first
    month, day = (second, first) if day_first else (first, second)
    if not _is_day(month, day):
        return None
    if year_written is None and 24 <= second <= 49 and cue_before(text, start, locale).next in _CARD_CUES:
        return _span(start, parts.end(), locale, 2000 + second, first, None) if 1 <= first <= 12 else None
    if year_written is None and (last := _LAST_DAY.match(text, parts.end())) and day < int(last[1]) <= 31:
        said = f"{locale.date(None, month, day, day_first)} {locale.signs.to} {locale.ordinal(int(last[1]))}"
        return Span(start, last.end(), "date", said)
    return _span(start, parts.end(), locale, _full_year(year_written), month, day, day_first)


def _slashed_year(text: str, start: int, locale: Locale) -> Span | None:
    """With four digits of a year and not three parts in the usual order: "2024-03-15", "3/2026"."""
    if parts := _YEAR_FIRST.match(text, start):
        year, month, day = int(parts[1]), int(parts[3]), int(parts[4])
        return _span(start, parts.end(), locale, year, month, day) if _is_day(month, day) else None
    parts = _MONTH_OF_YEAR.match(text, start)
    if parts is None or not 1 <= int(parts[1]) <= 12:
        return None
    return _span(start, parts.end(), locale, int(parts[2]), int(parts[1]), None)


def _full_year(written: str | None) -> int | None:
    """ "26" → 2026, "99" → 1999; "05" stays: "oh five"."""
    if written is None:
        return None
    written = written.lstrip("'’")
    if len(written) == 4 or written[0] == "0":
        return int(written)
    return int(written) + (2000 if written < "50" else 1900)


def _is_cued_day(text: str, parts: re.Match[str], locale: Locale) -> bool:
    """Whether "3/14" is a day: its neighbours say so, or it would be an odd fraction."""
    first, second = int(parts[1]), int(parts[3])
    month, day = (second, first) if locale.day_first else (first, second)
    if not _is_day(month, day):
        return False
    if behind := _DAY_BEHIND.match(text, parts.end()):
        return behind.lastindex is None
    if first == second and fractions.LAYOUT.match(text, parts.end()):
        return False
    if second in (5, 10) and (
        fractions.is_mark(text, parts) or (first == second and not _has_date_cue(text, parts, locale))
    ):
        return False
    is_alone = parts.start() == 0 and not text[parts.end() :].strip(" .?!")
    odd = second not in _USUAL_BOTTOMS and (second > 10 or not is_alone) and first < 13
    return (
        odd
        or first > second
        or second == 1
        or (_has_date_cue(text, parts, locale) or _is_beside_day(text, parts, locale))
    )


def _is_beside_day(text: str, parts: re.Match[str], locale: Locale) -> bool:
    """Whether a pair like this one is joined to it: "3/7 or 3/9", and not "1/2 or 3/4"."""
    other = _DAY_JOINED.match(text, parts.end()) or _JOINED_DAY.search(
        text[max(0, parts.start() - 24) : parts.start()]
    )
    if other is None or (parts[0] in _SIMPLE and other[1] in _SIMPLE):
        return False
    first, _, second = other[1].partition("/")
    month, day = (second, first) if locale.day_first else (first, second)
    return _is_day(int(month), int(day))


def _has_date_cue(text: str, parts: re.Match[str], locale: Locale) -> bool:
    cue = cue_before(text, parts.start(), locale).next
    is_common = parts[0] in ("1/2", "1/3", "2/3", "1/4", "3/4")
    return cue in locale.date_cues and not (is_common and cue in locale.weak_date_cues)


def _span(
    start: int,
    end: int,
    locale: Locale,
    year: int | None,
    month: int,
    day: int | None,
    day_first: bool = False,
) -> Span:
    return Span(start, end, "date", locale.date(year, month, day, day_first))


def month_first(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "June 19, 1865", "Oct 1", "Jan-15-2020", "February 2004", "Mar 3-5", "Sept." """
    span = _month_first(text, start, end, locale)
    if text[start - 1 : start] not in ("-", "–", " ") or text[max(0, start - 2) : start - 1].isalpha():
        return span
    dash = next((dash for dash in _DASHES if text.endswith(dash, 0, start)), "")
    if span is None or not dash or not _DAY_ENDS.search(text[max(0, start - 8) : start - len(dash)]):
        return span
    # "Jun 1 - Aug 31": the dash is read with what it leads to.
    begins = start - len(dash.lstrip())
    left = "" if dash[0] == " " else " "
    return Span(begins, span.end, "date", f"{left}{locale.signs.to} {span.spoken}")


def _month_first(text: str, start: int, end: int, locale: Locale) -> Span | None:
    word = text[start:end]
    month = locale.month_forms[word.lower()]
    if parts := _MONTH_DAYS.match(text, end):
        first, last = int(parts[1]), int(parts[2])
        if 0 < first < last <= 31:
            said = f"{locale.date(None, month, first, False)} {locale.signs.to} {locale.ordinal(last)}"
            return Span(start, parts.end(), "date", said)
    parts = _MONTH_DAY.match(text, end)
    days = _MONTH_LIST.match(text, end) if parts and not parts[2] else None
    if days and (span := _listed(start, days, month, locale)) is not None:
        return span
    if parts and _is_day(month, int(parts[1])) and not _is_plain_word(word, text, parts):
        year = parts[2] or parts[3]
        return _span(start, parts.end(), locale, int(year) if year else None, month, int(parts[1]))
    if parts := _MONTH_YEAR.match(text, end):
        return _span(start, parts.end(), locale, int(parts[1]), month, None)
    if parts := _MONTH_SHORT_YEAR.match(text, end):
        return _span(start, parts.end(), locale, int(parts[1]), month, None)
    return _short_month(text, start, end, month, locale)


def _listed(start: int, parts: re.Match[str], month: int, locale: Locale) -> Span | None:
    """ "March 7, 8 and 9" → "March seventh, eighth and ninth"; days of a list rise."""
    days = [*map(int, _DAYS.findall(parts[1])), int(parts[3])]
    if days != sorted(set(days)) or not 1 <= days[0] <= days[-1] <= 31:
        return None
    said = [locale.date(None, month, days[0], False), *map(locale.ordinal, days[1:])]
    joint = "and" if parts[2] == "&" else parts[2]
    return Span(start, parts.end(), "date", f"{', '.join(said[:-1])} {joint} {said[-1]}")


def _is_plain_word(word: str, text: str, parts: re.Match[str]) -> bool:
    """Whether "may" or "march" before a number is a verb: "you may 5 times a day"."""
    bare = not parts[2] and not parts[0].strip(" .-,").lower().endswith(("st", "nd", "rd", "th"))
    return word in _PLAIN_MONTHS and bare and text[parts.end() : parts.end() + 2].strip(" .,;)") != ""


def _short_month(text: str, start: int, end: int, month: int, locale: Locale) -> Span | None:
    """ "Sept." alone, and "Jan" where it is short for something: capital, three or four letters."""
    word, name = text[start:end], locale.months[month - 1]
    dotted = text[end : end + 1] == "."
    if joined := joined_to(text, end, locale.month_forms):
        return Span(start, joined, "date", f"{name} {locale.signs.to} ")
    is_joined = text[start - 1 : start] in ("-", "–") and ends_with_name(text, start - 1, locale.month_forms)
    if len(word) > 4 or word.lower() == name.lower() or not (word[0].isupper() or is_joined):
        return None
    if not dotted and not is_joined and (word in ("Mar", "Jun", "Dec", "Jan") or word.isupper()):
        return None  # people are called so, and rates: "5% APR"
    if dotted and not ends_sentence(text, end + 1):
        end += 1
    return Span(start, end, "date", name)


def days_first(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "5-6 May" → "the fifth to the sixth of May"."""
    parts = _FIRST_DAY.match(text, found.start())
    last = NUMBER.match(text, parts.end()) if parts else None
    if parts is None or last is None or int(parts[1]) >= int(last[1].replace(",", "")):
        return None
    span = day_first(text, last, locale)
    if span is None or not 1 <= int(parts[1]) <= 31:
        return None
    the = "" if text[max(0, found.start() - 4) : found.start()].lower() == "the " else "the "
    said = f"{the}{locale.ordinal(int(parts[1]))} {locale.signs.to} {span.spoken}"
    return Span(found.start(), span.end, "date", said)


def day_first(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "5 Aug 2026", "9th of April 1928", "4 June". None when no month follows."""
    parts = _DAY_MONTH.match(text, found.start())
    month = locale.month_forms.get(parts[2].lower()) if parts else None
    if parts is None or month is None or not _is_day(month, int(parts[1])):
        return None
    if parts[2] in _PLAIN_MONTHS or (parts[2] == "may" and not parts[3]):
        return None
    end = parts.end()
    if joined_to(text, end, locale.month_forms):
        return None  # "open 9-5 Jan-Mar"
    if text[end - 1] == "." and ends_sentence(text, end):
        end -= 1
    span = _span(found.start(), end, locale, int(parts[3]) if parts[3] else None, month, int(parts[1]), True)
    the = text[max(0, found.start() - 4) : found.start()].lower()
    return (
        span._replace(spoken=span.spoken.removeprefix(the)) if the.isascii() and the.endswith(" ") else span
    )


def era(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "450 B.C." → "four fifty B C"."""
    behind = _ERA.match(text, found.end())
    if behind is None or found[2] or len(found[1].replace(",", "")) > 4:
        return None
    number = int(found[1].replace(",", ""))
    said = locale.year(number) if number > 99 and number % 100 else locale.cardinal(number)
    letters = " ".join(letter for letter in behind[1] if letter.isalpha())
    end = behind.end()
    if text[end - 1] == "." and ends_sentence(text, end):
        end -= 1
    return Span(found.start(), end, "date", f"{said} {letters}")


def quarter(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "3Q22" → "the third quarter of twenty two"."""
    parts = _QUARTER.match(text, found.start())
    return _quarter(found.start(), parts, locale) if parts else None


def quarter_first(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Q3 2022" → "the third quarter of twenty twenty two"."""
    parts = _QUARTER_FIRST.match(text, end)
    return _quarter(start, parts, locale) if parts else None


def _quarter(start: int, parts: re.Match[str], locale: Locale) -> Span:
    number = int(parts[2]) if parts[2] else 0
    of = locale.year(number) if number >= 1000 else locale.cardinal(number)
    return Span(start, parts.end(), "date", locale.quarter(int(parts[1]), of if parts[2] else ""))
