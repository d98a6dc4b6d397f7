"""Signs: minus and ranges, sums, powers, "#", "&", and what a phone voice drops."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from unicodedata import category

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers import lengths, net, rates
from voice.speech.readers.bare import rises
from voice.speech.readers.context import range_word
from voice.speech.readers.numbers import amount, room, whole
from voice.speech.readers.table import word_behind
from voice.speech.span import Span
from voice.speech.tables import word_set

KEY_CHARS = 20  # before a key: "seguido de la tecla "
_CLAUSE_ENDS = frozenset((*",.;:!?\n", ""))
_SPACED_RANGE = Pattern(r"\s[-–—]\s(?=[\d$€£#])")
_LEFT_NUMBER = Pattern(r"(\d{1,12})(?:[.,]\d+)?(?:[%°FC]|st|nd|rd|th|s|t)?$")
_RIGHT_NUMBER = Pattern(r"(\d{1,12})")
_TIMES = Pattern(r"\s?[*×·]\s?(?=[\d(]|[a-z]\b)")
_POWER = Pattern(r"\^(-?)(\d{1,6}|[a-z])(?!\w)")
_WORD_LEFT = Pattern(r"[^\W\d_]{2}$")
_UNIT_BEHIND = Pattern(r"\s([a-zA-Zµμ]{1,3})(?![\w.])")
_HASH_NUMBER = Pattern(r"#\s?(?=\d)")
_HASH_WORD = Pattern(r"#(?=[^\W\d_])")
_HASH_CODE = Pattern(r"#(?=[A-Z]{1,4}-?\d)")
_HASH_FLAT = Pattern(r"#\s?(\d{1,2})-(\d{3,4})(?![\w-])")
_KEYPAD = Pattern(
    r"(?:\d|\b(?:press|hit|dial|push|tap|enter|followed\sby|ends?\swith|oprima|marque|pulse|presione|digite|teclee|"
    r"seguido\sde|tecla)\s(?:(?:the|la|el)\s)?(?:tecla\s)?|\b(?:or|then|o|luego)\s)$",
    re.IGNORECASE,
)
_KEY_FOR = Pattern(r"\s(?:to|for|para)\s")  # "# to repeat": what a key does
_STAR_FOR = Pattern(r"\*\s(?:to|for)\s")  # ", * to hear it again"
_KEY_NEXT = Pattern(r"\s(?:key|button|sign)\b")
_LETTER = Pattern(r"[^\W\d_]")
_LETTER_LEFT = Pattern(r"(?:^|[^\w'’-])[A-GJ]$")  # C#
_STAR_KEY = Pattern(r"\*(?=\d{1,8}#?(?![\w*]))")
_PATH = Pattern(r"(?:/[A-Za-z][\w.-]{0,40}){1,8}/?[\w-](?!\w)")
_ABOUT = Pattern(r"[~≈]\s?(?=[$€£]?\d)")
_LONG_DASH = Pattern(r"[—―–]+\s*")
_AMOUNT_NEXT = Pattern(r"[$€£]?\d")
_LAST_DIGITS = Pattern(r"0\d{3}(?![\d.,:/-])")
_DECADE = Pattern(r"['’]\s?(?=\d0['’]?s(?![^\W_]))")
_SHORT_YEAR = Pattern(r"['’](\d\d)(?![\w'’\"”%:/]|[.,]\d)")
_POINT = Pattern(r"()(\.\d++)(?![.,]\d)")
_LENGTH_LEFT = Pattern(r"\d(?:['’′\"”″]|\s?(?:ft|in|m|cm|mm|feet)\.?)\s?$")
_NEVER_SAID = frozenset("\\|*_@#\ufe0e\ufe0f\u20e3")
_PERIOD = Pattern(r"(?:[a-z]{3,}+|wk|mo|yr|hr|nt)(?![\w/])")
_CHAIN = Pattern(r"-\d{1,9}-\w")  # 5-3-Ws, 31-4-5: no range
_SUM_LEFT = Pattern(r"(?:^|[=.!?:]|\b(?:is|what's|calculate|minus|plus))\s?\d[\d.,]*$")
_SUM_RIGHT = Pattern(r"[$€£]?\d[\d.,]*\s?=")
_HOURS_LEFT = Pattern(
    r"\b(?:open|hours:?|from|between|(?:mon|tue|tues|wed|thu|thurs|fri|sat|sun)(?:\.|day)?|[MTWF]|Th|Sa|Su),?:?\s"
    r"(?:1[0-2]|[1-9])$",
    re.IGNORECASE,
)
_SCORE_LEFT = Pattern(
    r"\b(?:scor(?:es?|ed|ing)|won|wins?|winning|lost|los(?:e|es|ing)|beat(?:s|ing)?|leads?|led|leading|trail(?:s|ed)?"
    r"|tied|victory|defeat(?:s|ed)?)\b[^.!?\d]{0,24}\s\d{1,3}$",
    re.IGNORECASE,
)
_PLACED = Pattern(
    r"\d{1,2}(?:/\d|:\d\d|\s?[ap]\.?m\b|\s(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\b)",
    re.IGNORECASE,
)
_MEASURE = r"(?:lbs?|kgs?|oz|g|ml|mL|L|mi|km|ft|m|cm|mm|gal|mph|kph|hrs?|min|°[FC])"
_EITHER = (  # two telephone numbers, flats or prices
    (Pattern(r"\d{4}\s?$"), Pattern(r"\s?(?:\(?\d{3}\)?[-.\s]|\d{4}(?!\d))")),
    (Pattern(r"\d[A-Z]\s?$"), Pattern(r"\s?\d{1,4}[A-Z](?!\w)")),
    (Pattern(r"[$€£][\d.,]*\d\s?$"), Pattern(r"\s?[$€£]\d")),
    (Pattern(rf"\d\s?{_MEASURE}\s?$"), Pattern(rf"\s?\d[\d.,]*\s?{_MEASURE}\b")),
    (
        Pattern(r"(?:\s[ECMP][SD]?T|\d\s?[ap]\.?m\.?)$", re.IGNORECASE),
        Pattern(r"\d{1,2}(?::\d\d|\s?[ap]\.?m)"),
    ),
    (Pattern(r"\bQ[1-4]$"), Pattern(r"Q[1-4](?!\w)")),
    (Pattern(r"\d(?:st|nd|rd|th)$"), Pattern(r"\d{1,2}(?:st|nd|rd|th)\b")),
)
_DOSE_LEFT, _DOSE_IN = (
    Pattern(r"\d\s?(?:mcg|mg|mEq|g|units)$"),
    Pattern(r"\d[\d.,]*\s?(?:mL|ml|L|hrs?|hours)\b"),
)
_PAID_LEFT, _LASTS_LEFT = Pattern(r"[$€£]\d[\d.,]*$"), Pattern(r"\d\s?(?:mins?|hrs?|oz|lbs?|ml|mi)$")
_MANY = Pattern(r"(?<![\d.,$€£])\d{1,2}$")  # "3/$10"
_PRICE = Pattern(r"[$€£]\d")
_HEAT = Pattern(r"[-−]?\d{1,3}°")
_BEDS = Pattern(r"\b(?:studio|beds?|bedrooms?|bdrms?|bd|br)\s?$", re.IGNORECASE)
_BATHS = Pattern(r"\s?\d(?:\.\d|\s1/2)?\s?(?:ba(?:th)?s?|bath(?:rooms?)?)\b", re.IGNORECASE)
RANGED = word_set("number date time money percent measure fraction unit ordinal")


def dash(text: str, at: int, before: Span | None, locale: Locale) -> Span | None:
    """ "-" before a number: "to" behind another one ("2-3"), "minus" behind a space or an opening."""
    signs = locale.signs
    if before is not None and before.end == at and before.kind == "number" and _is_sum(text, at + 1):
        return Span(at, at + 1, "symbol", f" {signs.minus} ")
    if before is not None and before.end == at and before.kind in RANGED and _is_range(text, at, before):
        return Span(at, at + 1, "range", f" {range_word(text, before.start, locale)} ")
    left = text[at - 1 : at]
    if left.isalnum() and text[at] == "−":
        return Span(at, at + 1, "symbol", f" {signs.minus} ")
    if left and (left.isalnum() or left in "-–_/'’\".)%"):
        is_hour = text[max(0, at - 8) : at].lower().endswith(("noon", "midnight", "dawn", "dusk"))
        return Span(at, at + 1, "range", f" {signs.to} ") if is_hour else None
    if _LAST_DIGITS.match(text, at + 1):
        return Span(at, at + 1, "symbol", "")  # "… or -0135", the end of a telephone number
    return Span(at, at + 1, "number", f"{signs.minus} ")


def _is_sum(text: str, at: int) -> bool:
    """Whether a number and "=" stand there."""
    return "=" in text[at : at + 16] and _SUM_RIGHT.match(text, at) is not None


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
    if text[at] == "−" and not text[:at].strip():
        return Span(at, at + 1, "symbol", locale.signs.minus)
    gap = _SPACED_RANGE.match(text, at - 1) if at else None
    if gap is None or before is None or before.end != at - 1 or before.kind not in RANGED:
        return None
    left, right = _LEFT_NUMBER.search(text[max(0, at - 16) : at - 1]), _RIGHT_NUMBER.match(text, gap.end())
    if left and right and not (before.kind in ("time", "date") and _PLACED.match(text, gap.end())):
        rises = int(left[1]) < int(right[1])
        if before.kind == "number" and _PLACED.match(text, gap.end()) and int(left[1]) > 31:
            rises = True  # a life: "742 – 28 January 814"
    else:  # "1/5 - 1/3" rises as a day though the number beside the dash falls
        rises = before.kind in ("money", "time", "date")
    is_number = before.kind == "number"
    if before.kind in ("number", "money") and _is_sum(text, gap.end()):
        return Span(at, at + 1, "symbol", locale.signs.minus)  # "$50 - $20 = $30"
    has_words = is_number and _LETTER.search(text, max(0, at - 48), at) is not None
    if rises or (has_words and _HOURS_LEFT.search(text[max(0, at - 24) : at - 1])):
        return Span(at, at + 1, "range", locale.signs.to)
    if has_words and _SCORE_LEFT.search(text[max(0, at - 48) : at - 1]):
        return Span(at, at + 1, "range", locale.signs.to)
    is_sum = is_number and _SUM_LEFT.search(text[max(0, at - 24) : at - 1])
    return Span(at, at + 1, "symbol", locale.signs.minus) if is_sum else None


def point(text: str, at: int, locale: Locale) -> Span | None:
    """ ".5" → "point five"; a dot behind a letter or a digit is no part of a number."""
    left = text[at - 1 : at]
    if left and (left.isalnum() or left in ".)"):
        return None
    found = _POINT.match(text, at)
    if found is None:
        return None
    behind = text[found.end() : found.end() + 1]
    if behind and (behind == " " or behind.isalpha()) and (span := word_behind(text, found, locale)):
        return span  # ".5 mi"
    if behind in ('"', "”", "″") and (span := lengths.inches(text, found, locale)):
        return span
    return Span(at, found.end(), "number", amount("", found[2], locale))


def star(text: str, at: int, locale: Locale) -> Span:
    """ "3 * 4" → "times", "press *9" → "star"; any other is decoration."""
    if (
        _STAR_KEY.match(text, at)
        and text[at - 1 : at] in ("", " ")
        and not text[max(0, at - 2) : at - 1].isdecimal()
    ):
        return Span(at, at + 1, "symbol", f"{locale.signs.star} ")
    if (
        text[at - 1 : at] == " "
        and text[at + 1 : at + 2] in ("", " ", ".", ",")
        and (_is_key(text, at) or _STAR_FOR.match(text, at))
    ):
        return Span(at, at + 1, "symbol", locale.signs.star)
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
    end, raised = found.end(), f" {short or f'{signs.power} {minus}{said}'}"
    behind = _UNIT_BEHIND.match(text, end) if text[max(0, at - 2) : at] == "10" else None
    if behind and (unit := locale.units.get(behind[1])):
        return Span(at, behind.end(), "symbol", f"{raised} {unit.many}")  # "10^-9 m"
    return Span(at, end, "symbol", raised)


def number_sign(text: str, at: int, locale: Locale) -> Span:
    """ "#" before digits → "number", before a word → "hash", else nothing."""
    if flat := _HASH_FLAT.match(text, at):
        said = f"{whole(flat[1], locale)}, {room(flat[2], locale)}"
        return Span(at, flat.end(), "unit", f"{locale.signs.number} {said}")
    if found := _HASH_NUMBER.match(text, at):
        return Span(at, found.end(), "symbol", f"{locale.signs.number} ")
    if found := _HASH_CODE.match(text, at):
        return Span(at, at + 1, "symbol", f"{locale.signs.number} ")
    if found := _HASH_WORD.match(text, at):
        return Span(at, found.end(), "symbol", f"{locale.signs.hash} ")
    if _LETTER_LEFT.search(text[max(0, at - 2) : at]):
        return Span(at, at + 1, "symbol", f" {locale.signs.sharp}")
    if _is_key(text, at):
        return Span(at, at + 1, "symbol", _apart(text, at, locale.signs.pound))
    if text[at + 1 : at + 2] in (" ", ":") and _WORD_LEFT.search(text[max(0, at - 3) : at]):
        return Span(at, at + 1, "symbol", f" {locale.signs.number}")  # "Acct# is"
    alone = text[at - 1 : at].strip() == "" and text[at + 1 : at + 2] in (" ", ":")
    return Span(at, at + 1, "symbol", locale.signs.number if alone else "")


def _is_key(text: str, at: int) -> bool:
    """Whether a sign is a key of the telephone: "press #", "the # key"."""
    if _KEYPAD.search(text[max(0, at - KEY_CHARS) : at]) or _KEY_NEXT.match(text, at + 1):
        return True
    left = text[:at].rstrip()[-1:]
    return text[at] == "#" and left in _CLAUSE_ENDS and _KEY_FOR.match(text, at + 1) is not None


def section(text: str, at: int, locale: Locale) -> Span:
    """ "§ 5" → "section five", "§§ 5-7" → "sections five to seven"."""
    names = locale.signs.others
    size = 2 if text[at + 1 : at + 2] == "§" and "§§" in names else 1
    return Span(at, at + size, "symbol", _apart(text, at, names.get(text[at : at + size], ""), size))


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
    if text[at - 1 : at].isalpha() and (area := rates.AREA.match(text, at)) and area[1] in locale.units:
        return Span(at, area.end(), "symbol", f" {locale.signs.per} {locale.units[area[1]].one}")
    period = _PERIOD.match(text, at + 1)
    if period and period[0] in locale.periods and text[at - 1 : at].isalpha():
        return Span(at, period.end(), "symbol", f" {locale.periods[period[0]]}")
    left, is_apart = text[max(0, at - 10) : at], text[at + 1 : at + 2] == " "
    if _DOSE_LEFT.search(left) and _DOSE_IN.match(text, at + 1):
        return Span(at, at + 1, "symbol", f" {locale.signs.per} ")  # "250 mg/5 mL"
    if any(before.search(left) and behind.match(text, at + 1) for before, behind in _EITHER):
        return Span(at, at + 1, "symbol", locale.signs.or_ if is_apart else f" {locale.signs.or_} ")
    if _BEDS.search(left) and _BATHS.match(text, at + 1):
        return Span(at, at + 1 + is_apart, "symbol", " " if left[-1:] != " " else "")
    if left[-1:] == "°" and _HEAT.match(text, at + 1):
        return Span(at, at + 1, "symbol", f" {locale.signs.over} ")  # of a day: "68°/54°"
    is_price = _PRICE.match(text, at + 1) is not None
    is_paid = text[at + 1 : at + 2].isdecimal() and _PAID_LEFT.search(left)  # "$20/4 tires"
    if is_paid or (is_price and (_MANY.search(left) or _LASTS_LEFT.search(left))):
        return Span(at, at + 1, "symbol", f" {locale.signs.for_} ")
    if text[at - 1 : at].strip() == "" and (path := _PATH.match(text, at)):
        return Span(at, path.end(), "url", net.spelled(path[0], locale))  # "/var/log"
    is_spaced = text[at - 1 : at] == " " == text[at + 1 : at + 2]
    is_inside = at and text[at - 1] not in "/\\" and text[at + 1 : at + 2].strip(" /\\")
    return Span(at, at + 1, "symbol", _apart(text, at, locale.signs.slash) if is_inside or is_spaced else "")


def apostrophe(text: str, at: int, locale: Locale) -> Span | None:
    """The mark before a decade or a short year: "'70s" → "seventies", "'05" → "oh five"."""
    if found := _DECADE.match(text, at):
        return Span(at, found.end(), "symbol", "")
    year = _SHORT_YEAR.match(text, at)
    if year is None or text[at - 1 : at].isalnum():
        return None
    written = year[1]
    said = (
        f"{locale.oh} {locale.digits[int(written)]}" if written[0] == "0" else locale.cardinal(int(written))
    )
    return Span(at, year.end(), "date", said)


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
    """ "20+" and "x + 1" → "plus", "+/-" → "plus or minus"."""
    if text[at + 1 : at + 3] in ("/-", "/−", "/–"):
        following = " " if text[at + 3 : at + 4].isalnum() else ""
        return Span(at, at + 3, "symbol", f"{locale.signs.others.get('±', '')}{following}")
    return Span(at, at + 1, "symbol", _apart(text, at, locale.signs.plus))


def cross(text: str, at: int, locale: Locale) -> Span:
    """ "×" → "times", between two lengths "by"."""
    if _LENGTH_LEFT.search(text[max(0, at - 7) : at]):
        return Span(at, at + 1, "symbol", _apart(text, at, locale.signs.by))
    return word_sign(text, at, locale)


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
    "§": section,
    "~": about,
    "/": slash,
    "×": cross,
    "—": pause,
    "―": pause,
    "_": gap,
    "\\": gap,
    "|": gap,
    ">": arrow,
    "<": compared,
    "=": compared,
}
