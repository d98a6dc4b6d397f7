"""Signs: minus and ranges, sums, powers, "#", "&", and what a phone voice drops."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from unicodedata import category

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.bare import rises
from voice.speech.readers.numbers import NUMBER, amount
from voice.speech.span import Span
from voice.speech.tables import word_set

_SPACED_RANGE = Pattern(r"\s[-–—]\s(?=[\d$€£#])")
_LEFT_NUMBER = Pattern(r"(\d{1,12})(?:[.,]\d+)?[%°FCst]?$")
_RIGHT_NUMBER = Pattern(r"(\d{1,12})")
_TIMES = Pattern(r"\s?[*×·]\s?(?=[\d(]|[a-z]\b)")
_POWER = Pattern(r"\^(-?)(\d{1,6}|[a-z])(?!\w)")
_HASH_NUMBER = Pattern(r"#\s?(?=\d)")
_HASH_WORD = Pattern(r"#(?=[^\W\d_])")
_HASH_CODE = Pattern(r"#(?=[A-Z]{1,4}-?\d)")
_KEYPAD = Pattern(r"(?:\d|\b(?:press|hit|dial|or|the|enter)\s)$", re.IGNORECASE)
_STAR_KEY = Pattern(r"\*(?=\d{1,8}#?(?![\w*]))")
_ABOUT = Pattern(r"[~≈]\s?(?=[$€£]?\d)")
_LONG_DASH = Pattern(r"[—―–]+\s*")
_AMOUNT_NEXT = Pattern(r"[$€£]?\d")
_LAST_DIGITS = Pattern(r"0\d{3}(?![\d.,:/-])")
_DECADE = Pattern(r"['’]\s?(?=\d0['’]?s(?![^\W_]))")
_NEVER_SAID = frozenset("\\|*_@#\ufe0e\ufe0f\u20e3")
_PERIOD = Pattern(r"[a-z]{3,}+(?![\w/])")
_CHAIN = Pattern(r"-\d{1,9}-\w")  # 5-3-Ws, 31-4-5: no range
_SUM_LEFT = Pattern(r"(?:^|=|\b(?:is|what's|calculate|minus|plus))\s?\d[\d.,]*$")
_HOURS_LEFT = Pattern(
    r"\b(?:open|hours:?|from|between|(?:mon|tue|tues|wed|thu|thurs|fri|sat|sun)(?:\.|day)?|[MTWF]|Th|Sa|Su),?:?\s"
    r"(?:1[0-2]|[1-9])$",
    re.IGNORECASE,
)
_EITHER = (  # two telephone numbers, flats or prices
    (Pattern(r"\d{4}\s?$"), Pattern(r"\s?(?:\(?\d{3}\)?[-.\s]|\d{4}(?!\d))")),
    (Pattern(r"\d[A-Z]\s?$"), Pattern(r"\s?\d{1,4}[A-Z](?!\w)")),
    (Pattern(r"\d\s?$"), Pattern(r"\s?[$€£]\d")),
)
_BEDS = Pattern(r"\b(?:studio|beds?|bedrooms?|bdrms?|bd|br)\s?$", re.IGNORECASE)
_BATHS = Pattern(r"\s?\d(?:\.\d|\s1/2)?\s?(?:ba(?:th)?s?|bath(?:rooms?)?)\b", re.IGNORECASE)
RANGED = word_set("number date time money percent measure fraction unit ordinal")


def dash(text: str, at: int, before: Span | None, locale: Locale) -> Span | None:
    """ "-" before a number: "to" behind another one ("2-3"), "minus" behind a space or an opening."""
    signs = locale.signs
    if before is not None and before.end == at and before.kind in RANGED and _is_range(text, at, before):
        return Span(at, at + 1, "range", f" {signs.to} ")
    left = text[at - 1 : at]
    if left and (left.isalnum() or left in "-–_/'’\".)%"):
        is_hour = text[max(0, at - 4) : at].lower() == "noon"
        return Span(at, at + 1, "range", f" {signs.to} ") if is_hour else None
    if _LAST_DIGITS.match(text, at + 1):
        return Span(at, at + 1, "symbol", "")  # "… or -0135", the end of a telephone number
    return Span(at, at + 1, "number", f"{signs.minus} ")


def _is_range(text: str, at: int, before: Span) -> bool:
    """Two parts only, and a large number is not followed by a smaller one: "747-400" is a name."""
    if _CHAIN.match(text, at) or (
        before.start > 1 and text[before.start - 1] == "-" and text[before.start - 2].isalnum()
    ):
        return False
    written = text[before.start : at]
    right = _RIGHT_NUMBER.match(text, at + 1)
    is_plain = before.kind == "number" and written.isdecimal() and len(written) <= 12
    return right is None or not is_plain or rises(int(written), int(right[1]))


def spaced_dash(text: str, at: int, before: Span | None, locale: Locale) -> Span | None:
    """ "612 - 613" → "to" where the second is the larger, "5 - 3" → "minus"; between words a pause."""
    gap = _SPACED_RANGE.match(text, at - 1) if at else None
    if gap is None or before is None or before.end != at - 1 or before.kind not in RANGED:
        return None
    left, right = _LEFT_NUMBER.search(text[max(0, at - 16) : at - 1]), _RIGHT_NUMBER.match(text, gap.end())
    rises = int(left[1]) < int(right[1]) if left and right else before.kind in ("money", "time", "date")
    if rises or (before.kind == "number" and _HOURS_LEFT.search(text[max(0, at - 24) : at - 1])):
        return Span(at, at + 1, "range", locale.signs.to)
    is_sum = before.kind == "number" and _SUM_LEFT.search(text[max(0, at - 24) : at - 1])
    return Span(at, at + 1, "symbol", locale.signs.minus) if is_sum else None


def point(text: str, at: int, locale: Locale) -> Span | None:
    """ ".5" → "point five"; a dot behind a letter or a digit is no part of a number."""
    left = text[at - 1 : at]
    if left and (left.isalnum() or left in ".)"):
        return None
    found = NUMBER.match(text, at + 1)
    assert found is not None
    if found[2] or "," in found[1]:
        return None
    return Span(at, found.end(1), "number", amount("", "." + found[1], locale))


def star(text: str, at: int, locale: Locale) -> Span:
    """ "3 * 4" → "times", "press *9" → "star"; any other is decoration."""
    if _STAR_KEY.match(text, at) and text[at - 1 : at] in ("", " ") and not text[at - 2 : at - 1].isdecimal():
        return Span(at, at + 1, "symbol", f"{locale.signs.star} ")
    left = text[max(0, at - 2) : at].rstrip()
    if left[-1:].isalnum() or left[-1:] == ")":
        found = _TIMES.match(text, at)
        if found:
            return Span(at, at + 1, "symbol", _apart(text, at, locale.signs.times))
    return Span(at, at + 1, "symbol", "")


def power(text: str, at: int, locale: Locale) -> Span:
    """ "r^3" → "cubed", "x^10" → "to the power of ten"."""
    found = _POWER.match(text, at)
    if found is None:
        return Span(at, at + 1, "symbol", " ")
    signs, exponent = locale.signs, found[2]
    short = {"2": signs.squared, "3": signs.cubed}.get(found[1] + exponent)
    said = locale.cardinal(int(exponent)) if exponent.isdecimal() else exponent
    minus = f"{signs.minus} " if found[1] else ""
    return Span(at, found.end(), "symbol", f" {short or f'{signs.power} {minus}{said}'}")


def number_sign(text: str, at: int, locale: Locale) -> Span:
    """ "#" before digits → "number", before a word → "hash", else nothing."""
    if found := _HASH_NUMBER.match(text, at):
        return Span(at, found.end(), "symbol", f"{locale.signs.number} ")
    if found := _HASH_CODE.match(text, at):
        return Span(at, at + 1, "symbol", f"{locale.signs.number} ")
    if found := _HASH_WORD.match(text, at):
        return Span(at, found.end(), "symbol", f"{locale.signs.hash} ")
    if _KEYPAD.search(text[max(0, at - 12) : at]):
        return Span(at, at + 1, "symbol", _apart(text, at, locale.signs.pound))
    alone = text[at - 1 : at] == " " and text[at + 1 : at + 2] in (" ", ":")
    return Span(at, at + 1, "symbol", locale.signs.number if alone else "")


def about(text: str, at: int, locale: Locale) -> Span:
    """ "~15" → "about fifteen"; a tilde elsewhere is decoration."""
    found = _ABOUT.match(text, at)
    if found is None:
        return Span(at, at + 1, "symbol", "")
    if text[at - 1 : at].isdecimal():
        return Span(at, found.end(), "range", f" {locale.signs.to} ")  # "5~10"
    return Span(at, found.end(), "symbol", f"{locale.signs.about} ")


def slash(text: str, at: int, locale: Locale) -> Span:
    """Between words "slash", before a period "per week"; elsewhere nothing."""
    period = _PERIOD.match(text, at + 1)
    if period and period[0] in locale.periods and text[at - 1 : at].isalpha():
        return Span(at, period.end(), "symbol", f" {locale.periods[period[0]]}")
    left, is_apart = text[max(0, at - 10) : at], text[at + 1 : at + 2] == " "
    if any(before.search(left) and behind.match(text, at + 1) for before, behind in _EITHER):
        return Span(at, at + 1, "symbol", locale.signs.or_ if is_apart else f" {locale.signs.or_} ")
    if _BEDS.search(left) and _BATHS.match(text, at + 1):
        return Span(at, at + 1 + is_apart, "symbol", " " if left[-1:] != " " else "")
    is_spaced = text[at - 1 : at] == " " == text[at + 1 : at + 2]
    is_inside = at and text[at - 1] not in "/\\" and text[at + 1 : at + 2].strip(" /\\")
    return Span(at, at + 1, "symbol", _apart(text, at, locale.signs.slash) if is_inside or is_spaced else "")


def apostrophe(text: str, at: int, locale: Locale) -> Span | None:
    """The mark before a decade: "'70s" → "seventies"."""
    found = _DECADE.match(text, at)
    return Span(at, found.end(), "symbol", "") if found else None


def arrow(text: str, at: int, locale: Locale) -> Span | None:
    """The end of "->": "to"; else "greater than" between numbers or spaces."""
    if text[at - 1 : at] in ("-", "="):
        return Span(at - 1, at + 1, "symbol", _apart(text, at, locale.signs.to).lstrip())
    return compared(text, at, locale)


def compared(text: str, at: int, locale: Locale) -> Span:
    """ "<=", ">=", "!=", "==" as one; else what the sign says alone."""
    names = locale.signs.others
    if text[at] == "=" and text[at - 1 : at] == "!":
        return Span(at - 1, at + 1, "symbol", _apart(text, at, names.get("≠", "")).lstrip())
    said = {"<=": names.get("≤"), ">=": names.get("≥"), "==": names.get("=")}.get(text[at : at + 2])
    if said is None:
        return word_sign(text, at, locale)
    return Span(at, at + 2, "symbol", _apart(text, at, said, 2))


def dropped(text: str, at: int, locale: Locale) -> Span | None:
    """A sign that is not said: pictures, control characters, marks of direction. Letters' marks stay."""
    kind = category(text[at])
    if kind[0] in "PM" and text[at] not in _NEVER_SAID:
        return None
    end = at + 1
    if text[at - 1 : at] in ("", " ") and text[end : end + 1] == " ":
        end += 1  # or two spaces would be left
    return Span(at, end, "symbol", "")


def gap(text: str, at: int, locale: Locale) -> Span:
    """A sign that only keeps words apart: "snake_case"."""
    return Span(at, at + 1, "symbol", " " if text[at + 1 : at + 2].isalnum() else "")


def pause(text: str, at: int, locale: Locale) -> Span:
    """A long dash → a comma's pause."""
    found = _LONG_DASH.match(text, at)
    assert found is not None
    if text[at - 1 : at].isdecimal() and _AMOUNT_NEXT.match(text, found.end()) and found[0][-1] != " ":
        return Span(at, found.end(), "range", f" {locale.signs.to} ")  # "$900—$1,100"
    start = at
    while start and text[start - 1] == " " and at - start < 3:
        start -= 1
    open_before = start == 0 or text[start - 1] in ".,;:!?(\n"
    closed = found.end() >= len(text) or text[found.end()] in ".,;:!?)\n"
    return Span(start, found.end(), "symbol", "" if closed else " " if open_before else ", ")


def plus(text: str, at: int, locale: Locale) -> Span:
    """ "20+" and "x + 1" → "plus"."""
    return Span(at, at + 1, "symbol", _apart(text, at, locale.signs.plus))


def word_sign(text: str, at: int, locale: Locale) -> Span:
    """A sign with one word everywhere; one without a word is dropped."""
    said = locale.signs.others.get(text[at], "")
    return Span(at, at + 1, "symbol", _apart(text, at, said) if said else "")


def _apart(text: str, at: int, said: str, size: int = 1) -> str:
    """A word with spaces where its sign, of `size` characters, had none."""
    left = " " if at and not text[at - 1].isspace() and text[at - 1] not in '+(["“' else ""
    right = (
        " " if text[at + size : at + size + 1].strip() not in ("", ".", ",", ";", ":", "!", "?", ")") else ""
    )
    return f"{left}{said}{right}"


READERS: Mapping[str, Callable[[str, int, Locale], Span | None]] = {
    "*": star,
    "^": power,
    "#": number_sign,
    "~": about,
    "/": slash,
    "—": pause,
    "―": pause,
    "_": gap,
    "\\": gap,
    "|": gap,
    ">": arrow,
    "<": compared,
    "=": compared,
}
