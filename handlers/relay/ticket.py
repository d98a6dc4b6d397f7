"""The id in a relay socket's path: who holds it was sent by us, for this very call, once, a moment ago.

Twilio signs the opening of a socket; the ticket binds it to the call whose signed webhook was answered
with its URL. It is signed itself, so it holds in another process and after a restart; the store sees to
it that it is taken once. A store that is away costs a caller nothing: then this process alone counts.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import logging
import secrets
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import orjson

from handlers.once import once_key
from voice.errors import StoreError
from voice.settings import Settings, secrets_in
from voice.store.base import Store
from voice.types import CallId

LIFE_S = 60.0  # Twilio opens the socket within a second of the document, unless words come before it
ASK_S = 0.3  # for the store: a caller waits
MAX_TAKEN = 10_000  # remembered here; more are not taken within one ticket's life
MAX_CHARS = 1000  # of a path that may be a ticket
DIGEST_BYTES = 16
PURPOSE = b"offhook relay ticket"  # so that what the token signs elsewhere is no ticket

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a ticket says. `is_back`: the call has been on a socket before, which was lost."""

    call_id: CallId
    agent: str
    is_back: bool = False


class Tickets:
    """Issues and takes tickets. `spare` signs them where no secret is set.

    `clock` tells seconds since 1970, the same in every process.
    """

    def __init__(
        self, settings: Settings, store: Store, spare: bytes, clock: Callable[[], float] = time.time
    ) -> None:
        self._keys, self._store, self._clock = _keys(settings, spare), store, clock
        self._taken: deque[str] = deque(maxlen=MAX_TAKEN)

    def issue(self, call_id: CallId, agent: str, *, is_back: bool = False) -> str:
        """A ticket for one opening of a socket; it can stand in a path."""
        fields = [call_id, agent, is_back, round(self._clock() + LIFE_S), secrets.token_hex(8)]
        body = orjson.dumps(fields)
        return _text(_sign(self._keys[0], body) + body)

    async def take(self, ticket: str) -> Ticket | None:
        """What a ticket says, to the first who shows it; None: it is none, not ours, too old or used."""
        body = self._signed(ticket)
        if body is None:
            return None
        call_id, agent, is_back, until, _ = orjson.loads(body)
        if self._clock() > until or not await self._is_first(body):
            return None
        return Ticket(CallId(call_id), agent, is_back)

    def call_of(self, ticket: str) -> CallId | None:
        """The call that a ticket was given out for, taken or not; None: it is none of ours."""
        body = self._signed(ticket)
        return CallId(orjson.loads(body)[0]) if body is not None else None

    def _signed(self, ticket: str) -> bytes | None:
        """The part of a ticket that we have signed; None when we have not."""
        try:
            padded = ticket[:MAX_CHARS].encode() + b"=" * (-len(ticket) % 4)
            raw = base64.b64decode(padded, altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            return None
        shown, body = raw[:DIGEST_BYTES], raw[DIGEST_BYTES:]
        is_ours = sum(hmac.compare_digest(shown, _sign(key, body)) for key in self._keys) > 0
        # One ticket has many spellings (padding, idle bits): only ours may be shown.
        return body if is_ours and _text(raw) == ticket else None

    async def _is_first(self, body: bytes) -> bool:
        key = once_key("relay ticket", body)
        if key in self._taken:
            return False
        self._taken.append(key)
        try:
            async with asyncio.timeout(ASK_S):
                return await self._store.claim(key)
        except (StoreError, TimeoutError) as exc:
            log.warning("ticket.not_claimed", extra={"error": type(exc).__name__, "to_do": StoreError.to_do})
            return True


def _keys(settings: Settings, spare: bytes) -> Sequence[bytes]:
    """A key for each of Twilio's secrets, since two are known while one takes the other's place.

    Telnyx has none; there the operators' token stands in. Without any, the door answers to this machine
    only, and `spare` is as good: its tickets hold as long as this server.
    """
    known = [*secrets_in(settings.twilio_auth_token), *secrets_in(settings.twilio_shared_keys)]
    known += secrets_in(settings.admin_token) if settings.telnyx_public_key else ()
    return [_sign(one.encode(), PURPOSE, 32) for one in known] or [spare]


def _sign(key: bytes, body: bytes, size: int = DIGEST_BYTES) -> bytes:
    return hmac.digest(key, body, hashlib.sha256)[:size]


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
