"""Times of day and durations."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import cue_before, ends_sentence, next_word
from voice.speech.readers.numbers import amount
from voice.speech.span import Span

_CLOCK = Pattern(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(?![\d:])")
_STOPWATCH = Pattern(r"(\d{1,2}):([0-5]\d)(\.\d{1,3})(?![\d:])")  # of a race: "1:45.32"
_DOTTED_CLOCK = Pattern(r"(\d{1,2})\.([0-5]\d)(?=\s?[AaPp]\.?\s?[Mm])")
_HALF = Pattern(r"\s?([AaPp])(?:\.\s?[Mm]\b\.?|[Mm]\b\.?|\.(?=\s?[-–]))")
_HOURS_NEXT = Pattern(r"\s(?:hrs?|hours)\b")
_HOURS_SAID = Pattern(r"\s?(?:h|hs|hrs?|horas)\b(?:\.(?=\s[a-z]))?")
_ZONE = Pattern(r"\s\(?([ECMPGU](?:[SD]T|MT|TC|T))\b\)?|\s([ecmp]\.?[sd]\.?t\b\.?)", re.IGNORECASE)
_OFFSET = Pattern(r"([+−–-])(0?\d|1[0-4])(?::?([0-5]\d))?(?![\w:]|[.,-]\d|\s?[ap]\.?m)")
_ZERO_ZONES = ("UTC", "GMT")
_ZONE_BEGINS = frozenset("ECMPGUecmp(")
_IN_RANGE = Pattern(
    r"\s(?:noon|midnight)\b|\s?(?:[-–]|to|and)\s?\d{1,2}(?::\d\d)?\s?[AaPp]\.?[Mm]|(?:\s?[-–]\s?|\sto\s)\d{1,2}:\d\d(?!\d)"
)
_CLOCK_LEFT = Pattern(r"\d:\d\d(?:\s?[-–]\s?|\sto\s)$")
_ISO_CLOCK = Pattern(
    r"T(\d\d):([0-5]\d)(?::[0-5]\d(?:\.\d{1,9})?)?(?:(Z)|([+-])(\d\d)(?::?([0-5]\d))?)?(?![\w:])"
)
_DOTTED_RANGE = Pattern(
    r"(\d{1,2})\.(00|15|30|45)(\s?[-–]\s?|\sto\s)(\d{1,2})\.(00|15|30|45)(?![\d%]|\.\d|\s?(?:%|percent\b))"
)
_RANGE_LEFT = Pattern(
    r"(?:\d|\d\s?[ap]\.?m\.?|\b(?:noon|midnight|dawn|dusk|sunrise|sunset))(\s[-–—]\s|[-–—])$", re.IGNORECASE
)
_HALF_GLUED = Pattern(r"[apAP](?![\w'’@/]|\.\w)")
_HALF_RANGE = Pattern(r"\d{1,2}(?::\d\d)?[ap](?:[-–]|\s(?:to|until|till)\s)\d{1,2}(?::\d\d)?[ap](?![\w@/])")
_HALF_LEFT = Pattern(
    r"(\d[ap](?:[-–]|\s(?:to|until|till)\s))$|@\s?$"
    r"|\b(?:Mon|Tues?|Wed|Thu(?:rs?)?|Fri|Sat|Sun|Th|[MWF])(?:[a-z]{0,5}day)?\.?,?\s$"
    r"|\b(?:at|by|until|till|til|before|around|after|between|from|opens?|closes?|starts?|ends?|\d[ap]\s(?:or|and|&))\s$"
)
_HOUR_LEFT = Pattern(r"(?:^|[^\w/#.$-])(?:1[0-2]|[1-9])(?::[0-5]\d)?\s?[-–]\s?$")  # "4-6p"
_HOURS_APART = Pattern(r"[ap](?![\w'’@/-]|\.\w|\s(?:a|an|per|each|off|more|less)\b)")
_RATIO = Pattern(r"(\d{1,3}):(\d{1,3}(?:,\d{3}){0,3})((?::\d{1,3}){0,2})(?![\d:])")


def clock(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "8:05 a.m." → "eight oh five AM", "01:00" → "one o'clock", "10:30:15" in hours, minutes, seconds."""
    parts = _CLOCK.match(text, found.start())
    if parts is None or int(parts[1]) > 24:
        return None
    if text[parts.end() : parts.end() + 1] == "." and (watch := _STOPWATCH.match(text, found.start())):
        minute = locale.units["min"]
        minutes = locale.counted(int(watch[1]), minute.one if watch[1] == "1" else minute.many)
        seconds = f"{amount(watch[2].lstrip('0') or '0', watch[3], locale)} {locale.units['s'].many}"
        return Span(found.start(), watch.end(), "time", f"{minutes} {seconds}")
    return _clock(text, parts, locale)


def dotted(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "3.01 A.M." → "three oh one AM"."""
    parts = _DOTTED_CLOCK.match(text, found.start())
    return _clock(text, parts, locale) if parts and int(parts[1]) <= 12 else None


def _clock(text: str, parts: re.Match[str], locale: Locale) -> Span:
    hour, minute = int(parts[1]), int(parts[2])
    half, end = _half_of_day(text, parts.end(), locale, glued=True)
    seconds = parts[3] if parts.re.groups > 2 else None
    if seconds and half:
        exact = f" {locale.signs.and_} {_seconds(int(seconds), locale)}" if int(seconds) else ""
        said = locale.clock(hour, minute) + exact if minute else locale.cardinal(hour) + exact
    elif seconds:
        said = _duration(hour, minute, int(seconds), locale)
    elif not minute and not half and locale.hours_said and (hours := _HOURS_SAID.match(text, end)):
        said, end = locale.counted(hour, locale.hours_said), hours.end()
    elif not minute and 0 < hour < 13 and _HOURS_NEXT.match(text, end):
        said = f"{locale.cardinal(hour)} {locale.scales.get('hundred', '')}".rstrip()  # "08:00 hrs"
    elif not minute and 0 < hour < 13 and (half or _is_in_range(text, parts.start(), end)):
        said = locale.cardinal(hour)
    else:
        said = locale.clock(hour, minute)
        if locale.hours_said and (hours := _HOURS_SAID.match(text, end)):
            end = hours.end()
        if not minute and text[end : end + 1] == " " and text.startswith(said.partition(" ")[2], end + 1):
            end += len(said.partition(" ")[2]) + 1  # "6:00 o'clock"
    return Span(parts.start(), end, "time", f"{said} {half}" if half else said)


def _is_in_range(text: str, start: int, end: int) -> bool:
    """Whether a full hour begins or ends a range of times: "9:00-5:00" is nine to five."""
    return bool(_IN_RANGE.match(text, end) or _CLOCK_LEFT.search(text[max(0, start - 8) : start]))


def after_date(text: str, end: int, locale: Locale) -> tuple[str, int]:
    """The time of "2024-03-15T14:30:00Z" behind its date: (", fourteen thirty U T C", where it ends)."""
    parts = _ISO_CLOCK.match(text, end)
    if parts is None:
        return "", end
    said = f", {locale.clock(int(parts[1]), int(parts[2]))}"
    if parts[3] or parts[4]:
        said = f"{said} U T C"
    if parts[4] and (int(parts[5]) or int(parts[6] or 0)):
        sign = locale.signs.plus if parts[4] == "+" else locale.signs.minus
        minutes = f" {locale.cardinal(int(parts[6]))}" if int(parts[6] or 0) else ""
        said = f"{said} {sign} {locale.cardinal(int(parts[5]))}{minutes}"
    return said, parts.end()


def dotted_range(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "8.30-5.30" → "eight thirty to five thirty": quarters of an hour, not both full."""
    parts = _DOTTED_RANGE.match(text, found.start()) if found[2] else None
    if (
        parts is None
        or (parts[2] == parts[5] == "00" and int(parts[4]) < 13)
        or max(int(parts[1]), int(parts[4])) > 24
    ):
        return None
    if next_word(text, parts.end()) in locale.units:
        return None  # "1.15-1.30 kg"
    if parts[3] == " to " and cue_before(text, parts.start(), locale).next not in ("from", "open", "hours"):
        return None
    first, last = (
        locale.clock(int(hour), int(minute)) if int(minute) else locale.cardinal(int(hour))
        for hour, minute in (parts.group(1, 2), parts.group(4, 5))
    )
    half, end = _half_of_day(text, parts.end(), locale, glued=True)
    said = f"{first} {locale.signs.to} {last}"
    return Span(parts.start(), end, "time", f"{said} {half}" if half else said)


def _duration(hour: int, minute: int, second: int, locale: Locale) -> str:
    """Hours, minutes and seconds with the words of their units."""
    *first, last = (
        locale.counted(count, locale.units[unit].one if count == 1 else locale.units[unit].many)
        for count, unit in ((hour, "h"), (minute, "min"), (second, "s"))
    )
    return f"{' '.join(first)} {locale.signs.and_} {last}"


def _seconds(count: int, locale: Locale) -> str:
    return locale.counted(count, locale.units["s"].one if count == 1 else locale.units["s"].many)


def _half_of_day(text: str, at: int, locale: Locale, glued: bool = False) -> tuple[str, int]:
    """("PM", end) when "p.m." stands there, with its time zone; the dot of a sentence stays."""
    found = _HALF.match(text, at) or (_HALF_GLUED.match(text, at) if glued else None)
    if found is None:
        return "", at
    said, end = locale.halves_of_day[text[at : found.end()].lstrip()[0].lower() + "m"], found.end()
    if text[end + 1 : end + 2] in _ZONE_BEGINS and (zone := _ZONE.match(text, end)):
        letters = (zone[1] or zone[2]).replace(".", "").upper()
        said, end = f"{said} {' '.join(letters)}", zone.end()
        if letters in _ZERO_ZONES:
            offset, end = _offset(text, end, locale)
            said = f"{said}{offset}"
    if text[end - 1] == "." and ends_sentence(text, end):
        end -= 1
    return said, end


def zone(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "UTC-6" → "U T C minus six", "GMT+5:30" → "G M T plus five thirty"."""
    offset, stop = _offset(text, end, locale)
    return Span(start, stop, "time", f"{' '.join(text[start:end])}{offset}") if offset else None


def _offset(text: str, at: int, locale: Locale) -> tuple[str, int]:
    """The hours that a zone is ahead or behind: (" minus six", where they end)."""
    parts = _OFFSET.match(text, at)
    if parts is None:
        return "", at
    sign = locale.signs.plus if parts[1] == "+" else locale.signs.minus
    minutes = f" {locale.cardinal(int(parts[3]))}" if int(parts[3] or 0) else ""
    return f" {sign} {locale.cardinal(int(parts[2]))}{minutes}", parts.end()


def on_the_hour(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "5 p.m." and "12pm" → "five PM"."""
    if found[2] or len(found[1]) > 2 or int(found[1]) > 12:
        return None
    half, end = _half_of_day(text, found.end(), locale)
    if not half and (_HALF_RANGE.match(text, found.start()) or _half_is_meant(text, found, locale)):
        half, end = _half_of_day(text, found.end(), locale, glued=True)  # "2p-4p", "at 3p"
    if not half:
        return None
    return Span(found.start(), end, "time", f"{locale.cardinal(int(found[1]))} {half}")


def _half_is_meant(text: str, found: re.Match[str], locale: Locale) -> bool:
    """Whether a letter behind an hour is its half of the day: "2p-4p", "at 3p"; "at 3a" may be a flat."""
    before = text[max(0, found.start() - 12) : found.start()]
    if _HOUR_LEFT.search(before) and _HOURS_APART.match(text, found.end()):
        return cue_before(text, found.start(), locale).word not in locale.unit_cues
    left = _HALF_LEFT.search(before)
    return left is not None and (left[1] is not None or text[found.end()] == "p")


def end_of_range(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """The end of "8am-noon", which is a word: the dash is read with it."""
    dash = _RANGE_LEFT.search(text[max(0, start - 12) : start])
    if dash is None:
        return None
    left = "" if dash[1][0] == " " else " "
    said = f"{left}{locale.signs.to} {locale.range_ends[text[start:end]]}"
    return Span(start - len(dash[1].lstrip()), end, "time", said)


def ratio(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "3:1" → "three to one"; behind a name it is chapter and verse: "Micah six six"."""
    parts = _RATIO.match(text, found.start())
    if parts is None:
        return None
    start = parts.start()
    is_verse = (
        start > 1 and text[start - 1] == " " and text[start - 2].isalpha() and _capital_before(text, start)
    )
    between = " " if is_verse else f" {locale.signs.to} "
    numbers = [parts[1], parts[2].replace(",", ""), *parts[3].split(":")[1:]]
    said = between.join([locale.cardinal(int(number)) for number in numbers])
    return Span(start, parts.end(), "number", said)


def _capital_before(text: str, at: int) -> bool:
    left = text[max(0, at - 20) : at].split()
    return bool(left) and left[-1][0].isupper()
