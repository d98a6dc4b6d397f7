"""The spoken form as an engine takes it: plain words, or words with tags for what is spelled.

Voices differ in how they are told to spell: `<say-as>` is SSML (Twilio with Amazon's or Google's voices),
`<spell>` is Cartesia's and Vapi's, and some take no tag at all: for those, commas and spaces part the
digits. Only these tags are ever written, around text that is escaped: the result always parses. A platform
that tells our words again may tell the tags, too: `untagged` and `Spellings` take them for what was said.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from functools import lru_cache
from typing import NamedTuple

from voice.speech.locales.base import Locale
from voice.speech.patterns import Pattern
from voice.speech.span import Span
from voice.types import Chunk

MAX_SPELLED_CHARS = 60  # a code is shorter; what is longer is words

_UNSAFE = Pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # in no XML document
_CODE = Pattern(r"[A-Za-z0-9]+")
_PREFIXED = Pattern(r"[A-Za-z]{1,4}-[0-9]{1,8}")  # "AB-12" is one code; "4471-22-9" is told in groups
_EXTENSION = Pattern(r"\D*[A-Za-z#]\D*?(\d{1,8})$")
_TAGGED = Pattern(r"<(spell|say-as)\b[^<>]{0,80}>\s{0,3}([^<>]{0,80})</\1\s{0,3}>", re.IGNORECASE)
_STRAY_TAG = Pattern(r"</?(?:speak|spell|say-as)\b[^<>]{0,80}>", re.IGNORECASE)


class Markup(StrEnum):
    """How a voice is told to spell."""

    NONE = "plain"
    SAY_AS = "ssml"
    SPELL = "spell"


class Piece(NamedTuple):
    """A part of what is said: words, or signs that the voice is to spell."""

    text: str
    is_spelled: bool = False


def escaped(text: str) -> str:
    """Text that may stand in any XML document, TwiML among them; what none can hold is dropped."""
    return _UNSAFE.sub("", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def marked_up(text: str, spans: Sequence[Span], markup: Markup) -> str:
    """A text with its spans as they are said, for a voice that spells so: XML, or plain for NONE."""
    return _written(pieces(text, spans, spells=markup is not Markup.NONE), markup)


def marked(chunk: Chunk, markup: Markup) -> str:
    """A chunk that was read aloud, as the voice takes it. One with nothing to spell is plain words."""
    if markup is Markup.NONE or not any(one.spelled for one in chunk.readings):
        return chunk.text
    return _written(pieces_of(chunk), markup)


def pieces_of(chunk: Chunk) -> list[Piece]:
    """A chunk that was read aloud, with what a voice may be told to spell as pieces of their own."""
    found: list[Piece] = []
    done = 0
    for one in chunk.readings:
        if one.spelled:
            found.append(Piece(chunk.text[done : one.start]))
            span = Span(0, len(one.written), one.spelled, chunk.text[one.start : one.end])
            found += _pieces_of_span(span, one.written)
            done = one.end
    return _joined([*found, Piece(chunk.text[done:])])


def pieces(text: str, spans: Sequence[Span], *, spells: bool = True) -> list[Piece]:
    """A text with its spans as they are said."""
    found: list[Piece] = []
    done = 0
    for span in spans:
        found.append(Piece(text[done : span.start]))
        found += _pieces_of_span(span, text[span.start : span.end]) if spells else [Piece(span.spoken)]
        done = span.end
    return _joined([*found, Piece(text[done:])])


def document(fragment: str) -> str:
    """A whole SSML document of what `marked_up` gave."""
    return f"<speak>{fragment}</speak>"


def untagged(text: str, locale: Locale | None) -> str:
    """A text that we have marked, as somebody else tells it again: its spelled signs as they are said."""
    if "<" not in text:
        return text
    return _STRAY_TAG.sub("", _TAGGED.sub(lambda found: _signs(found[2], locale), text))


class Spellings:
    """What was spelled on one call, for a platform that tells played words as it was given them."""

    def __init__(self) -> None:
        self._said: dict[str, str] = {}

    def add(self, chunk: Chunk) -> None:
        """Remember what a voice was told to spell, and the words for it."""
        for one in chunk.readings:
            if one.spelled:
                said = chunk.text[one.start : one.end]
                span = Span(0, len(one.written), one.spelled, said)
                signs = [piece.text for piece in _pieces_of_span(span, one.written) if piece.is_spelled]
                groups = said.split(",") if len(signs) > 1 else [said]
                if len(groups) == len(signs):  # the last ones may follow a word: "extension one two"
                    pairs = zip(signs, groups, strict=True)
                    self._said |= {sign: " ".join(group.split()[-len(sign) :]) for sign, group in pairs}

    def said(self, told: str) -> str:
        """What a platform tells, in the words of the spoken form."""
        if not self._said:
            return told
        return _CODE.sub(lambda found: self._said.get(found[0], found[0]), _STRAY_TAG.sub("", told))


@lru_cache(maxsize=8)
def _names_of_signs(locale: Locale | None) -> Mapping[str, str]:
    return dict(locale.digit_names) if locale is not None else {}


def _signs(text: str, locale: Locale | None) -> str:
    names = _names_of_signs(locale)
    return " ".join(names.get(sign, sign) for sign in text if sign.isalnum())


def _written(parts: Sequence[Piece], markup: Markup) -> str:
    if markup is Markup.NONE:
        return _UNSAFE.sub("", "".join(part.text for part in parts))
    return "".join(_spelled(part.text, markup) if part.is_spelled else escaped(part.text) for part in parts)


def _joined(parts: Sequence[Piece]) -> list[Piece]:
    """The same without empty pieces, and words in one piece."""
    joined: list[Piece] = []
    for part in parts:
        if part.text and joined and not (part.is_spelled or joined[-1].is_spelled):
            joined[-1] = Piece(joined[-1].text + part.text)
        elif part.text:
            joined.append(part)
    return joined


def _pieces_of_span(span: Span, written: str) -> Iterator[Piece]:
    """What is said at one place: its signs where it is a code or a number, else its words."""
    is_code, is_phone = span.kind == "code", span.kind == "phone"
    if not (is_code or is_phone) or len(written) > MAX_SPELLED_CHARS:
        yield Piece(span.spoken)
    elif is_phone and (extension := _EXTENSION.search(written)):
        word = span.spoken.rpartition(",")[2].split()[:1]  # "extension", in the language of the reply
        yield from _groups(_CODE.findall(written[: extension.start()]))
        yield Piece(", " + " ".join([*word, ""]))
        yield Piece(extension[1], is_spelled=True)
    elif not _is_all_code(written):
        yield Piece(span.spoken)
    else:
        signs = _CODE.findall(written)
        yield from _groups(["".join(signs)] if is_code and _PREFIXED.fullmatch(written) else signs)


def _groups(signs: Sequence[str]) -> Iterator[Piece]:
    """A piece for each group, or a voice runs the digits of a telephone number together."""
    for place, group in enumerate(signs):
        if place:
            yield Piece(", ")
        yield Piece(group, is_spelled=True)


def _is_all_code(written: str) -> bool:
    """Whether nothing but letters, digits and what parts them stands there: no unit."""
    runs = re.findall(r"[A-Za-z]+", written)
    return bool(_CODE.search(written)) and not any(len(run) > 1 and run.islower() for run in runs)


def _spelled(signs: str, markup: Markup) -> str:
    if markup is Markup.SPELL:
        return f"<spell>{signs}</spell>"
    return f'<say-as interpret-as="characters">{signs}</say-as>'
