"""Words that are not said as they are written: abbreviations, acronyms, initials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.codes import SPELLED, VOWELS, is_said, run
from voice.speech.readers.context import ends_sentence, next_word, previous_word, words_before
from voice.speech.readers.roads import of_country
from voice.speech.readers.roman import roman
from voice.speech.span import Span
from voice.speech.tables import word_set

_TIGHT_LETTERS = Pattern(r"(?:[A-Za-z]\.){2,8}|(?:[A-Za-z]\.){1,7}[A-Za-z](?![\w.])|Ph\.D\.?")
_NEXT_CAPITAL = Pattern(r"\.?\s[A-Z]")
_NUMBER_NEXT = Pattern(r"\.?\s{0,2}#?\d")
_YEAR_NEXT = Pattern(r"\s(?:in\s)?(?:1[5-9]|20)\d\d\b")
_PLURAL = Pattern(r"['’]?s(?!\w)")
# Written without a dot, too: before a name, or behind one.
_PLAIN_TITLES = word_set(
    "Mr Mrs Ms Messrs Prof Rev Sgt Capt Lt Col Maj Cpl Pvt Cmdr Atty Ft Mt Jr Sr Sen Gov"
)
_BEHIND_NAMES = word_set("jr sr esq")
_ENDS_NAME = Pattern(r"(?:^|[\s,])[A-Z][\w'’-]+,?\s$")
_VERSE = Pattern(r"\.?\s([1-9]\d{0,2}):([1-9]\d{0,2})(?:[-–]([1-9]\d{0,2}))?(?![\w:]|\s?[ap]\.?m)")
_VOLUMES = ("1", "2", "3")  # of a book with chapter and verse
_CLAUSE_END = Pattern(r"\.?\s*$|\.?[,;:!?)\n]|\.\s+[A-Z]")
_LOWERED = frozenset("₀₁₂₃₄₅₆₇₈₉")
_RAISED = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_NEAR = 24  # characters: two words


def abbreviation(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """One that has a single meaning: "approx." → "approximately"; "incl." has another behind its noun."""
    word = text[start:end]
    if word == "Vs" and text[start - 2 : start - 1].isupper():
        return None  # "S U Vs", as it was spelled before
    said, _, behind = locale.words[word].partition("|")
    if behind and _CLAUSE_END.match(text, end):
        return _said(text, start, end, behind)
    span = _said(text, start, end, said)
    goes_on = word.lower() in locale.never_last and text[end : end + 2] == ". "
    return span._replace(end=end + 1) if goes_on else span


def phrase(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """Several signs that have one meaning: "M-F" → "Monday to Friday"."""
    for written in phrases_from(locale)[text[start:end]]:
        stop = start + len(written)
        if text.startswith(written, start) and not text[stop : stop + 1].isalnum():
            if written[-1] == "." and written not in locale.never_last and ends_sentence(text, stop):
                stop -= 1
            return Span(start, stop, "abbreviation", locale.phrases[written])
    return None


@cache
def phrases_from(locale: Locale) -> Mapping[str, tuple[str, ...]]:
    """The phrases by the word they begin with."""
    heads = {written: re.split(r"[\W\d]", written)[0] for written in locale.phrases}
    return {head: tuple(written for written in heads if heads[written] == head) for head in {*heads.values()}}


def dotted(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """One that means something only with its dot ("dep."), or before a number ("No 162", "fig 3")."""
    word = text[start:end]
    key = word.lower()
    has_dot = text[end : end + 1] == "."
    if key in locale.numbered and _NUMBER_NEXT.match(text, end):
        said_so = key != "no" or word == "No" or has_dot or _is_numbered(text, start)
    else:
        ends = ends_sentence(text, end + 1)
        said_so = has_dot and len(word) > 1 and key != "no" and not (key in locale.also_words and ends)
    if has_dot and (by_year := locale.before_year.get(key)) and _YEAR_NEXT.match(text, end + 1):
        return _said(text, start, end, by_year.capitalize() if word[0].isupper() else by_year)
    if not said_so or not next_word(text, end + 1).startswith(locale.only_before.get(key, "")):
        return None
    return _said(text, start, end, locale.dotted[word])


def _is_numbered(text: str, start: int) -> bool:
    """Whether "NO" before a number follows what is numbered: "Highway NO 88"."""
    before = previous_word(text, start)
    return before[:1].isupper() or before in ("the", "highway")


def sense(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """One that its neighbours decide: "Temp. control" → "Temperature", "Sec. 4.2" → "Section"."""
    word = text[start:end]
    for one in locale.senses[word.lower()]:
        found = one.behind.match(text, end)
        if found is None and not one.before.intersection(words_before(text, start)[-1:]):
            continue
        said = one.said.capitalize() if word[0].isupper() else one.said
        if found is not None and found.end() > end + 1 and text[end] == ".":
            return Span(start, end + 1, "abbreviation", said)  # its noun follows: no sentence ends here
        return _said(text, start, end, said)
    return None


def against(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Roe v. Wade" → "versus"."""
    if not _ENDS_NAME.search(text[max(0, start - 24) : start]) or not _NEXT_CAPITAL.match(text, end):
        return None
    return Span(start, end + (text[end] == "."), "abbreviation", locale.words["vs"])


def verse(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Matt. 5:3-7" → "Matthew five three to seven"."""
    found = _VERSE.match(text, end)
    if found is None:
        return None
    chapter, first, last = found.groups()
    said = f"{locale.books[text[start:end]]} {locale.cardinal(int(chapter))} {locale.cardinal(int(first))}"
    if last:
        said = f"{said} {locale.signs.to} {locale.cardinal(int(last))}"
    return Span(start, found.end(), "verse", said)


def numbered_verse(text: str, found: re.Match[str], name: re.Match[str], locale: Locale) -> Span | None:
    """ "1 Cor. 13:4" → "First Corinthians thirteen four"."""
    of = verse(text, name.start(), name.end(), locale) if found[0] in _VOLUMES else None
    if of is None:
        return None
    return Span(found.start(), of.end, "verse", f"{locale.ordinal(int(found[0])).capitalize()} {of.spoken}")


def title(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Mr. Smith" → "mister Smith": with its dot, or before a name."""
    word = text[start:end]
    dot = text[end : end + 1] == "."
    behind_name = word.lower() in _BEHIND_NAMES and _ENDS_NAME.search(text[max(0, start - 24) : start])
    if not dot and not (behind_name or _is_plain_title(text, start, end, word)):
        return None
    after_name = behind_name or word in ("rep", "gov", "pres", "atty", "supt", "pt")
    if dot and not (after_name and ends_sentence(text, end + 1) and not _goes_on(text, end + 1, locale)):
        end += 1
    return Span(start, end, "abbreviation", locale.titles[word])


def _is_plain_title(text: str, start: int, end: int, word: str) -> bool:
    """Whether a title without its dot stands before a name; "12 Ft Ladder" is a measure."""
    return (
        word in _PLAIN_TITLES
        and _NEXT_CAPITAL.match(text, end) is not None
        and not text[max(0, start - 2) : start].strip().isdecimal()
        and not text.endswith(("Sq ", "Cu "), 0, start)
    )


def _goes_on(text: str, at: int, locale: Locale) -> bool:
    """Whether a name goes on as a street's: "King Jr. Blvd"."""
    following = next_word(text, at)
    return following in locale.streets or following in ("St", "Dr", "Way", "Street", "Avenue", "Drive")


def _said(text: str, start: int, end: int, said: str) -> Span:
    """The words of an abbreviation; its dot goes, unless it ends the sentence."""
    if text[end : end + 1] == "." and not ends_sentence(text, end + 1):
        end += 1
    return Span(start, end, "abbreviation", said)


def initials(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "U.S." → "U S", "e.g." → "for example", "N.Y." → "New York"."""
    found = _TIGHT_LETTERS.match(text, start)
    if found is None:
        return None
    written, end = found[0], found.end()
    if written == "U.S." and (road := of_country(text, start, end, locale)) is not None:
        return road
    known = locale.letters.get(written.rstrip(".").lower())
    said = known or " ".join(letter for letter in written if letter != ".")
    if known and written[0].isupper():
        said = said[0].upper() + said[1:]
    is_last = written[-1] == "." and not text[end : end + 2].strip(" \"'”’)")
    return Span(start, end - is_last, "acronym", said)


def capitals(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "HTTP" → "H T T P", "NASA" as it is, "III" by what stands before it."""
    word = text[start:end]
    if (numeral := roman(text, start, end, locale)) is not None:
        return numeral
    if text[end : end + 1] == "&":
        return Span(start, end, "acronym", " ".join(word))  # AT&T
    if word in locale.as_words or (len(word) > 3 and word.removesuffix("S") in locale.as_words):
        return None
    if not word.isascii() and not _LOWERED.isdisjoint(word):
        return Span(start, end, "acronym", run(word.translate(_RAISED), locale))  # "CO₂"
    if len(word) > SPELLED or not (word.isascii() and word.isalpha()):
        return None
    if is_said(word, locale) or (len(word) == 3 and _is_shouted(text, start, end, locale)):
        return None
    said = " ".join(word)
    if plural := _PLURAL.match(text, end):
        return Span(start, plural.end(), "acronym", f"{said}{plural[0]}")
    return Span(start, end, "acronym", said)


def _is_shouted(text: str, start: int, end: int, locale: Locale) -> bool:
    """Whether three letters with a vowel stand among words that are all in capitals: "BLANCHE W. MOE"."""
    if VOWELS.isdisjoint(text[start:end]):
        return False
    near = (*text[max(0, start - _NEAR) : start].split()[-2:], *text[end : end + _NEAR].split()[:2])
    others = [word.strip(".,;:!?\"'()") for word in near]
    return any(
        (len(word) > 2 and word in locale.shouted)
        or (len(word) > 4 and word.isalpha() and word.isupper() and _is_name(word, locale))
        for word in others
    )


def _is_name(word: str, locale: Locale) -> bool:
    return word not in locale.as_words and is_said(word, locale)


def plural_capitals(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "PDFs" → "P D Fs", "HOA's" → "H O A's"; what is said as a word stays."""
    word = text[start:end]
    core = word[:-1].rstrip("'’")
    if (numeral := roman(text, start, start + len(core), locale)) is not None:
        return numeral  # "Louis XVI's"
    if (
        core in locale.as_words
        or is_said(core, locale)
        or not (2 <= len(core) <= SPELLED and core.isupper() and core.isascii())
    ):
        return None
    return Span(start, end, "acronym", " ".join(core) + word[len(core) :])
