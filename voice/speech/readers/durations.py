"""Durations in letters, "2h 15m", "3d", and the short hours of a plan: "0900", "1430 hours", "14h30"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import Cue, cue_before, next_word
from voice.speech.readers.rates import by_period
from voice.speech.span import Span
from voice.speech.tables import word_set

_LETTERS = r"(?:yrs?|y|mos?|wks?|w|days?|d|hrs?|h|mins?|m|secs?|s)"
_PART = Pattern(rf"(?:,\s|\s|\sand\s)?(\d{{1,4}})\s?({_LETTERS})(?![^\W\d_])")
_HOUR_AND = Pattern(r"(\d{1,2})h([0-5]\d)(?!\w)")  # "1h30"
_ORDER = "yowdhms"  # years, months ("o"), weeks …
_LASTING = word_set("for in within every last past next after least about over under extra another")
_WORD_NEXT = Pattern(r"\s(?:print|model|view|image|effect|art|tour|scan|render|movie|film|glasses|sound)")

_ONE_LETTER = Pattern(r"[dmwy](?!\w)")
_WAITING = word_set("in for wait waits hold after takes take another every lasts last about")
# What may stand behind minutes: nothing that has a length.
_GOES_ON = word_set("and or to before until till then if while when at on so more longer by per") | {""}
_HOURS = Pattern(r"(?:[01]\d|2[0-4])[0-5]\d")
_PLAN_LEFT = Pattern(r"(?:[01]\d|2[0-4])[0-5]\d\s?[-–]\s?$")
_PLAN_RIGHT = Pattern(r"\s?[-–]\s?(?:[01]\d|2[0-4])[0-5]\d(?!\d)")
_AT = word_set("at by until till before after from around between to and")
HOURS = ("hours", "hrs", "hr", "h")


def compound(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "2h 15m" → "two hours fifteen minutes", "3d 4h", "1h30"; "14h30" is a time of day."""
    if "h" in locale.durations and (short := _HOUR_AND.match(text, found.start())):
        return _hour_and(text, short, locale)
    said: list[str] = []
    end, rank = found.start(), -1
    while (part := _PART.match(text, end)) is not None:
        letter = "o" if part[2][:2] == "mo" else part[2][0]
        if _ORDER.index(letter) <= rank or letter not in locale.durations:
            break
        said.append(_counted(int(part[1]), letter, locale))
        end, rank = part.end(), _ORDER.index(letter)
    if len(said) < 2:
        return _letter(text, found, locale)
    return Span(found.start(), end, "measure", " ".join(said))


def _hour_and(text: str, short: re.Match[str], locale: Locale) -> Span:
    hour, minute = int(short[1]), int(short[2])
    if hour > 12 or not minute or cue_before(text, short.start(), locale).next in _AT:
        return Span(short.start(), short.end(), "time", locale.clock(hour, minute))
    said = f"{_counted(hour, 'h', locale)} {_counted(minute, 'm', locale)}"
    return Span(short.start(), short.end(), "measure", said)


def _letter(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "30d" → "thirty days"; a single digit only where it lasts ("for 3d", "7d/wk"): "3d" may be a model."""
    end = found.end() + 1
    if found[2] or len(found[1]) > 3 or not _ONE_LETTER.match(text, found.end()):
        return None
    cue = cue_before(text, found.start(), locale)
    if text[end - 1] == "m" and (cue.next not in _WAITING or next_word(text, end) not in _GOES_ON):
        return None  # "a 5m pool" has metres
    if cue.word in locale.unit_cues or cue.word in locale.digit_cues or _WORD_NEXT.match(text, end):
        return None
    if text[end - 1] not in locale.durations:
        return None
    said = _counted(int(found[1]), text[end - 1], locale)
    rated, rated_end = by_period(text, end, said, locale)
    is_long = len(found[1]) > 1 and text[end - 1] == "d" and found[1][0] != "0"
    if rated_end == end and not is_long and cue.next not in _LASTING | _WAITING:
        return None
    return Span(found.start(), rated_end, "measure", rated)


def _counted(count: int, unit: str, locale: Locale) -> str:
    names = locale.durations[unit]
    return locale.counted(count, names.one if count == 1 else names.many)


def hours_of_plan(text: str, start: int, end: int, cue: Cue, locale: Locale) -> Span | None:
    """Four digits that are a time: "0900" behind "at", "1430 hours", "0600-1430"."""
    written = text[start:end]
    if len(written) != 4 or not _HOURS.fullmatch(written):
        return None
    is_zero, left = written[0] == "0", text[start - 1 : start]
    if not is_zero and text[end : end + 2] != " h" and left not in ("-", "–") and cue.next not in _AT:
        return None
    following = next_word(text, end)
    is_said = following in HOURS and not text.startswith(" of ", end + len(following) + 1)
    is_late = written >= "2100" and written.endswith("00") and cue.next in ("at", "by", "until")
    in_plan = is_zero and (_PLAN_LEFT.search(text[max(0, start - 7) : start]) or _PLAN_RIGHT.match(text, end))
    if not (is_said or is_late or in_plan or (is_zero and cue.next in _AT)):
        return None
    if is_late and following and not is_said and following[0].isupper():
        return None  # "at 2100 Kramer Ln"
    return Span(start, end, "time", in_hours(written, locale))


def in_hours(written: str, locale: Locale) -> str:
    """ "0900" → "zero nine hundred", "1430" → "fourteen thirty", "0005" → "zero zero zero five"."""
    if written[0] != "0":
        return locale.in_pairs(written)
    if written[1] == "0":
        return " ".join(locale.digit_names[digit] for digit in written)
    return f"{locale.digits[0]} {locale.in_pairs(written[1:])}"
