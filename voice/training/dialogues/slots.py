"""What differs from call to call: units, times, names, numbers, noise.

A value is made as the caller says it; the agent repeats it word for word. Copying such
values is the hardest thing for a small model, so many of them are drawn at random.
"""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from voice.training.dialogues.grammar import phrases, wordings

ONES = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
TEENS = wordings(phrases("values")["teens"])
TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
PARTS = ("morning", "afternoon", "evening")
HOURS = ("eight", "nine", "ten", "eleven", "noon", "one", "two", "three", "four", "five", "six", "seven")
MONTHS = wordings(phrases("values")["months"])
ORDINALS = wordings(phrases("values")["ordinals"])
ROOMS = wordings(phrases("values")["rooms"])
BEDS = wordings(phrases("values")["beds"])
FIRST = wordings(phrases("values")["first_names"])
LAST = wordings(phrases("values")["last_names"])
LOOSE_PARTS = wordings(phrases("values")["loose_parts"])
LETTERS = "ABCDEFGH"
ALL_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
CONSONANTS = "bcdfghjklmnprstvwz"
MURMURS = wordings(phrases("values")["murmurs"])


@dataclass(frozen=True, slots=True)
class Said:
    """A value as the caller says it, and as the agent repeats it."""

    said: str
    repeated: str


def number_words(rng: Random, number: int) -> str:
    """A door's number as people say it: 304 → "three oh four" or "three hundred four"."""
    if number < 10:
        return ONES[number - 1]
    if number < 20:
        return TEENS[number - 10]
    if number < 100:
        tens, ones = divmod(number, 10)
        return TENS[tens - 2] + (f" {ONES[ones - 1]}" if ones else "")
    hundreds, rest = divmod(number, 100)
    if not rest:
        return f"{number_words(rng, hundreds)} hundred"
    middle = "oh " if rest < 10 else ""
    return f"{number_words(rng, hundreds)} {middle}{number_words(rng, rest)}"


def unit(rng: Random) -> Said:
    """A unit: "unit 4B", "apartment twelve", "three oh four", "building C, unit 210"."""
    number = rng.choice(
        (
            rng.randint(1, 12),
            rng.randint(1, 99),
            rng.randint(1, 9) * 100 + rng.randint(1, 30),
            rng.randint(1, 2999),
        )
    )
    written = rng.random() < 0.62
    base = str(number) if written else number_words(rng, number)
    letter = rng.choice(LETTERS) if rng.random() < 0.8 else rng.choice(ALL_LETTERS)
    chance = rng.random()
    if chance < 0.45 and number < 400:
        gap = "" if written and rng.random() < 0.75 else " "
        base = f"{base}{gap}{letter}"
    elif chance < 0.5:
        base = f"{letter}{'' if written and rng.random() < 0.6 else ' '}{base}"
    kind = rng.choice(
        ("unit", "unit", "unit", "apartment", "apartment", "apartment", "number", "apt", "suite", "", "", "")
    )
    if not kind:
        return Said(base, f"unit {base}")
    if rng.random() < 0.05:
        place = rng.choice(
            (
                f"building {rng.choice(LETTERS)}",
                f"building {rng.choice(ONES)}",
                "the second floor",
                "the back building",
            )
        )
        return Said(f"{place}, {kind} {base}", f"{place}, {kind} {base}")
    shown = f"unit {base}" if kind == "number" else f"{kind} {base}"
    return Said(f"{kind} {base}", shown)


def _hour(rng: Random) -> str:
    chance = rng.random()
    if chance < 0.62:
        return rng.choice(HOURS)
    if chance < 0.72:
        return f"{rng.choice(HOURS[:4])} thirty"
    if chance < 0.9:
        return f"{rng.randint(1, 12)}"
    return rng.choice(
        (
            f"{rng.randint(1, 12)}:30",
            f"{rng.randint(1, 12)} pm",
            f"{rng.randint(8, 11)} am",
            "half past four",
            "a quarter to nine",
        )
    )


def _part_of_day(rng: Random) -> str:
    first, second = _hour(rng), _hour(rng)
    clock = (
        *(f"after {first}", f"after {first}", f"after {first}", f"before {first}", f"before {second}"),
        *(f"between {first} and {second}", f"from {first} to {second}", f"around {first}"),
        *(f"at {first}", f"at {second}", f"from {first} on", f"until {first}"),
    )
    return rng.choice((*clock, *LOOSE_PARTS))


def _day(rng: Random) -> str:
    day = rng.choice(DAYS)
    chance = rng.random()
    if chance < 0.3:
        return rng.choice(("today", "tomorrow", "tomorrow"))
    if chance < 0.6:
        return rng.choice((day, f"on {day}", f"this {day}", f"next {day}"))
    if chance < 0.75:
        return f"{day} {rng.choice(PARTS)}"
    if chance < 0.9:
        return rng.choice(
            (
                "the day after tomorrow",
                f"{day} or {rng.choice(DAYS)}",
                "this weekend",
                "next week",
                "later this week",
                "any day this week",
                "on the weekend",
                "any weekday",
            )
        )
    return rng.choice((f"on the {rng.choice(ORDINALS)}", f"{rng.choice(MONTHS)} {rng.choice(ORDINALS)}"))


def time(rng: Random) -> Said:
    """When somebody may come in: "tomorrow after three", "Tuesday morning", "any time today"."""
    chance = rng.random()
    if chance < 0.46:
        phrase = f"{_day(rng)} {_part_of_day(rng)}"
    elif chance < 0.58:
        phrase = f"{_part_of_day(rng)} {_day(rng)}"
    elif chance < 0.72:
        phrase = rng.choice(
            (
                f"{rng.choice(DAYS)} {rng.choice(PARTS)}",
                f"tomorrow {rng.choice(PARTS)}",
                f"this {rng.choice(PARTS)}",
                f"next {rng.choice(DAYS)} {rng.choice(PARTS)}",
            )
        )
    elif chance < 0.8:
        phrase = rng.choice(
            (
                "any time",
                "any time today",
                "anytime",
                "as soon as possible",
                "right now",
                "any time tomorrow",
                "anytime today",
                "right away",
                "today",
                "tomorrow",
            )
        )
    elif chance < 0.9:
        phrase = _part_of_day(rng)
    else:
        phrase = _day(rng)
    return Said(phrase, phrase)


def name(rng: Random) -> str:
    """A caller's name: sometimes only the first one."""
    first = rng.choice(FIRST)
    return first if rng.random() < 0.3 else f"{first} {rng.choice(LAST)}"


def phone(rng: Random) -> str:
    """A number in the range that belongs to nobody (555-01xx), spoken or written."""
    tail = f"01{rng.randint(0, 99):02d}"
    area = f"{rng.randint(2, 9)}{rng.randint(0, 9)}{rng.randint(1, 9)}"
    digits = area + "555" + tail
    if rng.random() < 0.4:
        return f"{area}-555-{tail}" if rng.random() < 0.6 else f"555-{tail}"
    spoken = [
        ("zero" if rng.random() < 0.5 else "oh") if each == "0" else ONES[int(each) - 1] for each in digits
    ]
    return f"{' '.join(spoken[:3])}, {' '.join(spoken[3:6])}, {' '.join(spoken[6:])}"


def noise(rng: Random) -> str:
    """What speech-to-text makes of a bad line: murmurs, broken words, syllables."""
    pieces: list[str] = []
    for _ in range(rng.randint(1, 5)):
        if rng.random() < 0.5:
            pieces.append(rng.choice(MURMURS))
        else:
            pieces.append(
                "".join(rng.choice(CONSONANTS) + rng.choice("aeiou") for _ in range(rng.randint(1, 3)))
                + rng.choice(("", "", "n", "k", "sh"))
            )
    return " ".join(pieces)
