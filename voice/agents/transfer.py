"""Reads `[transfer.NAME]`: whom an agent may put a caller through to.

A platform ends the call when it cannot dial, so what cannot be dialled ends the start instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from voice.agents.targets import Wrong, targets, text_of
from voice.types import ACCEPT_KEY, E164, RING_S, TransferTarget

TRANSFER_KEYS = ("number", "sip", "short_code", "for", "say", "ring_s", "whisper", "accept_key")
ADDRESSES = ("number", "sip", "short_code")  # one of them
TEXTS = (*ADDRESSES, "for", "say")
RING_RANGE_S = (5, 120)
SIP = re.compile(r"sips?:[^\s@<>\"]+@[^\s@<>\"/]+")
SHORT_CODE = re.compile(r"[0-9]{2,6}")  # 911, 112, 988: they ring on one network, or in one country


def transfer_targets(found: object, wrong: Wrong) -> tuple[TransferTarget, ...]:
    """The targets of an agent's file. Raises what `wrong` makes."""
    return targets("transfer", found, wrong, _target)


def _target(name: str, table: Mapping[str, Any], wrong: Wrong) -> TransferTarget:
    place = f"transfer.{name}"
    for key in table:
        if key not in TRANSFER_KEYS:
            raise wrong(f"{place}.{key}", "no such key", f"one of {', '.join(TRANSFER_KEYS)}")
    given = [key for key in ADDRESSES if key in table]
    if len(given) != 1:
        raise wrong(place, "needs one address", 'one of number = "+1…", sip = "sip:…", short_code = "…"')
    texts = {key: text_of(table, key, place, wrong) for key in table if key in TEXTS}
    is_person = given[0] != "short_code"  # nobody presses a key at 911
    if "for" not in texts:
        raise wrong(f"{place}.for", "is missing", 'for = "…": the model reads what the target is for')
    _check_address(given[0], texts[given[0]], f"{place}.{given[0]}", wrong)
    return TransferTarget(
        name,
        texts[given[0]],
        texts["for"],
        texts.get("say", ""),
        ring_s=_ring_s(table, place, wrong),
        whispers=_whispers(table, place, wrong, default=is_person),
        accept_key=_accept_key(table, place, wrong, default=ACCEPT_KEY if is_person else ""),
    )


def _ring_s(table: Mapping[str, Any], place: str, wrong: Wrong) -> int:
    value = table.get("ring_s", RING_S)
    low, high = RING_RANGE_S
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        raise wrong(f"{place}.ring_s", f"{value!r} does not fit", f"a whole number from {low} to {high}")
    return value


def _whispers(table: Mapping[str, Any], place: str, wrong: Wrong, *, default: bool) -> bool:
    value = table.get("whisper", default)
    if not isinstance(value, bool):
        raise wrong(f"{place}.whisper", f"{value!r} is neither", "true or false")
    return value


def _accept_key(table: Mapping[str, Any], place: str, wrong: Wrong, *, default: str) -> str:
    value = table.get("accept_key", default)
    if not isinstance(value, str) or not re.fullmatch("[0-9*#]?", value):
        raise wrong(f"{place}.accept_key", f"{value!r} is no key", 'one of 0 to 9, "*", "#", or ""')
    return value


def _check_address(kind: str, address: str, place: str, wrong: Wrong) -> None:
    if kind == "number" and not E164.fullmatch(address):
        listed = f'; a short code stands as short_code = "{address}"' if SHORT_CODE.fullmatch(address) else ""
        write = f"+, the country and the number, 7 to 15 digits without spaces{listed}"
        raise wrong(place, f"{address!r} cannot be dialled", write)
    if kind == "sip" and not SIP.fullmatch(address):
        raise wrong(place, f"{address!r} is no SIP address", 'sip = "sip:name@host"')
    if kind == "short_code" and not SHORT_CODE.fullmatch(address):
        raise wrong(place, f"{address!r} is no short code", "two to six digits")
