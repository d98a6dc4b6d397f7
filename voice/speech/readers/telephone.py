"""Telephone numbers, in groups of digits with pauses between; addresses of computers."""

from __future__ import annotations

import re

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import next_word, words_before
from voice.speech.readers.numbers import digits
from voice.speech.span import Span
from voice.speech.tables import word_set

_GAP = r"[-.\s‑–]"
_WIDE = rf"(?:\s[-–]\s|{_GAP})"
_AMERICAN = Pattern(
    rf"(\+)?(?:(1){_GAP}?)?(?:\((\d{{3}})\){_WIDE}?|(\d{{3}})(?:{_WIDE}|/))"
    rf"(\d{{3}}){_WIDE}(\d{{4}}|[A-Z]{{4,7}})(?![-.]\d|(?!x\d)\w)"
)
_TIGHT = Pattern(r"(\+)(1)(\d{3})(\d{3})(\d{4})(?![-.]?\d|(?!x\d)[^\W\d])")
_BRITISH = Pattern(r"(0\d{2,4})\s(\d{3,4})\s(\d{3,4})(?![\w]|[-.\s]\d)")
_VANITY = Pattern(
    rf"(?:(1){_GAP})?(?:(8\d\d){_GAP}|\((8\d\d)\)\s?)"
    rf"((?:[A-Z]{{3,9}}|[A-Z]{{2}}(?={_GAP}[A-Z])|\d)(?:{_GAP}?(?:[A-Z]{{2,9}}|\d)|-[A-Z](?=-[A-Z]{{2}})){{0,3}})(?!\w)"
)
_LOCAL = Pattern(r"(\d{3})[-.‑](\d{4})(?![\w]|[-.]\d)")
_ABROAD = Pattern(rf"\+(\d{{1,3}}+)\)?((?:{_GAP}?\(?\d{{1,5}}\)?){{1,6}})(?!\w)")
_TOGETHER = Pattern(r"(1?)(\d{3})(\d{3})(\d{4})")
_EXTENSION = Pattern(
    r",?\s?(?:\(?\s?(?:extension|ext\.?|x\.?|Ext\.?|EXT\.?|Extension)\s?)(\d{1,6})(?!\d)\)?"
    r"|,?\s#(\d{1,6})(?!\d)"
)
_GROUPS = Pattern(r"(\d{2,9})-(\d{2,9})-(\d{2,9})(?:-(\d{2,9}))?(?![\w]|[-/]\d)")  # an SSN, a card
_EMPLOYER = Pattern(r"(\d{2})-(\d{7})(?![\w]|[-/]\d)")
_CARD = Pattern(r"\d{4}(?:[\s-]\d{4}){2,4}(?![\w-])|\d{5}-\d{4}(?![\w-])")
_INTERNET = Pattern(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?!\d)")
_GAPS = Pattern(_GAP)
_DIGITS = Pattern(r"\d+")
_PIECES = Pattern(r"\d+|\D+")
_SHORT = word_set("211 311 411 511 611 711 811 911 988")
_CALLING = word_set("call dial text phone ring contact press calling dialing called emergency or and")
_SUMS = word_set("divided times plus minus people units homes apartments feet")


def number(text: str, at: int, locale: Locale) -> Span | None:
    """A telephone number that begins at `at`, with "+", "(" or a digit, and its extension."""
    if found := _AMERICAN.match(text, at):
        plus, one, bracketed, plain, middle, last = found.groups()
        return _spoken(text, found, plus, (one, bracketed or plain, middle, last), locale)
    if found := _TIGHT.match(text, at):
        return _spoken(text, found, "+", found.groups()[1:], locale)
    if found := _VANITY.match(text, at):
        one, plain, bracketed, rest = found.groups()
        return _spoken(text, found, None, (one, plain or bracketed, *_GAPS.split(rest)), locale)
    if found := _BRITISH.match(text, at):
        return _spoken(text, found, None, found.groups(), locale)
    if found := _ABROAD.match(text, at):
        groups = _DIGITS.findall(found[2])
        if sum(map(len, groups)) < 6:
            return None
        return _spoken(text, found, "+", (found[1], *groups), locale)
    if (found := _LOCAL.match(text, at)) and is_local(*found.groups()):
        return _spoken(text, found, None, found.groups(), locale)
    return None


def is_local(first: str, second: str) -> bool:
    """Whether two groups of digits are a telephone number, and not a range as in "800-1200 sq ft"."""
    are_round = first[-1] == "0" and second[-1] == "0" and second[0] != "0"
    return (len(first), len(second)) == (3, 4) and not are_round


def _spoken(
    text: str, found: re.Match[str], plus: str | None, groups: tuple[str | None, ...], locale: Locale
) -> Span:
    said = ", ".join([_group(group, locale) for group in groups if group])
    end = found.end()
    if plus:
        said = f"{locale.signs.plus} {said}"
    if extension := _EXTENSION.match(text, end):
        said = f"{said}, {locale.extension} {_extension(extension[1] or extension[2], locale)}"
        end = extension.end()
    return Span(found.start(), end, "phone", said)


def _group(written: str, locale: Locale) -> str:
    """One group: "800" → "eight hundred" as everybody says it, "FLOWERS" as a word, others by digit."""
    if not written.isdecimal():
        pieces = _PIECES.findall(written)
        return " ".join(
            [digits(piece, locale) if piece.isdecimal() else piece.capitalize() for piece in pieces]
        )
    if len(written) == 3 and written.endswith("00") and written[0] != "0":
        return locale.cardinal(int(written))
    return digits(written, locale)


def _extension(written: str, locale: Locale) -> str:
    short = len(written) <= 2 and written[0] != "0"
    return locale.cardinal(int(written)) if short else digits(written, locale)


def together(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "5125550134" in groups; "911" digit by digit unless it is a count."""
    written = found[1]
    if len(written) == 3 and written in _SHORT:
        return _short(text, found, locale)
    if len(written) not in (10, 11) or not (parts := _TOGETHER.fullmatch(written)):
        return None
    return _spoken(text, found, None, parts.groups(), locale)


def _short(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    before = words_before(text, found.start())
    called = any(word.strip("(,:;.") in _CALLING for word in before[-3:])
    if not (called or (found[1] == "911" and next_word(text, found.end()) not in _SUMS)):
        return None
    return Span(found.start(), found.end(), "phone", digits(found[1], locale))


def grouped(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Other groups joined by dashes: "111-11-1111"."""
    parts = _GROUPS.match(text, found.start()) or _EMPLOYER.match(text, found.start())
    if parts is None:
        return None
    said = ", ".join([digits(group, locale) for group in parts.groups() if group])
    return Span(parts.start(), parts.end(), "code", said)


def card(text: str, at: int, locale: Locale) -> Span | None:
    """Groups of four digits: "4111 1111 1111 1111", and "78701-1234"."""
    found = _CARD.match(text, at)
    if found is None:
        return None
    said = ", ".join([digits(group, locale) for group in _DIGITS.findall(found[0])])
    return Span(at, found.end(), "code", said)


def internet(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """The address of a computer or a version: "987.987.0.40" with every dot said."""
    parts = _INTERNET.match(text, found.start())
    if parts is None:
        return None
    each = digits if parts[4] else _version
    said = f" {locale.signs.dot} ".join([each(part, locale) for part in parts.groups() if part])
    return Span(parts.start(), parts.end(), "code", said)


def _version(part: str, locale: Locale) -> str:
    return locale.cardinal(int(part))
