"""Numbers: counts, decimals, ordinals, decades."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import next_word, previous_word
from voice.speech.span import Span
from voice.speech.tables import word_set

NUMBER = Pattern(r"(\d{1,3}(?:,\d{3})++(?!\d)|\d++)(\.\d++)?+")  # 1: the whole part, 2: ".50"
MAX_CARDINAL_DIGITS = 15  # beyond it a number is no count: it is said digit by digit
MAX_SAID_DIGITS = 40  # beyond it nobody listens

# As it is written in Germany, in Switzerland, in India: "1.234,56", "1'000'000", "10,00,000".
_ELSEWHERE = Pattern(
    r"(\d{1,3}(?:\.\d{3}){1,4}(?=,\d{1,2}(?!\d|,\d))|\d{1,3}(?:\.000){2,4}|\d{1,3}(?:['’]\d{3}){1,4}|\d{1,2}(?:,\d\d){1,6},\d{3})"
    r"(?:[.,](\d{1,2}))?(?![\w'’]|[.,]\d)"
)
_NO_DIGIT = Pattern(r"\D")
_ORDINAL_MARK = Pattern(r"\.?([ºª]|er)(?!\w)")
_DECADE = Pattern(r"['’]?s(?![^\W_])")


_LASTING = word_set(
    "wait waits waiting hold holds holding for after in within every take takes took last lasts lasting "
    "about another least most only timeout up"
)
# What may stand behind a duration: no noun, which would be of a decade.
_GOES_ON = word_set("and or to before until till then if while when at on so more longer by per") | {""}


def digits(written: str, locale: Locale) -> str:
    """Digit by digit: "007" → "zero zero seven". Of a number that never ends only its length."""
    if len(written) > MAX_SAID_DIGITS:
        return locale.many_digits(len(written))
    if written.isascii():
        return " ".join(map(locale.digit_names.__getitem__, written))
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
    end = found.end() + len(suffix)
    said = locale.suffixed(int(found[1].replace(",", "")), suffix, next_word(text, end))
    return Span(found.start(), end, "ordinal", said)


def marked_ordinal(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "3º", "3.ª" and "1.er", where a language writes so."""
    mark = _ORDINAL_MARK.match(text, found.end()) if "º" in locale.ordinal_suffixes else None
    if mark is None or found[2]:
        return None
    said = locale.suffixed(int(found[1].replace(",", "")[-9:]), mark[1], next_word(text, mark.end()))
    return Span(found.start(), mark.end(), "ordinal", said)


def parted_elsewhere(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "1.234,56" → "one thousand two hundred thirty four point five six"."""
    parts = _ELSEWHERE.match(text, found.start())
    if parts is None or parts[1][0] == "0":
        return None
    said = amount(_NO_DIGIT.sub("", parts[1]), f".{parts[2]}" if parts[2] else None, locale)
    return Span(found.start(), parts.end(), "number", said)


def decade(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "90s" → "nineties", "1980's" → "nineteen eighties"."""
    suffix = _DECADE.match(text, found.end())
    written = found[1]
    if suffix is None or found[2] or len(written) not in (2, 4):
        return None
    number = int(written)
    if len(written) == 2 and suffix[0] == "s" and _lasts(text, found.start(), suffix.end()):
        return None  # "wait 90s" and "in 30s." are seconds
    if written[-1] != "0" and (number < 1000 or suffix[0] != "s"):
        return None  # "45s" lasts; "the 1099s" are forms
    if not (10 <= number < 100 or 1000 < number < 2100):
        return None
    return Span(found.start(), suffix.end(), "date", locale.decade(number))


def _lasts(text: str, start: int, end: int) -> bool:
    """Whether a number of seconds stands there: behind "wait", and before no noun ("for 90s kids")."""
    if previous_word(text, start).lower() not in _LASTING:
        return False
    return next_word(text, end) in _GOES_ON


def round_plural(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "100s of people" → "hundreds of people"."""
    plural = locale.round_plurals.get(found[0])
    return Span(found.start(), found.end() + 1, "number", plural) if plural else None


def named(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Numbers that are names: "401(k)"."""
    for size in (6, 3, 1):
        end = found.end() + size
        said = locale.slashed.get(text[found.start() : end].lower())
        if said and not text[end : end + 1].isalnum():
            return Span(found.start(), end, "abbreviation", said)
    return None
