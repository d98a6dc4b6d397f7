"""Written text made speakable: "$1,250/mo" → "one thousand two hundred fifty dollars per month".

One pass over the words, digits and signs of a text; each is looked up in a table and handed to the
reader of its family (`readers/`), which reads what stands there as a whole. Every reader looks a
bounded way ahead and back, so the work grows with the length of the text and with nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from itertools import repeat

from voice.speech.lexicon import NONE, Lexicon
from voice.speech.locales.base import Locale
from voice.speech.locales.english import ENGLISH
from voice.speech.patterns import Pattern
from voice.speech.readers import codes, measures, money, net, roman, signs, telephone, words
from voice.speech.readers.science import RAISED
from voice.speech.readers.table import BIG_LETTERS, WordReader, read_number, word_readers
from voice.speech.readers.usual import usual
from voice.speech.span import Span, composed, replaced

SignReader = Callable[[str, int, Locale], Span | None]

MAX_READS = 1000  # of one text, a quarter of an hour of speech; what is behind them is left as it is
MAX_TOKENS = 25_000  # … looked at, words that are none of the tables' and stray signs among them
MAX_ROUNDS = 4  # of reading what was read; two settle nearly everything
MAX_SETTLED_CHARS = 4000  # longer texts are read once

# A digit or a dollar, where a usual shape may begin; a word that is read only if it is in the tables; another
# word; a sign that may begin a number; any other sign. Marks of punctuation are no token.
_TOKENS = (
    r"(?:([0-9$\d])"
    r"|{word_starts}([A-Z]?[a-zà-öø-ÿ]++(?![\w'’@/:&+$-]|\.\w))"
    r"|{word_starts}([^\W\d_]++(?:['’][^\W\d_]++)?)"
    r"|([-−–+(.'’](?=\s?[.$€£¥#'’]?\d))"
    r"|([^\w\s,;:!?.'\"’‘“”()\[\]…¿¡«»-]|_))"
)
_TOKEN = Pattern(r"[ ,]{0,2}+" + _TOKENS.replace("{word_starts}", ""))
# The same over words of small letters: for a text that holds none of the tables' (`_small_words`).
# Where nothing follows these, the search goes on within one: `(?<![a-z])` lets no part of it be a word.
_SPARSE_TOKEN = Pattern(
    r"[ ,]{0,2}+(?:(?<= )[a-z]++ ){0,9}+" + _TOKENS.replace("{word_starts}", "(?<![a-z])")
)
# The same again, for long texts: here the set before all else says where to look, which in a sentence gains
# nothing and among many signs a half. The groups are empty: the token is all that was found.
_LONG_TOKEN = Pattern(
    r"[^\s,;:!?\"‘“”\[\])…¿¡«»](?:(?<=[\w$])(?:(?<=[0-9$\d])()"
    r"|(?:(?<=[a-zà-öø-ÿ])[a-zà-öø-ÿ]*+|(?<=[A-Z])[a-zà-öø-ÿ]++)(?![\w'’@/:&+$-]|\.\w)()"
    r"|(?<=[^\W\d_])[^\W\d_]*+(?:['’][^\W\d_]++)?())"
    r"|(?<=[-−–+(.'’])(?=\s?[.$€£¥#'’]?\d)()"
    r"|(?<![.'’(-])())"
)
_SHAPE, _PLAIN_WORD, _WORD, _LEAD = range(1, 5)
# What may have to be read: a sign, a digit, two capitals, letters with dots, a Roman numeral … The set before
# all else says where to look; next, a capital before a small letter is passed over. So it takes a third of
# the time that a choice between the same things takes.
_SIGNS = Pattern(
    r"[^a-zÀ-ÖØ-öø-ÿ \n,!?'¿¡](?<![A-Z](?=[a-z]))(?:(?<=[^A-Z.’-])|(?<=\.)(?:[A-Za-z]|['’]s)"
    r"|(?<=-)(?:[A-Z]|(?<=[A-DO]-)(?!\w)|(?<=Day -) [A-Z]"
    r"|(?:mon|tues|wednes|thurs|fri|satur|sun)day|noon|midnight|dusk|dawn|sunset|sunrise)"
    r"|(?<=[A-Z])(?:(?<=[B-OQ-Z])[A-Z]|(?<=[AP])(?:[A-LN-Z]|M\w)|(?<=[VX])(?![\w'’])|(?<=I)(?:"
    r"(?![\w'’]| [a-np-z]| o[a-eg-z])|(?<=(?:War|ype|ase|art|ass|vel|ier) I)(?! [a-z]*'|\w)"
    r"|(?<=(?:les|mes|rge|ard|nry|iam|eth|cis|vid|ter|der|ick|las) I)(?= (?:was|had|is)\b))))"
)
# … or a word of the tables: see `_words`.
_CALM = frozenset(("", " ", "\n", ",", ";", "!", "?", "(", ")"))  # what a span may stand beside
_OPEN = _CALM | {"-", "–"}  # … and a usual shape behind
_APART = (" ", ". ")
_PLACES, _SPELLED = ("unit", "address"), ("acronym", "code")
_MAYBE_STRANGE = frozenset(("acronym", "code", "email", "symbol", "url"))
_GLUE = frozenset("@._/:-&+0123456789$")


def spoken(text: str, locale: Locale = ENGLISH, lexicon: Lexicon = NONE) -> str:
    """The text as it is said. Text with nothing to do comes back as the same object.

    Never raises; words pass through, so what it returns comes back unchanged.
    """
    if (lexicon is NONE or not lexicon) and not _is_interesting(text, locale):
        return text
    found, is_strange = _found(text, locale, lexicon)
    return _settled(text, found, locale)[1] if is_strange else replaced(text, found)


def spans(text: str, locale: Locale = ENGLISH, lexicon: Lexicon = NONE) -> list[Span]:
    """The places of a text that are read differently, in order, none within another.

    With each replaced by what it is said as, the text is what `spoken` gives.
    """
    if (lexicon is NONE or not lexicon) and not _is_interesting(text, locale):
        return []
    found, is_strange = _found(text, locale, lexicon)
    return _settled(text, found, locale)[0] if is_strange else found


def _settled(text: str, found: list[Span], locale: Locale) -> tuple[list[Span], str]:
    """The spans, and the text with them replaced, which has nothing more to read.

    What is said may, beside a stray sign, be something to read again ("5/Apt" → "five slash Apt").
    """
    said = replaced(text, found)
    rounds = MAX_ROUNDS if len(text) <= MAX_SETTLED_CHARS else 0
    while rounds and _is_interesting(said, locale):
        again, _ = _read(said, 0, len(said), locale)
        found = composed(found, again, said)
        said, before = replaced(text, found), said
        rounds = rounds - 1 if said != before else 0
    return found, said


def _found(text: str, locale: Locale, lexicon: Lexicon) -> tuple[list[Span], bool]:
    """The spans of one reading, with the names of the lexicon first, and whether they may need another."""
    if lexicon is NONE:
        return _read(text, 0, len(text), locale)
    found: list[Span] = []
    is_strange = False
    done = 0
    for name in lexicon.find(text):
        spans_before, strange = _read(text, done, name.start, locale)
        found += [span for span in spans_before if span.end <= name.start]
        found.append(name)
        is_strange, done = is_strange or strange, name.end
    rest, strange = _read(text, done, len(text), locale)
    return (found + rest if found else rest), is_strange or strange


def _is_interesting(text: str, locale: Locale) -> bool:
    """Whether there may be something to read. Looks once at the signs and once at the words."""
    if _SIGNS.search(text):
        return True
    words_alone = text.replace(",", " ").replace("?", " ").replace("!", " ").replace("-", " ").split()
    return not _words(locale).isdisjoint(words_alone)


@cache
def _words(locale: Locale) -> frozenset[str]:
    """The words that may be said otherwise without a digit or a sign beside them."""
    whole = {*locale.month_forms, *map(str.lower, locale.unit_names.values()), "p", "q"}
    whole.update(map(str.lower, (*locale.day_letters, *locale.range_ends, *locale.holidays)))
    whole.update(map(str.lower, locale.weekday_forms.values()))
    joined = {*locale.books, *locale.roads, *BIG_LETTERS}  # said otherwise with a number or a sign only
    joined.update(key for key, said in locale.keys.items() if key.lower() == said.lower())
    needs_none = {*locale.words, *locale.weekday_forms, *locale.senses, "apt", "sq"} - {"no"}
    needs_dot = {*locale.dotted, *locale.rate_units} - needs_none
    others = {word for word in word_readers(locale) if word.lower() not in whole and word not in needs_dot}
    short_months = {f"{month[:3].title()}" for month in locale.months} | {"Sept"}
    short_months |= {short.lower() for short in short_months} - {"mar", "may", "dec", "jun"}  # "jan-feb"
    others -= joined - {*locale.titles, *locale.streets}
    return frozenset(others | short_months | {f"{word}." for word in (*others, *short_months, *needs_dot)})


@cache
def _small_words(locale: Locale) -> frozenset[str]:
    """The words of small letters that have a reader."""
    return frozenset(filter(str.islower, word_readers(locale)))


def _read(text: str, start: int, stop: int, locale: Locale) -> tuple[list[Span], bool]:
    """The spans that begin between `start` and `stop`, and whether what is said may be read again."""
    readers_of = word_readers(locale).get
    found: list[Span] = []
    before: Span | None = None
    is_strange = False
    at, reads = start, MAX_READS
    unread = -9  # where a word of the tables ends that was left as it is
    if len(text) > MAX_SETTLED_CHARS:
        search = _LONG_TOKEN.search
    else:
        is_sparse = _small_words(locale).isdisjoint(text[start:stop].split())
        search = (_SPARSE_TOKEN if is_sparse else _TOKEN).search
    for _ in repeat(None, MAX_TOKENS):
        if (token := search(text, at, stop)) is None:
            break
        at = token.end()
        kind = token.lastindex or 0
        if _SHAPE < kind <= _WORD:
            word = token[kind] or token[0]
            own = readers_of(word)
            if own is None and (kind == _PLAIN_WORD or _is_plain(text, at, word)):
                continue
            first = at - len(word)
            span = _word(text, first, at, word, own or (), locale)
        else:
            first = at - 1
            span = usual(text, first, locale) if kind == _SHAPE else None
            # Behind a usual shape stands a space or a mark. With one before it, too, no question is left.
            if (
                span is not None
                and reads
                and first - unread > 2
                and text[first - 1 : first] in _OPEN
                and (first > start or before is None or before.spoken.endswith(" "))  # "5–" → "five to "
            ):
                reads -= 1
                before = span
                found.append(span)
                start = at = span.end
                continue
            span = span or _unusual(text, first, kind, before, locale)
        reads -= 1
        if reads < 0:
            break
        if span is None:
            if _SHAPE < kind <= _WORD:
                unread = at  # "13,000 Sun": words come to stand before it
                is_apart = first - start < 3 and text[start:first] in _APART
                is_strange = is_strange or (is_apart and word not in locale.range_ends)  # "$5 today"
            continue
        if span.start < start:
            continue
        span, may_go_on = _beside(text, span, start, unread, before)
        is_strange = is_strange or may_go_on
        before = span
        found.append(span)
        start = at = span.end
    return found, is_strange


def _beside(text: str, span: Span, done: int, unread: int, before: Span | None) -> tuple[Span, bool]:
    """The span as it is said between its neighbours, and whether it may make something be read again."""
    begins, ends, family, _ = span
    right = text[ends : ends + 1]
    if (right not in _CALM and (right != "." or text[ends + 1 : ends + 2].isalnum())) or (
        text[begins - 1 : begins] not in _CALM
    ):
        apart = _apart(text, span, done, before)
        if apart is not span:
            return apart, True
    return span, (begins - unread < 3 and text[unread:begins] in _APART) or (
        family in _MAYBE_STRANGE and _is_strange(text, span, before)
    )


def _is_plain(text: str, end: int, word: str) -> bool:
    """Whether a word that is in no table is said as it is written; "PDFs", "I" and "m²" may not be."""
    is_small = word.islower() or word[1:].islower()
    return is_small and text[end : end + 1] not in _GLUE and word[-1] not in RAISED


def _apart(text: str, span: Span, done: int, before: Span | None) -> Span:
    """The span with a space where it would grow together with a neighbour: with what is left of the
    text, or, where that is read up to here (`done`), with the span before it."""
    start, end, kind, said = span
    if not said:
        return span
    left, right = text[start - 1 : start], text[end : end + 1]
    if start == done:
        left = before.spoken[-1:] if before is not None else ""
    if (right.isalnum() and said[-1].isalnum()) or (
        right == "." and said[-1] != " " and text[end + 1 : end + 2].isalnum()
    ):
        said += " "
    if (left == "." or left.isalnum()) and said[0].isalnum():
        said = " " + said
    return span if said is span.spoken else Span(start, end, kind, said)


def _is_strange(text: str, span: Span, before: Span | None) -> bool:
    """Whether in, before or behind a span something may be left to read."""
    if (
        span.kind in _SPELLED
        and before is not None
        and before.kind in _PLACES
        and span.start - before.end < 3
    ):
        return True  # "Ste HTTP": a letter behind "Ste" is the name of a flat
    if span.kind == "acronym":
        return False
    written = text[span.start : span.end]
    if span.kind == "code":
        return not written.isupper() or written[0] in "IVX"
    if span.kind == "symbol":  # an "&" between spaces or a "#" behind one leaves nothing
        is_alone = text[span.start - 1 : span.start] == " " and len(written.rstrip()) == 1
        return not (is_alone and span.spoken) or written == "/"
    is_plain = written.islower() and written.isascii() and "/" not in written
    return not is_plain or (
        text[span.end : span.end + 1] == "." and not written.endswith((".com", ".org", ".net"))
    )


def _word(
    text: str, start: int, end: int, word: str, readers: tuple[WordReader, ...], locale: Locale
) -> Span | None:
    """What a word is read as: by the readers of its own, by the sign behind it, by its capitals."""
    following = text[end : end + 1]
    # "st.john@oak.com" is about no saint.
    is_joined = following == "@" or (following == "." and text[end + 1 : end + 2].isalnum())
    if readers and is_joined and (span := net.address(text, start, locale)) is not None:
        return span
    for reader in readers:
        if (span := reader(text, start, end, locale)) is not None:
            return span
    if following in _GLUE and (span := _glued(text, start, end, following, locale)) is not None:
        return span
    if word[-1] in RAISED:
        return measures.power(text, start, end, locale)
    if len(word) > 1 and word.isupper():
        return words.capitals(text, start, end, locale)
    if word[-1] == "s" and word[:2].isupper():
        return words.plural_capitals(text, start, end, locale)
    return roman.roman(text, start, end, locale) if word in ("I", "V", "X") else None


def _glued(text: str, start: int, end: int, following: str, locale: Locale) -> Span | None:
    """A word with a sign or a digit right behind it: an address, a code, letters with dots."""
    beyond = text[end + 1 : end + 2]
    if following == ":" and not beyond.strip():
        return None  # "Note: …", by far the most common
    if following == ".":
        if not beyond.isalnum():
            return None
        are_letters = end - start == 1 or text[start:end] == "Ph"
        is_mail = are_letters and "@" in net.run_at(text, start)  # "a.b@oak.com"
        letters = words.initials(text, start, end, locale) if are_letters and not is_mail else None
        return letters or net.address(text, start, locale)
    if following == "$":
        return money.signed(text, start, end + 1, locale)
    if following == "/":
        return net.slashed(text, start, locale)
    if following in ":@_+" or (following == "-" and beyond.isalnum()) or following.isdecimal():
        return (
            codes.plain(text, start, locale)
            or net.address(text, start, locale)
            or codes.mixed(text, start, locale)
        )
    return None


def _unusual(text: str, at: int, kind: int, before: Span | None, locale: Locale) -> Span | None:
    """What a digit or a sign is read as that begins no usual shape."""
    if kind == _LEAD:
        return _lead(text, at, before, locale)
    sign = text[at]
    if kind > _LEAD or sign == "$":
        return _sign_readers(locale).get(sign, signs.dropped)(text, at, locale)
    return read_number(text, at, locale)


def _lead(text: str, at: int, before: Span | None, locale: Locale) -> Span | None:
    """A sign right before a number."""
    sign = text[at]
    if sign in "(+":
        span = usual(text, at, locale) or telephone.number(text, at, locale)
        return span or (signs.plus(text, at, locale) if sign == "+" else None)
    if sign == ".":
        return signs.point(text, at, locale) if text[at + 1 : at + 2].isdecimal() else None
    if sign in "'’":
        return signs.apostrophe(text, at, locale)
    if text[at + 1 : at + 2] == " ":
        return signs.spaced_dash(text, at, before, locale)
    return signs.dash(text, at, before, locale)


@cache
def _sign_readers(locale: Locale) -> Mapping[str, SignReader]:
    return {
        **dict.fromkeys(locale.signs.others, signs.word_sign),
        **signs.READERS,
        **{sign: money.by_sign for sign in locale.currencies if len(sign) == 1},
        "+": signs.plus,
        "@": net.at_sign,
    }
