"""Sentences of a leasing office with their spoken form, made from parts by a speller of its own."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen"
)
ONES = [*_ONES.split(), "seventeen", "eighteen", "nineteen"]
TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
MONTHS = ["January", "February", "March", "April", "May", "June", "July", "August", "September"]
MONTHS += ["October", "November", "December"]
DAYS = [
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
]
DAYS += ["twelfth", *(f"{name}th" for name in ONES[13:19])]
DAYS += ["nineteenth", "twentieth", *(f"twenty {day}" for day in DAYS[:9]), "thirtieth", "thirty first"]

Part = tuple[str, str]  # written, said


def say(number: int) -> str:
    """Below a million."""
    if number < 20:
        return ONES[number]
    if number < 100:
        return TENS[number // 10] + (f" {ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{ONES[number // 100]} hundred" + (f" {say(number % 100)}" if number % 100 else "")
    return f"{say(number // 1000)} thousand" + (f" {say(number % 1000)}" if number % 1000 else "")


def one_by_one(digits: str) -> str:
    return " ".join(ONES[int(digit)] for digit in digits)


def in_pairs(head: int, tail: int) -> str:
    return f"{say(head)} {'oh ' if tail < 10 else ''}{say(tail)}" if tail else f"{say(head)} hundred"


def money(rnd: random.Random) -> Part:
    whole, cents = (
        rnd.choice([rnd.randint(2, 999), rnd.randint(1000, 9999)]),
        rnd.choice([0, 0, rnd.randint(2, 99)]),
    )
    period, per = rnd.choice(
        [("", ""), ("/mo", " per month"), ("/month", " per month"), ("/yr", " per year")]
    )
    written = f"${whole:,}" + (f".{cents:02}" if cents else "") + period
    return written, f"{say(whole)} dollars" + (f" {say(cents)} cents" if cents else "") + per


def telephone(rnd: random.Random) -> Part:
    area, middle, last = (
        f"{rnd.randint(low, 10**size - 1):0{size}}" for low, size in ((201, 3), (201, 3), (0, 4))
    )
    written = rnd.choice(["({}) {}-{}", "{}-{}-{}", "{}.{}.{}", "{} {} {}", "({}){}-{}"]).format(
        area, middle, last
    )
    groups = [say(int(part)) if part[1:] == "00" else one_by_one(part) for part in (area, middle)]
    extension = rnd.choice(
        [("", ""), (" x12", ", extension twelve"), (" ext. 204", ", extension two zero four")]
    )
    return written + extension[0], ", ".join([*groups, one_by_one(last)]) + extension[1]


def date(rnd: random.Random) -> Part:
    month, day, year = rnd.randint(1, 12), rnd.randint(1, 28), rnd.choice([2024, 2025, 2026, 2031])
    name, said_year = MONTHS[month - 1], f"twenty {say(year - 2000)}"
    short = name if len(name) < 6 else f"{name[:3]}."
    written = rnd.choice([f"{month}/{day}/{year}", f"{name} {day}, {year}", f"{year}-{month:02}-{day:02}",
                          f"{short} {day}, {year}", f"{month:02}/{day:02}/{year}"])  # fmt: skip
    return written, f"{name} {DAYS[day - 1]} {said_year}"


def time(rnd: random.Random) -> Part:
    hour, minute = rnd.randint(1, 12), rnd.choice([0, 5, 15, 30, 45])
    half, said_half = rnd.choice([(" a.m.", " AM"), (" PM", " PM"), ("pm", " PM"), ("am", " AM")])
    written = f"{hour}:{minute:02}{half}" if minute or rnd.random() < 0.5 else f"{hour}{half}"
    said = say(hour) + (f" {'oh ' if minute < 10 else ''}{say(minute)}" if minute else "")
    return written, said + said_half


def flat(rnd: random.Random) -> Part:
    name, said = rnd.choice([("Apt.", "Apartment"), ("Apt", "Apartment"), ("Unit", "Unit"), ("Ste", "Suite")])
    if rnd.random() < 0.5:
        number, letter = rnd.randint(1, 19), rnd.choice("ABCDEF")
        return f"{name} {number}{letter}", f"{said} {say(number)} {letter}"
    number = rnd.randint(101, 1999)
    return (
        f"{name} {number}",
        f"{said} {say(1000) if number == 1000 else in_pairs(number // 100, number % 100)}",
    )


def code(rnd: random.Random) -> Part:
    letters, digits = "".join(rnd.choices("BCDFGHJKLMN", k=3)), "".join(rnd.choices("0123456789", k=6))
    return f"code {letters}{digits}", f"code {' '.join(letters)} {one_by_one(digits)}"


def interval(rnd: random.Random) -> Part:
    low = rnd.randint(1, 30)
    high, dash = low + rnd.randint(1, 10), rnd.choice("-–")
    unit, said = rnd.choice([("days", "days"), ("min", "minutes"), ("%", "percent"), ("miles", "miles")])
    return f"{low}{dash}{high}{'' if unit == '%' else ' '}{unit}", f"{say(low)} to {say(high)} {said}"


def mail(rnd: random.Random) -> Part:
    name, host = (
        rnd.choice(["leasing", "jane.doe", "front_desk"]),
        rnd.choice(["oakridge.com", "elm-park.org"]),
    )
    said = (
        f"{name}@{host}".replace("@", " at ")
        .replace(".", " dot ")
        .replace("_", " underscore ")
        .replace("-", " dash ")
    )
    return f"{name}@{host}", said


PARTS: tuple[Callable[[random.Random], Part], ...] = (
    money,
    telephone,
    date,
    time,
    flat,
    code,
    interval,
    mail,
)
SENTENCES = (
    "It is {}, I think.",
    "So: {} today",
    "{} is what we have",
    "Note {} and {} please.",
    "First {}, then {} again",
)


def phone_cases(seed: int, count: int) -> Iterator[Part]:
    """Sentences with one or two parts each; the same for the same seed."""
    rnd = random.Random(seed)
    for _ in range(count):
        sentence = rnd.choice(SENTENCES)
        parts = [rnd.choice(PARTS)(rnd) for _ in range(sentence.count("{}"))]
        yield sentence.format(*(part[0] for part in parts)), sentence.format(*(part[1] for part in parts))


DENSE = (
    "{name}, rent is {money}, due on {date} at {time}.",
    "Call {telephone} about {flat}, {name}: it is {money}.",
    "{name} is in {flat} from {time} to {time}, {interval}.",
    "It was {money} on {date}, {name}, and {interval} for {code}.",
    "Mail {mail}, {name}, or ring {telephone} by {time}.",
)
DENSE_PARTS = (money, telephone, date, time, flat, code, interval, mail)


def dense_sentences(seed: int, count: int) -> Iterator[str]:
    """Sentences with three parts or more each, no two alike but by chance; the same for the same seed."""
    rnd = random.Random(seed)
    for _ in range(count):
        name = "".join(rnd.choices("aeiou", k=1) + rnd.choices("bdklmnrst", k=2) + rnd.choices("aeiou", k=1))
        parts = {part.__name__: part(rnd)[0] for part in DENSE_PARTS}
        yield rnd.choice(DENSE).format(name=name.capitalize(), **parts)
