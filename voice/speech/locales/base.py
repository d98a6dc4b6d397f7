"""What differs between languages when numbers, money, dates and signs are said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple, Never, dataclass_transform

from voice.speech.patterns import Pattern

NOTHING: Mapping[str, Never] = MappingProxyType({})


@dataclass_transform(eq_default=False, frozen_default=True, kw_only_default=True)
class _Words:
    """A frozen dataclass to whoever checks types, equal only to itself.

    `dataclass` writes methods and compiles them: for so many fields that takes as long as the other imports.
    """

    def __init__(self, **words: object) -> None:
        self.__dict__.update(words)


class Currency(NamedTuple):
    """The words of one currency. `cents` is empty where it has none (yen)."""

    one: str
    many: str
    cent: str = ""
    cents: str = ""


class Unit(NamedTuple):
    """The words of one measure, for one of it and for several."""

    one: str
    many: str


class Sense(NamedTuple):
    """What a word means beside these neighbours only: "temp. control" is about a temperature."""

    said: str
    behind: Pattern  # matches what stands right behind it, its dot included …
    before: frozenset[str] = frozenset()  # … or one of these stands before it, in lower case


class Signs(_Words):
    """How signs are said between other words."""

    minus: str
    plus: str
    time: str  # 1x
    times: str
    divided_by: str
    out_of: str  # 10/10
    by: str  # between two lengths: 10 x 12
    power: str  # x^10
    squared: str
    cubed: str
    point: str
    percent: str
    to: str  # in a range
    per: str
    and_: str
    between: str  # before a range whose numbers "and" joins
    every: str  # before the hours of a medicine: "q6h"
    ending_in: str  # before what is not hidden of a number: "***-**-6789"
    of: str  # "page 3/10"
    over: str  # a pressure of blood: 120/80
    for_: str  # between a count and its price: "3/$10"
    or_: str  # between two that are written with a slash: "$5/$10"
    at: str
    dot: str
    dash: str
    slash: str
    colon: str
    underscore: str
    number: str  # "#" before digits
    hash: str  # "#" before a word
    pound: str  # … as a key of the telephone
    star: str  # "*" as a key
    sharp: str  # "#" behind a letter: C#
    about: str
    in_addresses: Mapping[str, str]  # what else is said in an address of the web: "?"
    others: Mapping[str, str]  # signs that have one word everywhere
    comma: str = ""  # of decimals, where a language has it beside the point: "1,5 litros"


class Locale(_Words):
    """One language, as its words and its habits. Equal only to itself, so that it may be a key.

    Numbers are written with a comma for thousands and a point for decimals in every locale here:
    the Spanish is that of the Americas.
    """

    code: str  # BCP 47 language: "en"
    digits: tuple[str, ...]  # "zero" to "nine"
    digit_names: Mapping[str, str]  # "0" → "zero" …
    oh: str  # a zero inside a year, a time or the number of a flat
    cardinal: Callable[[int], str]  # 0 to 10**18 - 1
    ordinal: Callable[[int], str]
    suffixed: Callable[[int, str, str], str]  # an ordinal with what is glued to its number: (21, "st"),
    # (3, "ª"), and the word behind it: "primer piso"
    counted: Callable[[int, str], str]  # a count and what is counted: (21, "dólares") → "veintiún dólares"
    ruler: Callable[[int], str]  # behind a name: 3 → "the third"
    in_pairs: Callable[[str], str]  # three or four digits of a house, a flat, a flight: "305"
    scaled: Callable[[str, str, str], str]  # ("two", "million", "dollars")
    year: Callable[[int], str]  # 1000 to 2999
    decade: Callable[[int], str]  # 90 → "nineties"
    fraction: Callable[[int, int], str]
    mixed: Callable[[int, int, int], str]  # 2 1/2
    clock: Callable[[int, int], str]  # hour and minute
    half_year: Callable[[int, str], str]  # the same of a half
    quarter: Callable[[int, str], str]  # of a year, which may be ""
    date: Callable[[int | None, int, int | None, bool], str]  # year, month, day, day written first
    signs: Signs
    months: tuple[str, ...]
    month_forms: Mapping[str, int]  # lower case, without a dot: "sept" → 9
    weekday_forms: Mapping[str, str]  # as written: "Mon" → "Monday"
    ordinal_suffixes: tuple[str, ...]  # glued to a number: "th"
    day_suffixes: tuple[str, ...]  # between a day and its month: "de"
    day_first: bool  # in 3/4: the third of April
    halves_of_day: Mapping[str, str]  # "am", "a.m" → "AM"
    currencies: Mapping[str, Currency]  # by sign and by code: "$", "USD"
    scales: Mapping[str, str]  # written after an amount: "k" → "thousand", "million" → "million"
    units: Mapping[str, Unit]  # as written: "kg", "sq. ft"
    periods: Mapping[str, str]  # after "/" of a price: "mo" → "per month"
    extension: str  # before the last digits of a telephone number
    many_digits: Callable[[int], str]  # said in place of a number of so many digits
    agreed: Callable[[int, str, str], str] | None = None  # a count between two words: (31, "hay", "días")
    phone_cues: frozenset[str] = frozenset()  # before groups of digits that are a telephone number
    money_words: Mapping[str, Currency] = NOTHING  # behind an amount with its cents: "45.50 dollars"
    hours_said: str = ""  # behind a full hour of a plan: "13:00 h"
    durations: Mapping[str, Unit] = NOTHING  # by letter: "h" (a month is "o")
    day_letters: Mapping[str, str] = NOTHING  # before another, or hours: "Tu" → "Tuesday"
    range_ends: Mapping[str, str] = NOTHING  # behind a number and a dash: "noon"
    measured_things: frozenset[str] = frozenset()  # behind a measure that is said as one: "12 ft ceilings"
    determiners: frozenset[str] = frozenset()  # before "Q3", which then has no article of its own
    priced_things: frozenset[str] = frozenset()  # behind an amount that is said as one: "a $50 fee"
    priced_kinds: frozenset[str] = frozenset()  # … and what may stand between: "a $50 late fee"
    holidays: frozenset[str] = frozenset()  # their first words, or their last: "Labor Day"
    races: frozenset[str] = frozenset()  # behind a letter that is said: "a 5K run"
    places: frozenset[str] = frozenset()  # a flat's number may stand behind these: "in 20C"
    round_plurals: Mapping[str, str] = NOTHING  # before "s": "100" → "hundreds"
    before_year: Mapping[str, str] = NOTHING  # of `dotted`: "est" → "established"
    joints: frozenset[str] = frozenset()  # between two numbers of one kind: "3/7 or 3/9"
    measured_joints: frozenset[str] = frozenset()  # words that may be units: "12 in"
    rate_units: frozenset[str] = frozenset()  # read behind "per" without a number: "per hr"
    words: Mapping[str, str] = NOTHING  # as written → as said, wherever it stands
    phrases: Mapping[str, str] = NOTHING  # that begin with a word: "M-F"
    dotted: Mapping[str, str] = NOTHING  # said so only with their dot: "no" → "number"
    slashed: Mapping[str, str] = NOTHING  # lower case: "w/o" → "without"
    numbered: frozenset[str] = frozenset()  # of `dotted`: said so without a dot, too, before a number
    also_words: frozenset[str] = frozenset()  # of `dotted`: words at the end of a sentence
    senses: Mapping[str, tuple[Sense, ...]] = NOTHING  # in lower case: "temp"
    only_before: Mapping[str, str] = NOTHING  # of `dotted`: "sec" only before "dep…"
    never_last: frozenset[str] = frozenset()  # of `words`: they never end a sentence
    letters: Mapping[str, str] = NOTHING  # "e.g" → "for example"; others are spelled
    digit_cues: frozenset[str] = frozenset()  # words whose number is said digit by digit
    unit_cues: frozenset[str] = frozenset()  # … whose number names a flat or a room: "three oh five"
    year_cues: frozenset[str] = frozenset()  # … that a year follows
    weak_date_cues: frozenset[str] = frozenset()  # of these: not enough for 1/2 or 3/4
    date_cues: frozenset[str] = frozenset()  # … that a day follows: 4/9 is no fraction then
    links: frozenset[str] = frozenset()  # words that may stand between a cue and its number
    number_words: frozenset[str] = frozenset()  # of `links`: "your number is 4471" is a code
    road_cues: frozenset[str] = frozenset()  # words that the number of a road follows
    as_words: frozenset[str] = frozenset()  # capitals that are said as a word: "NASA"
    shouted: frozenset[str] = frozenset()  # of `as_words`: no acronyms at all: "THE"
    spelled: frozenset[str] = frozenset()  # capitals that are spelled though they could be said: "UUID"
    titles: Mapping[str, str] = NOTHING  # before a name: "Mr" → "mister"
    roads: Mapping[str, str] = NOTHING  # before a number: "US" → "U S", "Rte" → "Route"
    road_ends: Mapping[str, str] = NOTHING  # behind it: "NB" → "northbound"
    sides: Mapping[str, str] = NOTHING  # behind "turn": "R" → "right"
    keys: Mapping[str, str] = NOTHING  # of a keyboard: "Ctrl" → "Control"
    books: Mapping[str, str] = NOTHING  # with chapter and verse: "Matt" → "Matthew"
    marks: Mapping[str, str] = NOTHING  # behind a letter: "B-" → "minus"
    blood_marks: Mapping[str, str] = NOTHING  # … of a group of blood: "negative"
    streets: Mapping[str, str] = NOTHING  # behind the name of a street: "Ave"
    directions: Mapping[str, str] = NOTHING  # "NW"
    unit_names: Mapping[str, str] = NOTHING  # before the number of a flat: "Apt"
    states: Mapping[str, str] = NOTHING  # behind a town: "TX"
    doubtful_states: Mapping[str, frozenset[str]] = NOTHING  # of `states`: with towns
    given_names: frozenset[str] = frozenset()  # a Roman ordinal follows the surname: "Sam Lee III"
    rulers: frozenset[str] = frozenset()  # names and titles that a Roman ordinal follows
    counted_things: frozenset[str] = frozenset()  # behind a number that would be a year: "2000 people"
    counted_by: frozenset[str] = frozenset()  # words that a Roman cardinal follows: "chapter"
