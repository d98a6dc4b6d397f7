"""Dates, months, weekdays, quarters and what is left of a calendar."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers import fractions, times
from voice.speech.readers.context import cue_before, ends_sentence, next_word, previous_word
from voice.speech.readers.numbers import NUMBER
from voice.speech.readers.weekdays import ends_with_name, joined_to
from voice.speech.span import Span
from voice.speech.tables import word_set

_SLASHED = Pattern(
    r"(\d{1,2})([/.-])(\d{1,2})(?:\2(\d{4}|['’]?\d{2}))?(?![\d/]|\.\d|,\d{3}\b|-[a-z]|st|nd|rd|th|in\b|ft\b)"
)
_YEAR_FIRST = Pattern(r"([12]\d{3})([/.-])(\d{1,2})\2(\d{1,2})(?![\d/]|[.-]\d)")
_MONTH_OF_YEAR = Pattern(r"(\d{1,2})/((?:19|20)\d\d)(?![\d/-])")
_MONTH_DAY = Pattern(
    r"(?:\.?[\s-]{1,2}|\.)(\d{1,2})(?:st|nd|rd|th)?+"
    # No day: "May 5:30", "May 5%", "May 5.5", "May 5 pm", "May 5-10".
    r"(?![\d:%/]|\.\d|,\d(?!\d{3}\b)|[-–]\d{1,2}\b|\s?[ap]\.?m\b)"
    r"(?:(?:,?[\s-]{1,2}|,)((?:1[0-9]|20|21)\d{2}(?!\d|,\d))|,\s'(\d\d))?+",
    re.IGNORECASE,
)
_USUAL_DAY = Pattern(r"\.? ([0-9]{1,2}), ((?:19|20)[0-9]{2})(?=[,;!?)](?!\d)|\.?(?: |\Z))")  # mostly
_MONTH_DAYS = Pattern(
    r"\.?\s(\d{1,2})(?:st|nd|rd|th)?(?:\s?[-–]\s?|\s(?:to|through|thru)\s)(\d{1,2})(?:st|nd|rd|th)?"
    r"(?:,\s((?:19|20)\d\d)(?!\d|,\d))?"
    r"(?![\d:%/-]|,\d|\.\d|\s?[ap]\.?m\b|\s(?!and\b|or\b|at\b|in\b|is\b|for\b|from\b)[a-z])",
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
    r"(?:,?[\s-](?:del?\s)?((?:1[0-9]|20|21)\d{2})(?!\d|,\d)|(?<=-[^\W\d_]{3})-(\d\d)(?!\w))?",
    re.IGNORECASE,
)
_FIRST_DAY = Pattern(r"(\d{1,2})\s?[-–]\s?(?=\d{1,2}\s[A-Z][a-z]{2})")
_ERA = Pattern(r"\s?(B\.?\s?C\.?(?:\s?E\.?)?|A\.?\s?D\.?|C\.\s?E\.?|CE)(?![^\W_])")
_QUARTER = Pattern(r"([1-4])Q\s?['’]?(\d{4}|\d{2})?(?!\w)")
_QUARTER_FIRST = Pattern(r"([1-4])(?:\s?['’]?(\d{4}|(?<=['’\s])\d{2})(?!\w))?(?!\w)")
_DOSES = Pattern(r"(\d{1,2})(?:[-–](\d{1,2}))?([hd])(?:rs?)?(?!\w)")  # of a medicine: "q6h", "q4-6h"
_QUARTER_LEFT = Pattern(r"\bQ[1-4].$")
_HALF = Pattern(r"([12])H\s?['’]?(\d{4}|\d{2})(?!\w)")
_HALF_FIRST = Pattern(r"([12])\s?['’]?((?:19|20)\d\d|(?<=['’])\d{2})(?!\w)")
_PLAIN_MONTHS = ("may", "march", "mar", "dec", "sun", "jun")  # lower case words that are no month at all
_DAY_BEHIND = Pattern(
    r"\sat\s\d|\s?@\s?\d|\s\d{1,2}(?::\d\d|\s?[ap]\.?m\b|[-–]\d{1,2}(?::\d\d)?\s?[ap]\.?m\b)|([\"”″]|[\s-](?:of|cups?|miles?|inch(?:es)?|hours?|teaspoons?|tablespoons?|tsp|tbsp|the|in|"
    r"lbs?|oz|ft|feet|yards?|pounds?|ounces?|pint|quart|gallon|acres?|scale|full|done|complete|stars?|share|"
    r"majority|vote|mi|hp|turn|chance|odds|cases|customers|people)\b)"
)
_LISTED_UNITS = ("mg", "mcg", "ml", "days")
_EQUATION = Pattern(r"\s?=")
_LAST_DAY = Pattern(r"[-–](\d{1,2})(?![\d/:%.-])")
_DASHES = (" - ", " – ", "-", "–")
_OR_MONTH = Pattern(r"\.?/(?=([^\W\d_]{3,9})\b)")
_MONTH_CUES = word_set("in since until till by early late mid every next last through thru to and or / from")
_TO_MONTH = Pattern(r"\.?\s(?:to|through|thru|and|or)\s([A-Z][a-z]{2,8})\b")
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
    if year_written and next_word(text, parts.end()) in _LISTED_UNITS:
        return None  # "10/20/40 mg"
    day_first = locale.day_first
    if not _is_day(second, first) if day_first else not _is_day(first, second):
        day_first = not day_first
    month, day = (second, first) if day_first else (first, second)
    if not _is_day(month, day):
        return None
    if year_written is None and 24 <= second <= 49 and cue_before(text, start, locale).next in _CARD_CUES:
        return _span(start, parts.end(), locale, 2000 + second, first, None) if 1 <= first <= 12 else None
    dash = text[parts.end() : parts.end() + 1]
    last = _LAST_DAY.match(text, parts.end()) if year_written is None and dash in ("-", "–") else None
    if last and day < int(last[1]) <= 31:
        said = f"{locale.date(None, month, day, day_first)} {locale.signs.to} {locale.ordinal(int(last[1]))}"
        return Span(start, last.end(), "date", said)
    return _span(start, parts.end(), locale, _full_year(year_written), month, day, day_first)


def _slashed_year(text: str, start: int, locale: Locale) -> Span | None:
    """With four digits of a year and not three parts in the usual order: "2024-03-15", "3/2026"."""
    if parts := _YEAR_FIRST.match(text, start):
        year, month, day = int(parts[1]), int(parts[3]), int(parts[4])
        if not _is_day(month, day):
            return None
        hours, end = times.after_date(text, parts.end(), locale)
        return Span(start, end, "date", locale.date(year, month, day, False) + hours)
    parts = _MONTH_OF_YEAR.match(text, start)
    if parts is None or not 1 <= int(parts[1]) <= 12:
        return None
    return _span(start, parts.end(), locale, int(parts[2]), int(parts[1]), None)


def _full_year(written: str | None) -> int | None:
    """ "26" → 2026, "99" → 1999; "05" stays: "oh five"."""
    if written is None:
        return None
    written = written.lstrip("'’")
    if len(written) == 4 or (written[0] == "0" and written != "00"):
        return int(written)
    return int(written) + (2000 if written < "50" else 1900)


def _is_cued_day(text: str, parts: re.Match[str], locale: Locale) -> bool:
    """Whether "3/14" is a day: its neighbours say so, or it would be an odd fraction."""
    first, second = int(parts[1]), int(parts[3])
    month, day = (second, first) if locale.day_first else (first, second)
    if not _is_day(month, day):
        is_turned = _is_day(day, month)  # "31/12", or "12/25" where the day stands first: as elsewhere
        if locale.day_first and next_word(text, parts.end()) == locale.signs.of:
            return False  # "3/16 de pulgada"
        return is_turned and (
            (second not in _USUAL_BOTTOMS and not _DAY_BEHIND.match(text, parts.end()))
            or _has_date_cue(text, parts, locale)
        )
    end = parts.end()
    if ("=" in text[end : end + 2] and _EQUATION.match(text, end)) or fractions.is_step(text, parts.start()):
        return False
    if behind := _DAY_BEHIND.match(text, end):
        return behind.lastindex is None
    if first >= second and fractions.LAYOUT.match(text, parts.end()):
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
    left = text[max(0, start - 2) : start]
    if "-" not in left and "–" not in left:
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
    if (usual := _USUAL_DAY.match(text, end)) and 1 <= int(usual[1]) <= 31:
        return _span(start, usual.end(), locale, int(usual[2]), month, int(usual[1]))
    if parts := _MONTH_DAYS.match(text, end):
        first, last = int(parts[1]), int(parts[2])
        if 0 < first < last <= 31:
            said = f"{locale.date(None, month, first, False)} {locale.signs.to} {locale.ordinal(last)}"
            said = f"{said} {locale.year(int(parts[3]))}" if parts[3] else said
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
    if (other := _OR_MONTH.match(text, end)) and other[1].lower() in locale.month_forms:
        return Span(start, other.end(), "date", f"{name} {locale.signs.or_} ")  # "Jan/Feb"
    is_joined = text[start - 1 : start] in ("-", "–", "/") and ends_with_name(
        text, start - 1, locale.month_forms
    )
    if len(word) > 4 or word.lower() == name.lower() or not (word[0].isupper() or is_joined):
        return None
    is_name = word in ("Mar", "Jun", "Dec", "Jan") or word.isupper()
    if is_name and not (dotted or is_joined or _is_month(text, start, end, locale)):
        return None  # people are called so, and rates: "5% APR"
    if word == "APR" and ends_sentence(text, end + 1) and not _is_month(text, start, end, locale):
        return None  # "Interest is 3.75% APR."
    if dotted and not ends_sentence(text, end + 1):
        end += 1
    return Span(start, end, "date", name)


def _is_month(text: str, start: int, end: int, locale: Locale) -> bool:
    """Whether "Jan" is no name: "in Jan", "Jan to Mar"."""
    other = _TO_MONTH.match(text, end)
    if other and other[1].lower() in locale.month_forms:
        return True
    before = previous_word(text, start)
    return before in _MONTH_CUES and (
        before not in ("to", "and", "or", "from") or _is_behind_month(text, start, locale)
    )


def _is_behind_month(text: str, start: int, locale: Locale) -> bool:
    words = text[max(0, start - 24) : start].split()
    return len(words) > 1 and words[-2].strip(".,").lower() in locale.month_forms


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
    if parts[2] in _PLAIN_MONTHS and not parts[3]:
        return None
    end = parts.end()
    if joined_to(text, end, locale.month_forms):
        return None  # "open 9-5 Jan-Mar"
    if text[end - 1] == "." and ends_sentence(text, end):
        end -= 1
    year = int(parts[3]) if parts[3] else _full_year(parts[4])
    span = _span(found.start(), end, locale, year, month, int(parts[1]), True)
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
    is_year = number % 1000 if number > 1000 else number > 99 and number % 100
    said = locale.year(number) if is_year else locale.cardinal(number)
    letters = " ".join(letter for letter in behind[1] if letter.isalpha())
    end = behind.end()
    if text[end - 1] == "." and ends_sentence(text, end):
        end -= 1
    return Span(found.start(), end, "date", f"{said} {letters}")


def quarter(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "3Q22" → "the third quarter of twenty two"."""
    parts = _QUARTER.match(text, found.start())
    return _quarter(text, found.start(), parts, locale) if parts else None


def half(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "1H25" → "the first half of twenty five"."""
    parts = _HALF.match(text, found.start())
    return _half(text, found.start(), parts, locale) if parts else None


def half_first(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "H1 2025" → "the first half of twenty twenty five"; "H1" alone is a name."""
    parts = _HALF_FIRST.match(text, end)
    return _half(text, start, parts, locale) if parts else None


def _half(text: str, start: int, parts: re.Match[str], locale: Locale) -> Span:
    number = int(parts[2])
    of = locale.year(number) if number > 99 else locale.cardinal(number)
    said = locale.half_year(int(parts[1]), of)
    return Span(start, parts.end(), "date", _without_article(text, start, said, locale))


def quarter_first(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Q3 2022" → "the third quarter of twenty twenty two"."""
    if text[start] == "q" and (dose := _DOSES.match(text, end)):
        first, last, hours = dose[1], dose[2], locale.durations[dose[3]].many
        to = f" {locale.signs.to} {locale.cardinal(int(last))}" if last else ""
        return Span(
            start, dose.end(), "time", f"{locale.signs.every} {locale.cardinal(int(first))}{to} {hours}"
        )
    parts = _QUARTER_FIRST.match(text, end)
    if parts is None:
        return None
    span = _quarter(text, start, parts, locale)
    if text[start - 1 : start] in ("-", "–") and _QUARTER_LEFT.search(text[max(0, start - 4) : start]):
        return Span(start - 1, span.end, span.kind, f" {locale.signs.to} {span.spoken}")  # "Q1-Q3"
    return span


def _quarter(text: str, start: int, parts: re.Match[str], locale: Locale) -> Span:
    number = int(parts[2]) if parts[2] else 0
    of = locale.year(number) if number >= 1000 else locale.cardinal(number)
    if number < 10:
        of = f"{locale.oh} {of}"  # "Q4 '08"
    said = locale.quarter(int(parts[1]), of if parts[2] else "")
    return Span(start, parts.end(), "date", _without_article(text, start, said, locale))


def _without_article(text: str, start: int, said: str, locale: Locale) -> str:
    """Behind "our" or "Apple's" a quarter has no "the" of its own."""
    before = previous_word(text, start) if text[start - 1 : start] == " " else ""
    is_owned = before.lower() in locale.determiners or before.endswith(("'s", "’s"))
    return said.partition(" ")[2] if is_owned else said
