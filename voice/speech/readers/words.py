"""Words that are not said as they are written: abbreviations, acronyms, initials, Roman numerals."""

from __future__ import annotations

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import ends_sentence, next_word, previous_word
from voice.speech.span import Span
from voice.speech.tables import word_set

_TIGHT_LETTERS = Pattern(r"(?:[A-Za-z]\.){2,8}|(?:[A-Za-z]\.){1,7}[A-Za-z](?![\w.])|Ph\.D\.?")
_ROMAN = Pattern(r"M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_NEXT_CAPITAL = Pattern(r"\.?\s[A-Z]")
_LETTER_NEXT = Pattern(r"\s[A-Z](?![\w'’/])")
_NUMBER_NEXT = Pattern(r"\.?\s{0,2}#?\d")
_YEAR_NEXT = Pattern(r"\s(?:in\s)?(?:1[5-9]|20)\d\d\b")
_CENTURY = Pattern(r"(?:st|nd|rd|th)?[\s-](?:century|centuries)\b")
_PLURAL = Pattern(r"['’]?s(?!\w)")
_PLAIN_TITLES = word_set("Mr Mrs Ms Messrs Prof Rev Sgt Capt Lt Col Maj")  # written without a dot, too
_CLAUSE_END = Pattern(r"\.?\s*$|\.?[,;:!?)\n]|\.\s+[A-Z]")
_SPELLED = 5  # capitals without a vowel, three with one: more are a word
_VOWELS = frozenset("AEIOUY")


def abbreviation(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """One that has a single meaning: "approx." → "approximately"; "incl." has another behind its noun."""
    word = text[start:end]
    said, _, behind = locale.words[word].partition("|")
    if behind and _CLAUSE_END.match(text, end):
        return _said(text, start, end, behind)
    span = _said(text, start, end, said)
    goes_on = word.lower() in locale.never_last and text[end : end + 2] == ". "
    return span._replace(end=end + 1) if goes_on else span


def phrase(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """Several signs that have one meaning: "M-F" → "Monday to Friday"."""
    for written, said in locale.phrases.items():
        stop = start + len(written)
        if text.startswith(written, start) and not text[stop : stop + 1].isalnum():
            return Span(start, stop, "abbreviation", said)
    return None


def vulgar(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "½" → "one half", "a ½ mile" → "a half mile"."""
    said = locale.signs.others[text[start:end]]
    has_article = text[max(0, start - 3) : start].lower().split()[-1:] == ["a"]
    return Span(start, end, "fraction", said.partition(" ")[2] if has_article else said)


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


def title(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Mr. Smith" → "mister Smith": with its dot, or before a name."""
    word = text[start:end]
    dot = text[end : end + 1] == "."
    if not dot and not (word[0].isupper() and word in _PLAIN_TITLES and _NEXT_CAPITAL.match(text, end)):
        return None
    after_name = word.lower() in ("jr", "sr", "esq") or word in ("rep", "gov", "pres", "atty", "supt", "pt")
    if dot and not (after_name and ends_sentence(text, end + 1) and not _goes_on(text, end + 1, locale)):
        end += 1
    return Span(start, end, "abbreviation", locale.titles[word])


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
    if word in locale.as_words or word.removesuffix("S") in locale.as_words:
        return None
    if len(word) > _SPELLED or not (word.isascii() and word.isalpha()):
        return None
    if len(word) > 3 and not _VOWELS.isdisjoint(word) and word not in locale.spelled:
        return None
    said = " ".join(word)
    if plural := _PLURAL.match(text, end):
        return Span(start, plural.end(), "acronym", f"{said}{plural[0]}")
    return Span(start, end, "acronym", said)


def plural_capitals(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "PDFs" → "P D Fs", "HOA's" → "H O A's"; what is said as a word stays."""
    word = text[start:end]
    core = word[:-1].rstrip("'’")
    if (numeral := roman(text, start, start + len(core), locale)) is not None:
        return numeral  # "Louis XVI's"
    is_word = core in locale.as_words or (len(core) > 3 and not _VOWELS.isdisjoint(core))
    if is_word or not (2 <= len(core) <= _SPELLED and core.isupper() and core.isascii()):
        return None
    return Span(start, end, "acronym", " ".join(core) + word[len(core) :])


def roman(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "Chapter IV" → "four", "Henry III" → "the third". One letter needs a sure word before it."""
    word = text[start:end]
    if len(word) > 1 and _CENTURY.match(text, end) and _ROMAN.fullmatch(word):
        return Span(start, end, "roman", locale.ordinal(_value(word)))
    stands_alone = text[start - 1 : start] in (" ", "\n") and not _LETTER_NEXT.match(text, end)
    if not (stands_alone and _ROMAN.fullmatch(word)):
        return None
    before = previous_word(text, start)
    if text[start - 2] in "!?" or (text[start - 2] == "." and len(before) > 4):
        return None  # a sentence has ended
    if before.lower() in locale.counted_by:
        if len(word) == 1 and word not in "IVX":
            return None
        return Span(start, end, "roman", locale.cardinal(_value(word)))
    if before not in locale.rulers or (len(word) == 1 and not _is_rulers(text, start, end, word)):
        return None
    return Span(start, end, "roman", locale.ruler(_value(word)))


def _is_rulers(text: str, start: int, end: int, word: str) -> bool:
    """Whether one letter behind a name is a number: "David I of Scotland", not "Henry I think"."""
    if word not in "IVX":
        return False
    behind = text[end : end + 4]
    return (
        word == "V"
        or not behind.strip()
        or behind[0] in "-,.;:)'’"
        or behind.startswith((" of", " was", " is", " had"))
    )


def _value(numeral: str) -> int:
    total, largest = 0, 0
    for letter in reversed(numeral):
        value = _ROMAN_VALUES[letter]
        total += value if value >= largest else -value
        largest = max(largest, value)
    return total
