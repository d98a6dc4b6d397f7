"""What an amount is for: "/mo", "/day/car", "per hr", "ea."; rates without money: "5%/day", "2x/wk"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import ends_sentence
from voice.speech.readers.numbers import amount
from voice.speech.span import Span

_PERIOD = Pattern(r"\s?/\s?([^\W\d_]++(?:\.?\s?ft)?)(?:\.(?=\s+[^A-Z\s]|[,;)/]))?")
_EACH = Pattern(r"\s(ea\.?|p/m|p/w)(?![\w/])")
AREA = Pattern(r"/((?:sq\.?|cu\.?)\s(?:mi|km|ft|m|in|yd)|[km]?m[²³23]|mi²|ft²|ha)(?!\w)")  # 1,234/km²
_CLOSES = Pattern(r"(?![\w/])")


def rated(text: str, end: int, said: str, locale: Locale) -> tuple[str, int]:
    """An amount said up to `end`, with what it is for: ("five dollars per month", where that ends)."""
    while (
        "/" in text[end : end + 2]
        and (period := _PERIOD.match(text, end))
        and (name := _for(period[1], locale))
    ):
        said, end = f"{said} {name}", period.end()
    if (
        text[end : end + 1] == " "
        and text[end + 1 : end + 2] in ("e", "p")
        and (each := _EACH.match(text, end))
    ):
        name = locale.periods.get(each[1].rstrip(".").replace("/", ""), "")
        stop = each.end() - (each[1].endswith(".") and ends_sentence(text, each.end()))
        return (f"{said} {name}", stop) if name else (said, end)
    return said, end


def _for(written: str, locale: Locale) -> str:
    """What an amount is for: "mo" → "per month", "vehicle" → "per vehicle"; "" for what is none."""
    known = locale.periods.get(written) or locale.periods.get(written.lower())
    if known:
        return known
    if unit := locale.units.get(written):
        return f"{locale.signs.per} {unit.one}"
    is_word = len(written) > 2 and written.islower() and written.isalpha()
    is_short = written in locale.words or written in locale.dotted
    return f"{locale.signs.per} {written}" if is_word and not is_short else ""


def by_period(text: str, end: int, said: str, locale: Locale) -> tuple[str, int]:
    """As `rated`, for what is no money: only periods and units of the table, as in "5%/day"."""
    period = _PERIOD.match(text, end) if "/" in text[end : end + 2] else None
    name = locale.periods.get(period[1].lower()) if period else None
    if period is None or name is None or not _CLOSES.match(text, period.end(1)):
        return said, end
    return f"{said} {name}", period.end()


def number(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "1,250/month" → "one thousand two hundred fifty per month"."""
    said = amount(found[1], found[2], locale)
    if (area := AREA.match(text, found.end())) and (unit := locale.units.get(area[1])):
        return Span(found.start(), area.end(), "number", f"{said} {locale.signs.per} {unit.one}")
    said, end = by_period(text, found.end(), said, locale)
    return Span(found.start(), end, "number", said) if end > found.end() else None


def behind_per(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """A short unit behind "per": "per hr" → "hour"."""
    if not text.endswith(f"{locale.signs.per} ", 0, start):
        return None
    unit = locale.units[text[start:end]]
    if text[end : end + 1] == "." and not ends_sentence(text, end + 1):
        end += 1
    return Span(start, end, "measure", unit.one)
