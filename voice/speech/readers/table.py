"""Which reader is asked where: by the word that stands there, or by what follows a number."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers import (
    addresses,
    bare,
    codes,
    dates,
    fractions,
    measures,
    money,
    net,
    numbers,
    rates,
    telephone,
    times,
    weekdays,
    words,
)
from voice.speech.span import Span

WordReader = Callable[[str, int, int, Locale], Span | None]  # text, where the word starts and ends
NumberReader = Callable[[str, re.Match[str], Locale], Span | None]  # text, the number
UnitReader = Callable[[str, re.Match[str], re.Match[str], Locale], Span | None]  # … and the word behind it

_DOTTED_UNIT = Pattern(r"([^\W\d_]+\.)")
_SPACED_LETTERS = frozenset("mglLhsΩΩapAPxXBCFVW")


@cache
def word_readers(locale: Locale) -> Mapping[str, tuple[WordReader, ...]]:
    """The readers of every word that may be said otherwise, in the order in which they are asked."""
    table: dict[str, list[WordReader]] = defaultdict(list)

    def add(forms: Iterable[str], reader: WordReader) -> None:
        for form in forms:
            table[form].append(reader)

    months = [form for month in locale.month_forms for form in (month, month.title(), month.upper())]
    add(months, dates.month_first)
    add(locale.weekday_forms, weekdays.weekday)
    add(locale.range_ends, times.end_of_range)
    add(locale.day_letters, weekdays.letters)
    add((code for code in locale.currencies if code.isalpha()), money.by_code)
    add({re.split(r"\W", phrase)[0] for phrase in locale.phrases}, words.phrase)
    add(("Q", "q"), dates.quarter_first)
    add(("P",), addresses.box)
    add(("US",), money.country)
    add(("Ph",), words.initials)
    add(("x", "X"), measures.by)
    add(("sq", "Sq"), measures.square)
    add((form for form in locale.units if form[-1] in "²³"), measures.alone)
    if locale.streets:
        add(("St", "st", "ST"), addresses.saint_or_street)
        add(("Dr", "dr", "DR"), addresses.doctor_or_drive)
    add(locale.unit_names, addresses.unit)
    add(locale.streets, addresses.street)
    add(locale.directions, addresses.direction)
    add(locale.states, addresses.state)
    add(locale.titles, words.title)
    add(filter(str.isalnum, locale.signs.others), words.vulgar)
    add((unit for unit in locale.units if unit in locale.rate_units), rates.behind_per)
    add(locale.words, words.abbreviation)
    add(locale.dotted, words.dotted)
    return {form: tuple(readers) for form, readers in table.items()}


@cache
def _behind_readers(locale: Locale) -> Mapping[str, tuple[UnitReader, ...]]:
    """What a word right behind a number, or behind one space, makes of it."""
    table: dict[str, list[UnitReader]] = defaultdict(list)

    def add(forms: Iterable[str], reader: UnitReader) -> None:
        for form in forms:
            table[form].append(reader)

    months = [form for month in locale.month_forms for form in (month, month.title(), month.upper())]
    suffixes = locale.ordinal_suffixes
    add(months, _alone(dates.day_first))
    add(suffixes, _alone(dates.day_first))
    add(suffixes, _alone(numbers.ordinal))
    add(locale.day_suffixes, _alone(dates.day_first))
    add(("s",), _alone(numbers.decade))
    add(("s",), _alone(numbers.round_plural))
    add((*locale.halves_of_day, "a", "p", "A", "P"), _alone(times.on_the_hour))
    add(("a", "p", "A", "P", "am", "pm", "AM", "PM"), _alone(times.dotted))
    add(("B", "BC", "BCE", "A", "AD", "C", "CE"), _alone(dates.era))
    add(("x", "X"), _alone(measures.times))
    add(("²", "³"), measures.powered)
    add(("ft",), _alone(measures.feet_and_inches))
    add(("in",), _alone(measures.inch_word))
    add(("F", "C", "V", "W"), _alone(measures.letter_unit))
    add(("k", "K", "b"), _alone(numbers.named))
    # One letter is a unit before it is a scale ("5 m"), but a thousand before it is anything ("10k").
    add(
        (unit for unit in locale.units if unit not in locale.scales or unit in ("m", "mm")), measures.measured
    )
    add(locale.currencies, money.named)
    add(locale.scales, measures.scaled)
    return {form: tuple(readers) for form, readers in table.items()}


def _alone(reader: NumberReader) -> UnitReader:
    """A reader that looks at the word behind the number by itself."""

    def read(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span | None:
        return reader(text, found, locale)

    return read


def word_behind(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """A number and the word behind it: a unit, a scale, a currency, a month, "p.m.", "th" …"""
    glued = text[found.end()] != " "
    name = measures.UNIT_WORD.match(text, found.end() + (not glued))
    if name is None:
        return None
    word, readers = name[1], _behind_readers(locale)
    if not glued and len(word) == 1 and word not in _SPACED_LETTERS:
        return None
    for reader in readers.get(word, ()):
        if (span := reader(text, found, name, locale)) is not None:
            return span
    if text[name.end() : name.end() + 1] != "." or f"{word}." not in readers:
        return None
    name = _DOTTED_UNIT.match(text, name.start())
    assert name is not None
    own = readers[name[1]]
    return next((span for reader in own if (span := reader(text, found, name, locale))), None)


def from_start(reader: Callable[[str, int, Locale], Span | None]) -> NumberReader:
    """A reader of a place as a reader of the number that begins there."""

    def read(text: str, found: re.Match[str], locale: Locale) -> Span | None:
        return reader(text, found.start(), locale)

    return read


_phone = from_start(telephone.number)
_address = from_start(net.address)
_card = from_start(telephone.card)

_GLUED: tuple[NumberReader, ...] = (word_behind, _address, codes.spelled_tail)
_GLUED_TO: Mapping[str, tuple[NumberReader, ...]] = {
    "Q": (dates.quarter, *_GLUED),
    "b": (measures.beds_and_baths, *_GLUED),
    "f": (measures.feet_and_inches, *_GLUED),
    "h": (measures.duration, *_GLUED),
    **dict.fromkeys("xX", (measures.times, *_GLUED)),
}
_JOINED: tuple[NumberReader, ...] = (
    bare.first_of_range,
    _phone,
    dates.days_first,
    dates.slashed,
    dates.day_first,
    _card,
    codes.dashed,
    telephone.grouped,
    fractions.mixed,
    measures.hyphened,
    codes.spelled_tail,
)
_SPACED_WORD: tuple[NumberReader, ...] = (word_behind, addresses.house)
_SPACED: Mapping[str, tuple[NumberReader, ...]] = {
    "/": (fractions.fraction,),
    "%": (measures.percent,),
    "°": (measures.degrees,),
    "º": (measures.degrees,),
    "(": (_phone,),
    "-": (_phone,),
    "–": (_phone,),
    **dict.fromkeys("½¼¾⅓⅔⅛⅜⅝⅞", (fractions.mixed,)),
    **dict.fromkeys("0123456789", (_phone, codes.spaced, fractions.mixed, _card, addresses.house)),
    **dict.fromkeys("€£¥₽₱฿₫₹₩", (money.behind,)),
    **dict.fromkeys("'’′", (measures.feet,)),
}


def _spaced(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """What a number and the thing behind one space are together."""
    following = text[found.end() + 1 : found.end() + 2]
    readers = _SPACED.get(following) or (_SPACED_WORD if following.isalpha() else ())
    return first(readers, text, found, locale)


FOLLOWED_BY: Mapping[str, tuple[NumberReader, ...]] = {
    " ": (_spaced,),
    ":": (times.clock, _address, times.ratio),
    "/": (
        fractions.slashed_name,
        dates.slashed,
        fractions.listed,
        fractions.rating,
        _phone,
        fractions.fraction,
        rates.number,
        codes.spelled_tail,
    ),
    "-": _JOINED,
    "–": _JOINED,
    "‑": _JOINED,
    ".": (_phone, dates.slashed, telephone.internet, _address),
    "%": (measures.percent,),
    "°": (measures.degrees,),
    "º": (numbers.marked_ordinal, measures.degrees),
    "ª": (numbers.marked_ordinal,),
    "℉": (measures.degrees,),
    "℃": (measures.degrees,),
    "(": (numbers.named, _phone),
    "¢": (money.cents,),
    "@": (_address,),
    "_": (_address, codes.spelled_tail),
    "×": (measures.times,),
    **dict.fromkeys("½¼¾⅓⅔⅛⅜⅝⅞", (fractions.mixed,)),
    **dict.fromkeys("€£¥₽₱฿₫₹₩$", (money.behind,)),
    **dict.fromkeys("'’′", (numbers.decade, measures.feet, measures.inches)),
    **dict.fromkeys('"”″', (measures.inches,)),
}


def first(readers: Iterable[NumberReader], text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """The first span that one of the readers finds."""
    for reader in readers:
        if (span := reader(text, found, locale)) is not None:
            return span
    return None


def read_number(text: str, at: int, locale: Locale) -> Span:
    """The number that begins at `at`, with everything that belongs to it."""
    found = numbers.NUMBER.match(text, at)
    assert found is not None
    following = text[found.end() : found.end() + 1]
    readers = FOLLOWED_BY.get(following)
    if readers is None:
        readers = _GLUED_TO.get(following, _GLUED) if following.isalpha() else ()
    return (
        first(readers, text, found, locale)
        or telephone.together(text, found, locale)
        or bare.bare(text, found, locale)
    )
