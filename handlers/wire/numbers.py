"""Whom a call can be connected to: numbers as networks dial them, and SIP addresses.

A transfer to a number that cannot be reached ends the call, so what a model wrote is checked before
a platform dials it: models like to make up numbers such as +1 555 123 4567. What the agent's file
lists was checked when it was read; a short code such as 911 can be dialled only so.

Source: ITU-T E.164; the North American Numbering Plan; RFC 3261 for addresses.
"""

from __future__ import annotations

import re
from collections.abc import Collection

from voice.tools.transfer import is_same_number
from voice.types import E164

# Neither an area nor an exchange begins with 0 or 1; 555 is no area.
NORTH_AMERICAN = re.compile(r"\+1(?!555)[2-9]\d{2}[2-9]\d{6}")
SIP = re.compile(
    r"sips?:[^\s@<>\"]{1,128}@[A-Za-z0-9.:\[\]-]{1,253}(;[A-Za-z0-9=;.+-]{1,128})?", re.IGNORECASE
)
BETWEEN = re.compile(r"[\s().\u2010-\u2015/-]")


def dialable(
    to: str | None, *taken: str | None, near: str | None = None, listed: Collection[str] = ()
) -> str | None:
    """`to` as it can be dialled: "+14155550100", "sip:desk@example.com". None: it leads nowhere.

    `taken` are numbers that are on this very call: its line, its caller. `near` is the line's own
    number; one without a country is taken to be in the same. `listed` are the targets of the agent's
    file: one of them is dialled as it stands there, short codes included, unless it is on this call.
    """
    if to is None:
        return None
    text = to.strip()
    is_listed = text in listed
    number = text if is_listed or SIP.fullmatch(text) else _with_country(_bare(text), near)
    if any(one and is_same_number(_with_country(one, near), number) for one in taken):
        return None
    fits = NORTH_AMERICAN if number.startswith("+1") else E164
    return number if is_listed or SIP.fullmatch(number) or fits.fullmatch(number) else None


def _bare(text: str) -> str:
    return BETWEEN.sub("", text.removeprefix("tel:"))


def _with_country(number: str, near: str | None) -> str:
    if number.startswith("00"):
        return f"+{number[2:]}"
    if near and near.startswith("+1") and number.isascii() and number.isdigit():
        return {10: f"+1{number}", 11: f"+{number}"}.get(len(number), number)
    return number
