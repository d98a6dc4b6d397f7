"""What a model writes beside its words: calls of tools, commands in brackets, sources, counts, empty fields.

They stand amid honest words, which are kept: "Okay, create_ticket(issue="leak") is done." → "Okay, is done."
What has brackets of its own kind, or begins a line, was taken out before (`firewall`, `technical`).
"""

from __future__ import annotations

import re

from voice.speech.patterns import Pattern

_WITHIN = r"[^()\n]{0,300}(?:\([^()\n]{0,300}\)[^()\n]{0,100}){0,3}"
_CALL = Pattern(
    r"(?<![\w.])(?:print\(|(?:[a-z]\w{0,30}\.){1,3})?"
    rf"(?:[a-z]{{1,30}}(?:_[a-z0-9]{{1,30}}){{1,5}}\({_WITHIN}\)"
    rf"|[a-z]\w{{1,40}}\(\s?(?:[a-z_]{{1,30}}\s?=(?!=)|[\"'])(?:{_WITHIN})\))\)?"
    r"|(?<!\w)(?:assistant )?to=(?:functions\.)?\w{1,60}(?: json)?"
)
_FIELD = (
    r"(?:your |caller'?s? |agent'?s? |first |last |full |company |property |unit )?"
    r"(?:name|date|time|address|number)"
)
_COMMAND = r"end[ _]?(?:of[ _])?(?:the[ _])?call|hang[ _]?up|transfer(?:[ _]call)?"
_ASIDE = Pattern(
    rf"\[(?:{_COMMAND}|(?:source|ref|citation)s?:[^\[\]\n]{{1,120}}|{_FIELD})\](?!\()"
    r"|\(\d{1,4} words?\)|\((?:word|character) count:? ?\d{1,4}\)|(?<![\w/])/(?:no_)?think\b"
    r"|<<\s?[A-Za-z][\w ]{0,40}>>|(?<![\w%])%[sd](?!\w)|(?<!\w)turn\d{1,3}(?:search|view|news)\d{1,3}",
    re.IGNORECASE,
)
_SHORT_NAME = Pattern(r":(?<![\w:]:)[a-z][a-z0-9_+]{1,30}:(?![\w:])")  # of an emoji: ":smile:"
_LOVE = Pattern(r"(?:(?<=\bI )|(?<=\b[Ww]e )|(?<=\b[Yy]ou )|(?<=\b[Tt]hey ))(?:❤\ufe0f?|<3)(?= \w)")
_STARS = Pattern(r"(?<=\d) ?(?:[★⭐]\ufe0f?)(?= rating| review| hotel| property)")
_MORE_STARS = Pattern(r"(?<=\d) ?(?:[★⭐]\ufe0f?)(?![★⭐])")
_HIGHLIGHT = Pattern(r"(?<![=\w])==(?=[^\s=])([^=\n]{1,200})(?<=\S)==(?![=\w])")
_FORMULA = Pattern(r"\\(?:boxed|text|frac|times|cdot|quad|left|right|mathrm)(?![a-z])")
_LITERAL = Pattern(r"\\u([0-9a-fA-F]{4})")  # a character as JSON writes it
_MARKS = Pattern(r"[\[(/%<:\\★⭐❤=t](?:(?<!t)|urn\d)")
_ASIDE_MARKS = Pattern(r"\[|\(|/[NTnt]|%[SDsd]|<<|turn\d|T[Uu][Rr][Nn]\d")


def without_asides(text: str) -> str:
    """The text without them; pictures that stand for a word as that word."""
    if _MARKS.search(text) is None:
        return text
    if "(" in text or "to=" in text:
        text = _CALL.sub("", text)
    if _ASIDE_MARKS.search(text) is not None:
        text = _ASIDE.sub("", text)
    if text.count(":") > 1:
        text = _SHORT_NAME.sub("", text)
    if "❤" in text or "<3" in text:
        text = _LOVE.sub("love", text)
    if "★" in text or "⭐" in text:
        text = _MORE_STARS.sub(" stars", _STARS.sub(" star", text))
    if "==" in text:
        text = _HIGHLIGHT.sub(r"\1", text)
    return _FORMULA.sub(" ", _LITERAL.sub(_character, text)) if "\\" in text else text


def _character(found: re.Match[str]) -> str:
    """A character that was written by its number; a half of one, or a control, is nothing."""
    number = int(found[1], 16)
    return "" if number < 0x20 or 0xD800 <= number < 0xE000 else chr(number)
