"""Who may use a door: whoever knows its secret; without a secret, this machine only.

A tunnel or a proxy makes the whole world look like this machine. So a local peer counts as
local only when nothing says that it speaks for somebody else: no forwarding header, a Host that
names this machine, no web page of another origin.

The outside learns nothing of why it is refused; operators learn what came and what to set.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable, Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.types import Scope

from handlers.problems import tell_refused
from voice.brain import Brain
from voice.errors import LoopbackOnly, NotAllowed
from voice.settings import Settings, secrets_in

FORWARDING = frozenset((b"forwarded", b"via", b"x-real-ip", b"true-client-ip", b"x-vapi-forwarded"))
FORWARDING_BEGINS = (b"x-forwarded-", b"cf-", b"fly-", b"ngrok-", b"x-envoy-", b"x-amzn-", b"x-cloud-trace-")
MAX_HOST_CHARS = 300  # a name has 253 at most; what a stranger sends is not remembered at any length
SECRET_HEADERS = ("authorization", "x-vapi-secret", "vapi-secret", "x-api-key")
RAW_SECRET_HEADERS = tuple(name.encode() for name in SECRET_HEADERS)
SETTING_OF = {  # by door: what its secret is called
    "admin": "OFFHOOK_ADMIN_TOKEN",
    "metrics": "OFFHOOK_ADMIN_TOKEN",
    "openai": "OFFHOOK_API_KEY",
    "chat": "OFFHOOK_API_KEY",
    "vapi": "VAPI_SECRET",
    "twilio": "TWILIO_AUTH_TOKEN",
}


def door_guard(
    request: Request, door: str, own: SecretStr | None, *also: SecretStr | None, never_open: bool = False
) -> None:
    """Let the request pass, or raise NotAllowed and tell who watches.

    `own` is the door's secret, `also` are others that it takes. Without an own secret the door answers
    to this machine, and to everybody when OFFHOOK_OPEN is set, except where it is `never_open`.
    """
    brain: Brain = request.app.state.brain
    shown = presented(request.scope)
    known = [secret for setting in (own, *also) for secret in secrets_in(setting)]
    if matches(shown, known) or (
        own is None and is_open(brain.settings, request.scope, never_open=never_open)
    ):
        return
    showed, setting = came(request.headers, SECRET_HEADERS), SETTING_OF[door]
    if own is None:
        refused: NotAllowed = unguarded(door, request.scope, never_open=never_open)
    elif showed:
        reason = f"A wrong secret came in {showed}."
        refused = NotAllowed(missing=False, reason=reason, to_do=f"Compare it with {setting} of this server.")
    else:
        to_do = f"Send what {setting} holds in the header Authorization, as a bearer token."
        refused = NotAllowed(missing=True, reason="No secret came.", to_do=to_do)
    tell_refused(brain.bus, door, refused, showed)
    raise refused


def unguarded(door: str, scope: Scope, *, never_open: bool = False) -> LoopbackOnly:
    """Why a door without a secret does not answer to this peer, and what to set."""
    setting = SETTING_OF[door]
    reason = f"{setting} is not set, so only this machine may come in, and {elsewhere(scope)}."
    else_open = "" if never_open else ", or OFFHOOK_OPEN=1 to let everybody in"
    return LoopbackOnly(reason, f"Set {setting}{else_open}.")


def matches(shown: Iterable[bytes], known: Iterable[str]) -> bool:
    """Whether one of the secrets shown is known. Every pair is compared, so that the time tells nothing."""
    is_one = False
    for secret in known:
        for one in shown:
            is_one |= hmac.compare_digest(one, secret.encode())
    return is_one


def came(headers: Headers, names: Iterable[str]) -> str:
    """Which of these headers a request has, for whoever looks for the wrong one. Never what is in them."""
    return ", ".join(dict.fromkeys(name for name in names if name in headers))


def is_open(settings: Settings, scope: Scope, *, never_open: bool = False) -> bool:
    """Whether a door without a secret answers to this peer."""
    return (settings.open and not never_open) or elsewhere(scope) is None


def elsewhere(scope: Scope) -> str | None:
    """Why a request is not one of this machine to itself; None: it is one."""
    client = scope.get("client")
    if client is None or not _is_loopback(client[0]):
        return "the request came from another machine"
    host, origin = None, None
    for raw, value in scope["headers"]:
        if raw in FORWARDING or raw.startswith(FORWARDING_BEGINS):
            name = raw.decode("latin-1")
            return f"the header {name} says that the request was passed on for somebody else"
        if raw == b"host" and host is None:  # of two of a name the first counts
            host = value
        elif raw == b"origin" and origin is None:
            origin = value
    if not _names_us(b"//" + (host or b"")):
        return "its Host is another machine's name"
    if origin is not None and not _names_us(origin):
        return "a web page of another origin sent it"
    return None


def presented(scope: Scope, names: Sequence[bytes] = RAW_SECRET_HEADERS) -> list[bytes]:
    """Every secret that a request shows: with "Bearer" or bare, under any name that platforms use."""
    found = [pair for pair in scope["headers"] if pair[0] in names]
    if len(found) > 1:  # by name, not as they came: of several tokens the last one's fault is told
        found.sort(key=lambda pair: names.index(pair[0]))
    return [_bare(value.decode("latin-1").strip()) for _, value in found]


def _bare(value: str) -> bytes:
    kind, _, rest = value.partition(" ")
    return (rest.strip() if kind.lower() == "bearer" else value).encode("latin-1")


def _names_us(url: bytes) -> bool:
    return len(url) <= MAX_HOST_CHARS and _is_of_us(url)


@lru_cache(maxsize=1024)
def _is_of_us(url: bytes) -> bool:
    try:
        host = urlsplit(url.decode("latin-1")).hostname or ""
    except ValueError:
        return False
    return host == "localhost" or host.endswith(".localhost") or _is_loopback(host)


@lru_cache(maxsize=1024)  # to read an address takes 5 µs, and two come with each request
def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
