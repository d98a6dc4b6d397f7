"""Whom a call can be connected to: numbers as networks dial them, and SIP addresses.

A transfer to a number that cannot be reached ends the call, so what a model wrote is checked before
a platform dials it: models like to make up numbers such as +1 555 123 4567.

Source: ITU-T E.164; the North American Numbering Plan; RFC 3261 for addresses.
"""

from __future__ import annotations

import re

from voice.tools.transfer import is_same_number
from voice.types import E164

SHORT_CODE = re.compile(r"[0-9]{2,6}")  # 911, 112: the operator has listed it, no model makes one up
# Neither an area nor an exchange begins with 0 or 1; 555 is no area.
NORTH_AMERICAN = re.compile(r"\+1(?!555)[2-9]\d{2}[2-9]\d{6}")
SIP = re.compile(
    r"sips?:[^\s@<>\"]{1,128}@[A-Za-z0-9.:\[\]-]{1,253}(;[A-Za-z0-9=;.+-]{1,128})?", re.IGNORECASE
)
BETWEEN = re.compile(r"[\s().\u2010-\u2015/-]")


def dialable(to: str | None, *taken: str | None, near: str | None = None) -> str | None:
    """`to` as it can be dialled: "+14155550100", "sip:desk@example.com", "911". None: it leads nowhere.

    `taken` are numbers that are on this very call: its line, its caller. `near` is the line's own
    number; one without a country is taken to be in the same.
    """
    if to is None:
        return None
    text = to.strip()
    if SIP.fullmatch(text):
        return text
    number = _with_country(BETWEEN.sub("", text.removeprefix("tel:")), near)
    fits = NORTH_AMERICAN if number.startswith("+1") else E164
    is_free = not any(one and is_same_number(_with_country(one, near), number) for one in taken)
    is_number = fits.fullmatch(number) or SHORT_CODE.fullmatch(number)
    return number if is_number and is_free else None


def _with_country(number: str, near: str | None) -> str:
    if number.startswith("00"):
        return f"+{number[2:]}"
    if near and near.startswith("+1") and number.isascii() and number.isdigit():
        return {10: f"+1{number}", 11: f"+{number}"}.get(len(number), number)
    return number
