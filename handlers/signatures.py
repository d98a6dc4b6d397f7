"""Who may use a door: whoever knows its secret; without a secret, this machine only.

A tunnel or a proxy makes the whole world look like this machine. So a local peer counts as
local only when nothing says that it speaks for somebody else: no forwarding header, a Host that
names this machine, no web page of another origin.
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Iterable
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
SECRET_HEADERS = ("authorization", "x-vapi-secret", "vapi-secret", "x-api-key")


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
    refused = NotAllowed(missing=not shown) if own is not None else LoopbackOnly()
    tell_refused(brain.bus, door, refused, came(request.headers, SECRET_HEADERS))
    raise refused


def matches(shown: Iterable[bytes], known: Iterable[str]) -> bool:
    """Whether one of the secrets shown is known. Every pair is compared, so that the time tells nothing."""
    pairs = [(one, secret.encode()) for secret in known for one in shown]
    return sum(hmac.compare_digest(one, secret) for one, secret in pairs) > 0


def came(headers: Headers, names: Iterable[str]) -> str:
    """Which of these headers a request has, for whoever looks for the wrong one. Never what is in them."""
    return ", ".join(dict.fromkeys(name for name in names if name in headers))


def is_open(settings: Settings, scope: Scope, *, never_open: bool = False) -> bool:
    """Whether a door without a secret answers to this peer."""
    return (settings.open and not never_open) or from_this_machine(scope)


def from_this_machine(scope: Scope) -> bool:
    """Whether a request was made by this machine, for itself."""
    client = scope.get("client")
    headers = Headers(scope=scope)
    forwarded = any(name in FORWARDING or name.startswith(FORWARDING_BEGINS) for name in headers)
    local = client is not None and _is_loopback(client[0]) and not forwarded
    asked, page = f"//{headers.get('host', '')}", headers.get("origin", "//localhost")
    return local and _names_us(asked) and _names_us(page)


def presented(headers: Headers, names: Iterable[str] = SECRET_HEADERS) -> Iterable[bytes]:
    """Every secret that a request shows: with "Bearer" or bare, under any name that platforms use."""
    for name in names:
        for value in headers.getlist(name):
            kind, _, rest = value.strip().partition(" ")
            yield (rest.strip() if kind.lower() == "bearer" else value.strip()).encode("latin-1", "replace")


def _names_us(url: str) -> bool:
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    return host == "localhost" or host.endswith(".localhost") or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return bool((mapped or address).is_loopback)
