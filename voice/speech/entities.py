"""Characters that HTML writes by name or number: "&amp;" → "&"."""

from __future__ import annotations

import re

from voice.speech.patterns import Pattern

_ENTITY = Pattern(r"&(?:#(\d{1,7})|#[xX]([0-9a-fA-F]{1,6})|([A-Za-z]{2,8}\d?));")
_NAMED = {
    "amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'", "nbsp": " ", "ensp": " ", "emsp": " ",
    "thinsp": " ", "ndash": "–", "mdash": "—", "hellip": "…", "lsquo": "‘", "rsquo": "’", "ldquo": "“",
    "rdquo": "”", "laquo": "«", "raquo": "»", "bull": "•", "middot": "·", "copy": "©", "reg": "®",
    "trade": "™", "deg": "°", "plusmn": "±", "times": "×", "divide": "÷", "frac12": "½", "frac14": "¼",
    "frac34": "¾", "cent": "¢", "pound": "£", "euro": "€", "yen": "¥", "sect": "§", "para": "¶", "shy": "",
    "eacute": "é", "aacute": "á", "iacute": "í", "oacute": "ó", "uacute": "ú", "ntilde": "ñ", "uuml": "ü",
    "ouml": "ö", "auml": "ä", "szlig": "ß", "iexcl": "¡", "iquest": "¿", "larr": "←", "rarr": "→",
    "le": "≤", "ge": "≥", "ne": "≠", "minus": "-", "zwj": "", "zwnj": "", "lrm": "", "rlm": "",
}  # fmt: skip


def unescaped(text: str) -> str:
    """The text with its entities as characters. Unknown ones and numbers of no character stay."""
    return _ENTITY.sub(_character, text) if "&" in text else text


def _character(found: re.Match[str]) -> str:
    if name := found[3]:
        return _NAMED.get(name, found[0])
    decimal = found[1]
    number = int(decimal) if decimal else int(found[2], 16)
    is_one = 0x20 <= number < 0xD800 or 0xE000 <= number <= 0x10FFFF
    return chr(number) if is_one and not 0x7F <= number < 0xA0 else ""
