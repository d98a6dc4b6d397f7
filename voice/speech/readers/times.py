"""Times of day and durations."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import ends_sentence
from voice.speech.span import Span

_CLOCK = Pattern(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d)(?:\.\d+)?)?(?![\d:])")
_DOTTED_CLOCK = Pattern(r"(\d{1,2})\.([0-5]\d)(?=\s?[AaPp]\.?\s?[Mm])")
_HALF = Pattern(r"\s?([AaPp])(?:\.\s?[Mm]\b\.?|[Mm]\b\.?|\.(?=\s?[-–]))")
_ZONE = Pattern(r"\s\(?([ECMPGU](?:[SD]T|MT|TC|T))\b\)?|\s([ecmp]\.?[sd]\.?t\b\.?)", re.IGNORECASE)
_ZONE_BEGINS = frozenset("ECMPGUecmp(")
_IN_RANGE = Pattern(r"\s?(?:[-–]|to|and)\s?\d{1,2}(?::\d\d)?\s?[AaPp]\.?[Mm]")
_RANGE_LEFT = Pattern(r"(?:\d|\d\s?[ap]\.?m\.?)(\s[-–—]\s|[-–—])$", re.IGNORECASE)
_HALF_GLUED = Pattern(r"[ap](?![\w'’.@/])")
_HALF_RANGE = Pattern(r"\d{1,2}(?::\d\d)?[ap][-–]\d{1,2}(?::\d\d)?[ap](?![\w@/])")
_HALF_LEFT = Pattern(r"\d[ap][-–]$")
_RATIO = Pattern(r"(\d{1,3}):(\d{1,3})(?![\d:])")


def clock(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "8:05 a.m." → "eight oh five AM", "01:00" → "one o'clock", "10:30:15" in hours, minutes, seconds."""
    parts = _CLOCK.match(text, found.start())
    if parts is None or int(parts[1]) > 24:
        return None
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
    elif not minute and (half or _IN_RANGE.match(text, end)):
        said = locale.cardinal(hour)
    else:
        said = locale.clock(hour, minute)
    return Span(parts.start(), end, "time", f"{said} {half}" if half else said)


def _duration(hour: int, minute: int, second: int, locale: Locale) -> str:
    """Hours, minutes and seconds with the words of their units."""
    named = ((hour, "h"), (minute, "min"), (second, "s"))
    return " ".join(
        locale.counted(count, locale.units[unit].one if count == 1 else locale.units[unit].many)
        for count, unit in named
    )


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
    if text[end - 1] == "." and ends_sentence(text, end):
        end -= 1
    return said, end


def on_the_hour(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "5 p.m." and "12pm" → "five PM"."""
    if found[2] or len(found[1]) > 2 or int(found[1]) > 12:
        return None
    half, end = _half_of_day(text, found.end(), locale)
    if not half and (
        _HALF_RANGE.match(text, found.start())
        or _HALF_LEFT.search(text[max(0, found.start() - 3) : found.start()])
    ):
        half, end = _half_of_day(text, found.end(), locale, glued=True)  # "2p-4p"
    if not half:
        return None
    return Span(found.start(), end, "time", f"{locale.cardinal(int(found[1]))} {half}")


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
    said = f"{locale.cardinal(int(parts[1]))}{between}{locale.cardinal(int(parts[2]))}"
    return Span(start, parts.end(), "number", said)


def _capital_before(text: str, at: int) -> bool:
    left = text[max(0, at - 20) : at].split()
    return bool(left) and left[-1][0].isupper()
