"""Roman numerals: "Chapter IV", "Henry III", "Phases I, II and III", "(ii)"."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import LOOK_BACK, previous_word
from voice.speech.span import Span
from voice.speech.tables import word_set

_NUMERAL = r"(?:M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3}))"
_ROMAN = Pattern(_NUMERAL)
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_LETTER_NEXT = Pattern(r"\s[A-Z](?![\w'’/])")
_CENTURY = Pattern(r"(?:st|nd|rd|th)?[\s-](?:century|centuries|Corps|Army|Legion|Olympiad)\b")
# The numerals before another one, and the word they all follow: "Phases I, II and ".
_LISTED = Pattern(
    r"([^\W\d_]+)\.?\s(?:[IVXLC]{1,6}(?:,?\s(?:and|or|to|through|thru|&|-|–)\s|,\s|[-–&/]))+$", re.IGNORECASE
)
_RANGE = Pattern(rf"\s?[-–]\s?(?=[IVXLC]|[ivxlc])({_NUMERAL})(?!\w)", re.IGNORECASE)
# Between two words with a capital and the numeral of a person: "John D. Rockefeller IV".
_PERSON = Pattern(r"(?:^|\s)([A-Z][a-z]+)\s(?:[A-Z](?:\.|[a-z]+)\s)?[A-Z][\w'’]+,?\s$")
_THE = Pattern(r"(?:^|\s)[A-Z][a-z]+\sthe\s$")
_ITEM = Pattern(r"\.(?=\s|$)|\)")
_CAPITAL_NEXT = Pattern(r"\s[A-Z0-9$]")
_OPENED = Pattern(r"(?:^|[^\w])\($")  # "(v)", but "f(v)"
_WORDS = ("i", "v", "vi")  # that are more than numerals
_BEGINS = Pattern(r"(?:^|[\n(:;.]\s{0,3})$")
# "Phase I trial", but "the page I need" and "the parts I and Kim saw".
_I_ENDS = Pattern(r"[.,;:!?)]|$|,?\s(?:and|or|to|through|thru|&)\s[IVX]+(?![\w'’])|\s?[-–][IVX]")
_I_SAYS = Pattern(
    r"\s(?:am|have|had|will|would|can|can't|could|need|want|think|saw|see|do|don't|did|just|know|mean|mentioned|"
    r"said|sent|gave|told|like|live|rent|left|may|might|should|must|never|also|already|really|guess|hope)\b"
)
_PART = Pattern(r"\.(?:([A-Z])|(\d{1,3}))(?!\w|\.\w)")  # "Sec. II.B", "Version II.5"
_LISTS = Pattern(r"\.(?:\s[A-Z]|\s*$)")
_SURE_CHARS = frozenset("IVX")
_NO_NUMERAL = word_set("IV XX XXX XI VI")  # behind a name: a drip, a size, an editor
# "Charles I was crowned", "King James I had", but "I told James I was late".
_RULER = Pattern(
    r"(?:^|[.!?]\s|[\n\"“(]|\b(?:King|Queen|Pope|Emperor|Empress|Tsar|Sultan|Kaiser|Prince|[Aa]fter|[Ww]hen|"
    r"[Ww]hile|[Uu]ntil|[Bb]efore|[Ss]ince|[Ww]here|[Aa]lthough|[Tt]hough|[Ww]hich|[Tt]hat)\s)[A-Z][a-z]+\s$"
)
_YEARS = range(1500, 3000)


def roman(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Chapter IV" → "four", "Henry III" → "the third". One letter needs a sure word before it."""
    word = text[start:end]
    if not _VALUES.keys() >= set(word) or not _ROMAN.fullmatch(word):
        return None
    if len(word) > 1 and _CENTURY.match(text, end):
        return Span(start, end, "roman", locale.ordinal(value(word)))
    if len(word) > 3 and value(word) in _YEARS:
        return Span(start, end, "date", locale.year(value(word)))  # "MMXXIV"
    if len(word) > 1 and _LISTS.match(text, end) and _BEGINS.search(text[max(0, start - 4) : start]):
        return Span(start, end, "roman", locale.cardinal(value(word)))  # "II. Rent"
    if _has_ended(text, start):
        return None
    before = previous_word(text, start)
    is_last = not _LETTER_NEXT.match(text, end)
    if text[start - 1 : start] in (" ", "\n") and is_last:
        if _is_counted(before, locale) and (word != "I" or _is_one(text, end, before)):
            return _counted(text, start, end, locale)
        if before in locale.rulers and (len(word) > 1 or _is_rulers(text, start, end, word)):
            return Span(start, end, "roman", locale.ruler(value(word)))
    if len(word) > 1 and _THE.search(text[max(0, start - LOOK_BACK) : start]):
        return Span(start, end, "roman", locale.ordinal(value(word)))  # "Henry the VIII"
    listed = _LISTED.search(text[max(0, start - LOOK_BACK) : start])
    if listed and _is_counted(listed[1], locale) and (word != "I" or _I_ENDS.match(text, end)):
        return _counted(text, start, end, locale)
    return _behind_name(text, start, end, word, locale)


def item(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """In small letters, of a list ("ii. Gas", "(iv)") or a page ("pages xii-xv")."""
    word = text[start:end]
    before = previous_word(text, start)
    if len(word) > 1 and _is_counted(before, locale) and text[start - 1 : start] == " ":
        return _counted(text, start, end, locale)
    mark = _ITEM.match(text, end)
    if mark is None:
        return None
    if mark[0] == ")":
        is_item = _OPENED.search(text[max(0, start - 2) : start]) is not None
        is_item = is_item or (word not in _WORDS and text[start - 1 : start].strip() == "")
    else:
        begins = _BEGINS.search(text[max(0, start - 4) : start]) is not None
        is_item = word not in _WORDS or (begins and _CAPITAL_NEXT.match(text, mark.end()) is not None)
    if not is_item:
        return None
    return Span(start, end, "roman", locale.cardinal(value(word.upper())))


def value(numeral: str) -> int:
    """ "XIV" → 14."""
    total, largest = 0, 0
    for letter in reversed(numeral):
        one = _VALUES[letter]
        total += one if one >= largest else -one
        largest = max(largest, one)
    return total


def _has_ended(text: str, start: int) -> bool:
    """Whether a sentence has ended right before: "We fixed it. I think"."""
    mark = text[start - 2 : start - 1] if start > 1 else ""
    return mark in ("!", "?") or (mark == "." and len(previous_word(text, start)) > 4)


def _is_counted(word: str, locale: Locale) -> bool:
    plain = word.lower()
    return plain in locale.counted_by or (plain[-1:] == "s" and plain[:-1] in locale.counted_by)


def _is_one(text: str, end: int, before: str) -> bool:
    """Whether "I" behind a word that may be numbered is no person."""
    return _I_ENDS.match(text, end) is not None or (before[0].isupper() and not _I_SAYS.match(text, end))


def _counted(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Chapter IV" → "four", "Volumes I-III" → "one to three"."""
    word = text[start:end]
    if len(word) == 1 and word not in "IVXivx":
        return None
    said = locale.cardinal(value(word.upper()))
    if (last := _RANGE.match(text, end)) and last[1]:
        return Span(
            start, last.end(), "roman", f"{said} {locale.signs.to} {locale.cardinal(value(last[1].upper()))}"
        )
    if part := _PART.match(text, end):
        of = part[1] or f"{locale.signs.point} {locale.cardinal(int(part[2]))}"
        return Span(start, part.end(), "roman", f"{said} {of}")
    return Span(start, end, "roman", said)


def _behind_name(text: str, start: int, end: int, word: str, locale: Locale) -> Span | None:
    """Behind a name: "Thomas Howell III" → "the third", "Elm Court II" → "two"."""
    if len(word) == 1 or not _SURE_CHARS.issuperset(word) or text[start - 1 : start] != " ":
        return None
    person = _PERSON.search(text[max(0, start - LOOK_BACK) : start])
    if person and person[1] in locale.given_names:
        return Span(start, end, "roman", locale.ruler(value(word)))
    before = previous_word(text, start)
    is_name = before[:1].isupper() and not before.isupper() and text[start - 2] not in ".,;:!?"
    if word in _NO_NUMERAL or not is_name:
        return None
    return Span(start, end, "roman", locale.cardinal(value(word)))


def _is_rulers(text: str, start: int, end: int, word: str) -> bool:
    """Whether one letter behind a name is a number: "David I of Scotland", not "Henry I think"."""
    if word not in "IVX":
        return False
    behind = text[end : end + 4]
    return (
        word == "V"
        or not behind.strip()
        or behind[0] in "-,.;:)'’"
        or behind.startswith(" of")
        or (
            behind.startswith((" was", " is", " had"))
            and _RULER.search(text[max(0, start - 32) : start]) is not None
        )
    )
