"""A number with nothing behind it that would make it more: its left neighbours decide what it is."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import Cue, cue_before, next_word, previous_word, words_before
from voice.speech.readers.numbers import amount, digits, in_pairs, whole
from voice.speech.readers.telephone import is_local
from voice.speech.span import Span
from voice.speech.tables import word_set

MAX_COUNT_DIGITS = 6  # without commas: a count of more is written with them, or ends in zeros
YEARS = (range(1020, 1100), range(1120, 2100))  # without a word that says so; from 1000 on with one
MODERN = 1900  # from here on a number is a year even before a plural: "2015 elections"

_PAIR = Pattern(r"(\d{1,9})[-–](\d{1,9})(?![\d/–]|-(?![a-z]{3})|\.\d\d|[A-Z])")
_CLAUSE_ENDS = Pattern(r"[.!?](?:\s|$)|,\s|$|\s(?:and|is|has|needs|won't|isn't|keeps|again)\b")
_SEASON = Pattern(r"\d{4}\s[-–]\s$")  # 2003 - 04
_SURE_CODES = word_set("code pin password passcode otp")  # "code, 4471", "a code of 4471"
_NUMBERED = word_set("check job gate work file badge locker model part contract lease")  # "check number 1204"
_VERBS = word_set("is was has does goes says as this his its us plus minus times divided")  # no plurals


def bare(text: str, found: re.Match[str], locale: Locale) -> Span:
    """A code, the number of a flat, a year, or a count."""
    start, end = found.span()
    written, decimals = found.group(1, 2)
    if decimals or "," in written or len(written) < 3:
        if (
            text[start - 1 : start] == "*"
            and text[max(0, start - 2) : start - 1] in ("", " ")
            and not decimals
        ):
            return Span(start, end, "code", digits(written.replace(",", ""), locale))  # a key: "dial *82"
        is_season = written[0] == "0" and _SEASON.search(text[max(0, start - 7) : start])
        said = locale.cardinal(int(written)) if is_season else _small(written, decimals, locale)
        return Span(start, end, "number", said)
    cue = cue_before(text, start, locale)
    if _is_code(text, start, end, cue, locale):
        return Span(start, end, "code", digits(written, locale))
    if len(written) <= 4 and _names_a_room(text, start, written, cue, locale):
        return Span(start, end, "unit", in_pairs(written, locale))
    if len(written) == 4 and written.endswith("00") and next_word(text, end) == "hours":
        return Span(start, end, "time", in_pairs(written, locale))
    if len(written) == 4 and _is_year(text, end, int(written), cue, locale):
        return Span(start, end, "date", locale.year(int(written)))
    return Span(start, end, "number", whole(written, locale))


def _small(written: str, decimals: str | None, locale: Locale) -> str:
    if written == "00" and not decimals:
        return digits(written, locale)
    if len(written) == 2 and written[0] == "0" and not decimals:
        return f"{locale.oh} {locale.digits[int(written[1])]}"
    return amount(written, decimals, locale)


def _is_code(text: str, start: int, end: int, cue: Cue, locale: Locale) -> bool:
    """Whether a number is said digit by digit."""
    size, written = end - start, text[start:end]
    if written[0] == "0":
        return True
    if cue.word in locale.digit_cues and (not cue.is_apart or (size > 3 and cue.next in _SURE_CODES)):
        return next_word(text, end) not in locale.counted_things  # "text 500 people"
    if size > 3 and written[-2:] != "00" and _is_code_of(text, start, cue, locale):
        return next_word(text, end) not in locale.counted_things
    if size == 3:
        return False
    if text[start - 1 : start] == "#" or (size > MAX_COUNT_DIGITS and not written.endswith("000")):
        return True
    return size in (5, 6) and (_is_texted_to(text, start, cue) or _is_in_state(text, start, locale))


def _is_code_of(text: str, start: int, cue: Cue, locale: Locale) -> bool:
    """Whether it is "a code of 4471", "your number is 4471" or "check number 1204"."""
    if cue.next == "of":
        return not _SURE_CODES.isdisjoint(words_before(text, start)[-2:-1])
    return cue.is_number and (cue.next not in locale.number_words or cue.word in _NUMBERED)


def _is_texted_to(text: str, start: int, cue: Cue) -> bool:
    """Whether "55512" is a number to text to: "Text STOP to 55512"."""
    return cue.next == "to" and "text" in words_before(text, start)


def _is_in_state(text: str, start: int, locale: Locale) -> bool:
    """Whether a number stands behind the name of a state: "Houston, Texas 77002"."""
    before = previous_word(text, start)
    return before[:1].isupper() and any(name.endswith(before) for name in locale.states.values())


def _names_a_room(text: str, start: int, written: str, cue: Cue, locale: Locale) -> bool:
    """Whether a number is that of a flat or a road: a word says so, or it is "#305", which nobody counts."""
    if text[max(0, start - 2) : start].rstrip(" ")[-1:] == "#" and written[-2] == "0":
        return True
    if cue.next == "in" and len(written) == 3 and written[1] == "0" != written[2]:
        return _CLAUSE_ENDS.match(text, start + 3) is not None  # "the leak's in 204."
    return (cue.word in locale.unit_cues and not cue.is_apart) or cue.next in locale.road_cues


def _is_year(text: str, end: int, number: int, cue: Cue, locale: Locale) -> bool:
    if not 1000 <= number < 2100:
        return False
    if cue.next in locale.year_cues:
        return True
    if not any(number in years for years in YEARS):
        return False
    follows = next_word(text, end)
    if number >= MODERN:
        return follows not in locale.counted_things
    return not (follows.islower() and follows.endswith("s") and follows not in _VERBS)


def first_of_range(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """The first of two plain numbers and the dash between them: "9-5" → "nine to"; the second is read next.

    None for what is no range: "555-0134", "78701-1234", "12-3456789", a code. "747-400" is a name.
    """
    pair = _PAIR.match(text, found.start())
    if pair is None or is_local(pair[1], pair[2]) or (len(pair[1]), len(pair[2])) in ((5, 4), (2, 7)):
        return None
    if text[pair.end() : pair.end() + 1] == " " and next_word(text, pair.end()).lower() in locale.month_forms:
        return None  # "5-6 May"
    falls = len(pair[1]) > 3 and not rises(int(pair[1]), int(pair[2]))
    if (len(pair[2]) > 2 or falls) and cue_before(text, found.start(), locale).word in locale.digit_cues:
        return None
    first = bare(text, found, locale)
    is_decimal = (
        text[pair.end() : pair.end() + 1] == "." and text[pair.end() + 1 : pair.end() + 2].isdecimal()
    )
    if first.kind == "number" and not is_decimal and not rises(int(pair[1]), int(pair[2])):
        return first
    return Span(first.start, pair.start(2), first.kind, f"{first.spoken} {locale.signs.to} ")


def rises(first: int, second: int) -> bool:
    """Whether two numbers make a range. Small ones may fall, as hours do; equal ones are two halves."""
    return first < max(100, second) and first != second
