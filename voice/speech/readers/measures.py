"""Measures: a number with its unit, feet and inches, degrees, percent, dimensions."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale, Unit
from voice.speech.patterns import Pattern
from voice.speech.readers.context import cue_before, ends_sentence
from voice.speech.readers.numbers import MAX_CARDINAL_DIGITS, NUMBER, amount, in_pairs
from voice.speech.readers.rates import by_period
from voice.speech.span import Span

# A unit as it is written behind a number.
UNIT_WORD = Pattern(
    r"((?:sq|cu|fl)\.?\s?(?:ft|in|mi|yd|m|oz|feet)|(?:km|m|ft|MB|Mb|GB|Gb|kb|Mbit)/(?:h|s)"
    r"|[^\W\d_]++[23]?)(?![\w])"
)
_HYPHENED = Pattern(r"-([a-z]{2,5}|BR|BA|BD)(?:\.(?=\s[a-z]))?(?!\w|-(?!old))")
_FEET = Pattern(
    r"(\d{1,5})\s?['’′](?:\s?(\d{1,2}(?:\.\d+)?)\s?(?:[\"”″]|''|’’)|(1?\d)(?!\d))?(?!\w(?<!x)|x\D)"
)
_INCHES = Pattern(r"(?:[\"”″]|'')(?![\w])")
_PER = Pattern(r"\s?/\s?([^\W\d_]++[23]?)(?![\w])")
_OPENING = Pattern(r"(?:^|\s)['’‘]\S")
_BATHS = Pattern(r"\s?/\s?(?=\d)")
_NOUN = Pattern(r"\.?[\s-]([a-z]++)")
# "in" is a word of place, unless a length is spoken of.
INCH_WORD = Pattern(
    r"\s?in(?=\s(?:wide|tall|long|deep|thick|high|across|pipes?|hoses?|bolts?|screws?|screen|gap|valve|tv|TV|"
    r"[x×]\s?\d|by\s\d))"
)
_LAST_INCHES = Pattern(r"\sin(?=[.,;)]|$)")
_FIRST_INCHES = Pattern(r"\d\s(?:in|inches)\s(?:x|×|by)\s$")
_UNIT_LEFT = Pattern(r"\d\s?([a-z]{1,4})\.?\s$")
_TEMPERATURE = Pattern(r"\s?([FC])(?![\w'’/-]|\.\w|\.?\s[A-Z0-9])")
_ELECTRIC = Pattern(r"\s([VW])(?!\w|\.?\s[A-Z0-9])")
_BEFORE_NOUN = frozenset(" .-")
_LAYOUT = Pattern(r"(\d{1,2})b/(\d{1,2}(?:\.5)?)b(?![\w])")
_SQUARE = Pattern(r"\.?\s(?:ft|feet)\b\.?")
_DEGREES = Pattern(r"\s?[°º]\s?([FCK])?(?![^\W_])|\s?([℉℃])")
_PERCENT = Pattern(r"\s?%")
_DIMENSION = Pattern(r"\s?[x×X]\s?(?=\d)")
_TIMES = Pattern(r"\s?[x×X](?![\w])")
_DURATION = Pattern(r"(\d{1,3})h\s?(\d{1,2})m(?:in)?(?!\w)")
_FT_IN = Pattern(r"(\d{1,4})(?:ft\.?|\sft\.?|-foot)\s?(\d{1,2})\s?in(?:\.|ch(?:es)?)?(?!\w)")


def one_or_many(found: re.Match[str], unit: Unit) -> str:
    """ "1 kg" is one kilogram; 1.5 and 0.5 are several."""
    return unit.one if found[1] == "1" and not found[2] else unit.many


def counted(found: re.Match[str], unit: Unit, locale: Locale) -> str:
    """A number with the words of its unit."""
    name = one_or_many(found, unit)
    if found[2] or len(found[1]) > MAX_CARDINAL_DIGITS or (found[1][0] == "0" and len(found[1]) > 1):
        return f"{amount(found[1], found[2], locale)} {name}"
    return locale.counted(int(found[1].replace(",", "")), name)


def _before(text: str, end: int, found: re.Match[str], unit: Unit, locale: Locale) -> str:
    """A number with its unit, which is said as one before what it measures: "12 ft ceilings"."""
    noun = _NOUN.match(text, end) if text[end : end + 1] in _BEFORE_NOUN else None
    is_one = noun is not None and noun[1] in locale.measured_things
    return counted(found, Unit(unit.one, unit.one) if is_one else unit, locale)


def measured(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span | None:
    """A number with a unit of the table: "25 kg", "500 Mbps", "1,200 sq. ft.", "100 km/h"."""
    end = name.end()
    if name[1] == "s" and end - found.end() == 1 and len(found[0]) == 1:
        return None  # "iPhone 6s"
    if name[1] in ("V", "W") and name.start() > found.end():
        return None  # "314 W. 42nd"; "240 V" is read before
    unit = locale.units[name[1]]
    said = _before(text, end, found, unit, locale)
    if len(found[0]) == 4 and found[0].endswith("00") and unit == locale.units.get("hrs"):
        said = f"{in_pairs(found[0], locale)} {unit.many}"  # "1400 hrs"
    if unit == locale.units.get("BR") and (baths := _BATHS.match(text, end)):
        return Span(found.start(), baths.end(), "measure", f"{said} ")  # 3BR/2BA
    if "/" in text[end : end + 2]:
        said, end = _per(text, end, said, locale)
    if text[end : end + 1] == "." and not ends_sentence(text, end + 1) and text[end + 1 : end + 2] in " ,;:)":
        end += 1
    return Span(found.start(), end, "measure", said)


def _per(text: str, end: int, said: str, locale: Locale) -> tuple[str, int]:
    """A measure said up to `end` with the unit it is per: "5 kg/m3", "5 m/s²", "7 hrs/day"."""
    below = _PER.match(text, end)
    if below and (unit := locale.units.get(below[1])):
        return f"{said} {locale.signs.per} {unit.one}", below.end()
    if below and below[1][-1] in "2²" and (unit := locale.units.get(below[1][:-1])):
        return f"{said} {locale.signs.per} {unit.one} {locale.signs.squared}", below.end()
    return by_period(text, end, said, locale)


def scaled(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span | None:
    """ "100 million kg" → "one hundred million kilograms", "10k" → "ten thousand"."""
    letter = name[1]
    if len(letter) == 1 and not _is_scale(letter, found):
        return None
    said, end = f"{amount(found[1], found[2], locale)} {locale.scales[letter]}", name.end()
    behind = UNIT_WORD.match(text, end + 1) if text[end : end + 1] == " " else None
    if behind and behind[1] in locale.units and (len(behind[1]) > 1 or behind[1] in "gml"):
        said, end = f"{said} {locale.units[behind[1]].many}", behind.end()
    said, end = by_period(text, end, said, locale)
    return Span(found.start(), end, "number", said)


def _is_scale(letter: str, found: re.Match[str]) -> bool:
    """Whether a letter glued to a bare number is a thousand or a million: "10k", "2.5M", not "4B"."""
    if letter in "kK":
        return bool(found[2]) or len(found[1]) > 1
    return bool(found[2]) and letter in "MBT"


def hyphened(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "a 2-hr window" → "two-hour"."""
    name = _HYPHENED.match(text, found.end())
    unit = (locale.units.get(name[1]) or locale.units.get(f"{name[1]}.")) if name else None
    if name is None or unit is None:
        return None
    said = f"{amount(found[1], found[2], locale)}-{unit.one}"
    return Span(found.start(), name.end(), "measure", said)


def percent(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "12.5%" → "twelve point five percent"."""
    sign = _PERCENT.match(text, found.end())
    if sign is None:
        return None
    said = f"{amount(found[1], found[2], locale)} {locale.signs.percent}"
    end = sign.end()
    if "/" in text[end : end + 2]:
        said, end = by_period(text, end, said, locale)
    return Span(found.start(), end, "percent", said)


def degrees(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "70°F" → "seventy degrees Fahrenheit"."""
    sign = _DEGREES.match(text, found.end())
    if sign is None:
        return None
    unit = locale.units[sign[2] or f"°{sign[1] or ''}"]
    return Span(found.start(), sign.end(), "measure", counted(found, unit, locale))


def feet(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """`6' 2"` → "six feet two inches"."""
    parts = _FEET.match(text, found.start())
    if parts is None or found[2]:
        return None
    behind = text[parts.end() : parts.end() + 1]
    inches_written = parts[2] or parts[3]
    if (inches_written is None and behind not in ("", " ", ",", ".", "x", "-", "–")) or _is_quoted(
        text, parts
    ):
        return None
    said = _of(parts[1], locale.units["ft"], locale)
    if inches_written:
        said = f"{said} {_of(inches_written, locale.units['in.'], locale)}"
    return Span(found.start(), parts.end(), "measure", said)


def _is_quoted(text: str, parts: re.Match[str]) -> bool:
    """Whether the mark behind a number closes a quotation that began before it."""
    left = text[max(0, parts.start() - 40) : parts.start() + 1]
    return not (parts[2] or parts[3]) and _OPENING.search(left) is not None


def _of(written: str, unit: Unit, locale: Locale) -> str:
    found = NUMBER.fullmatch(written)
    assert found is not None
    return counted(found, unit, locale)


def inch_word(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "12 in wide" → "twelve inches wide", "12 in x 10 in"; elsewhere "in" is a word."""
    mark = INCH_WORD.match(text, found.end())
    if mark is None and _FIRST_INCHES.search(text[max(0, found.start() - 12) : found.start()]):
        mark = _LAST_INCHES.match(text, found.end())
    if mark is None:
        return None
    said = _before(text, mark.end(), found, locale.units["in."], locale)
    return Span(found.start(), mark.end(), "measure", said)


def letter_unit(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "72 F", "20C", "240 V": one capital, where the number can be no flat's and no house's."""
    if mark := _ELECTRIC.match(text, found.end()):
        said = _before(text, mark.end(), found, locale.units[mark[1]], locale)
        return Span(found.start(), mark.end(), "measure", said)
    mark = _TEMPERATURE.match(text, found.end())
    size = len(found[1])
    if mark is None or not 2 <= size <= 3 or (size == 3 and found[0] > ("130" if mark[1] == "F" else "100")):
        return None
    if mark[1] == "F" and found[0] < "30" and size == 2 and text[found.end()] != " ":
        return None  # a flat: "send it to 12F"
    cue = cue_before(text, found.start(), locale)
    if cue.word in locale.unit_cues or cue.word in locale.digit_cues or cue.next in locale.places:
        return None
    unit = locale.units[f"°{mark[1]}"]
    return Span(found.start(), mark.end(), "measure", counted(found, unit, locale))


def inches(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """`12"` → "twelve inches", unless the mark closes a quotation."""
    mark = _INCHES.match(text, found.end())
    left = text[max(0, found.start() - 80) : found.start()]
    if mark is None or left.count('"') % 2 or left.count("“") > left.count("”"):
        return None
    said = _before(text, mark.end(), found, locale.units["in."], locale)
    return Span(found.start(), mark.end(), "measure", said)


def feet_and_inches(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "5ft 10in" → "five feet ten inches"."""
    parts = _FT_IN.match(text, found.start())
    if parts is None:
        return None
    said = f"{_of(parts[1], locale.units['ft'], locale)} {_of(parts[2], locale.units['in.'], locale)}"
    return Span(found.start(), parts.end(), "measure", said)


def beds_and_baths(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "2b/2b" → "two bed two bath"."""
    parts = _LAYOUT.match(text, found.start())
    if parts is None:
        return None
    baths = NUMBER.fullmatch(parts[2])
    assert baths is not None
    said = f"{locale.cardinal(int(parts[1]))} bed {amount(baths[1], baths[2], locale)} bath"
    return Span(found.start(), parts.end(), "measure", said)


def duration(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "1h 30m" → "one hour thirty minutes"."""
    parts = _DURATION.match(text, found.start())
    if parts is None:
        return None
    said = f"{_of(parts[1], locale.units['h'], locale)} {_of(parts[2], locale.units['min'], locale)}"
    return Span(found.start(), parts.end(), "measure", said)


def times(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "10x12" → "ten by" before the second length, "3x" → "three times"."""
    said = amount(found[1], found[2], locale)
    if text[found.end() : found.end() + 1] == "X" and _TIMES.match(text, found.end()):
        return None  # "97X" is a name
    if sign := _DIMENSION.match(text, found.end()):
        return Span(found.start(), sign.end(), "measure", f"{said} {locale.signs.by} ")
    if sign := _TIMES.match(text, found.end()):
        times_said = locale.signs.time if found[0] == "1" else locale.signs.times
        said, end = by_period(text, sign.end(), f"{said} {times_said}", locale)
        return Span(found.start(), end, "measure", said)
    return None


def by(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """The "x" in "10' x 12'"."""
    left, right = text[max(0, start - 2) : start].strip(), text[end : end + 2].strip()
    unit = _UNIT_LEFT.search(text[max(0, start - 8) : start])
    is_unit = unit is not None and (unit[1] in locale.units or f"{unit[1]}." in locale.units)
    is_number = left[-1:].isdecimal() and text[start - 1 : start] == " "
    if right[:1].isdecimal() and (left[-1:] in ("'", "’", "′", '"', "”") or is_unit or is_number):
        return Span(start, end, "measure", locale.signs.by)
    return None


def square(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "sq. ft." without a number."""
    found = _SQUARE.match(text, end)
    if found is None:
        return None
    stop = found.end() - (text[found.end() - 1] == "." and ends_sentence(text, found.end()))
    return Span(start, stop, "measure", locale.units["sq ft"].many)


def powered(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span:
    """ "2³" → "two cubed"."""
    exponent = locale.signs.squared if name[1] == "²" else locale.signs.cubed
    return Span(found.start(), name.end(), "number", f"{amount(found[1], found[2], locale)} {exponent}")


def power(text: str, start: int, end: int, locale: Locale) -> Span:
    """ "x²" → "x squared"."""
    exponent = locale.signs.squared if text[end - 1] == "²" else locale.signs.cubed
    return Span(start, end, "symbol", f"{text[start : end - 1]} {exponent}".lstrip())


def alone(text: str, start: int, end: int, locale: Locale) -> Span:
    """A unit that can be nothing else, without a number: "per km²"."""
    unit = locale.units[text[start:end]]
    is_one = text[max(0, start - 4) : start].lower() in ("per ", f"{locale.signs.per} ", "each")
    return Span(start, end, "measure", unit.one if is_one else unit.many)
