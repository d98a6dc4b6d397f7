"""Is it really Vapi? Each way in which it can say so: secret, header, path, signature, token.

What is set decides which ways are open, and any one of them is enough. Where nothing is set, the
rule of all doors holds: this machine only. Secrets are compared in constant time, signatures over
the body as it came. Source: vapi_server_sdk 1.9, HmacAuthenticationPlan and its neighbours.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import logging
import re
import time
from collections.abc import Iterator, Mapping

from pydantic import SecretStr
from starlette.requests import Request

from handlers.problems import tell_refused
from handlers.signatures import SECRET_HEADERS, came, is_open, matches, presented
from handlers.vapi_answers import ANSWERS
from handlers.vapi_keys import KeySet
from handlers.vapi_told import effect_of
from handlers.wire.reading import read_object
from handlers.wire.vapi import is_chat, server_message
from voice.brain import Brain
from voice.errors import BadRequest, LoopbackOnly, NotAllowed, SetupError, StoreError
from voice.settings import Settings, secrets_in

log = logging.getLogger(__name__)

MS_FROM = 1e11  # a time of more seconds than this is in milliseconds: the year 5138
MAX_SEEN = 20_000  # signatures of one window; the oldest goes first
ASK_S = 0.3  # for whether another process has seen a signature: a caller may be waiting
LEEWAY_S = 30.0  # between a token issuer's clock and ours
# None that signs with what it checks with: a public key must not do as a secret.
ALGORITHMS = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA")
PLACEHOLDER = re.compile(r"(\{(?:body|timestamp|method|url|svix-id)\})")


class VapiAuth:
    """Everything that may open Vapi's doors, as the settings say. Used as a context.

    Raises SetupError when a way that is set cannot be used.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._secrets = secrets_in(settings.vapi_secret)
        self._path_keys = secrets_in(settings.vapi_path_key)
        further = (settings.vapi_header or "").lower().split(",")
        self._headers = (*SECRET_HEADERS, *(name for one in further if (name := one.strip())))
        self._signed = Signatures(settings) if settings.vapi_hmac_secret else None
        self._keys = KeySet(settings.vapi_jwks) if settings.vapi_jwks else None
        self._is_set = settings.guards_vapi

    async def __aenter__(self) -> VapiAuth:
        if self._keys is not None:
            self._keys.read_soon()
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._keys is not None:
            await self._keys.close()

    async def guard(self, request: Request, *also: SecretStr | None) -> None:
        """Let the request pass, or raise NotAllowed and tell who watches. `also` are further secrets."""
        shown = list(presented(request.headers, self._headers))
        known = (*self._secrets, *(one for setting in also for one in secrets_in(setting)))
        in_path = [part.encode() for part in request.url.path.split("/") if part]
        if matches(shown, known) | matches(in_path, self._path_keys):
            return
        if self._signed is not None and await self._signed.allow(request):
            return
        if self._keys is not None and await self._has_token(shown):
            return
        brain: Brain = request.app.state.brain
        if not self._is_set and is_open(brain.settings, request.scope):
            return
        self._refuse(request, brain)

    def _refuse(self, request: Request, brain: Brain) -> None:
        signature = (self._settings.vapi_hmac_header.lower(),) if self._signed else ()
        showed = came(request.headers, (*self._headers, *signature))
        refused = NotAllowed(missing=not showed) if self._is_set else LoopbackOnly()
        tell_refused(brain.bus, "vapi", refused, showed)
        raise refused

    async def _has_token(self, shown: list[bytes]) -> bool:
        tokens = [one.decode("latin-1") for one in shown if one.count(b".") == 2]
        return any([await self._is_token(token) for token in tokens])

    async def _is_token(self, token: str) -> bool:
        import jwt  # optional: 20 ms and 10 MB that only tokens need

        assert self._keys is not None
        try:
            kid = jwt.get_unverified_header(token).get("kid")
            key = await self._keys.key(kid if isinstance(kid, str) else None)
            if key is None:
                return False
            jwt.decode(
                token,
                key.key,
                algorithms=ALGORITHMS,
                audience=self._settings.vapi_audience,
                issuer=self._settings.vapi_issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp"], "verify_aud": self._settings.vapi_audience is not None},
            )
        except (jwt.PyJWTError, ValueError, TypeError, NotImplementedError) as exc:
            log.info("vapi.token_refused", extra={"error": type(exc).__name__})
            return False
        return True


async def vapi_guard(request: Request, *also: SecretStr | None) -> None:
    """Let Vapi's request pass, or raise NotAllowed. `also` are further secrets that open this door."""
    auth: VapiAuth = request.app.state.vapi_auth
    await auth.guard(request, *also)


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

    async def allow(self, request: Request) -> bool:
        """Whether the request is signed with one of the secrets, in time, and is no replay."""
        given = request.headers.get(self._settings.vapi_hmac_header)
        if not given:
            return False
        stamp = request.headers.get(self._settings.vapi_hmac_timestamp_header, "")
        if self._is_timed and not self._is_near(stamp):
            log.warning("vapi.signature_too_old")
            return False
        body = await request.body()
        shown = list(self._digests(given))
        known = [one for url in self._urls(request) for one in self._signatures(request, url, stamp, body)]
        good = [one for one in shown for other in known if hmac.compare_digest(one, other)]
        if not good or not self._is_timed:
            return bool(good)
        if await self._is_first(request, good[0]) or _is_taken_once(request, body):
            return True
        log.warning("vapi.signature_replayed")
        return False

    def _is_near(self, stamp: str) -> bool:
        try:
            at = float(stamp)
        except ValueError:
            return False
        seconds = at / 1000 if at > MS_FROM else at
        return abs(time.time() - seconds) <= self._settings.vapi_hmac_window_s  # False for NaN

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
        """What the sender may have taken for our URL: a proxy shows us another one."""
        if "{url}" not in self._parts:
            yield ""
            return
        query = f"?{request.url.query}" if request.url.query else ""
        path = request.url.path + query
        yield from {str(request.url), path, f"{self._settings.public_url or ''}{path}"}

    def _signatures(self, request: Request, url: str, stamp: str, body: bytes) -> Iterator[bytes]:
        values: Mapping[str, bytes] = {
            "{body}": body,
            "{timestamp}": stamp.encode("latin-1", "replace"),
            "{method}": request.method.encode(),
            "{url}": url.encode(),
            "{svix-id}": request.headers.get(self._settings.vapi_hmac_id_header, "").encode(
                "latin-1", "replace"
            ),
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
    if request.url.path.rstrip("/").endswith("/chat/completions"):
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
