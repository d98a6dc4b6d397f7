"""Numbers as they are calculated with: "1 000 000", "1.5e-3", "10⁶", "6.02 × 10^23", "2x + 1"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import cue_before, next_word
from voice.speech.readers.numbers import amount, whole
from voice.speech.span import Span

RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹"
_GROUPS = Pattern(r"(\d{1,3})((?:[ \xa0\u2009\u202f]\d{3}){1,5}+)(?![\w-]|[.,:/]\d|[ \xa0]\d)")
_TENS = Pattern(r"(\d{1,3}(?:\.\d{1,12})?)([eE])([+-]?)(\d{1,3})(?!\w|\.\d|-\w)")
_RAISED = Pattern(rf"(⁻?)([{RAISED}]{{1,4}})(?!\w)")
_LOWERED = str.maketrans(RAISED, "0123456789")
_CURRENCY = Pattern(r"[ \xa0\u202f]?([€£$₽₹]|[A-Z]{3}|kr|zł)(?!\w)")
_THIN = frozenset("\xa0\u2009\u202f")
_NO_GAPS = {ord(gap): None for gap in (" ", *_THIN)}


def grouped(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "1 000 000" → "one million", "12 500 km". Without thousands or a unit it may be a code."""
    start, parts = found.start(), _GROUPS.match(text, found.start())
    if parts is None or parts[1][0] == "0" or text[max(0, start - 2) : start].strip(" ")[-1:].isdecimal():
        return None
    end, groups = parts.end(), parts[2]
    following, sign = next_word(text, end), _CURRENCY.match(text, end)
    unit, currency = locale.units.get(following), locale.currencies.get(sign[1]) if sign else None
    is_sure = groups.endswith("000") or (groups[0] in _THIN and " " not in groups)
    if not (is_sure or unit or currency or following in locale.counted_things):
        return None
    cue = cue_before(text, start, locale)
    if cue.word in locale.digit_cues or cue.word in locale.unit_cues or cue.next == "call":
        return None
    said = whole(parts[0].translate(_NO_GAPS), locale)
    if sign and currency:
        return Span(start, sign.end(), "money", f"{said} {currency.many}")
    if unit:
        return Span(start, text.index(following, end) + len(following), "measure", f"{said} {unit.many}")
    return Span(start, end, "number", said)


def power_of_ten(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "1.5e-3" → "one point five times ten to the power of minus three"; "2E5" may be a flat."""
    parts = _TENS.match(text, found.start())
    if parts is None or not (found[2] or parts[2] == "e" or parts[3]):
        return None
    cue = cue_before(text, found.start(), locale)
    if cue.word in locale.digit_cues or cue.word in locale.unit_cues:
        return None
    signs = locale.signs
    exponent = f"{signs.minus} " if parts[3] == "-" else ""
    said = f"{amount(found[1], found[2], locale)} {signs.times} {locale.cardinal(10)} {signs.power}"
    return Span(found.start(), parts.end(), "number", f"{said} {exponent}{locale.cardinal(int(parts[4]))}")


def raised(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "10⁶" → "ten to the power of six", "2³" → "two cubed"."""
    parts = _RAISED.match(text, found.end())
    if parts is None:
        return None
    said = f"{amount(found[1], found[2], locale)} {exponent_of(parts, locale)}"
    return Span(found.start(), parts.end(), "number", said)


def exponent_of(parts: re.Match[str], locale: Locale) -> str:
    """What a raised number is said as."""
    signs, number = locale.signs, int(parts[2].translate(_LOWERED))
    if not parts[1] and number in (2, 3):
        return signs.squared if number == 2 else signs.cubed
    return f"{signs.power} {f'{signs.minus} ' if parts[1] else ''}{locale.cardinal(number)}"
