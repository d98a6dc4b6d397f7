"""The spoken form as an engine takes it: plain words, or words with tags for what is spelled.

Voices differ in how they are told to spell: `<say-as>` is SSML (Twilio with Polly or Google voices),
`<spell>` is Cartesia's and Vapi's, and some take no tag at all: for those, commas and spaces part the
digits. Only these tags are ever written, around text that is escaped: the result always parses.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum

from voice.speech.patterns import Pattern
from voice.speech.span import Span

MAX_SPELLED_CHARS = 60  # a code is shorter; what is longer is words

_UNSAFE = Pattern("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")  # in no XML document
_SPELLED = frozenset(("code", "phone"))
_CODE = Pattern(r"[A-Za-z0-9]+")
_PREFIXED = Pattern(r"[A-Za-z]{1,4}-[0-9]{1,8}")  # "AB-12" is one code; "4471-22-9" is told in groups
_EXTENSION = Pattern(r"\D*[A-Za-z#]\D*?(\d{1,8})$")


class Markup(StrEnum):
    """How a voice is told to spell."""

    NONE = "none"
    SAY_AS = "say-as"
    SPELL = "spell"


def escaped(text: str) -> str:
    """Text that may stand in any XML document, TwiML among them; what none can hold is dropped."""
    return _UNSAFE.sub("", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def marked_up(text: str, spans: Sequence[Span], markup: Markup) -> str:
    """A text with its spans as they are said, for a voice that spells so: XML, or plain for NONE."""
    safe = _plain if markup is Markup.NONE else escaped
    parts: list[str] = []
    done = 0
    for span in spans:
        parts += (safe(text[done : span.start]), _said(span, text[span.start : span.end], markup))
        done = span.end
    parts.append(safe(text[done:]))
    return "".join(parts)


def document(fragment: str) -> str:
    """A whole SSML document of what `marked_up` gave."""
    return f"<speak>{fragment}</speak>"


def _plain(text: str) -> str:
    return _UNSAFE.sub("", text)


def _said(span: Span, written: str, markup: Markup) -> str:
    if markup is Markup.NONE:
        return _plain(span.spoken)
    if span.kind not in _SPELLED or len(written) > MAX_SPELLED_CHARS:
        return escaped(span.spoken)
    if span.kind == "phone" and (extension := _EXTENSION.search(written)):
        word = span.spoken.rpartition(",")[2].split()[:1]  # "extension", in the language of the reply
        number = _tagged(_CODE.findall(written[: extension.start()]), markup)
        return f"{number}, {' '.join([*map(escaped, word), _spelled(extension[1], markup)])}"
    if not _is_all_code(written):
        return escaped(span.spoken)
    pieces = _CODE.findall(written)
    return _tagged(
        ["".join(pieces)] if span.kind == "code" and _PREFIXED.fullmatch(written) else pieces, markup
    )


def _tagged(pieces: Sequence[str], markup: Markup) -> str:
    """One tag for each group, or a voice runs the digits of a telephone number together."""
    return ", ".join(_spelled(piece, markup) for piece in pieces)


def _is_all_code(written: str) -> bool:
    """Whether nothing but letters, digits and what parts them stands there: no unit."""
    runs = re.findall(r"[A-Za-z]+", written)
    return bool(_CODE.search(written)) and not any(len(run) > 1 and run.islower() for run in runs)


def _spelled(piece: str, markup: Markup) -> str:
    if markup is Markup.SPELL:
        return f"<spell>{piece}</spell>"
    return f'<say-as interpret-as="characters">{piece}</say-as>'
