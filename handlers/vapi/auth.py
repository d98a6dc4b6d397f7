"""Is it really Vapi? Each way in which it can say so: secret, header, path, signature, token.

What is set decides which ways are open, and any one of them is enough. Where nothing is set, the
rule of all doors holds: this machine only. Secrets are compared in constant time, signatures over
the body as it came.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import astuple
from urllib.parse import unquote_to_bytes

from pydantic import SecretStr
from starlette.requests import Request
from starlette.types import Scope

from handlers.problems import CHATS, tell_refused
from handlers.refused import shown_headers
from handlers.signatures import SECRET_HEADERS, came, is_open, matches, presented, unguarded
from handlers.vapi.signed import Fault, Signatures
from handlers.vapi.tokens import Tokens, tokens_in
from voice.brain import Brain
from voice.errors import NotAllowed
from voice.settings import MIN_PATH_KEY_CHARS, Settings, secrets_in

UNSIGNED = (  # a model's URL, where nothing but signatures is set
    "Vapi signs nothing that it sends to a model: set VAPI_SECRET, OFFHOOK_VAPI_PATH_KEY or OFFHOOK_API_KEY "
    "besides."
)


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
        self._shown_in = tuple(name.encode("latin-1", "replace") for name in self._headers)
        self._signed = Signatures(settings) if settings.vapi_hmac_secret else None
        self._tokens = Tokens(settings.vapi_jwks, settings) if settings.vapi_jwks else None
        self._is_set = settings.guards_vapi
        self._open = AsyncExitStack()

    async def __aenter__(self) -> VapiAuth:
        if self._tokens is not None:
            await self._open.enter_async_context(self._tokens)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._open.aclose()

    async def knows(self, request: Request) -> bool:
        """Whether its sender says who it is before the body is read: in any way but a signature."""
        shown = presented(request.scope, self._shown_in)
        if matches(shown, self._secrets) | self._has_path_key(request.scope):
            return True
        if self._tokens is not None and (tokens := tokens_in(shown)):
            return await self._tokens.fault(tokens) is None
        return not self._is_set and is_open(self._settings, request.scope, never_open=True)

    async def guard(self, request: Request, *also: SecretStr | None) -> None:
        """Let the request pass, or raise NotAllowed and tell who watches. `also` are further secrets."""
        if not self._is_set and is_open(self._settings, request.scope):
            return
        shown = presented(request.scope, self._shown_in)
        known = (*self._secrets, *(one for setting in also for one in secrets_in(setting)))
        if matches(shown, known) | self._has_path_key(request.scope):
            return
        faults: list[Fault] = []
        given = request.headers.get(self._settings.vapi_hmac_header)
        if self._signed is not None and given:
            if (fault := await self._signed.fault(request, given)) is None:
                return
            faults.append(fault)
        if self._tokens is not None and (tokens := tokens_in(shown)):
            if (fault := await self._tokens.fault(tokens)) is None:
                return
            faults.append(fault)
        brain: Brain = request.app.state.brain
        ways = list(self._ways(request.scope, has_more=len(known) > len(self._secrets)))
        self._refuse(request, brain, faults, f"Let Vapi send {', or '.join(ways)}." if ways else UNSIGNED)

    def _has_path_key(self, scope: Scope) -> bool:
        return bool(self._path_keys) and matches(_parts(scope), self._path_keys)

    def _refuse(self, request: Request, brain: Brain, faults: Sequence[Fault], to_do: str) -> None:
        signature = (self._settings.vapi_hmac_header.lower(),) if self._signed else ()
        showed = came(request.headers, (*self._headers, *signature))
        refused: NotAllowed = unguarded("vapi", request.scope)
        if self._is_set:
            fault = self._fault(request.scope, showed, faults, to_do)
            refused = NotAllowed(missing=not showed, reason=fault.reason, to_do=fault.to_do)
        tell_refused(brain.bus, "vapi", refused, showed)
        raise refused

    def _fault(self, scope: Scope, showed: str, faults: Sequence[Fault], to_do: str) -> Fault:
        """What was wrong with all that a request showed, in a person's words."""
        if faults:
            reasons, to_dos = (" ".join(told) for told in zip(*map(astuple, faults), strict=True))
            return Fault(reasons, to_dos)
        if showed:
            return Fault(f"A wrong secret came in {showed}.", to_do)
        if self._path_keys and any(len(part) >= MIN_PATH_KEY_CHARS for part in _parts(scope)):
            return Fault("A wrong key came in the path.", to_do)
        if unread := ", ".join(shown_headers(scope)):
            return Fault(f"Nothing came in a header that is read here; {unread} is not.", to_do)
        return Fault("No secret, signature or key came.", to_do)

    def _ways(self, scope: Scope, *, has_more: bool) -> Iterator[str]:
        """What Vapi can send that would open the door. `has_more`: the door takes a secret besides Vapi's."""
        settings = self._settings
        if self._secrets:
            names = ", ".join(("X-Vapi-Secret", "Authorization", *self._headers[len(SECRET_HEADERS) :]))
            yield f"what VAPI_SECRET holds (in {names})"
        if self._path_keys:
            yield "what OFFHOOK_VAPI_PATH_KEY holds, as a part of the path (…/vapi/KEY)"
        if has_more:
            yield "what OFFHOOK_API_KEY holds (in Authorization)"
        if self._signed is not None and not scope["path"].rstrip("/").endswith(CHATS):
            yield f"a signature with OFFHOOK_VAPI_HMAC_SECRET (in {settings.vapi_hmac_header})"
        if self._tokens is not None:
            yield "a token of the issuer behind OFFHOOK_VAPI_JWKS (in Authorization)"


def _parts(scope: Scope) -> list[bytes]:
    """The parts of a path as its sender wrote them, each decoded once: a key may hold `?`, `#` or `%`."""
    raw: bytes = scope.get("raw_path") or scope["path"].encode()
    return [unquote_to_bytes(part) for part in raw.split(b"/") if part]


async def vapi_guard(request: Request, *also: SecretStr | None) -> None:
    """Let Vapi's request pass, or raise NotAllowed. `also` are further secrets that open this door."""
    auth: VapiAuth = request.app.state.vapi_auth
    await auth.guard(request, *also)
