"""What phone platforms give out, as settings hold it: checked at the start, not by the first caller."""

from __future__ import annotations

import base64
import binascii
import re
from urllib.parse import urlsplit

from voice.types import E164

KEY_BYTES = 32  # of an ed25519 key; some copies come with a header of twelve bytes before it
WITH_HEADER_BYTES = KEY_BYTES + 12
_ACCOUNT_SID = re.compile(r"AC[0-9a-fA-F]{32}")
# A webhook's URL. `…/vapi` alone is how Vapi itself is given a server, and is understood there.
_DOOR = re.compile(r"/twilio(/|$)|/vapi/", re.IGNORECASE)


def is_account(sid: str) -> str:
    """The same account of Twilio's. Raises ValueError, which says how one looks."""
    if not _ACCOUNT_SID.fullmatch(sid):
        raise ValueError("must be the account's SID: AC, then 32 characters, 0 to 9 and a to f")
    return sid


def is_dialable(number: str) -> str:
    """The same number. Raises ValueError, which says how one is written."""
    if not E164.fullmatch(number):
        raise ValueError("must be a number such as +14155550100")
    return number


def is_telnyx_key(text: str) -> str:
    """The same key of Telnyx's. Raises ValueError, which says where to copy it."""
    try:
        found = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        found = b""
    if len(found) not in (KEY_BYTES, WITH_HEADER_BYTES):
        where = "copy it from Telnyx's portal: Account Settings, Keys & Credentials, Public Key"
        raise ValueError(f"must be an ed25519 key, {KEY_BYTES} bytes in base64; {where}")
    return text


def telnyx_key_bytes(text: str) -> bytes:
    """The raw key of a text that `is_telnyx_key` has let through."""
    return base64.b64decode(text.strip(), validate=True)[-KEY_BYTES:]


def is_before_the_doors(url: str) -> str:
    """The same public URL. Raises ValueError for a webhook's: doors are named behind it, and it is signed."""
    parts = urlsplit(url)
    if _DOOR.search(parts.path) or "?" in url or "#" in url:
        begins = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        raise ValueError(
            f"is the URL of one webhook: write only how all of them begin, up to and without /twilio or "
            f"/vapi, and nothing behind a ? or a #, perhaps {begins}"
        )
    return url
