"""Weekdays: "Mon-Fri", "Sat: 9-1", "M–Th", "Tue/Thu"."""

from __future__ import annotations

from collections.abc import Container

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import ends_sentence, previous_word
from voice.speech.span import Span
from voice.speech.tables import word_set

_NAME_DASH = Pattern(r"\.?\s?[-–]\s?(?=[^\W\d_]{3})")
_THREE_NAMES = Pattern(r"(?:\.?[-–][A-Z][a-z]{2,8}){2}")
_DASH_LEFT = Pattern(r"(?<=\w)(?:[-–]|\s[-–]\s)$")
_WHOLE_HOLIDAYS = word_set("Thanksgiving Christmas Easter Halloween Juneteenth Spring Fall Summer Winter")
_NAME_AT = Pattern(r"[^\W\d_]+")
_NAME_BEFORE = Pattern(r"[^\W\d_]+(?:['’]s)?$")
# "Sat" and "Sun" are words, too: what stands behind a day of the week …
_DAY_NEXT = Pattern(
    r"\.?,?\s?(?:[-–—/&,]|\d|at\b|to\b|and\b|from\b|through\b|thru\b|or\b|@)|\.|[:!?]"
    r"|\s(?:mornings?|afternoons?|evenings?|nights?|noon|closed|only|hours|by appointment)\b"
)
# … and before one.
_DAY_BEFORE = word_set("on this next last every each until till by open closed starting through thru coming")
_LETTERS = ("M", "T", "Tu", "W", "Th", "F", "Sa", "Su")
_LETTERS_JOINED = Pattern(
    r"(\s?[-–]\s?)(Tu|Th|T|W|F|Sat?|Sun?)(?![\w'’])|((?:/(?:Tues?|Tu|Thurs?|Thu|Th|T|W|F|Sat?|Sun?)\b)+)(?![\w/])"
)
_TEST_NEXT = Pattern(r"\s(?:\d{3,4}(?![\d:])|scores?\b|prep\b|tests?\b)")
_THIRD_LETTER = Pattern(r"[-–](Th|F|Sat?|Sun?)(?![\w'’-])")
_HOURS_NEXT = Pattern(r":?,?\s\d{1,2}(?:[:ap-]|\s?[-–]|\s[ap])")
_DATE_NEXT = Pattern(r"\.?,?\s\d{1,2}(?:[/:]\d|\s?[ap]\.?m)")
_SLASHED_DAY = Pattern(r"\.?/([A-Z][a-z]{1,8})\b(/)?")


def weekday(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Mon-Fri" → "Monday to Friday"; "Sat" only beside something of a calendar."""
    word = text[start:end]
    said = locale.weekday_forms[word]
    before = text[max(0, start - 4) : start]
    if joined := joined_to(text, end, locale.weekday_forms):
        # Three of them are no range: "Mon-Wed-Fri".
        is_list = before.endswith(("-", "–")) or _THREE_NAMES.match(text, end)
        return Span(start, joined, "date", f"{said}, " if is_list else f"{said} {locale.signs.to} ")
    other = _SLASHED_DAY.match(text, end)
    if other and other[1] in locale.weekday_forms:
        joint = ", " if other[2] or before[-1:] == "/" else f" {locale.signs.and_} "
        return Span(start, other.start(1), "date", f"{said}{joint}")
    if word == "SAT" and _TEST_NEXT.match(text, end):
        return None
    in_list = before.endswith(("-", "–", "/", "& ", " to ", " or ", "and "))
    is_sure = (
        in_list
        or word[:3] in ("Tue", "Thu", "Fri", "Mon")
        or _DAY_NEXT.match(text, end) is not None
        or previous_word(text, start).lower() in _DAY_BEFORE
    )
    if before[-1:] in ("-", "–") and before[-2:-1].isdecimal() and _DATE_NEXT.match(text, end):
        return Span(start - 1, end, "date", f" {locale.signs.to} {said}")  # "6/6–Sun 6/7"
    is_whole = word.lower() == said.lower() and not before.endswith(("y-", "y–"))  # "monday-friday"
    if word == said or not is_sure or is_whole:
        return None
    if text[end : end + 1] == "." and not ends_sentence(text, end + 1):
        end += 1
    return Span(start, end, "date", said)


def letters(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "M-F" → "Monday to Friday", "Tu/Th" → "Tuesday, Thursday", "Tu 2-4"; other letters are none."""
    word = text[start:end]
    names = locale.day_letters
    found = _LETTERS_JOINED.match(text, end)
    if found is None:
        is_day = len(word) == 2 and word[0] in "TS" and _HOURS_NEXT.match(text, end)
        return Span(start, end, "date", names[word]) if is_day else None
    if found[2] and (last := _THIRD_LETTER.match(text, found.end())):
        three = (word, found[2][:2], last[1][:2])
        return Span(start, last.end(), "date", ", ".join([names[day] for day in three]))  # "M-W-F"
    if found[2]:
        if _LETTERS.index(word) >= _LETTERS.index(found[2][:2]) or word + found[2] == "TF":
            return None  # "T-F" is true or false
        return Span(start, found.end(), "date", f"{names[word]} {locale.signs.to} {names[found[2][:2]]}")
    days = [word, *(day[:2] for day in found[3].split("/")[1:])]
    if days == ["M", "F"] or days == ["T", "F"]:
        return None  # male or female, true or false
    return Span(start, found.end(), "date", ", ".join([names[day] for day in days]))


def holiday(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """The second of "Memorial Day–Labor Day": the dash is read with it."""
    dash = _DASH_LEFT.search(text[max(0, start - 4) : start])
    if dash is None:
        return None
    ends = start - len(dash[0])
    left = _NAME_BEFORE.search(text[max(0, ends - 14) : ends])
    if left is None or not (left[0] in locale.holidays or left[0] == "Day"):
        return None
    if dash[0][0] == " " and left[0] != "Day" and left[0] not in _WHOLE_HOLIDAYS:
        return None  # "New - Spring specials"
    between = locale.signs.to if dash[0][0] == " " else f" {locale.signs.to}"
    return Span(start - len(dash[0].lstrip()), end, "date", f"{between} {text[start:end]}")


def joined_to(text: str, end: int, names: Container[str]) -> int:
    """Where the second of two names of a calendar begins, if a dash joins it to the first; or 0."""
    dash = _NAME_DASH.match(text, end)
    name = _NAME_AT.match(text, dash.end()) if dash else None
    return name.start() if name and (name[0] in names or name[0].lower() in names) else 0


def ends_with_name(text: str, end: int, names: Container[str]) -> bool:
    """Whether one of some names, in any case, ends at `end`, before a dot perhaps."""
    stop = end - 1 if text[end - 1 : end] == "." else end
    found = _NAME_BEFORE.search(text[max(0, stop - 12) : stop])
    return found is not None and found[0].lower() in names
