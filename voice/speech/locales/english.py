"""English as it is said in America."""

from __future__ import annotations

from functools import cache, lru_cache

from voice.speech.locales import english_cues as cues
from voice.speech.locales import english_joined as joined
from voice.speech.locales import english_names as names
from voice.speech.locales import english_places as places
from voice.speech.locales import english_senses as senses
from voice.speech.locales import english_units as units
from voice.speech.locales import english_words as words
from voice.speech.locales.base import Locale, Signs
from voice.speech.tables import word_set

_ONES = (
    *(
        "zero",
        "one",
        "two",
        "three",
        "four",
        "five",
        "six",
        "seven",
        "eight",
        "nine",
        "ten",
        "eleven",
        "twelve",
    ),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
)
_TENS = ("_", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_SCALES = ("", " thousand", " million", " billion", " trillion", " quadrillion")
_IRREGULAR = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
_DENOMINATORS = {2: ("half", "halves"), 4: ("quarter", "quarters")}


@cache
def _below_thousand(number: int) -> str:
    hundreds, rest = divmod(number, 100)
    if rest < 20:
        small = _ONES[rest]
    else:
        tens, ones = divmod(rest, 10)
        small = f"{_TENS[tens]} {_ONES[ones]}" if ones else _TENS[tens]
    if not hundreds:
        return small
    return f"{_ONES[hundreds]} hundred {small}" if rest else f"{_ONES[hundreds]} hundred"


@lru_cache(4096)
def cardinal(number: int) -> str:
    """1250 → "one thousand two hundred fifty". Below 10**18."""
    if number < 1000:
        return _below_thousand(number)
    if number < 1_000_000:
        thousands, rest = divmod(number, 1000)
        head = f"{_below_thousand(thousands)} thousand"
        return f"{head} {_below_thousand(rest)}" if rest else head
    parts: list[str] = []
    scale = 0
    while number:
        number, rest = divmod(number, 1000)
        if rest:
            parts.append(_below_thousand(rest) + _SCALES[scale])
        scale += 1
    return " ".join(reversed(parts))


@lru_cache(1024)
def ordinal(number: int) -> str:
    """21 → "twenty first"."""
    head, _, last = cardinal(number).rpartition(" ")
    last = _IRREGULAR.get(last) or (last[:-1] + "ieth" if last.endswith("y") else last + "th")
    return f"{head} {last}" if head else last


def in_pairs(written: str) -> str:
    """Three or four digits: "2100" → "twenty one hundred", "305" → "three oh five", "3000" as a count."""
    head, tail = written[:-2], written[-2:]
    if written.endswith("000"):
        return cardinal(int(written))
    return f"{cardinal(int(head))} {'hundred' if tail == '00' else pair(int(tail))}"


def quarter(number: int, of: str) -> str:
    """(3, "twenty twenty two") → "the third quarter of twenty twenty two"."""
    return f"the {ordinal(number)} quarter" + (f" of {of}" if of else "")


def half_year(number: int, of: str) -> str:
    """(1, "twenty twenty five") → "the first half of twenty twenty five"."""
    return f"the {ordinal(number)} half of {of}"


@lru_cache(1024)
def year(number: int) -> str:
    """1905 → "nineteen oh five"; 2007 → "two thousand seven"; 2014 → "twenty fourteen"."""
    century, rest = divmod(number, 100)
    if century % 10 == 0 and rest < 10:
        return cardinal(number)
    if not rest:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {pair(rest)}"


def pair(rest: int) -> str:
    """Two digits behind others: 5 → "oh five", 42 → "forty two"."""
    return f"oh {_ONES[rest]}" if rest < 10 else cardinal(rest)


def decade(number: int) -> str:
    """90 → "nineties", 1980 → "nineteen eighties", 2000 → "two thousands"."""
    said = cardinal(number) if number < 100 else year(number)
    return said[:-1] + "ies" if said.endswith("y") else said + ("es" if said.endswith("x") else "s")


def fraction(top: int, bottom: int) -> str:
    """3/4 → "three quarters"."""
    if bottom < 2:
        return f"{cardinal(top)} over {cardinal(bottom)}"
    one, many = _DENOMINATORS.get(bottom) or (ordinal(bottom), ordinal(bottom) + "s")
    return f"{cardinal(top)} {one if top == 1 else many}"


def mixed(whole: int, top: int, bottom: int) -> str:
    """2 1/2 → "two and a half"."""
    part = {2: "a half", 4: "a quarter"}.get(bottom, "") if top == 1 else ""
    return f"{cardinal(whole)} and {part or fraction(top, bottom)}"


def clock(hour: int, minute: int) -> str:
    """(8, 5) → "eight oh five"; (3, 0) → "three o'clock"; (14, 0) → "fourteen hundred"."""
    if minute:
        return f"{cardinal(hour)} {pair(minute)}"
    if hour in (0, 24):
        return "midnight"
    return f"{cardinal(hour)} o'clock" if 0 < hour <= 12 else f"{cardinal(hour)} hundred"


def date(number: int | None, month: int, day: int | None, day_came_first: bool) -> str:
    """(2026, 3, 14, False) → "March fourteenth twenty twenty six"; with the day first "the …th of March"."""
    said = words.MONTHS[month - 1]
    if day:
        said = f"the {ordinal(day)} of {said}" if day_came_first else f"{said} {ordinal(day)}"
    if number is None:
        return said
    return f"{said} {year(number) if number >= 1000 else _short_year(number)}"


def _short_year(number: int) -> str:
    return pair(number) if number < 100 else cardinal(number)


ENGLISH = Locale(
    code="en",
    digits=_ONES[:10],
    digit_names=dict(zip("0123456789", _ONES[:10], strict=True)),
    oh="oh",
    cardinal=cardinal,
    ordinal=ordinal,
    suffixed=lambda number, suffix, following: ordinal(number),
    counted=lambda count, what: f"{cardinal(count)} {what}",
    ruler=lambda number: f"the {ordinal(number)}",
    in_pairs=in_pairs,
    scaled=lambda amount, scale, what: f"{amount} {scale} {what}",
    quarter=quarter,
    half_year=half_year,
    year=year,
    decade=decade,
    fraction=fraction,
    mixed=mixed,
    clock=clock,
    date=date,
    signs=Signs(
        minus="minus",
        plus="plus",
        time="time",
        times="times",
        divided_by="divided by",
        out_of="out of",
        by="by",
        power="to the power of",
        squared="squared",
        cubed="cubed",
        point="point",
        percent="percent",
        to="to",
        per="per",
        and_="and",
        between="between",
        every="every",
        ending_in="ending in",
        of="of",
        over="over",
        for_="for",
        or_="or",
        at="at",
        dot="dot",
        dash="dash",
        slash="slash",
        colon="colon",
        underscore="underscore",
        number="number",
        hash="hash",
        pound="pound",
        star="star",
        sharp="sharp",
        about="about",
        in_addresses=joined.ADDRESS_SIGNS,
        others=joined.SIGNS,
    ),
    months=words.MONTHS,
    month_forms=words.MONTH_FORMS,
    weekday_forms=words.WEEKDAYS,
    day_letters=words.DAY_LETTERS,
    range_ends=words.RANGE_ENDS,
    measured_things=cues.MEASURED_THINGS,
    determiners=cues.DETERMINERS,
    priced_things=cues.PRICED_THINGS,
    priced_kinds=cues.PRICED_KINDS,
    places=cues.PLACES,
    holidays=cues.HOLIDAYS,
    races=word_set("run race walk runs races walks marathon tv TV TVs video display monitor resolution"),
    round_plurals={
        "100": "hundreds",
        "1000": "thousands",
        "1,000": "thousands",
        "10,000": "tens of thousands",
        "100,000": "hundreds of thousands",
        "1,000,000": "millions",
    },
    before_year={"est": "established"},
    joints=word_set("or and to through thru by x × & - – @ /"),
    measured_joints=word_set("in F C V W A degrees deg"),
    rate_units=word_set("hr wk mo yr min sec lb oz gal mi"),
    ordinal_suffixes=("st", "nd", "rd", "th", "ST", "ND", "RD", "TH"),
    day_suffixes=("of",),
    day_first=False,
    halves_of_day=words.HALVES_OF_DAY,
    currencies=units.CURRENCIES,
    money_words={"dollars": units.CURRENCIES["$"], "euros": units.CURRENCIES["€"]},
    scales=units.SCALES,
    units=units.UNITS,
    durations=units.DURATIONS,
    periods=units.PERIODS,
    extension="extension",
    many_digits=lambda count: f"a number of {cardinal(count)} digits",
    words=words.ABBREVIATIONS,
    phrases=joined.PHRASES,
    dotted=words.DOTTED,
    slashed=joined.SLASHED,
    numbered=words.NUMBERED,
    also_words=words.ALSO_WORDS,
    senses=senses.SENSES,
    only_before={"sec": "dep"},
    never_last=words.NEVER_LAST,
    letters=joined.LETTERS,
    digit_cues=cues.DIGIT_CUES,
    unit_cues=cues.UNIT_CUES,
    year_cues=cues.YEAR_CUES,
    weak_date_cues=word_set("or of and to for between a"),
    date_cues=cues.DATE_CUES,
    links=cues.LINKS - cues.DIGIT_CUES - cues.UNIT_CUES,
    number_words=frozenset(("number",)),
    road_cues=cues.ROAD_CUES,
    as_words=names.ACRONYMS | names.SHOUTED,
    shouted=names.SHOUTED,
    spelled=names.SPELLED,
    titles=words.TITLES,
    roads=places.ROADS,
    road_ends=places.ROAD_ENDS,
    sides={"L": "left", "R": "right"},
    keys=senses.KEYS,
    books=names.BOOKS,
    marks={"+": "plus", "-": "minus"},
    blood_marks={"+": "positive", "-": "negative"},
    streets=places.STREETS,
    directions=places.DIRECTIONS,
    unit_names=places.UNIT_NAMES,
    states=places.STATES,
    doubtful_states=places.DOUBTFUL_STATES,
    given_names=names.GIVEN | names.REGNAL,
    rulers=names.REGNAL | names.RULERS,
    counted_things=cues.COUNTED_THINGS,
    counted_by=names.COUNTED,
)
