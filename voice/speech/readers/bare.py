"""A number with nothing behind it that would make it more: its left neighbours decide what it is."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.codes import wireless
from voice.speech.readers.context import (
    Cue,
    cue_before,
    next_word,
    previous_word,
    range_word,
    words_before,
)
from voice.speech.readers.durations import hours_of_plan
from voice.speech.readers.numbers import MAX_CARDINAL_DIGITS, amount, digits, in_pairs, whole
from voice.speech.readers.telephone import TOLL_FREE, is_local, said_group
from voice.speech.span import Span
from voice.speech.tables import word_set

MAX_COUNT_DIGITS = 6  # without commas: a count of more is written with them, or ends in zeros
YEARS = (range(1020, 1100), range(1120, 2100))  # without a word that says so; from 1000 on with one
MODERN = 1900  # from here on a number is a year even before a plural: "2015 elections"

_PAIR = Pattern(r"(\d{1,9})[-–](\d{1,9})(?![\d/–]|-(?![a-z]{3})|\.\d\d|[A-Z])")
CODE_LEFT = (
    "code ",
    "codes ",
    "Code ",
    "PIN ",
    "pin ",
    "password ",
    "passcode ",
    "OTP ",
    "code is ",
    "PIN is ",
)
_NO_RANGES = frozenset(((5, 4), (2, 7)))  # a postal code, an employer's number
_DAILY = word_set("daily every weekdays weekends seven")  # "9-9 daily"
_BEFORE_CHRIST = Pattern(r"\s?B\.?\s?C(?![a-z])")
_PAGES = word_set("p pp pg pgs page pages")
_SCORED = word_set("vote votes victory win loss defeat decision margin record lead score")
_SCORE_BEFORE = Pattern(
    r"\b(?:scor(?:es?|ed|ing)|won|wins?|winning|lost|los(?:e|es|ing)|beat(?:s|ing)?|leads?|led|leading|tied|"
    r"defeat(?:s|ed)?|voted?|voting|passed(?:\sit)?|approved)\b[^.!?\d$]{0,20}\s$",
    re.IGNORECASE,
)
_EQUALS = Pattern(r"\s?=")
_CLAUSE_ENDS = Pattern(r"[.!?](?:\s|$)|,\s|$|\s(?:and|is|has|needs|won't|isn't|keeps|again)\b")
_SEASON = Pattern(r"\d{4}\s[-–]\s$")  # 2003 - 04
_SURE_CODES = word_set("code pin password passcode otp")  # "code, 4471", "a code of 4471"
_IS = ("is", "was")
_NUMBERED = word_set("check job gate work file badge locker model part contract lease")  # "check number 1204"
_VERBS = word_set("is was has does goes says as this his its us plus minus times divided")  # no plurals


def bare(text: str, found: re.Match[str], locale: Locale) -> Span:
    """A code, the number of a flat, a year, or a count."""
    start, end = found.span()
    written, decimals = found.group(1, 2)
    if decimals and (standard := wireless(text, found, locale)):
        return standard
    if decimals or "," in written or len(written) < 3:
        if (
            text[start - 1 : start] == "*"
            and text[max(0, start - 2) : start - 1] in ("", " ")
            and not decimals
        ):
            return Span(start, end, "code", digits(written.replace(",", ""), locale))  # a key: "dial *82"
        is_season = written[0] == "0" and _SEASON.search(text[max(0, start - 7) : start])
        said = locale.cardinal(int(written)) if is_season else _small(written, decimals, locale)
        return Span(start, end, "number", _agreed(text, found, locale) or said)
    cue = cue_before(text, start, locale)
    if (time := hours_of_plan(text, start, end, cue, locale)) and cue.word not in locale.digit_cues:
        return time
    if _is_code(text, start, end, cue, locale):
        return Span(start, end, "code", digits(written, locale))
    if len(written) <= 4 and _names_a_room(text, start, written, cue, locale):
        return Span(start, end, "unit", in_pairs(written, locale))
    if len(written) == 3 and cue.next in ("ad", "a.d"):
        return Span(start, end, "date", in_pairs(written, locale))
    if len(written) == 4 and _is_year(text, end, int(written), cue, locale):
        return Span(start, end, "date", locale.year(int(written)))
    return Span(start, end, "number", _agreed(text, found, locale) or whole(written, locale))


def _agreed(text: str, found: re.Match[str], locale: Locale) -> str:
    """A count as it is said before what is counted, where a language has a form for it: "una hora".

    "" where it has none, and behind what is numbered: "página 21".
    """
    if locale.agreed is None or found[2]:
        return ""
    plain = found[1].replace(",", "")
    if plain[0] == "0" or len(plain) > MAX_CARDINAL_DIGITS:
        return ""
    cue = cue_before(text, found.start(), locale)
    names = cue.word in locale.digit_cues or cue.word in locale.unit_cues or cue.word in locale.counted_by
    return (
        ""
        if names and not cue.is_apart
        else locale.agreed(int(plain), cue.next, next_word(text, found.end()))
    )


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
    if cue.next == "in":
        return words_before(text, start)[-2:-1] in (["ending"], ["ends"])  # "ending in 4471"
    if cue.next == "of":
        return not _SURE_CODES.isdisjoint(words_before(text, start)[-2:-1])
    if cue.next in _IS and _speaks_of_code(words_before(text, start)):
        return True
    return cue.is_number and (cue.next not in locale.number_words or cue.word in _NUMBERED)


def _speaks_of_code(words: list[str]) -> bool:
    """Whether the words of the same clause are about a code: "the code to the main gate is"."""
    for word in reversed(words):
        if word[-1] in ".,;:!?":
            return False
        if word in _SURE_CODES:
            return True
    return False


def _is_texted_to(text: str, start: int, cue: Cue) -> bool:
    """Whether "55512" is a number to text to: "Text STOP to 55512"."""
    return cue.next == "to" and not {"text", "txt"}.isdisjoint(words_before(text, start))


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
        is_ahead = 2100 <= number < 3000 and cue.next in ("in", "year", "until", "since")
        return is_ahead and not next_word(text, end)  # "in 2150."
    if cue.next in locale.year_cues:
        return True
    if number not in YEARS[0] and number not in YEARS[1]:
        return False
    follows = next_word(text, end)
    if number >= MODERN:
        return follows not in locale.counted_things
    return not (follows.islower() and follows.endswith("s") and follows not in _VERBS)


def first_of_range(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """The first of two plain numbers and the dash between them: "9-5" → "nine to"; the second is read next.

    None for what is no range: "555-0134", "78701-1234", "12-3456789", a code. "747-400" is a name.
    """
    start = found.start()
    if start > 1 and text[start - 1] == "-" and text[start - 2].isdecimal():
        return None  # the second of three: "10-6-1"
    pair = _PAIR.match(text, start)
    if pair is None:
        return None
    (one, two), end = pair.groups(), pair.end()
    sizes = len(one), len(two)
    if sizes in _NO_RANGES or (sizes == (3, 4) and is_local(one, two)):
        return None
    behind = text[end : end + 2]
    if behind[:1] == " " and next_word(text, end).lower() in locale.month_forms:
        return None  # "5-6 May"
    if one == "1" and two in TOLL_FREE:
        return Span(start, end, "phone", f"{locale.digits[1]} {said_group(two, locale)}")
    if one == "24" and pair[0] == "24-7" and "24/7" in locale.slashed:
        return Span(start, end, "abbreviation", locale.slashed["24/7"])
    does_rise = rises(int(one), int(two))
    may_be_code = len(two) > 2 or (len(one) > 3 and not does_rise)
    if may_be_code and cue_before(text, start, locale).word in locale.digit_cues:
        return None
    if text.endswith(CODE_LEFT, 0, start):
        return None
    first = bare(text, found, locale)
    if _BEFORE_CHRIST.match(text, end):
        said = locale.year(int(one)) if int(one) > 99 and int(one) % 100 else first.spoken
        return Span(start, pair.start(2), "date", f"{said} {range_word(text, start, locale)} ")
    if first.kind == "date" and two == "00" and one.endswith("99"):
        said = f"{first.spoken} {range_word(text, start, locale)} {locale.year(int(one) + 1)}"
        return Span(start, end, "date", said)  # the season 1999-00
    does_rise = does_rise or _falls_yet_is_range(text, pair, locale)
    if "=" in behind and _EQUALS.match(text, end):
        return first
    # "2-2.5", "2-2:30": the second is more than its first digits.
    is_part = behind[:1] in (".", ":") and behind[1:].isdecimal()
    is_part = is_part or (pair[1] == pair[2] and next_word(text, end) in _DAILY)
    if first.kind == "number" and not is_part and not does_rise:
        return first
    return Span(first.start, pair.start(2), first.kind, f"{first.spoken} {range_word(text, start, locale)} ")


def _falls_yet_is_range(text: str, pair: re.Match[str], locale: Locale) -> bool:
    """Whether a smaller number ends a range: "pages 112-18", "won 112-98", "a 218-210 vote"."""
    if cue_before(text, pair.start(), locale).next in _PAGES:
        return True
    if max(len(pair[1]), len(pair[2])) > 3:
        return False
    left = text[max(0, pair.start() - 32) : pair.start()]
    return next_word(text, pair.end()) in _SCORED or _SCORE_BEFORE.search(left) is not None


def rises(first: int, second: int) -> bool:
    """Whether two numbers make a range. Small ones may fall, as hours do; equal ones are two halves."""
    return first < max(100, second) and first != second
