"""Measures: a number with its unit, degrees, percent, amps, thousands and millions in a letter."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale, Unit
from voice.speech.patterns import Pattern
from voice.speech.readers.context import NO_CUE, cue_before, ends_sentence, next_word, previous_word
from voice.speech.readers.durations import hours_of_plan
from voice.speech.readers.numbers import MAX_CARDINAL_DIGITS, NUMBER, amount
from voice.speech.readers.rates import by_period
from voice.speech.readers.science import RAISED, exponent_of
from voice.speech.span import Span
from voice.speech.tables import word_set

# A unit as it is written behind a number.
UNIT_WORD = Pattern(
    r"((?:Sq\.?|SQ)\s(?:Ft|FT)|(?:sq|cu|fl)\.?\s?(?:ft|in|mi|yd|km|cm|m|oz|feet)|ft-lbs?|(?:km|m|ft|MB|Mb|GB|Gb|kb|kB|KB|kbit|Mbit|Gbit)/(?:h|s)"
    r"|[^\W\d_]++[23]?)(?![\w])"
)
_HYPHENED = Pattern(r"-([a-z]{2,5}|BR|BA|BD)(?:\.(?=\s[a-z]))?(?!\w|-(?!old))")
_LASTING = word_set("Wait Waits Set Hold After In Within For Every Max Timeout Takes About Only Under Over")
_PER = Pattern(r"\s?/\s?([^\W\d_]++[23]?)(?![\w])")
_WAY_NEXT = Pattern(r"\.\s[NSEW][EW]?\.?\sof\b")  # "5 mi. N of town"
_BATHS = Pattern(r"\s?/\s?(?=\d)")
_NOUN = Pattern(r"\.?[\s-]([a-z]++|TVs?\b)")
_TEMPERATURE = Pattern(r"\s?([FC])(?![\w'’/-]|\.\w|\.?\s[A-Z0-9])")
_AMPS = Pattern(
    r"\s?A(?:(?=\s(breakers?|circuits?|fuses?|outlets?|panels?|plugs?|receptacles?|service|sockets?|loads?|charger|"
    r"mains?|subpanel|max|current|supply)\b|\s?(?:at|@|,|/)?\s?(\d{2,3}\s?V)\b)|(?!\w))"
)
_VOLTS_LEFT = Pattern(r"\d\s?V(?:\sat\s|\s@\s|[,/]?\s?)$")
_DEGREE_WORD = Pattern(r"\sdeg(?:rees?|\.)?\s([CF])(?![\w'’])")
_CARET = Pattern(r"\^([23])(?!\w)")
_ELECTRIC = Pattern(r"\s([VW])(?!\w|\.?\s(?!LEDs?\b)[A-Z0-9])")
_SURELY_ELECTRIC = Pattern(r"\s([VW])(?![\w.-])")  # behind a decimal, which no house has
_BEFORE_NOUN = frozenset(" .-")
_LAYOUT = Pattern(r"(\d{1,2})b/(\d{1,2}(?:\.5)?)b(?![\w])")
_DEGREES = Pattern(r"\s?[°º]\s?([FCKfc])?(?![^\W_])|\s?([℉℃])")
_COORDINATE = Pattern(
    r"(\d{1,3})°\s?(\d{1,2})\s?[′'’](?:\s?(\d{1,2}(?:\.\d{1,4})?)\s?[″\"”])?(?:\s?([NSEW])(?!\w))?"
)
_PERCENT = Pattern(r"\s?%")
_RAISED_END = Pattern(rf"()([{RAISED}]+)$")
_DOTTED_LETTERS = Pattern(r"\s?((?:[A-Za-z]\.){2,3})(?!\w)")
_KARATS = Pattern(r"(?:\s?(?:k|K|ct)|kt)(?=\s(?:(?:solid|white|yellow|rose)\s)?gold\b)")
_RANGE_LEFT = Pattern(r"\d[-–]$")


def one_or_many(found: re.Match[str], unit: Unit) -> str:
    """ "1 kg" is one kilogram; 1.5 and 0.5 are several."""
    return unit.one if found[1] == "1" and not found[2] else unit.many


def counted(found: re.Match[str], unit: Unit, locale: Locale) -> str:
    """A number with the words of its unit."""
    name = one_or_many(found, unit)
    if found[2] or len(found[1]) > MAX_CARDINAL_DIGITS or (found[1][0] == "0" and len(found[1]) > 1):
        return f"{amount(found[1], found[2], locale)} {name}"
    return locale.counted(int(found[1].replace(",", "")), name)


def before_noun(text: str, end: int, found: re.Match[str], unit: Unit, locale: Locale) -> str:
    """A number with its unit, which is said as one before what it measures: "12 ft ceilings"."""
    noun = _NOUN.match(text, end) if text[end : end + 1] in _BEFORE_NOUN else None
    is_one = noun is not None and noun[1] in locale.measured_things
    if is_one and noun and noun[1] == "old" and noun[0][0] == "." and text[end - 1] == "s":
        is_one = False  # "3 mos. old"
    return counted(found, Unit(unit.one, unit.one) if is_one else unit, locale)


def measured(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span | None:
    """A number with a unit of the table: "25 kg", "500 Mbps", "1,200 sq. ft.", "100 km/h"."""
    end = name.end()
    if name[1] == "s" and end - found.end() == 1 and _are_several(text, found):
        return None  # "iPhone 6s", "747s"
    if name[1] == "m" and next_word(text, end) in locale.counted_things:
        return None  # "1.5m people"
    if name[1] == "SEC" and next_word(text, end).islower():
        return None  # "3 SEC filings", of the Commission
    if name[1] in ("V", "W") and (name.start() > found.end() or text[end : end + 1] == "-"):
        return None  # "314 W. 42nd", "5W-30"; "240 V" is read before
    unit = locale.units[name[1]]
    if (raised := _CARET.match(text, end) if text[end : end + 1] == "^" else None) and (
        own := locale.units.get(f"{name[1]}{'²³'[int(raised[1]) - 2]}")
    ):
        unit, end = own, raised.end()  # "100 m^2"
    said = before_noun(text, end, found, unit, locale)
    if len(found[0]) == 4 and unit == locale.units.get("hrs"):
        hours = hours_of_plan(text, found.start(), found.end(), NO_CUE, locale)
        said = f"{hours.spoken} {unit.many}" if hours else said  # "1400 hrs"
    if unit == locale.units.get("BR") and (baths := _BATHS.match(text, end)):
        return Span(found.start(), baths.end(), "measure", f"{said} ")  # 3BR/2BA
    if "/" in text[end : end + 2]:
        said, end = _per(text, end, said, locale)
    if (
        text[end : end + 1] == "."
        and (not ends_sentence(text, end + 1) or _WAY_NEXT.match(text, end))
        and text[end + 1 : end + 2] in " ,;:)-–/"
    ):
        end += 1
    return Span(found.start(), end, "measure", said)


def _are_several(text: str, found: re.Match[str]) -> bool:
    """Whether the "s" behind a number makes several of it: "MiG-29s", "Boeing 747s", and not "120s"."""
    start = found.start()
    if len(found[0]) == 1 or (text[start - 1 : start] == "-" and text[start - 2 : start - 1].isalpha()):
        return True
    before = previous_word(text, start) if len(found[0]) == 3 else ""
    return before[:1].isupper() and before not in _LASTING


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
    if len(letter) == 1 and not _is_scale(letter, found, text, locale):
        return None
    said = locale.scaled(amount(found[1], found[2], locale), locale.scales[letter], "").rstrip()
    end = name.end()
    behind = UNIT_WORD.match(text, end + 1) if text[end : end + 1] == " " else None
    if behind and behind[1] in locale.units and (len(behind[1]) > 1 or behind[1] in "gml"):
        said, end = f"{said} {locale.units[behind[1]].many}", behind.end()
    said, end = by_period(text, end, said, locale)
    return Span(found.start(), end, "number", said)


def _is_scale(letter: str, found: re.Match[str], text: str, locale: Locale) -> bool:
    """Whether a letter glued to a number is a thousand or a million: "10k", "2.5M", not "4B", "5k run"."""
    following = next_word(text, found.end() + 1)
    if letter not in "kK":
        return (bool(found[2]) and letter in "MBT") or following in locale.counted_things
    if following in locale.races:
        return False
    in_range = _RANGE_LEFT.search(text[max(0, found.start() - 2) : found.start()])
    behind = UNIT_WORD.match(text, found.end() + 2)
    is_count = following in locale.counted_things or (behind is not None and behind[1] in locale.units)
    return bool(found[2] or len(found[1]) > 1 or in_range or is_count)


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


def dotted_letters(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "70 m.p.h." → "seventy miles per hour"."""
    name = _DOTTED_LETTERS.match(text, found.end())
    unit = locale.units.get(name[1].replace(".", "").lower()) if name else None
    if name is None or unit is None:
        return None
    end = name.end() - ends_sentence(text, name.end())
    return Span(found.start(), end, "measure", before_noun(text, end, found, unit, locale))


def karats(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "14k gold" → "fourteen karat gold"."""
    name = _KARATS.match(text, found.end())
    unit = locale.units.get("karat")
    if name is None or unit is None:
        return None
    return Span(found.start(), name.end(), "measure", counted(found, Unit(unit.one, unit.one), locale))


def degrees(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "70°F" → "seventy degrees Fahrenheit"."""
    sign = _DEGREES.match(text, found.end())
    if sign is None:
        place = _COORDINATE.match(text, found.start())
        return _coordinate(place, locale) if place else None
    unit = locale.units[sign[2] or f"°{(sign[1] or '').upper()}"]
    return Span(found.start(), sign.end(), "measure", counted(found, unit, locale))


def _coordinate(place: re.Match[str], locale: Locale) -> Span:
    """ "40°45′N" → "forty degrees forty five minutes North"."""
    parts = [(place[1], locale.units["°"]), (place[2], locale.units["min"]), (place[3], locale.units["s"])]
    said = " ".join([written_as(written, unit, locale) for written, unit in parts if written])
    direction = locale.directions.get(place[4] or "", place[4] or "")
    return Span(place.start(), place.end(), "measure", f"{said} {direction}".rstrip())


def written_as(written: str, unit: Unit, locale: Locale) -> str:
    found = NUMBER.fullmatch(written)
    assert found is not None
    return counted(found, unit, locale)


def letter_unit(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "72 F", "20C", "240 V": one capital, where the number can be no flat's and no house's."""
    if mark := (_SURELY_ELECTRIC if found[2] else _ELECTRIC).match(text, found.end()):
        said = before_noun(text, mark.end(), found, locale.units[mark[1]], locale)
        return Span(found.start(), mark.end(), "measure", said)
    mark = _TEMPERATURE.match(text, found.end())
    size = len(found[1])
    if mark is None or not 2 <= size <= 3 or (size == 3 and not _is_hot(found[0], mark[1])):
        return None
    if mark[1] == "F" and found[0] < "30" and size == 2 and text[found.end()] != " ":
        return None  # a flat: "send it to 12F"
    cue = cue_before(text, found.start(), locale)
    if cue.word in locale.unit_cues or cue.word in locale.digit_cues or cue.next in locale.places:
        return None
    unit = locale.units[f"°{mark[1]}"]
    return Span(found.start(), mark.end(), "measure", counted(found, unit, locale))


def _is_hot(written: str, scale: str) -> bool:
    """Whether three digits may be a temperature: of somebody ("101.5F"), or of an oven ("350F")."""
    if scale == "C":
        return written <= "100"
    return written <= "130" or (written <= "550" and written[-1] in "05" and "." not in written)


def amps(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "a 15A breaker", "120V, 15A": amps beside what has to do with them; "15A" alone is a flat."""
    mark = _AMPS.match(text, found.end())
    if mark is None:
        return None
    is_near = mark[1] or mark[2] or _VOLTS_LEFT.search(text[max(0, found.start() - 12) : found.start()])
    end = found.end() + (text[found.end()] == " ") + 1
    unit = locale.units.get("amp")
    if not is_near or unit is None:
        return None
    return Span(found.start(), end, "measure", before_noun(text, end, found, unit, locale))


def degree_word(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "20 degrees C" → "twenty degrees Celsius"."""
    mark = _DEGREE_WORD.match(text, found.end())
    if mark is None:
        return None
    return Span(found.start(), mark.end(), "measure", counted(found, locale.units[f"°{mark[1]}"], locale))


def beds_and_baths(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "2b/2b" → "two bed two bath"."""
    parts = _LAYOUT.match(text, found.start())
    if parts is None:
        return None
    baths = NUMBER.fullmatch(parts[2])
    assert baths is not None
    said = f"{locale.cardinal(int(parts[1]))} bed {amount(baths[1], baths[2], locale)} bath"
    return Span(found.start(), parts.end(), "measure", said)


def power(text: str, start: int, end: int, locale: Locale) -> Span:
    """ "x²" → "x squared", "x⁵"; behind a longer word a raised number is a note's, which is not said."""
    parts = _RAISED_END.search(text, start, end)
    assert parts is not None
    core = text[start : parts.start()]
    is_note = len(core) > 1 and core not in locale.units and parts[2] not in ("²", "³")
    return Span(start, end, "symbol", core if is_note else f"{core} {exponent_of(parts, locale)}".lstrip())


def alone_squared(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """The same written "km2"."""
    raised = text[end : end + 1]
    if raised not in ("2", "3") or text[end + 1 : end + 2].isalnum() or text[start - 1 : start].isdecimal():
        return None
    unit = locale.units.get(text[start : end + 1])
    return alone(text, start, end + 1, locale) if unit else None


def alone(text: str, start: int, end: int, locale: Locale) -> Span:
    """A unit that can be nothing else, without a number: "per km²"."""
    unit = locale.units[text[start:end]]
    is_one = text[max(0, start - 4) : start].lower() in ("per ", f"{locale.signs.per} ", "each")
    is_one = is_one or text[start - 1 : start] == "/"
    return Span(start, end, "measure", unit.one if is_one else unit.many)
