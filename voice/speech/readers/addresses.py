"""Addresses: the street and the title in "Dr." and "St.", directions, flats, states, house numbers."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.codes import run
from voice.speech.readers.context import LOOK_BACK, ends_sentence, previous_word
from voice.speech.readers.numbers import digits, in_pairs, room, whole
from voice.speech.span import Span
from voice.speech.tables import word_set

_STREET_WORDS = (
    r"(?:St|Street|Ave|Avenue|Blvd|Boulevard|Rd|Road|Ln|Lane|Dr|Drive|Ct|Court|Pl|Place|Cir|Circle|Pkwy|Parkway|"
    r"Hwy|Highway|Ter|Terrace|Trl|Trail|Way|Sq(?!\.?\s[Ff])|Square|Loop|Row|Run|Path|Plaza|Broadway|Calle|Avenida|"
    r"Cv|Cove|Expy|Expressway|Fwy|Freeway|Tpke|Turnpike|Alley|Aly|Bend|Bnd|Pt|Ridge|Rdg|Hollow|Holw|Crossing|Xing|"
    r"Trce|Trace|Vw|Pike|Crescent|Cres|st|ave|rd|dr|ST|AVE|BLVD|RD|LN|DR|CT|PL|CIR|PKWY|HWY|TRL|WAY)\b"
)
_HOUSE = Pattern(
    r"\s(?:(?:[NSEW]\s)?(?:(?:I|IH|US|FM|RM|RR|SH|SR|CR)[\s-]|(?:Hwy|Highway|Route|Rte|County Road)\.?\s)\d|"
    r"(?:(?:[NSEW]|NE|NW|SE|SW|North|South|East|West)\b\.?\s)?"
    rf"(?:[A-Z0-9][\w'’.-]{{0,24}}\s){{0,3}}{_STREET_WORDS})"
)
# The digit before all else says where to look: a `\b` there takes five times as long.
_HOUSE_LEFT = Pattern(r"\d(?<!\w\d)\d{0,5}\s(?:[NSEW][EW]?\.?\s)?(?:[A-Z0-9][\w'’.-]{0,24}\s){1,3}$")
_NAME = Pattern(r"(?:\.?\s|\.)(?:[A-Z][\w'’]|[A-Z]\.|[A-Z]\s)")
_INITIALS = Pattern(r"\.?\s[A-Z]\.\s?[A-Z]\.?\s?[A-Z]?[a-z]")
_CAPITALS = Pattern(r"\.?\s[A-Z]{3,}(?![a-z])")
_UNIT = Pattern(
    r"\.?\s?(?:#\s?|No\.?\s)?(?=[A-Za-z]{0,3}-?\d)([A-Za-z]{0,3})-?(\d{1,5})(?:-(?=[A-Z](?!\w)))?([A-Za-z]?)(?![\w])"
)
_USUAL_UNIT = Pattern(r"\.? ([0-9]{1,4})([A-Z]?)(?=[,;!?)](?!\d)|\.?(?: |\Z))")  # nearly all, at a look
_UNIT_OF = Pattern(r"\.?\s#?(\d{1,2})(?:-(\d{3,4})|,(\d{3})(?!,|\s(?:sq|units|homes|apartments)\b))(?![\w-])")
_UNIT_LETTER = Pattern(r"\.?\s#?([A-Z])(?![\w'’/])")
# What may follow "on Main St." and is no name: a flat, a direction, the first word of a sentence.
_NO_NAME = Pattern(
    r"\.?,?\s(?:Apt|Apartment|Unit|Ste|Suite|Bldg|Fl|Rm|#|(?:[NSEW]|NE|NW|SE|SW)\b(?!'))"
    r"|\.\s(?:The|This|That|There|These|It|It's|He|She|We|We're|We'll|You|You're|You'll|Your|They|I|I'll|I'm|"
    r"A|An|In|On|At|Our|My|If|Is|Are|Do|Please|Call|Would|Can|Could|And|But|So|To|For|From|When|Where|What|"
    r"How|No|Yes|Let|Just|After|Before|Turn|Go|Take|Park|Rent|Both|Each|All|Parking|Then|Visitors?|Guests?|"
    r"Next|Also|Office|Tours?|Residents?|Look|Head|Come|See|Use|Enter|Drive|Walk|Keep|Ring|Pets?|Every|Some|"
    r"Not|Once|While|As|By|With|Here|Now|Today|Tomorrow|Thanks|Thank|Any|My|Units?|Deliveries|Across|Behind|Dr|Mr|Mrs|Ms)\b"
)
_NO_NAME_ENDS = frozenset(".,;:!?)")
# "at Oak Dr. Lee": a name behind one of these words is that of a street, not of who lives there …
_ON_STREET = Pattern(
    r"\b(?:on|at|near|off|along|down|to|onto)\s((?:[A-Z][\w'’]{0,24}\s){1,2})$", re.IGNORECASE
)
# … but for what stands before a saint ("Mount St. Helens") or a title ("on Monday Dr. Lee").
_NO_STREET = word_set(
    "Mount Lake Port Fort Cape Point Downtown Greater North South East West Monday Tuesday Wednesday "
    "Thursday Friday Saturday Sunday Mon Tue Wed Thu Fri Sat Sun Doctor Mr Mrs Ms"
)
_NO_NAMES = word_set(
    "The A An Your Our My His Her Their Hi Hello Hey Dear Thanks Ask See Call Yes No Okay OK And"
)
_ZIP = Pattern(r"[.,]?\s(\d{5})(?:-(\d{4}))?(?!\w)")
_STATE_END = Pattern(
    r"\.?(?:\s\d{5}(?!\d)|[,;:!?)\"]|\.?$|\.\s|\s*$|\s(?:and|or|is|in|at|to|for|from|on|USA|US)\b)"
)
_ROAD = Pattern(r"\b(?:[A-Z]{1,3}-|(?:Hwy|Highway|Interstate|Route|Rte)\.?\s)\d{1,4}\s$")
_STREET_AHEAD = Pattern(rf"\.?\s(?:[A-Z][\w'’.-]{{1,24}}\s){{1,2}}{_STREET_WORDS}")
_NUMBERED_STREET = Pattern(r"\.?\s\d{1,3}(?:st|nd|rd|th)\b")
_ORDINAL_STREET = Pattern(
    rf"\.?\s\d{{1,3}}(?:st|nd|rd|th)(?:\s{_STREET_WORDS}|\s*$|[.,;:!?)&/]|\s(?:and|in|at|to|near|from|is)\b|\s&)"
)
_PLACES = ("on", "at", "in", "to", "near", "from")
_GOING = word_set("then go head turn drive walk mile miles mi blocks block blks minutes")
_TURNING = word_set("turn bear keep veer then stay")
_TURNS = Pattern(r"\s(?:on|onto|into|at|and|then|after|before|to|past)\b|[.,;]|$")
_NUMBERED_ROAD = Pattern(r"\.?\s(?:(?:Loop|Hwy|Highway|FM|US)\s|I-|IH-)\d")  # "N Loop 1604"
_OF_PLACE = Pattern(r"\.?\sof\b")  # "E. of I-35"
_GOES_ON = Pattern(r"\s(?:on|of|onto|to|at|until|toward|past)\b|[.,]")
_CORNER = Pattern(r"\.?\s(?:corner|cor|side|end|part|quadrant|entrance|gate|lot|building|tower|wing)\b")
_APTLY = word_set("an more most very so as is are was be seems")  # "an apt remark"
_DIRECTION_AHEAD = Pattern(r"\s[NSEW]\.\s(?:[A-Z][a-z]|\d+(?:st|nd|rd|th)\b)")
_NORTH = Pattern(r"\.?\s(?:[A-Z]|\d)")
_IN_TOWN = Pattern(r"\b(?:in|near|from|of)\s(?:[A-Z][\w'’.]{0,24}\s){0,2}[A-Z][\w'’]{0,24},\s?$")
_NO_TOWNS = word_set(
    "Oh Ah Great Sure Alright Hi Hello Hey Yes Yeah No Well Perfect Good Thanks Okay Awesome Wonderful Fine "
    "Right Cool Excellent Sorry So And But Um Uh Now Then Please Absolutely Certainly"
)
# Said as a state behind a name without a comma, too: they are short for nothing else that is common.
_SURE_STATES = word_set("TX NY CA FL GA AZ NJ NC NV NM NH ND SD TN WY WV KS KY MN WI IL IA RI AK MI")
_DOTTED_STATES = word_set("Calif Fla Okla Minn Mich Tenn Ariz Colo Conn Wis Wyo Nev Neb Tex Penn")
_IN_STATE = ("in", "to", "from", "of", "across", "outside", "throughout")
_NO_TOWN_WORDS = word_set("from this that your with over about than some most every each form")
_PARTY_LEFT = Pattern(r"(?:[(]|,\s)[DIR][-–]$")  # a senator: "(R-TX)"
_SAINTE = Pattern(r"\.\s(?:Marie|Genevieve|Anne|Th[eé]r[eè]se|Foy|Agathe|Catherine|Claire|Rose)\b")
_FEET = Pattern(r"\.?\s[Ff](?:t|eet)\b")
_MORE_STREETS = word_set("St Dr Street Way Avenue Road Drive Boulevard Lane")
_LAST_OF_STREET = Pattern(r"\.?(?:$|[,;:!?)]|\s#|\s(?:Apt|Ste|Unit|Suite|Bldg)\b)")
_DIRECTION_NEXT = Pattern(r"\.\s(?:(?:NE|NW|SE|SW)\b|[NSEW]\.?(?:[,;:!?)]|$))")  # "Pennsylvania Ave. NW"
# "Oak St. Apts", "Main St. Dental": houses and businesses that are called by their street.
_PLACE_NEXT = Pattern(
    r"\.?\s(?:Apts?|Apartments|Lofts?|Flats|Condos?|Condominiums|Townhomes|Townhouses|Residences|Villas|Suites|"
    r"Commons|Towers|Station|Market|Cafe|Café|Bistro|Grill|Bakery|Deli|Diner|Theater|Theatre|Clinic|Dental|"
    r"Pharmacy|Veterinary|Salon|Gym|Elementary|Properties)\b"
)
_BOX = Pattern(r"(?:\.?\s?[Oo]\.?)?\s(?:[Bb]ox|BOX)\s#?(\d{1,6})(?!\w)")


def house(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """A house number: "2100 Kramer Ln" → "twenty one hundred". None where no street follows."""
    written = found[1]
    if not (3 <= len(written) <= 5 and written.isdecimal() and not found[2] and locale.streets):
        return None
    if not (_HOUSE.match(text, found.end()) or _DIRECTION_AHEAD.match(text, found.end())):
        return None
    said = digits(written, locale) if len(written) == 5 else _house(written, locale)
    return Span(found.start(), found.end(), "address", said)


def _house(written: str, locale: Locale) -> str:
    """Pairs, but a zero is heard better in "seven hundred five"."""
    has_zero = len(written) == 3 and written[1] == "0"
    return locale.cardinal(int(written)) if has_zero else in_pairs(written, locale)


def saint_or_street(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "St. Mary's is on Mary St." → Saint, Street."""
    word = text[start:end]
    if word.isupper():
        return _shouted(text, start, end)
    if _is_street(text, start, end):
        return _named(text, start, end, "street" if word.islower() else "Street")
    if _NAME.match(text, end):
        return _named(text, start, end, "saint" if word.islower() else "Saint", title=True)
    return None


def _shouted(text: str, start: int, end: int) -> Span | None:
    """ "STOCKTON ST JOHN'S" is about a saint, "123 MAIN ST" a street, "Atari ST" neither."""
    if _HOUSE_LEFT.search(text[max(0, start - LOOK_BACK) : start]):
        return _named(text, start, end, "STREET")
    return _named(text, start, end, "SAINT", title=True) if _CAPITALS.match(text, end) else None


def doctor_or_drive(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Dr. Lee lives on Lee Dr." → Doctor, Drive."""
    word = text[start:end]
    if word.isupper():
        if _HOUSE_LEFT.search(text[max(0, start - LOOK_BACK) : start]):
            return _named(text, start, end, "DRIVE")
        is_title = text[end : end + 1] == "." and _CAPITALS.match(text, end)
        return _named(text, start, end, "DOCTOR", title=True) if is_title else None
    if _is_street(text, start, end):
        return _named(text, start, end, "Drive")
    has_name = bool(_NAME.match(text, end)) and not (word.islower() and _NO_NAME.match(text, end))
    has_name = has_name or _INITIALS.match(text, end) is not None
    if not has_name and text[end : end + 1] != ".":
        return None
    return _named(text, start, end, "doctor" if word.islower() else "Doctor", title=has_name)


def _is_street(text: str, start: int, end: int) -> bool:
    """Whether the word ends the name of a street: a house number before it, or a name and no name behind."""
    left = text[max(0, start - LOOK_BACK) : start]
    if _HOUSE_LEFT.search(left):
        return True
    if left and _is_on_street(left):
        return True
    is_place = text[start - 2 : start - 1].isalnum() and _PLACE_NEXT.match(text, end)
    has_name = _NAME.match(text, end) and not (is_place or _NO_NAME.match(text, end))
    if has_name or not left.endswith(" "):
        return False
    before = previous_word(text, start)
    if before in _NO_NAMES:
        return False
    return before[:1].isupper() or before[:1].isdecimal() or before.endswith("rd")


def _is_on_street(left: str) -> bool:
    """Whether a word of place and a name stand there: "near Oak Dr. Visitors …"."""
    if left[-2:-1] in _NO_NAME_ENDS:
        return False  # no name stands there: not to search takes a tenth of the time
    found = _ON_STREET.search(left)
    names = found[1].split() if found else []
    return bool(names) and all(name[0].isupper() and name not in _NO_STREET for name in names)


def _named(text: str, start: int, end: int, said: str, title: bool = False) -> Span:
    if text[end : end + 1] == "." and (
        title or not ends_sentence(text, end + 1) or street_goes_on(text, start, end)
    ):
        end += 1
    return Span(start, end, "address", said)


def street_goes_on(text: str, start: int, end: int) -> bool:
    """Whether a street's name goes on behind its word: "Pennsylvania Ave. NW", "Oak St. Apts".

    An address ends there: "We are at 12 Oak St. Apartments start at $900."
    """
    if _PLACE_NEXT.match(text, end) is None:
        return _DIRECTION_NEXT.match(text, end) is not None
    return _HOUSE_LEFT.search(text[max(0, start - LOOK_BACK) : start]) is None


def street(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Ave", "Ct" … behind a name or a number; all in capitals, behind that of a house only."""
    word = text[start:end]
    if word.isupper():
        is_one = _HOUSE_LEFT.search(text[max(0, start - LOOK_BACK) : start])
        return _named(text, start, end, locale.streets[word].upper()) if is_one else None
    before = previous_word(text, start)
    if word == "Sq" and _FEET.match(text, end):
        return None
    sure = word in ("Ave", "Blvd", "Pkwy", "Hwy", "Rd", "Ln")
    if not sure and (text[start - 2 : start - 1] == "," or (word == "Pt" and _NAME.match(text, end))):
        return None  # "Mt. Rainier, Pt. Reyes"
    if not sure and not (before[:1].isupper() or before[:1].isdecimal()):
        return None
    return _named(text, start, end, locale.streets[word])


def direction(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "314 W. 42nd" → West; "NW" between a house number and a name, or behind a street."""
    before = text[max(0, start - 8) : start].split()
    last = before[-1] if before else ""
    if end - start == 2 and _CORNER.match(text, end):
        return _named(text, start, end, locale.directions[text[start:end]], title=True)
    after_number = last[:1].isdecimal() and last.isdecimal() and _NORTH.match(text, end)
    after_street = (end - start == 2 or _LAST_OF_STREET.match(text, end)) and (
        last.rstrip(".,") in locale.streets or last.rstrip(".,") in _MORE_STREETS
    )
    has_dot = text[end : end + 1] == "."
    before_place = (
        (has_dot and last in _PLACES and _NORTH.match(text, end))
        or (_STREET_AHEAD.match(text, end) and not _is_middle_name(text, start, last, locale))
        or (_NUMBERED_STREET if end - start == 2 else _ORDINAL_STREET).match(text, end)
        or (last.lower().rstrip(".") in _GOING and _GOES_ON.match(text, end))
        or ((has_dot or last == "the") and _CORNER.match(text, end))
        or _NUMBERED_ROAD.match(text, end)
        or (last[-1:] in ("", ",", ";", ".", ":") and _OF_PLACE.match(text, end))
    )
    on_road = end - start == 1 and _ROAD.search(text[max(0, start - 20) : start])
    if not (after_number or after_street or before_place or on_road):
        return None
    return _named(
        text, start, end, locale.directions[text[start:end]], title=bool(after_number or before_place)
    )


def side(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Turn R onto Oak" → "right"."""
    if previous_word(text, start).lower() not in _TURNING or not _TURNS.match(text, end):
        return None
    return Span(start, end, "address", locale.sides[text[start:end]])


def _is_middle_name(text: str, start: int, last: str, locale: Locale) -> bool:
    """Whether a letter stands within a name, "Robert E. Lee Blvd", and not before one."""
    if not last[:1].isupper() or not last.isalpha() or last in _NO_NAMES:
        return False
    if len(last) == 1:
        return True
    is_first = text[max(0, start - len(last) - 3) : start - len(last) - 1].strip(" \n")[-1:] in (
        "",
        ".",
        "!",
        "?",
    )
    return not is_first or last in locale.rulers


def unit(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Apt. 4B" → "Apartment four B", "Unit 1204" → "Unit twelve oh four", "Ste 200"."""
    name = locale.unit_names[text[start:end]]
    if (usual := _USUAL_UNIT.match(text, end)) is not None:
        said = f"{name} {room(usual[1], locale)}"
        return Span(start, usual.end(), "unit", f"{said} {usual[2]}" if usual[2] else said)
    if name == "Suite" and _SAINTE.match(text, end):
        return Span(start, end + 1, "address", "Sainte")
    if found := _UNIT.match(text, end):
        if text[found.end() + 1 : found.end() + 2].isdecimal() and (
            span := _unit_of(text, start, end, locale)
        ):
            return span
        before, number, after = found.groups()
        said = (
            f"{name} {run(before, locale)} {room(number, locale)}"
            if before
            else f"{name} {room(number, locale)}"
        )
        return Span(start, found.end(), "unit", f"{said} {after}" if after else said)
    if found := _UNIT_LETTER.match(text, end):
        return Span(start, found.end(), "unit", f"{name} {found[1]}")
    if text[start:end] == "Fl" and text[max(0, start - 3) : start] in ("st ", "nd ", "rd ", "th "):
        return _named(text, start, end, name)
    if text[start:end] == "apt" and text[end : end + 1] != "." and previous_word(text, start) in _APTLY:
        return None
    if name == text[start:end] or text[start:end] in ("Fl", "Lot", "Ste", "STE"):
        return None
    return _named(text, start, end, name)


def _unit_of(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Unit 12-204", of a building, → "Unit twelve, two oh four"; "unit 1,204" → "unit twelve oh four"."""
    found = _UNIT_OF.match(text, end)
    if found is None or text[start:end].endswith("s"):
        return None
    first, second, glued = found.groups()
    said = room(first + glued, locale) if glued else f"{whole(first, locale)}, {room(second, locale)}"
    return Span(start, found.end(), "unit", f"{locale.unit_names[text[start:end]]} {said}")


def state(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Dallas, TX 75201" → "Texas seven five two zero one". Only behind a town."""
    left = text[max(0, start - 24) : start].rstrip(" ")
    after_comma = left.endswith(",") and left[:-1].rstrip().split()[-1:]
    town = after_comma[0] if after_comma else ""
    followed = _STATE_END.match(text, end)
    code = _ZIP.match(text, end)
    if text[end : end + 6] == "-based":
        return Span(start, end, "address", locale.states[text[start:end]]) if end - start == 2 else None
    is_town = town[:1].isupper() and followed and _is_in_state(text, start, end, town, locale)
    is_town = is_town and not (town.isupper() and len(town) < 5)  # "NYC, LA" …
    is_town = is_town and town.rstrip(".") not in locale.streets  # … "Sunset Blvd, LA"
    before = previous_word(text, start)
    if text[end : end + 1] == "." and text[start:end] in _DOTTED_STATES:
        is_town = True
    is_town = is_town or _PARTY_LEFT.search(text[max(0, start - 4) : start]) is not None
    is_town = is_town or (code and before[:1].isupper()) or _is_plain_state(text, start, end, before, locale)
    if not is_town:
        return None
    said = locale.states[text[start:end]]
    if code is None:
        return _named(text, start, end, said, title=text[end : end + 2] == ".,")
    said = ", ".join([said + " " + digits(code[1], locale), *([digits(code[2], locale)] if code[2] else [])])
    return Span(start, code.end(), "address", said)


def _is_plain_state(text: str, start: int, end: int, before: str, locale: Locale) -> bool:
    """Whether letters that are short for nothing else stand behind a town, "Austin TX", or "in TX"."""
    if text[start:end] not in _SURE_STATES or text[start - 1 : start] != " " or text[start - 2] in ".;:!?":
        return False
    if before in _IN_STATE:
        return _STATE_END.match(text, end) is not None
    is_name = len(before) > 3 and before.istitle() and before.isalpha() and before not in _NO_TOWNS
    return is_name and before.lower() not in _NO_TOWN_WORDS and _STATE_END.match(text, end) is not None


def _is_in_state(text: str, start: int, end: int, town: str, locale: Locale) -> bool:
    """Whether "OK" behind a comma is a state and no word: its town is known, or somebody lives "in" it."""
    towns = locale.doubtful_states.get(text[start:end])
    if towns is None or town in towns:
        return True
    if text[:start].strip(" ,") == town and not text[end:].strip():
        return town not in _NO_TOWNS  # the whole text: an answer
    return (
        text[end : end + 1] not in ("?", "!")
        and _IN_TOWN.search(text[max(0, start - 48) : start]) is not None
    )


def box(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "P.O. Box 1180" → "P O Box eleven eighty"."""
    found = _BOX.match(text, end)
    return Span(start, found.end(), "address", f"P O Box {in_pairs(found[1], locale)}") if found else None
