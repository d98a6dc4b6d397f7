"""Where the end of a text may still change its reading when more is written behind it."""

from __future__ import annotations

from functools import cache

from voice.speech.locales.base import Locale
from voice.speech.locales.english import ENGLISH
from voice.speech.readers.table import word_readers
from voice.speech.tables import word_set

_NUMERALS = frozenset("IVXLCDM")
_LETTERS = ("I", "V", "X")  # numerals of one letter
_SQUARES = word_set("sq cu fl sq. cu. fl. Sq Sq. SQ")  # before the unit itself: "850 sq ft"
_TWO_FACED = word_set("St st Dr dr")  # a saint or a street, without a dot, too
_ERAS = ("AD", "A.D.")
_DASHES = ("-", "–")
_NAME_WORDS = 3  # of a street, behind its number: "2100 Martin Luther King Blvd"
_TAIL_CHARS = 160  # looked at; no token of several words is longer, and few sentences list so many


def growing(text: str, locale: Locale = ENGLISH, *, least: int = 0) -> int:
    """The index from which `text` may still be growing; `len(text)` when nothing is open.

    A last word is open until a space comes. A number, a month and an abbreviation are open until the
    word behind that space has come, too: "March 3, " may go on with a year, "(512) " with a number; so
    is what a linking word follows: "3/7 or " may go on with a day, "12 ft " with "ceilings".
    Whoever asks only whether it is before `least` is told an index before it, not always the first one.
    """
    tail = text[-_TAIL_CHARS:]
    at = end = len(text)
    is_last = bool(tail) and not tail[-1].isspace()
    words = tail.split()
    following, links = "", 0
    for place in range(len(words) - 1, -1, -1):
        word, before = words[place], words[place - 1] if place else ""
        if not is_last and is_plain(word, locale):
            break  # nearly always
        end = text.rindex(word, 0, end)
        if (
            is_last
            or _crosses(word, following, locale)
            or _is_unit_of(word, before, locale)
            or _is_numeral_of(word, before, locale)
            or _leads_to_street(words, place, locale)
        ):
            at, links = end, 0
            if at < least:
                break
        elif links or not _links(word, before, locale):
            break
        else:
            links += 1
        is_last, following = False, word
    return at


def is_plain(word: str, locale: Locale = ENGLISH) -> bool:
    """Whether a word of small letters is read by itself, whatever follows its space: most are."""
    return word.islower() and word.isalpha() and word not in _open_words(locale)


def is_alone(word: str, locale: Locale = ENGLISH) -> bool:
    """Whether a word with a comma behind it is read by itself: most are."""
    return word.isalpha() and word.lower() not in _open_at_comma(locale)


@cache
def _open_at_comma(locale: Locale) -> frozenset[str]:
    """The words, in small letters, that may be open behind their comma: "March, 2026", "Dr., Lee", "or, "."""
    words = {*locale.month_forms, *locale.weekday_forms, *locale.titles, *locale.numbered, *locale.joints}
    return frozenset(map(str.lower, words))


@cache
def _open_words(locale: Locale) -> frozenset[str]:
    """The words of small letters that may be open, or join what stands before them."""
    known = {*locale.month_forms, *locale.weekday_forms, *locale.keys, *word_readers(locale)}
    words = {word for word in known if word.islower() and _crosses(word, "", locale)}
    words.update(locale.units, locale.measured_joints, locale.halves_of_day, _SQUARES, locale.directions)
    words.update(locale.joints, locale.links, locale.priced_kinds, locale.day_suffixes)
    return frozenset(filter(str.islower, words))


def _links(word: str, before: str, locale: Locale) -> bool:
    """Whether a word may join what stands before it, a number or a day, to what comes."""
    if word == "+":
        return before in locale.keys
    if word in locale.links and before.rstrip(".").lower() in locale.senses:
        return True  # "case no. is 24", "the temp is 72"
    if word in locale.day_suffixes and before[:1].isdecimal():
        return True  # "1st of May"
    if word in _ERAS and before.rstrip(".").lower() in locale.senses:
        return True  # "c. AD 150"
    return (
        word.strip(",") in locale.joints
        and (before[-1:] not in ".!?;:" or (word in ("x", "×") and before in locale.units))  # "36 in. x"
        and (
            any(map(str.isdecimal, before))
            or before in locale.units
            or before in locale.measured_joints
            or before in locale.halves_of_day
            or before in locale.weekday_forms
            or before.lower() in locale.month_forms
            or before in _LETTERS
        )
    )


def _is_unit_of(word: str, before: str, locale: Locale) -> bool:
    """Whether a word is that of a number before it, and its noun may come: "12 ft", "$50 late"."""
    is_unit = (
        word in locale.units
        or word in locale.measured_joints
        or word in locale.halves_of_day
        or word in _SQUARES
        or word in locale.priced_kinds
    )
    return is_unit and any(map(str.isdecimal, before))


def _is_numeral_of(word: str, before: str, locale: Locale) -> bool:
    """Whether one letter may be a number or a person: "Henry I", "the parts I"."""
    if word not in _LETTERS:
        return False
    return before in locale.rulers or before.lower().rstrip("s.") in locale.counted_by


def _leads_to_street(words: list[str], place: int, locale: Locale) -> bool:
    """Whether a street's word behind a word would make an address of it: "2100 Kramer", "N. Main"."""
    for back in range(place, max(-1, place - _NAME_WORDS - 2), -1):
        word = words[back]
        if word.isdecimal():
            return 2 < len(word) < 6
        if word.rstrip(".") in locale.directions:
            return True
        if not word[0].isupper() or not (word[-1].isalpha() or word in ("St.", "Mt.", "Ft.", "Dr.")):
            return False
    return False


def _crosses(word: str, following: str, locale: Locale) -> bool:
    """Whether a word and the one behind its space may be read as one. `following` may be ""."""
    if word[-1] == "#" or word.isdecimal():
        return True
    if word in _DASHES:
        return False  # it may link, which is asked next
    plain = word.rstrip(".,").lstrip('("“‘')
    if "-" in plain or "–" in plain:
        plain = plain.replace("–", "-").rpartition("-")[2]  # "Mon.–Fri."
    if plain.lower() in locale.month_forms or plain in locale.weekday_forms:
        return True
    if plain[:1].isupper() and _opens(plain, word, locale):
        return True
    if plain in locale.currencies or plain[:3] in ("XXX", "xxx"):
        return word[-1] != ","
    if not word.isalpha() and any(map(str.isdecimal, word)):
        # "3, 2026" goes on only behind a month, which is looked at next.
        if word[-1] == "." and plain.lstrip("0123456789,") in locale.units:
            return True  # "a 50ft. cord"
        return word[-1] not in ".!?;:" and (word[-1] != "," or not following or following[0].isdecimal())
    if word[-1] == "." and all(len(part) == 1 for part in plain.split(".")):
        return True  # an initial, "e.g.", "p.m."
    if word[-1] == "," or plain not in word_readers(locale):
        return False
    return word[-1] == "." or plain in locale.unit_names or _joins_next(plain, locale)


def _joins_next(plain: str, locale: Locale) -> bool:
    """Whether a word without a dot is read with the next one: "ext 12", "Dr Lee", "SR 99", "btw 8 and 10"."""
    return (
        (plain in locale.roads and plain != "I")  # "I-35" has its dash
        or plain in locale.keys
        or plain in locale.books
        or plain in locale.road_ends
        or plain.lower() in locale.senses
        or plain in locale.sides
        or plain in _SQUARES
        or plain in _phrase_heads(locale)
        or (plain in _TWO_FACED and bool(locale.streets))
        or (plain in locale.numbered and plain != "no")
    )


@cache
def _phrase_heads(locale: Locale) -> frozenset[str]:
    """The first words of what has a space in it: "AA batteries"."""
    return frozenset(phrase.partition(" ")[0] for phrase in locale.phrases if " " in phrase)


def _opens(plain: str, word: str, locale: Locale) -> bool:
    """Whether a word with a capital is read with a word behind it: "Dr Lee", "Rte 66", "US $5", "Tu 2-4"."""
    if plain in locale.titles or plain.lower() in locale.numbered:
        return True
    if not word[-1].isalpha() or len(plain) < 2:
        return False
    is_short = plain in locale.day_letters or plain in locale.directions or plain in locale.states
    is_currency = plain in locale.currencies or f"{plain}$" in locale.currencies
    return is_currency or (is_short and len(plain) == 2) or _NUMERALS.issuperset(plain)  # "the XX century"
