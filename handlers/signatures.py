"""Who may use a door: whoever knows its secret; without a secret, this machine only.

A tunnel or a proxy makes the whole world look like this machine. So a local peer counts as
local only when nothing says that it speaks for somebody else: no forwarding header, a Host that
names this machine, no web page of another origin.

The outside learns nothing of why it is refused; operators learn what came and what to set.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
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

FORWARDING = ("forwarded", "via", "x-real-ip", "true-client-ip", "x-vapi-forwarded")
FORWARDING_BEGINS = ("x-forwarded-", "cf-", "fly-", "ngrok-", "x-envoy-", "x-amzn-", "x-cloud-trace-")
MAX_HOST_CHARS = 300  # a name has 253 at most; what a stranger sends is not remembered at any length
SECRET_HEADERS = ("authorization", "x-vapi-secret", "vapi-secret", "x-api-key")
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
    shown = list(presented(request.headers))
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
    pairs = [(one, secret.encode()) for secret in known for one in shown]
    return sum(hmac.compare_digest(one, secret) for one, secret in pairs) > 0


def came(headers: Headers, names: Iterable[str]) -> str:
    """Which of these headers a request has, for whoever looks for the wrong one. Never what is in them."""
    return ", ".join(dict.fromkeys(name for name in names if name in headers))


def is_open(settings: Settings, scope: Scope, *, never_open: bool = False) -> bool:
    """Whether a door without a secret answers to this peer."""
    return (settings.open and not never_open) or elsewhere(scope) is None


def elsewhere(scope: Scope) -> str | None:
    """Why a request is not one of this machine to itself; None: it is one."""
    client, headers = scope.get("client"), Headers(scope=scope)
    if client is None or not _is_loopback(client[0]):
        return "the request came from another machine"
    for name in headers:
        if name in FORWARDING or name.startswith(FORWARDING_BEGINS):
            return f"the header {name} says that the request was passed on for somebody else"
    if not _names_us(f"//{headers.get('host', '')}"):
        return "its Host is another machine's name"
    if not _names_us(headers.get("origin", "//localhost")):
        return "a web page of another origin sent it"
    return None


def presented(headers: Headers, names: Iterable[str] = SECRET_HEADERS) -> Iterable[bytes]:
    """Every secret that a request shows: with "Bearer" or bare, under any name that platforms use."""
    for name in names:
        for value in headers.getlist(name):
            kind, _, rest = value.strip().partition(" ")
            yield (rest.strip() if kind.lower() == "bearer" else value.strip()).encode("latin-1", "replace")


def _names_us(url: str) -> bool:
    return len(url) <= MAX_HOST_CHARS and _is_of_us(url)


@lru_cache(maxsize=1024)
def _is_of_us(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
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
