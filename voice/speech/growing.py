"""Where the end of a text may still change its reading when more is written behind it."""

from __future__ import annotations

from voice.speech.locales.base import Locale
from voice.speech.locales.english import ENGLISH
from voice.speech.readers.table import word_readers

_NUMERALS = frozenset("IVXLCDM")
_TAIL_CHARS = 160  # looked at; no token of several words is longer, and few sentences list so many


def growing(text: str, locale: Locale = ENGLISH) -> int:
    """The index from which `text` may still be growing; `len(text)` when nothing is open.

    A last word is open until a space comes. A number, a month and an abbreviation are open until the
    word behind that space has come, too: "March 3, " may go on with a year, "(512) " with a number; so
    is what a linking word follows: "3/7 or " may go on with a day, "12 ft " with "ceilings".
    """
    tail = text[-_TAIL_CHARS:]
    at = end = len(text)
    is_last = bool(tail) and not tail[-1].isspace()
    words = tail.split()
    following, links = "", 0
    for place in range(len(words) - 1, -1, -1):
        word, before = words[place], words[place - 1] if place else ""
        end = text.rindex(word, 0, end)
        if is_last or _crosses(word, following, locale) or _is_unit_of(word, before, locale):
            at, links = end, 0
        elif links or not _links(word, before, locale):
            break
        else:
            links += 1
        is_last, following = False, word
    return at


def _links(word: str, before: str, locale: Locale) -> bool:
    """Whether a word may join what stands before it, a number or a day, to what comes."""
    return (
        word.strip(",") in locale.joints
        and before[-1:] not in ".!?;:"
        and (
            any(map(str.isdecimal, before))
            or before in locale.units
            or before in locale.measured_joints
            or before in locale.halves_of_day
            or before in locale.weekday_forms
        )
    )


def _is_unit_of(word: str, before: str, locale: Locale) -> bool:
    """Whether a word is the unit of a number before it: its noun may come, "ft" is "foot" then."""
    is_unit = word in locale.units or word in locale.measured_joints or word in locale.halves_of_day
    return is_unit and any(map(str.isdecimal, before))


def _crosses(word: str, following: str, locale: Locale) -> bool:
    """Whether a word and the one behind its space may be read as one. `following` may be ""."""
    plain = word.rstrip(".,").lstrip("(")
    if "-" in plain or "–" in plain:
        plain = plain.replace("–", "-").rpartition("-")[2]  # "Mon.–Fri."
    if plain.lower() in locale.month_forms or plain in locale.weekday_forms:
        return True
    if plain[:1].isupper() and _opens(plain, word, locale):
        return True
    if any(map(str.isdecimal, word)):
        # "3, 2026" goes on only behind a month, which is looked at next.
        return word[-1] not in ".!?;:" and (word[-1] != "," or not following or following[0].isdecimal())
    if word[-1] == "." and all(len(part) == 1 for part in plain.split(".")):
        return True  # an initial, "e.g.", "p.m."
    return (
        plain in word_readers(locale) and (word[-1] == "." or plain in locale.unit_names) and word[-1] != ","
    )


def _opens(plain: str, word: str, locale: Locale) -> bool:
    """Whether a word with a capital is read with a word behind it: "Dr Lee", "Rte 66", "US $5", "Tu 2-4"."""
    if plain in locale.titles or plain.lower() in locale.numbered:
        return True
    if not word[-1].isalpha() or len(plain) < 2:
        return False
    is_short = plain in locale.day_letters or plain in locale.directions or plain in locale.states
    is_currency = plain in locale.currencies or f"{plain}$" in locale.currencies
    return is_currency or (is_short and len(plain) == 2) or _NUMERALS.issuperset(plain)  # "the XX century"
