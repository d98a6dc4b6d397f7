"""Telephone numbers, in groups of digits with pauses between; addresses of computers."""

from __future__ import annotations

import re
from functools import lru_cache

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.readers.context import next_word, words_before
from voice.speech.readers.numbers import digits, in_pairs
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
_LOCAL_SPACED = Pattern(r"(\d{3})\s(\d{4})(?![\w]|[-.]\d)")
_ABROAD = Pattern(rf"\+(\d{{1,3}}+)\)?((?:{_GAP}?\(?\d{{1,5}}\)?){{1,6}})(?!\w)")
_SPACED_GROUPS = Pattern(r"\d{1,4}(?:[\s-]\d{2,4}){1,5}(?![\w]|[-.,]\d)")
_TOGETHER = Pattern(r"(1?)(\d{3})(\d{3})(\d{4})")
_EXTENSION = Pattern(
    r",?\s?(?:\(?\s?(?:extension|ext\.?|x\.?|Ext\.?|EXT\.?|Extension)\s?)(\d{1,6})(?!\d)\)?"
    r"|,?\s#(\d{1,6})(?!\d)"
)
_GROUPS = Pattern(r"(\d{2,9})-(\d{2,9})-(\d{2,9})(?:-(\d{2,9}))?(?![\w]|[-/]\d)")  # an SSN, a card
_EMPLOYER = Pattern(r"(\d{2})-(\d{7})(?![\w]|[-/]\d)")
_CARD = Pattern(r"\d{4}(?:[\s-]\d{4}){2,4}(?![\w-])|\d{5}-\d{4}(?![\w-])")
_INTERNET = Pattern(r"(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\.(\d{1,3}))?(?!\d)")
_PORT = Pattern(r":(\d{2,5})(?![\d:])")
_GAPS = Pattern(_GAP)
_DIGITS = Pattern(r"\d+")
_PIECES = Pattern(r"\d+|\D+")
# Partly hidden: "XXX-XXX-0134", "(XXX) XXX-0134", "512-555-01XX", "XXX-XX-6789".
_MASKED = Pattern(
    rf"(?=[\d().\s-]{{0,12}}[Xx]{{2}})\(?[\dXx]{{3}}\)?{_GAP}{{0,2}}[\dXx]{{2,3}}{_GAP}[\dXx]{{4}}(?![\w-])"
)
_MASKED_PARTS = Pattern(r"[\dXx]{2,4}")
TOLL_FREE = word_set("800 833 844 855 866 877 888 900")
_SHORT = word_set("211 311 411 511 611 711 811 911 988")
_LINES = word_set("hotline lifeline services service operators operator line center centre dispatch")
_CALLING = word_set("call dial text phone ring contact press calling dialing called emergency or and")
_SUMS = word_set("divided times plus minus people units homes apartments feet")


def number(text: str, at: int, locale: Locale) -> Span | None:
    """A telephone number that begins at `at`, with "+", "(" or a digit, and its extension."""
    if found := _AMERICAN.match(text, at):
        plus, one, bracketed, plain, middle, last = found.groups()
        return _spoken(text, found, plus, (one, bracketed or plain, middle, last), locale)
    sign = text[at]
    if sign == "+":
        return _from_abroad(text, at, locale)
    if sign in "18(" and (found := _VANITY.match(text, at)):
        one, plain, bracketed, rest = found.groups()
        return _spoken(text, found, None, (one, plain or bracketed, *_GAPS.split(rest)), locale)
    if sign == "0" and (found := _BRITISH.match(text, at)):
        return _spoken(text, found, None, found.groups(), locale)
    if (found := _LOCAL.match(text, at)) and is_local(*found.groups()):
        return _spoken(text, found, None, found.groups(), locale)
    if (found := _LOCAL_SPACED.match(text, at)) and not _CALLING.isdisjoint(words_before(text, at)[-1:]):
        return _spoken(text, found, None, found.groups(), locale)
    return None


def _from_abroad(text: str, at: int, locale: Locale) -> Span | None:
    """A number that begins with "+" and the code of a country."""
    if found := _TIGHT.match(text, at):
        return _spoken(text, found, "+", found.groups()[1:], locale)
    found = _ABROAD.match(text, at)
    groups = _DIGITS.findall(found[2]) if found else []
    if found is None or sum(map(len, groups)) < 6:
        return None
    return _spoken(text, found, "+", (found[1], *groups), locale)


def is_local(first: str, second: str) -> bool:
    """Whether two groups of digits are a telephone number, and not a range as in "800-1200 sq ft"."""
    are_round = first[-1] == "0" and second[-1] == "0" and second[0] != "0"
    return (len(first), len(second)) == (3, 4) and not are_round


def _spoken(
    text: str, found: re.Match[str], plus: str | None, groups: tuple[str | None, ...], locale: Locale
) -> Span:
    said = ", ".join([said_group(group, locale) for group in groups if group])
    end = found.end()
    if plus:
        said = f"{locale.signs.plus} {said}"
    opens = text[end : end + 4].lstrip(" ,(")[:1]
    if opens and opens in "xeE#" and (short := _EXTENSION.match(text, end)):
        said = f"{said}, {locale.extension} {extension(short[1] or short[2], locale)}"
        end = short.end()
    return Span(found.start(), end, "phone", said)


@lru_cache(2048)  # an office's own numbers, and the codes of its area
def said_group(written: str, locale: Locale) -> str:
    """One group: "800" → "eight hundred" as everybody says it, "FLOWERS" as a word, others by digit."""
    if not written.isdecimal():
        pieces = _PIECES.findall(written)
        return " ".join(
            [digits(piece, locale) if piece.isdecimal() else piece.capitalize() for piece in pieces]
        )
    if len(written) == 3 and written.endswith("00") and written[0] != "0":
        return locale.cardinal(int(written))
    return digits(written, locale)


def extension(written: str, locale: Locale) -> str:
    """The number of an extension: "12" → "twelve", "204" digit by digit."""
    short = len(written) <= 2 and written[0] != "0"
    return locale.cardinal(int(written)) if short else digits(written, locale)


def together(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "5125550134" in groups; "911" digit by digit unless it is a count."""
    written = found[1]
    if len(written) == 3 and written in _SHORT:
        return _short(text, found, locale)
    if (
        len(written) not in (10, 11)
        or written.endswith("000000")
        or not (parts := _TOGETHER.fullmatch(written))
    ):
        return None
    return _spoken(text, found, None, parts.groups(), locale)


def _short(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    before = words_before(text, found.start())
    following = next_word(text, found.end())
    is_alone = not before and not text[found.end() :].strip(" .?!")
    called = any(word.strip("(,:;.") in _CALLING for word in before[-3:])
    if not (
        called or is_alone or following.lower() in _LINES or (found[1] == "911" and following not in _SUMS)
    ):
        return None
    return Span(found.start(), found.end(), "phone", digits(found[1], locale))


def masked(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """ "512-555-01XX" → "five one two, five five five, zero one X X"."""
    start = found.start()
    return _masked(text, start - (text[start - 1 : start] == "("), locale)


def masked_word(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """ "XXX-XXX-0134" → "ending in zero one three four"."""
    return _masked(text, start - (text[start - 1 : start] == "("), locale)


def _masked(text: str, at: int, locale: Locale) -> Span | None:
    parts = _MASKED.match(text, at)
    if parts is None:
        return None
    groups = _MASKED_PARTS.findall(parts[0].upper())
    if groups[-1].isdecimal() and not any(map(str.isdecimal, groups[0] + groups[1])):
        is_said = words_before(text, at)[-2:] in (["ending", "in"], ["ends", "in"])
        said = digits(groups[-1], locale)
        return Span(at, parts.end(), "phone", said if is_said else f"{locale.signs.ending_in} {said}")
    said = ", ".join([" ".join([locale.digit_names.get(sign, sign) for sign in group]) for group in groups])
    return Span(at, parts.end(), "phone", said)


def cued(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Groups of digits as other countries write them: "Tel. 55 1234 5678", "llame al 2222-3333"."""
    parts = _SPACED_GROUPS.match(text, found.start()) if locale.phone_cues else None
    if parts is None:
        return None
    groups = _DIGITS.findall(parts[0])
    if not 7 <= sum(map(len, groups)) <= 13:
        return None
    near = [word.strip("(,:;.") for word in words_before(text, found.start())[-3:]]
    if locale.phone_cues.isdisjoint(near) and tuple(map(len, groups)) != (2, 4, 4):
        return None
    return _spoken(text, parts, None, tuple(groups), locale)


def scheme(text: str, start: int, end: int, locale: Locale) -> Span | None:
    """The "tel:" of "tel:+15125550134", which is not said."""
    is_link = text[end : end + 1] == ":" and text[end + 1 : end + 2] in frozenset("+(0123456789")
    return Span(start, end + 1, "phone", "") if is_link else None


def grouped(text: str, found: re.Match[str], locale: Locale) -> Span | None:
    """Other groups joined by dashes: "111-11-1111"."""
    parts = _GROUPS.match(text, found.start()) or _EMPLOYER.match(text, found.start())
    if parts is None:
        return None
    groups = [group for group in parts.groups() if group]
    if all(len(group) == 2 and group[1] == "0" != group[0] for group in groups):
        said = ", ".join([locale.cardinal(int(group)) for group in groups])  # a plan: "30-60-90"
        return Span(parts.start(), parts.end(), "number", said)
    said = ", ".join([digits(group, locale) for group in groups])
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
    if parts[4] and (port := _PORT.match(text, parts.end())):
        said = f"{said} {locale.signs.colon} {in_pairs(port[1], locale)}"
        return Span(parts.start(), port.end(), "code", said)
    return Span(parts.start(), parts.end(), "code", said)


def _version(part: str, locale: Locale) -> str:
    return locale.cardinal(int(part))
