"""What stands around a place of a text. Looks at a few words only, however long the text is."""

from __future__ import annotations

from typing import NamedTuple

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.tables import word_set

LOOK_BACK = 48  # characters; "your account number ending in" is 29

# A day or a month behind "7 a.m." goes on with the sentence.
_CALENDAR = word_set(
    "Mon Tue Wed Thu Fri Sat Sun Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec EST PST CST MST"
)

_ZONES = ("ET", "CT", "MT", "PT")
_MARKS = "().,:;#=-–/\"'“”‘’*"
_CLOSING = frozenset(("", ".", ",", ";", ":", "!", "?", ")"))  # no word stands right behind
_PREFIX = Pattern(r"[A-Z]{1,4}")  # letters before the digits of a code
_WORD = Pattern(r"\s{0,3}([^\W\d_]++)")


def words_before(text: str, at: int) -> list[str]:
    """The words to the left in lower case, as they are written; the first may be cut."""
    return text[max(0, at - LOOK_BACK) : at].lower().split()


def next_word(text: str, at: int) -> str:
    """The word behind a space, or ""."""
    found = _WORD.match(text, at) if text[at : at + 1] not in _CLOSING else None
    return found[1] if found else ""


def previous_word(text: str, at: int) -> str:
    """The word to the left as it is written, without marks around it, or ""."""
    words = text[max(0, at - LOOK_BACK) : at].split()
    return words[-1].strip("()[]\"'“”‘’.,;:") if words else ""


class Cue(NamedTuple):
    """What the words before a number say of it."""

    next: str  # the word right before it, in lower case
    word: str  # the nearest word that may be a cue, over linking words and long numbers: "account number is"
    is_apart: bool  # a comma is behind that word
    is_number: bool = False  # "number" stood between: "your number is"


NO_CUE = Cue("", "", False)


def cue_before(text: str, at: int, locale: Locale) -> Cue:
    """The cue of the number at `at`; its words are "" where there are none."""
    following, is_number = "", False
    for word in reversed(text[max(0, at - LOOK_BACK) : at].split()):
        plain = word.strip(_MARKS).lower().removesuffix("'s")
        if not plain:
            continue  # a mark: "code (4471)"
        following = following or plain
        if word.isupper() and _PREFIX.fullmatch(word) and plain not in locale.digit_cues:
            continue  # "flight UA 328"
        if plain not in locale.links and not (plain.isdecimal() and len(plain) > 2):
            return Cue(following, plain, word[-1] in ",;", is_number)
        is_number = is_number or plain in locale.number_words
    return Cue(following, "", False, is_number)


def range_word(text: str, start: int, locale: Locale) -> str:
    """What stands between the two numbers of a range that begins at `start`: "between 5-7" has an "and"."""
    is_between = text.endswith(locale.signs.between, 0, start - 1) if start else False
    return locale.signs.and_ if is_between else locale.signs.to


def ends_sentence(text: str, dot_end: int) -> bool:
    """Whether a dot that belongs to an abbreviation is the end of its sentence, too."""
    rest = text[dot_end : dot_end + 6].lstrip(" \"'”’)")
    if not rest or rest[0] == "\n":
        return True
    if rest[:2] in _ZONES and not rest[2:3].isalpha():
        return False
    return rest[0].isupper() and text[dot_end : dot_end + 1] in ' \n"”)' and rest[:3] not in _CALENDAR
