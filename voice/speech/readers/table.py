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
    durations,
    fractions,
    lengths,
    measures,
    money,
    net,
    numbers,
    rates,
    roads,
    roman,
    science,
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
BIG_LETTERS = ("A", "B", "C", "D", "F", "O", "AB")  # grades, groups of blood
_SMALL_NUMERALS = ("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "xi", "xii", "xv", "xvi")
_SPACED_LETTERS = frozenset("mglLhsrΩΩapAPxXBCFVW")


@cache
def word_readers(locale: Locale) -> Mapping[str, tuple[WordReader, ...]]:
    """The readers of every word that may be said otherwise, in the order in which they are asked."""
    table: dict[str, list[WordReader]] = defaultdict(list)

    def add(forms: Iterable[str], reader: WordReader) -> None:
        for form in forms:
            table[form].append(reader)

    months = [form for month in locale.month_forms for form in (month, month.title(), month.upper())]
    add(words.phrases_from(locale), words.phrase)
    add(locale.books, words.verse)
    add(locale.roads, roads.road)
    add((way for way in locale.road_ends if way[1:] == "B"), roads.bound)
    add(months, dates.month_first)
    add(locale.weekday_forms, weekdays.weekday)
    add(locale.range_ends, times.end_of_range)
    add(locale.day_letters, weekdays.letters)
    add(locale.holidays, weekdays.holiday)
    add((code for code in locale.currencies if code.isalpha()), money.by_code)
    add(("Q", "q"), dates.quarter_first)
    add(("H",), dates.half_first)
    add(("P", "PO", "Po"), addresses.box)
    add(("US",), money.country)
    add(("UTC", "GMT"), times.zone)
    add(BIG_LETTERS if locale.marks else (), codes.marked)
    add(locale.keys, codes.keys)
    add(locale.sides, addresses.side)
    add(("v",) if "vs" in locale.words else (), words.against)
    add((form for word in locale.senses for form in (word, word.capitalize())), words.sense)
    add(("Ph",), words.initials)
    add(("tel",), telephone.scheme)
    add(("XXX", "xxx", "Xxx"), telephone.masked_word)
    add(("x", "X"), lengths.by)
    add(("sq", "Sq"), lengths.square)
    add(("km", "mi", "cm"), measures.alone_squared)
    add((form for form in locale.units if form[-1] in "²³"), measures.alone)
    if locale.streets:
        add(("St", "st", "ST"), addresses.saint_or_street)
        add(("Dr", "dr", "DR"), addresses.doctor_or_drive)
    add(locale.unit_names, addresses.unit)
    add(locale.streets, addresses.street)
    add(locale.directions, addresses.direction)
    add(locale.states, addresses.state)
    add(locale.titles, words.title)
    add(filter(str.isalnum, locale.signs.others), fractions.sign)
    add(_SMALL_NUMERALS if locale.counted_by else (), roman.item)
    add((unit for unit in locale.units if unit in locale.rate_units), rates.behind_per)
    add(locale.words, words.abbreviation)
    add(locale.dotted, words.dotted)
    return {form: tuple(readers) for form, readers in table.items()}


@cache
def behind_readers(locale: Locale) -> Mapping[str, tuple[UnitReader, ...]]:
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
    add(locale.books, words.numbered_verse)
    add(("s",), _alone(numbers.decade))
    add(("s",), _alone(numbers.round_plural))
    add((*locale.halves_of_day, "a", "p", "A", "P"), _alone(times.on_the_hour))
    add(("a", "p", "A", "P", "am", "pm", "AM", "PM"), _alone(times.dotted))
    add(("B", "BC", "BCE", "A", "AD", "C", "CE"), _alone(dates.era))
    add(("x", "X"), _alone(lengths.times))
    add(("ft",), _alone(lengths.feet_and_inches))
    add(("in",), _alone(lengths.inch_word))
    add(("F", "C", "V", "W"), _alone(measures.letter_unit))
    add(("A",), _alone(measures.amps))
    add(("m", "r", "k", "M", "R", "K"), _alone(measures.dotted_letters))
    add(("k", "K", "kt", "ct"), _alone(measures.karats))
    add(("degrees", "degree", "deg"), _alone(measures.degree_word))
    add(("k", "K", "b"), _alone(numbers.named))
    add(("c", "p", "i"), _alone(money.by_letter))
    # One letter is a unit before it is a scale ("5 m"), but a thousand before it is anything ("10k").
    add(
        (unit for unit in locale.units if unit not in locale.scales or unit in ("m", "mm")), measures.measured
    )
    add(locale.currencies, money.named)
    add(locale.money_words, money.in_words)
    add((sign[:-1] for sign in locale.currencies if len(sign) > 1 and sign[-1] == "$"), money.by_country)
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
    word, readers = name[1], behind_readers(locale)
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


def _phone(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """A telephone number, whose first group has three digits, is the 1 before it, or begins with 0."""
    first = found[1]
    is_first = len(first) == 3 or first == "1" or first[0] == "0"
    return telephone.number(text, found.start(), locale) if is_first else None


_address = from_start(net.address)
_card = from_start(telephone.card)

_GLUED: tuple[NumberReader, ...] = (codes.wireless, word_behind, _address, codes.spelled_tail)
_GLUED_TO: Mapping[str, tuple[NumberReader, ...]] = {
    "Q": (dates.quarter, *_GLUED),
    "H": (dates.half, *_GLUED),
    "b": (measures.beds_and_baths, *_GLUED),
    "f": (lengths.feet_and_inches, *_GLUED),
    **dict.fromkeys("dhmwy", (durations.compound, *_GLUED)),
    **dict.fromkeys("xX", (codes.wireless, codes.hexadecimal, lengths.times, *_GLUED)),
    **dict.fromkeys("eE", (science.power_of_ten, *_GLUED)),
}
_JOINED: tuple[NumberReader, ...] = (
    telephone.cued,
    codes.aircraft,
    times.dotted_range,
    bare.first_of_range,
    _phone,
    telephone.masked,
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
    "/": (fractions.fraction, rates.number),
    "%": (measures.percent,),
    **dict.fromkeys("°º℃℉", (measures.degrees,)),
    "(": (_phone,),
    "-": (times.dotted_range, dates.days_first, _phone),
    "–": (times.dotted_range, dates.days_first, _phone),
    "t": (times.dotted_range, *_SPACED_WORD),
    "a": (fractions.mixed, *_SPACED_WORD),
    "&": (fractions.mixed,),
    "×": (lengths.by_spaced,),
    **dict.fromkeys(fractions.VULGAR, (fractions.mixed,)),
    **dict.fromkeys(
        "0123456789",
        (telephone.cued, _phone, codes.spaced, fractions.mixed, _card, science.grouped, addresses.house),
    ),
    **dict.fromkeys("€£¥₽₱฿₫₹₩$", (money.behind,)),
    "¢": (money.cents,),
    **dict.fromkeys("'’′", (lengths.feet,)),
}


def _spaced(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """What a number and the thing behind one space are together."""
    following = text[found.end() + 1 : found.end() + 2]
    readers = _SPACED.get(following) or (_SPACED_WORD if following.isalpha() else ())
    for reader in readers:
        if (span := reader(text, found, locale)) is not None:
            return span
    return None


_MARKS = frozenset(".,:")
FOLLOWED_BY: Mapping[str, tuple[NumberReader, ...]] = {
    " ": (_spaced,),
    ":": (codes.hardware, times.clock, _address, times.ratio),
    "/": (
        fractions.slashed_name,
        codes.tire,
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
    ".": (
        _phone,
        dates.slashed,
        numbers.marked_ordinal,
        numbers.parted_elsewhere,
        telephone.internet,
        _address,
    ),
    ",": (money.foreign, numbers.parted_elsewhere),
    "⁄": (fractions.fraction,),
    "%": (measures.percent,),
    "°": (measures.degrees,),
    "º": (numbers.marked_ordinal, measures.degrees),
    "ª": (numbers.marked_ordinal,),
    "℉": (measures.degrees,),
    "℃": (measures.degrees,),
    "(": (numbers.named, _phone),
    ")": (telephone.masked,),
    **dict.fromkeys("\xa0\u2009\u202f", (science.grouped,)),
    **dict.fromkeys(f"⁻{science.RAISED}", (science.raised,)),
    "¢": (money.cents,),
    "@": (_address,),
    "_": (_address, codes.spelled_tail),
    "×": (lengths.times,),
    **dict.fromkeys(fractions.VULGAR, (fractions.mixed,)),
    **dict.fromkeys("€£¥₽₱฿₫₹₩$", (money.behind,)),
    **dict.fromkeys("'’′", (numbers.parted_elsewhere, numbers.decade, lengths.feet, lengths.inches)),
    **dict.fromkeys('"”″', (lengths.inches,)),
}


def read_number(text: str, at: int, locale: Locale) -> Span:
    """The number that begins at `at`, with everything that belongs to it."""
    found = numbers.NUMBER.match(text, at)
    assert found is not None
    end = found.end()
    following = text[end : end + 1]
    if following in _MARKS and not text[end + 1 : end + 2].strip():
        readers: tuple[NumberReader, ...] = ()  # a mark that ends something
    else:
        readers = FOLLOWED_BY.get(following) or (
            _GLUED_TO.get(following, _GLUED) if following.isalpha() else ()
        )
    for reader in readers:
        if (span := reader(text, found, locale)) is not None:
            return span
    return telephone.together(text, found, locale) or bare.bare(text, found, locale)
