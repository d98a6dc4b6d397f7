"""Numbers: counts, decimals, ordinals, decades."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.span import Span

NUMBER = Pattern(r"(\d{1,3}(?:,\d{3})++(?!\d)|\d++)(\.\d++)?+")  # 1: the whole part, 2: ".50"
MAX_CARDINAL_DIGITS = 15  # beyond it a number is no count: it is said digit by digit
MAX_SAID_DIGITS = 40  # beyond it nobody listens

_DECADE = Pattern(r"['’]?s(?![^\W_])")


def digits(written: str, locale: Locale) -> str:
    """Digit by digit: "007" → "zero zero seven". Of a number that never ends only its length."""
    if len(written) > MAX_SAID_DIGITS:
        return locale.many_digits(len(written))
    if written.isascii():
        return " ".join([locale.digit_names[digit] for digit in written])
    return " ".join([locale.digits[int(digit)] for digit in written])


def whole(written: str, locale: Locale) -> str:
    """A count as it is written: "13,000" → "thirteen thousand"; one with a leading zero digit by digit."""
    plain = written.replace(",", "")
    if len(plain) > MAX_CARDINAL_DIGITS or (plain[0] == "0" and len(plain) > 1):
        return digits(plain, locale)
    return locale.cardinal(int(plain))


def amount(written: str, decimals: str | None, locale: Locale) -> str:
    """("12", ".08") → "twelve point zero eight". An empty whole part is not said: "point five"."""
    said = whole(written, locale) if written else ""
    if not decimals:
        return said
    return f"{said} {locale.signs.point} {digits(decimals[1:], locale)}".lstrip()


def in_pairs(written: str, locale: Locale) -> str:
    """The number of a house, a flat or a flight: "2100" → "twenty one hundred", "305" → "three oh five"."""
    if written[0] == "0" or len(written) > 4:
        return digits(written, locale)
    return locale.in_pairs(written) if len(written) > 2 else locale.cardinal(int(written))


def room(written: str, locale: Locale) -> str:
    """The number of a flat: in pairs, but a short one with a zero in front digit by digit."""
    return in_pairs(written, locale) if len(written) in (3, 4) else whole(written, locale)


def ordinal(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "21st" → "twenty first"; a wrong suffix ("21th") changes nothing."""
    if found[2] or len(found[1]) > MAX_CARDINAL_DIGITS:
        return None
    suffix = next(
        (suffix for suffix in locale.ordinal_suffixes if text.startswith(suffix, found.end())), None
    )
    if suffix is None:
        return None
    said = locale.suffixed(int(found[1].replace(",", "")), suffix)
    return Span(found.start(), found.end() + len(suffix), "ordinal", said)


def marked_ordinal(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "3º" and "3ª", where a language writes so."""
    if not any(text.startswith(mark, found.end()) for mark in "ºª" if mark in locale.ordinal_suffixes):
        return None
    return ordinal(text, found, locale)


def decade(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "90s" → "nineties", "1980's" → "nineteen eighties"."""
    suffix = _DECADE.match(text, found.end())
    written = found[1]
    if suffix is None or found[2] or len(written) not in (2, 4) or written[-1] != "0":
        return None
    number = int(written)
    if not (10 <= number < 100 or 1000 <= number < 2100):
        return None
    return Span(found.start(), suffix.end(), "date", locale.decade(number))


def round_plural(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "100s of people" → "hundreds of people"."""
    plural = locale.round_plurals.get(found[0])
    return Span(found.start(), found.end() + 1, "number", plural) if plural else None


def named(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Numbers that are names: "401(k)"."""
    for size in (3, 1):
        end = found.end() + size
        said = locale.slashed.get(text[found.start() : end].lower())
        if said and not text[end : end + 1].isalnum():
            return Span(found.start(), end, "abbreviation", said)
    return None
