"""Is a request signed as Vapi's HMAC credential signs it, near its time, and for the first time?

Source: vapi_server_sdk 1.9, HmacAuthenticationPlan and its neighbours.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from handlers.problems import CHATS
from handlers.vapi.answers import ANSWERS
from handlers.vapi.told import effect_of
from handlers.wire.reading import read_object
from handlers.wire.vapi import is_chat, server_message
from voice.brain import Brain
from voice.errors import BadRequest, SetupError, StoreError
from voice.settings import Settings, secrets_in

log = logging.getLogger(__name__)

MS_FROM = 1e11  # a time of more seconds than this is in milliseconds: the year 5138
MAX_SEEN = 20_000  # signatures of one window; the oldest goes first
ASK_S = 0.3  # for whether another process has seen a signature: a caller may be waiting
PLACEHOLDER = re.compile(r"(\{(?:body|timestamp|method|url|svix-id)\})")
CLOCKS = "Set this machine's clock (NTP), or raise OFFHOOK_VAPI_HMAC_WINDOW_S."
REPLAYED = "A turn's signature is good once, so the sender must sign each request anew."


@dataclass(frozen=True, slots=True)
class Fault:
    """Why what a request shows does not open the door, and what to set. For operators; it holds no secret."""

    reason: str
    to_do: str


class Signatures:
    """HMAC over a request as it came. A signature is good near its time, and for one effect.

    The same bytes again are a retry where the answer to them is kept, and a replay elsewhere.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        secrets = secrets_in(settings.vapi_hmac_secret)
        self._secrets = [_plain(one) if settings.vapi_hmac_base64 else one.encode() for one in secrets]
        self._parts = PLACEHOLDER.split(settings.vapi_hmac_format)
        self._is_timed = "{timestamp}" in self._parts
        self._seen: dict[bytes, float] = {}  # until when it must be remembered, oldest first

    async def fault(self, request: Request, given: str) -> Fault | None:
        """What is wrong with the signature that a request shows; None: it opens the door."""
        settings = self._settings
        stamp = request.headers.get(settings.vapi_hmac_timestamp_header, "")
        if self._is_timed and (late := self._untimely(stamp)) is not None:
            return late
        shown = list(self._digests(given))
        if not shown:
            return self._unreadable()
        body = await request.body()
        known = [one for url in self._urls(request) for one in self._signatures(request, url, stamp, body)]
        good = [one for one in shown for other in known if hmac.compare_digest(one, other)]
        if not good:
            return self._unmatched()
        if not self._is_timed or await self._is_first(request, good[0]) or _is_taken_once(request, body):
            return None
        return Fault(f"The signature in {settings.vapi_hmac_header} has come before: a replay.", REPLAYED)

    def _untimely(self, stamp: str) -> Fault | None:
        name, window_s = self._settings.vapi_hmac_timestamp_header, self._settings.vapi_hmac_window_s
        try:
            at = float(stamp)
        except ValueError:
            at = math.nan
        if not math.isfinite(at):
            told = f"The time in {name} is no number." if stamp else f"No time came in {name}."
            return Fault(told, "Name its header in OFFHOOK_VAPI_HMAC_TIMESTAMP_HEADER.")
        ahead_s = (at / 1000 if at > MS_FROM else at) - time.time()
        if abs(ahead_s) <= window_s:
            return None
        way = "ahead of" if ahead_s > 0 else "behind"
        return Fault(
            f"The time in {name} is {abs(ahead_s):.0f} s {way} ours; {window_s:.0f} s may be.", CLOCKS
        )

    def _unreadable(self) -> Fault:
        settings = self._settings
        kind = f"{settings.vapi_hmac_encoding}{' behind its prefix' if settings.vapi_hmac_prefix else ''}"
        to_do = "Set OFFHOOK_VAPI_HMAC_ENCODING and OFFHOOK_VAPI_HMAC_PREFIX as in Vapi's credential."
        return Fault(f"The signature in {settings.vapi_hmac_header} is not {kind}.", to_do)

    def _unmatched(self) -> Fault:
        settings = self._settings
        to_do = (
            "Compare OFFHOOK_VAPI_HMAC_SECRET with Vapi's credential, and what is signed: here "
            f"{settings.vapi_hmac_algorithm} over {settings.vapi_hmac_format}. No proxy may change the body."
        )
        return Fault(f"The signature in {settings.vapi_hmac_header} does not match.", to_do)

    def _digests(self, given: str) -> Iterator[bytes]:
        """What a header holds: one signature, or several with blanks, each behind its prefix."""
        prefix = self._settings.vapi_hmac_prefix
        for one in given.split():
            text = one.removeprefix(prefix)
            try:
                if self._settings.vapi_hmac_encoding == "hex":
                    yield bytes.fromhex(text)
                else:
                    yield base64.b64decode(text, validate=True)
            except (ValueError, binascii.Error):
                continue

    def _urls(self, request: Request) -> Iterator[str]:
        """What the sender may have taken for our URL, as it wrote it: a proxy shows us another one."""
        if "{url}" not in self._parts:
            yield ""
            return
        raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
        query: bytes = request.scope.get("query_string", b"")
        path = (raw + b"?" + query if query else raw).decode("latin-1")
        here = f"{request.url.scheme}://{request.headers.get('host', '')}"
        yield from {f"{here}{path}", path, f"{self._settings.public_url or ''}{path}"}

    def _signatures(self, request: Request, url: str, stamp: str, body: bytes) -> Iterator[bytes]:
        header = self._settings.vapi_hmac_id_header
        values: Mapping[str, bytes] = {
            "{body}": body,
            "{timestamp}": stamp.encode("latin-1", "replace"),
            "{method}": request.method.encode(),
            "{url}": url.encode(),
            "{svix-id}": request.headers.get(header, "").encode("latin-1", "replace"),
        }
        signed = b"".join(values.get(part, part.encode()) for part in self._parts)
        for secret in self._secrets:
            yield hmac.digest(secret, signed, self._settings.vapi_hmac_algorithm)

    async def _is_first(self, request: Request, digest: bytes) -> bool:
        """Whether nobody has shown this signature yet, here or in another process."""
        at, window_s = time.monotonic(), self._settings.vapi_hmac_window_s
        while self._seen and (next(iter(self._seen.values())) < at or len(self._seen) >= MAX_SEEN):
            del self._seen[next(iter(self._seen))]
        if digest in self._seen:
            return False
        self._seen[digest] = at + 2 * window_s  # a time may lie ahead of ours, too
        brain: Brain = request.app.state.brain
        try:
            async with asyncio.timeout(ASK_S):
                return await brain.store.claim(f"vapi signature {digest.hex()}")
        except (StoreError, TimeoutError) as exc:  # the caller must not pay for it
            log.warning("vapi.signature_not_asked", extra={"error": type(exc).__name__})
            return True


def _is_taken_once(request: Request, body: bytes) -> bool:
    """Whether a repeat of this has no second effect and gets the answer of the first.

    So it is with server messages at their own door; the answers to them are kept for longer than any
    signature is good.
    """
    if request.scope["path"].rstrip("/").endswith(CHATS):
        return False
    try:
        found = read_object(body)
    except BadRequest:
        return False
    # The call must be named in what is signed: another one in a header would have another effect.
    message = None if is_chat(found) else server_message(found, None)
    if message is None or message.call_id is None:
        return False
    return message.type in ANSWERS or effect_of(message) is not None


def _plain(secret: str) -> bytes:
    try:
        return base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except (ValueError, binascii.Error):
        raise SetupError(
            "OFFHOOK_VAPI_HMAC_SECRET is not base64; or set OFFHOOK_VAPI_HMAC_BASE64=0"
        ) from None
