"""The keys that sign OAuth2 tokens: read from a URL or a file, kept, and read again when they change.

A token names its key (`kid`). One that is not known may be new, so the set is read again, but not
more often than AGAIN_S: anybody may send a token with a made-up key. Keys that are old are used on
while newer ones are read; a caller waits only when there are none yet.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener

from voice.clock import now
from voice.errors import SetupError

if TYPE_CHECKING:
    from jwt import PyJWK

log = logging.getLogger(__name__)

FRESH_S = 600.0  # issuers announce a new key hours before they sign with it
AGAIN_S = 30.0  # between two reads
WAIT_S = 2.0  # for the first read, by whoever needs a key: a call that rings waits 7.5
FETCH_S = 5.0
MAX_BYTES = 500_000
TO_DO = "Check OFFHOOK_VAPI_JWKS: it must give the issuer's key set as JSON."


Fetch = Callable[[str], Awaitable[bytes]]
"""Brings what is at a URL or in a file."""


async def fetched(place: str) -> bytes:
    """From the network or the disk, neither of which may hold up a call."""
    return await asyncio.to_thread(_bytes_at, place)


class KeySet:
    """The keys behind one URL or file."""

    def __init__(self, place: str, fetch: Fetch | None = None) -> None:
        self._place, self._fetch = place, fetch or fetched
        self._keys: dict[str, PyJWK] = {}  # by kid; "" where the set gives none
        self._read_at: float | None = None  # when the newest read ended, well or not
        self._reading: asyncio.Task[None] | None = None
        if (scheme := urlsplit(place).scheme) in {"http", "https"} and not _is_safe(place):
            raise SetupError(f"OFFHOOK_VAPI_JWKS is a URL with {scheme}; keys are taken over https only")

    async def key(self, kid: str | None) -> PyJWK | None:
        """The key of this name; the only one where a token names none. None: there is no such key."""
        found = self._find(kid)
        age_s = None if self._read_at is None else now() - self._read_at
        if age_s is None or age_s > (FRESH_S if found else AGAIN_S):
            self._read_soon()
        if found is None and self._reading is not None:
            await asyncio.wait([self._reading], timeout=WAIT_S)
            found = self._find(kid)
        return found

    def read_soon(self) -> None:
        """Read the set in the background, so that the first call finds it."""
        self._read_soon()

    async def close(self) -> None:
        """Wait for no read any more."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])

    def _find(self, kid: str | None) -> PyJWK | None:
        if kid is None:
            return next(iter(self._keys.values())) if len(self._keys) == 1 else None
        return self._keys.get(kid)

    def _read_soon(self) -> None:
        if self._reading is None:
            self._reading = asyncio.create_task(self._read(), name="vapi.keys")

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(FETCH_S + 1.0):
                self._keys = _keys_in(await self._fetch(self._place)) or self._keys
        except Exception as exc:  # noqa: BLE001 – fence: one job; an issuer's answer may be anything
            log.error("vapi.keys_not_read", extra={"error": type(exc).__name__, "to_do": TO_DO})
        finally:
            self._read_at, self._reading = now(), None


class _NoRedirect(HTTPRedirectHandler):
    """Takes a redirect for the error that it is here: it may lead to plain http."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _bytes_at(place: str) -> bytes:
    if urlsplit(place).scheme not in {"http", "https"}:
        return Path(place).read_bytes()
    # Straight to the issuer: whoever could send us elsewhere would choose whose tokens are good.
    opener = build_opener(ProxyHandler({}), _NoRedirect())
    with opener.open(Request(place, headers={"Accept": "application/json"}), timeout=FETCH_S) as answer:
        found: bytes = answer.read(MAX_BYTES)
    return found


def _keys_in(raw: bytes) -> dict[str, PyJWK]:
    """The keys of a set that this machine can use for signatures. Raises whatever is wrong with it."""
    from jwt import PyJWK  # optional: 20 ms and 10 MB that only tokens need
    from jwt.exceptions import PyJWTError

    found: dict[str, PyJWK] = {}
    for one in json.loads(raw)["keys"]:
        if not isinstance(one, dict) or one.get("use", "sig") != "sig" or one.get("kty") == "oct":
            continue  # a symmetric key in a public set would let anybody sign
        try:
            found[str(one.get("kid") or "")] = PyJWK(one)
        except PyJWTError:
            log.warning("vapi.key_not_usable", extra={"kty": str(one.get("kty"))[:20]})
    return found


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme == "https" or parts.hostname in {"localhost", "127.0.0.1", "::1"}
