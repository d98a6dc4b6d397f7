"""Is it really Telnyx that calls?

Telnyx speaks Twilio's vocabulary (TeXML webhooks, ConversationRelay), so its calls come through the same
doors; only its signature is another: ed25519 over the time and the body. Neither the URL nor a GET's
query is signed, so a GET is refused, and an old request with it.

The opening of a socket is not signed at all, as far as Telnyx tells. There the ticket in the path stands for
the call whose signed webhook was answered with it.

Source: Telnyx's "Webhooks" and "ConversationRelay" pages.
"""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from starlette.requests import Request

from voice.errors import NotAllowed
from voice.settings.platforms import telnyx_key_bytes
from voice.types import CallId

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE, SIGNED_ON = "telnyx-signature-ed25519", "telnyx-timestamp"
WINDOW_S = 300  # on either side, as Telnyx advises
WRONG = "Its signature is not one of the account whose TELNYX_PUBLIC_KEY is set."
COPY = "Copy it from Telnyx's portal: Account Settings, Keys & Credentials, Public Key."


def is_telnyx(call_id: CallId) -> bool:
    """Whether a call is Telnyx's: its ids are "v3:…", and no Twilio id has a colon."""
    return ":" in call_id


def check_telnyx(request: Request, body: bytes, key: str, clock: Callable[[], float] = time.time) -> None:
    """Raise NotAllowed unless Telnyx has signed this body, not long ago."""
    if request.method != "POST":
        raise _refused("A GET of Telnyx's is not signed.", "Set POST in the TeXML application.")
    told = request.headers.get(SIGNED_ON, "")
    signed_on = int(told) if told.isascii() and told.isdigit() and len(told) < 12 else 0
    if abs(clock() - signed_on) > WINDOW_S:
        raise _refused(
            f"It was signed more than {WINDOW_S} s ago, or will be.", "Look at this machine's clock."
        )
    from cryptography.exceptions import InvalidSignature  # late, as in _key_of

    try:
        signature = base64.b64decode(request.headers[SIGNATURE], validate=True)
        _key_of(key).verify(signature, f"{told}|".encode() + body)
    except (binascii.Error, ValueError, InvalidSignature):
        raise _refused(WRONG, COPY) from None


@lru_cache(maxsize=2)
def _key_of(text: str) -> Ed25519PublicKey:
    # Late: an idle server without Telnyx saves the memory.
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    return Ed25519PublicKey.from_public_bytes(telnyx_key_bytes(text))


def _refused(reason: str, to_do: str) -> NotAllowed:
    return NotAllowed(missing=False, reason=reason, to_do=to_do)
