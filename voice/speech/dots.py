"""Whether the dot behind a word ends a sentence: "Dr." never does, "p.m." does before a capital."""

from __future__ import annotations

from voice.speech.locales.english import ENGLISH
from voice.speech.patterns import Pattern
from voice.speech.readers.addresses import doctor_or_drive, saint_or_street, street_goes_on
from voice.speech.readers.context import ends_sentence
from voice.speech.readers.table import word_readers
from voice.speech.tables import word_set

NEAR_CHARS = 100  # before it, what is read as a whole begins

_FLAT = Pattern(r"\s*(?:[A-Z]?-?\d{1,5}[A-Z]?|[A-Z])(?=[\s.,;:!?)])")  # behind "Apt."
_WHOLE_FLAT = Pattern(r"\s*(?:\S{9}|\S+\s)")
_WHOLE_NAME = Pattern(r"\s*(?:\S{13}|\S+\s)")  # behind "St.": "Apartments"
WHOLE_WORD = Pattern(r"\s*(?:\S{4}|\S+\s)")
# These end no sentence; "St." and "p.m." do where a capital follows.
_NEVER_LAST = (
    frozenset(map(str.lower, ENGLISH.titles))
    | ENGLISH.never_last
    | {"p.o", "ste", "vs", "e.g", "i.e", "approx", "fig"}
    # In Spanish: "Av. Juárez", "EE. UU."
    | word_set("sra srta dra lic ing av avda calz blvd sto sta ee p.ej")
)
_ABBREVIATIONS = frozenset(
    word.lower()
    for words in (
        ENGLISH.dotted,
        ENGLISH.streets,
        ENGLISH.unit_names,
        ENGLISH.month_forms,
        ENGLISH.weekday_forms,
    )
    for word in words
) | word_set(
    "st dr inc ltd corp co jr sr etc min mins hr hrs ft sq cu no nos conf exp"
    " ee.uu uu ud uds tel cel ext núm depto dpto apto col esq aprox pág"
)
_WITH_DOT = _NEVER_LAST | _ABBREVIATIONS
_STREETS = frozenset(("Drive", "Street"))


def dot_ends(text: str, at: int, end: int, word: str) -> bool | None:
    """Whether the dot at this place, behind a word without digits, ends a sentence."""
    readers = word_readers(ENGLISH)
    if len(word) > 1 and word.islower() and word.isalpha() and word not in _WITH_DOT and word not in readers:
        return True  # nearly always
    plain = word.lower()
    if text[at : at + 2] == ".." or not plain.isascii():
        return True
    if plain in _NEVER_LAST or (len(word) == 1 and word != "I"):
        return False
    if not _is_short(word) and "." not in plain:
        return True
    is_street = word in ENGLISH.streets or plain in ("dr", "st")
    whole = _WHOLE_NAME if is_street else _WHOLE_FLAT if word in ENGLISH.unit_names else WHOLE_WORD
    following = whole.match(text, end)
    if following is None:
        return None
    if plain in ("dr", "st") and _is_title(text, at - len(word), at, following.end()):
        return False
    if any(sense.behind.match(text, at) for sense in ENGLISH.senses.get(plain, ())):
        return False
    if plain in ("no", "nos"):
        return not following[0].lstrip()[0].isdigit() and not following[0].lstrip()[0].islower()
    if is_street and street_goes_on(text, at - len(word), at):
        return False
    if word in ENGLISH.unit_names and _FLAT.match(text, end):
        return False
    return ends_sentence(text[: following.end()], at + 1)


def _is_short(word: str) -> bool:
    """Whether a word may be an abbreviation: those that are read, but for the states', and some more."""
    return word.lower() in _ABBREVIATIONS or (word in word_readers(ENGLISH) and not word.isupper())


def _is_title(text: str, start: int, dot: int, end: int) -> bool:
    """Whether the word before a dot is a title before a name; behind a name it is a street."""
    near = near_start(text, start)
    read = saint_or_street if text[start] in "Ss" else doctor_or_drive
    span = read(text[near:end], start - near, dot - near, ENGLISH)
    return span is None or span.spoken not in _STREETS


def near_start(text: str, at: int, chars: int = NEAR_CHARS) -> int:
    """From where on a text is read to know what stands at a place: a few words before it."""
    return text.find(" ", at - chars, at) + 1 if at > chars else 0
