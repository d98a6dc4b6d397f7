"""Text that can be said aloud: markdown, links, emoji and tags taken out of one piece of a reply."""

from __future__ import annotations

import re

_LINK = re.compile(r"!?\[([^\[\]]{0,300})\]\([^()\s]{0,2000}\)")  # [label](url): the label is said
_URL = re.compile(r"(?:https?://|www\.)[^\s<>\"')\]]+", re.IGNORECASE)
_TAG = re.compile(r"</?[A-Za-z!][^<>]{0,200}>")
_LINE_MARK = re.compile(
    r"^[ \t]*(?:#{1,6}[ \t]+|[-*+•][ \t]+|>[ \t]?|\d{1,3}[.)][ \t]+(?=\S*[^\W_]))", re.MULTILINE
)
_RULE = re.compile(r"^[ \t]*(?:[-*_=][ \t]*){3,}$", re.MULTILINE)
_EMPHASIS = re.compile(r"[*`~]+|(?<![^\W_])_+|_+(?![^\W_])|\|")
_EMOJI = re.compile(
    "[\U0001f000-\U0001faff\U0001fb00-\U0001fbff\u2600-\u27bf\u2b00-\u2bff\ufe0e\ufe0f\u200d\u20e3\ue000-\uf8ff]"
)
_UNSPEAKABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ufffd\ud800-\udfff]"
)
_SPACE = re.compile(r"\s+")
_SPACE_BEFORE_MARK = re.compile(r"\s+([.,!?;:])")
_SPEAKABLE = re.compile(r"[^\W_]")


def clean(text: str) -> str:
    """What of a piece of a reply can be said: "**Rent** is due 🎉 [here](https://x.y)" → "Rent is due here".

    Returns "" for a piece without a letter or a digit. Clean text passes through unchanged.
    """
    text = _UNSPEAKABLE.sub("", text)
    text = _LINK.sub(r"\1", text)
    text = _URL.sub("", text)
    text = _TAG.sub("", text)
    text = _RULE.sub("", text)
    text = _LINE_MARK.sub("", text)
    text = _EMPHASIS.sub("", text)
    text = _EMOJI.sub("", text)
    text = _SPACE_BEFORE_MARK.sub(r"\1", _SPACE.sub(" ", text)).strip()
    return text if _SPEAKABLE.search(text) else ""
