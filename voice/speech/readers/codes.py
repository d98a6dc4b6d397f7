"""Codes and identifiers: letters spelled, digits one by one or in pairs; flats: "4B", "B-12", "3BR/2BA"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import LOOK_BACK, cue_before
from voice.speech.readers.numbers import digits, in_pairs
from voice.speech.span import Span
from voice.speech.tables import word_set

MAX_CODE_CHARS = 64  # a longer run is said piece by piece as it comes

_CODE = Pattern(
    rf"(?=([A-Za-z0-9]{{1,{MAX_CODE_CHARS}}}(?:[-_][A-Za-z0-9]{{1,{MAX_CODE_CHARS}}}){{0,8}}))\1(?!\w|\.\d)"
)
_PLAIN = Pattern(r"([A-Z]{3})([0-9]{5,9})(?=[,;!?)](?!\d)|\.?(?: |\Z))")  # "INC0012345", alone
_MIXED_PART = Pattern(r"\d[a-z]|[a-z]\d")
_PARTS = Pattern(r"\d+|[^\W\d_]+")
_DASHED = Pattern(r"\d{1,9}(?:-\d{1,9}){1,5}(?:-X)?(?![\w])")
_SPACED = Pattern(r"\d{2,5}(?: \d{2,5}){1,5}(?![\w%:/-]|[.,]\d|\s[a-z]{2,})")
_FISCAL = Pattern(r"FY((?:19|20)\d\d)")
_FISCAL_YEARS = Pattern(r"FY['’]?(\d\d|20\d\d)[-–/](\d\d)(?!\w)")  # FY25-26
_WIRELESS = Pattern(r"802\.(1?\d)(?:([a-z]{1,2}(?:/[a-z]{1,2}){0,4})(?![\w/]))?(?!\w|\.\w)")
_TIRE_OF = Pattern(r"(?:P|LT|ST)(?=\d{3}/\d\dZ?R\d\d(?!\w))")
_TIRE = Pattern(r"(\d{3})/(\d\d)(Z?R)(\d\d)(?!\w)")
_BANK = Pattern(r"[A-Z]{2}\d{2}(?:\s?[A-Z0-9]{4}){3,7}(?:\s?[A-Z0-9]{1,3})?(?!\w)")  # an IBAN
_HARDWARE = Pattern(r"[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}(?![\w:-])")  # 00:1A:2B:3C:4D:5E
_HEX = Pattern(r"0([xX])([0-9A-Fa-f]{1,16})(?!\w)")
_AIRCRAFT = Pattern(r"7[0-8]7-(?:[1-9]00|8|9|10)(?!\w|-)")
_BEFORE_AIRCRAFT = word_set("boeing a an the our airbus")
_CASE = Pattern(r"\d{2,4}-[A-Z]{1,4}-\d{2,9}(?![\w-])")  # of a court: 24-CV-00123
_CHIPS = word_set("i3 i5 i7 i9 m1 m2 m3")
_KEYS = Pattern(r"(?:\s?[+]\s?|-)([A-Z][A-Za-z]{1,8}|[A-Za-z]|[fF]?\d{1,2})(?![\w'’])")
_MARK = Pattern(r"([+-])(?![\w+$-]|\s\d|\s?[=(])")
_BLOOD = Pattern(
    r"\b(?:blood|donors?|Rh)\b[^.!?]*$|\btype\s(?:(?:A|B|AB|O)[+-],?\s(?:or\s|and\s)?)*$", re.IGNORECASE
)
_LONE_KEYS = word_set("Ctrl CTRL Cmd Esc ESC PgUp PgDn PrtSc Bksp")
_GRADED = Pattern(
    r"(?:^|\b(?:an?|the|my|his|her|your|grades?|got|gets|gave|gives|earned|from|to|or|and|with|rated|is|was)\s"
    r"|[A-DF][+-],?\s|plus\s|minus\s|[,(]\s?)$",
    re.IGNORECASE,
)
_BLOOD_ONLY = ("O", "AB")  # no grades
SPELLED = 5  # capitals: more are likelier a word
VOWELS = frozenset("AEIOUY")
# Two letters that begin no word: "HDMI", "FDIC", "NCAA" are spelled, "NASA" and "FICO" are not.
_NO_BEGINNING = Pattern(
    r"B[^AEIOULRYH]|C[^AEIOULRYHZ]|D[^AEIOURWYH]|F[^AEIOULRYJ]|G[^AEIOULRNYHW]|[HJMNX][^AEIOUYC]|L[^AEIOUYL]|NC|HC"
    r"|K[^AEIOULRNYHW]|P[^AEIOULRSYHTNF]|Q[^U]|R[^AEIOUYH]|S[BDFGJRSVXZ]|T[^AEIOURWYHSZ]|V[^AEIOUYL]"
    r"|W[^AEIOURHY]|Y[^AEIOUV]|Z[^AEIOUYWLH]"
)


def letters(written: str, locale: Locale) -> str:
    """Capitals spelled ("INC" → "I N C"), other letters as they are."""
    is_short = written.isupper() and len(written) <= SPELLED and written not in locale.as_words
    return " ".join(written) if is_short and not is_said(written, locale) else written


def is_said(word: str, locale: Locale) -> bool:
    """Whether capitals are likelier a word than letters: four or more that can be said."""
    return (
        len(word) > 3
        and not VOWELS.isdisjoint(word)
        and word not in locale.spelled
        and not _NO_BEGINNING.match(word)
    )


def run(written: str, locale: Locale, by_digit: bool = False) -> str:
    """A run of letters and digits: "L20931" → "L two zero nine three one", "W2s" → "W two s"."""
    parts = _PARTS.findall(written)
    are_several = len(parts) > 1 and parts[-1] == "s" and parts[-2].isdecimal() and len(parts[-2]) > 1
    said = [
        _digits(part, locale, by_digit, written[:-1] if are_several else written)
        if part[0].isdecimal()
        else letters(part, locale)
        for part in (parts[:-1] if are_several else parts)
    ]
    return _several(" ".join(said)) if are_several else " ".join(said)


def _several(said: str) -> str:
    """ "B fifty two" → "B fifty twos"."""
    if said[-1] == "y":
        return f"{said[:-1]}ies"
    return f"{said}es" if said[-1] == "x" else f"{said}s"


def _digits(written: str, locale: Locale, by_digit: bool, code: str) -> str:
    if written[0] == "0" or len(written) > 4 or by_digit:
        return digits(written, locale)
    if len(written) == 4 and not written.endswith("00"):
        return digits(written, locale)
    is_paired = len(written) > 2 and not code.islower()
    return in_pairs(written, locale) if is_paired else locale.cardinal(int(written))


def plain(text: str, at: int, locale: Locale) -> Span | None:
    """What `mixed` says of three letters and many digits, in a fifth of its time."""
    found = _PLAIN.match(text, at)
    if found is None or found[1] in locale.as_words:
        return None
    return Span(at, found.end(), "code", f"{' '.join(found[1])} {digits(found[2], locale)}")


def mixed(text: str, at: int, locale: Locale) -> Span | None:
    """A code that begins at `at` and has letters and digits both: "INC0012345", "B-12", "4B", "25d08A"."""
    if (known := _known(text, at, locale)) is not None:
        return known
    if text[at : at + 2] == "FY" and (years := _FISCAL_YEARS.match(text, at)):
        first, last = (
            locale.year(int(year)) if len(year) > 2 else _short(year, locale) for year in years.groups()
        )
        return Span(at, years.end(), "code", f"F Y {first} {locale.signs.to} {last}")
    found = _CODE.match(text, at)
    if found is None:
        return None
    written = found[1]
    if written.isalpha() or not any(map(str.isdecimal, written)) or not any(map(str.isalpha, written)):
        return None
    head = written.replace("_", "-").partition("-")[0]
    is_cued = text[max(0, at - 2) : at].rstrip(" ")[-1:] == "#" and "-" in written
    is_cued = is_cued or cue_before(text, at, locale).word in locale.digit_cues
    is_coded = is_cued and (_MIXED_PART.search(written) or written.isupper())
    if "-" in written and not (_is_prefix(head, locale) or is_coded or _CASE.match(text, at)):
        return None  # "covid-19", "4-kilogram", "5-3-Ws": words and numbers, each read for itself
    if fiscal := _FISCAL.fullmatch(written):
        return Span(at, found.end(), "code", f"F Y {locale.year(int(fiscal[1]))}")
    return Span(at, found.end(), "code", run(written, locale, by_digit=is_cued))


def _known(text: str, at: int, locale: Locale) -> Span | None:
    """Kinds of codes that are known by their shape: "A4:5E:00:1A:2B:3C", "DE89 3704 0044 …"."""
    if text[at : at + 1] in ("P", "L", "S") and (kind := _TIRE_OF.match(text, at)):
        size = _tire(text, kind.end(), locale)
        return size and size._replace(start=at, spoken=f"{' '.join(kind[0])} {size.spoken}")
    if text[at + 2 : at + 3] == ":" and (found := _HARDWARE.match(text, at)):
        return hardware(text, found, locale)
    if text[at : at + 2].isupper() and (found := _BANK.match(text, at)):
        plain = found[0].replace(" ", "")
        groups = [run(plain[place : place + 4], locale, by_digit=True) for place in range(0, len(plain), 4)]
        return Span(at, found.end(), "code", ", ".join(groups))
    return None


def hardware(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "00:1A:2B:3C:4D:5E" → "zero zero, one A, …"."""
    parts = _HARDWARE.match(text, found.start())
    if parts is None:
        return None
    pairs = re.split("[:-]", parts[0])
    said = ", ".join(
        [" ".join([locale.digit_names.get(sign) or sign.upper() for sign in pair]) for pair in pairs]
    )
    return Span(parts.start(), parts.end(), "code", said)


def _short(year: str, locale: Locale) -> str:
    return f"{locale.oh} {locale.digits[int(year)]}" if year[0] == "0" else locale.cardinal(int(year))


def wireless(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "802.11ac" → "eight oh two dot eleven A C"."""
    parts = _WIRELESS.match(text, found.start()) if found[1] == "802" else None
    if parts is None:
        return None
    said = f"{in_pairs('802', locale)} {locale.signs.dot} {locale.cardinal(int(parts[1]))}"
    return Span(
        found.start(), parts.end(), "code", " ".join([said, *(parts[2] or "").replace("/", "").upper()])
    )


def tire(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "225/65R17" → "two twenty five sixty five R seventeen"."""
    return _tire(text, found.start(), locale)


def _tire(text: str, at: int, locale: Locale) -> Span | None:
    parts = _TIRE.match(text, at)
    if parts is None:
        return None
    said = f"{in_pairs(parts[1], locale)} {in_pairs(parts[2], locale)} {' '.join(parts[3])}"
    return Span(at, parts.end(), "code", f"{said} {in_pairs(parts[4], locale)}")


def hexadecimal(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "0x80070005" → "zero X eight zero zero seven …"."""
    parts = _HEX.match(text, found.start())
    if parts is None or len(parts[2]) < 2:
        return None
    said = " ".join([locale.digit_names.get(sign) or sign.upper() for sign in parts[2]])
    return Span(parts.start(), parts.end(), "code", f"{locale.digits[0]} X {said}")


def aircraft(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "a Boeing 737-800" → "seven thirty seven eight hundred"."""
    parts = _AIRCRAFT.match(text, found.start()) if text[found.start()] == "7" else None
    if parts is None or cue_before(text, found.start(), locale).next not in _BEFORE_AIRCRAFT:
        return None
    said = " ".join([in_pairs(part, locale) for part in parts[0].split("-")])
    return Span(parts.start(), parts.end(), "code", said)


def keys(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Ctrl+Alt+Del" → "Control Alt Delete", "Alt-F4" → "Alt F four"; "Esc" alone → "Escape"."""
    said, stop = [locale.keys[text[start:end]]], end
    while len(said) < 5 and (key := _KEYS.match(text, stop)):
        said.append(locale.keys.get(key[1]) or run(key[1].upper() if len(key[1]) < 4 else key[1], locale))
        stop = key.end()
    if len(said) == 1 and (len(said[0]) == end - start or text[start:end] not in _LONE_KEYS):
        return None
    return Span(start, stop, "keys", " ".join(said))


def marked(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """A grade or a group of blood: "B-" → "B minus", "O-" → "O negative"."""
    if text[end : end + 1] not in locale.marks or not (mark := _MARK.match(text, end)):
        return None
    word = text[start:end]
    is_blood = word in _BLOOD_ONLY or (
        word in ("A", "B") and _BLOOD.search(text[max(0, start - LOOK_BACK) : start]) is not None
    )
    if mark[1] == "-" and not is_blood and not _GRADED.search(text[max(0, start - 12) : start]):
        return None  # "Apt. 4B-": a dash without its space
    names = locale.blood_marks if is_blood else locale.marks
    return Span(start, end + 1, "code", f"{' '.join(word)} {names[mark[1]]}")


def spaced(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Equal groups of digits behind a word that says they are a code: "code is 12 34 56"."""
    parts = _SPACED.match(text, found.start())
    if parts is None or cue_before(text, found.start(), locale).word not in locale.digit_cues:
        return None
    groups = parts[0].split(" ")
    if len({len(group) for group in groups}) > 1:
        return None
    said = ", ".join([digits(group, locale) for group in groups])
    return Span(found.start(), parts.end(), "code", said)


def _is_prefix(head: str, locale: Locale) -> bool:
    """Whether the part before a dash begins a code: a few capitals, perhaps with digits."""
    some_letters = [letter for letter in head if letter.isalpha()]
    return (
        bool(some_letters)
        and (head.isupper() or head in _CHIPS)
        and len(some_letters) <= SPELLED
        and head not in locale.as_words
    )


def dashed(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Digits with dashes behind a word that says they are a code: "case 2024-118"."""
    parts = _DASHED.match(text, found.start())
    if parts is None or cue_before(text, found.start(), locale).word not in locale.digit_cues:
        return None
    said = ", ".join([digits(part, locale) if part != "X" else part for part in parts[0].split("-")])
    return Span(found.start(), parts.end(), "code", said)


def spelled_tail(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """A number with letters behind it: "4B", "3D", "97X", "25d08A"."""
    return mixed(text, found.start(), locale)
