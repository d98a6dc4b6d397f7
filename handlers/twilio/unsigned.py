"""Why was a signature wrong? The last requests of which it was, and what would have matched.

The usual cause is a proxy: Twilio signed `https://voice.example.com`, and we looked for
`http://10.0.0.9:8000`. So whatever Twilio may have meant is tried: other schemes and hosts, with
and without port, slash and prefix, other keys. This only explains, for operators: nothing that
matches here lets anybody in. Neither a key nor a field's value is kept.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from itertools import product

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from handlers.problems import json_answer
from handlers.signatures import door_guard
from handlers.twilio.address import forwarded, raw_target
from handlers.twilio.signing import Address, Algorithm, is_signed, tail
from voice.clock import now
from voice.settings import Settings, secrets_in

SIGNATURE, KEY_USED = "x-twilio-signature", "x-twilio-webhooks-signature-settings"
KEPT = 20
MAX_NAMES, MAX_SHOWN_CHARS = 60, 300
MAX_SIGNED_CHARS = 8_000  # Twilio's requests have 1,500; longer ones would cost an operator's time, and ours
EVERY_S, AT_ONCE = 1.0, 5  # searches: some hundred signatures are tried in each
SIGNATURE_CHARS = (28, 44)  # of SHA-1 and of SHA-256, in base64
TICKET = re.compile(r"(/twilio/relay/)(?!action\b)[^/]+")
VISIT = "OffhookDoctor"  # a field that our doctor adds; whatever is signed is taken
NO_MATCH = "No spelling of the URL matches with our keys."
OTHER_KEY = (
    "Compare TWILIO_AUTH_TOKEN with the account (a subaccount has its own), "
    "and look whether a proxy rewrites the body."
)


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One request whose signature was wrong. `tried`: the URLs that we looked for, without query values."""

    refused_on: datetime
    kind: str  # "request" or "socket"
    tried: tuple[str, ...]
    fields: tuple[str, ...]  # names alone
    signed: str | None  # the URL that was signed, where one was found
    says: str
    to_do: str


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    secret: str = field(repr=False)
    algorithm: Algorithm


OTHER_SCHEME = (
    "OFFHOOK_PUBLIC_URL is right; the scheme differs. Twilio signs the opening of a socket over wss://…: "
    "look for what signs it anew, a gateway or a test client."
)


@dataclass
class Unsigned:
    """The newest requests with a wrong signature, bounded. Only so many a second are looked into."""

    newest: deque[Mismatch] = field(default_factory=lambda: deque(maxlen=KEPT))
    _busy_until: float = field(default=0.0, init=False)

    def keep(
        self,
        asked: HTTPConnection,
        settings: Settings,
        spelt: Sequence[Address],
        fields: Sequence[tuple[str, str]],
    ) -> Mismatch:
        """Remember a request that was refused, and what would have let it in; the doctor's are not kept."""
        is_visit = any(name == VISIT for name, _ in fields)
        signed, says, to_do = None, "It is no signature at all, so it is nobody of Twilio's.", ""
        if not is_visit and len(asked.headers.get(SIGNATURE, "")) in SIGNATURE_CHARS:
            signed, says, to_do = None, "It came with too many others to be looked into.", ""
            if self._may_search():
                signed, says, to_do = _explained(asked, settings, spelt[0], fields)
        names = tuple(dict.fromkeys(name[:MAX_SHOWN_CHARS] for name, _ in fields[:MAX_NAMES]))
        kind = "socket" if asked.scope["type"] == "websocket" else "request"
        tried = tuple(shown(one) for one in spelt)
        found = Mismatch(datetime.now(UTC), kind, tried, names, signed, says, to_do)
        if not is_visit:  # it tries many spellings, and would push out what it is asked about
            self.newest.append(found)
        return found

    def _may_search(self) -> bool:
        busy_until = max(self._busy_until, now()) + EVERY_S
        if busy_until > now() + AT_ONCE * EVERY_S:
            return False
        self._busy_until = busy_until
        return True

    def told(self) -> dict[str, object]:
        """Everything as JSON shows it, the newest first."""
        return {"mismatches": [asdict(one) for one in reversed(self.newest)]}


async def mismatches(request: Request) -> Response:
    """The last requests whose signature was wrong, and the URL that this server goes by; for operators."""
    settings: Settings = request.app.state.settings
    door_guard(request, "admin", settings.admin_token, never_open=True)
    unsigned: Unsigned = request.app.state.unsigned
    return json_answer({"public_url": settings.public_url, **unsigned.told()})


def shown(address: Address) -> str:
    """A URL for a reader: no ticket in it, and of its query the names alone: numbers may stand there."""
    path, mark, query = address.target.partition("?")
    path = TICKET.sub(r"\1…", path)
    names = "&".join(f"{part.partition('=')[0]}=…" for part in query.split("&"))
    return str(replace(address, target=path + (f"?{names}" if mark else "")))[:MAX_SHOWN_CHARS]


def _explained(
    asked: HTTPConnection, settings: Settings, ours: Address, fields: Sequence[tuple[str, str]]
) -> tuple[str | None, str, str]:
    """The URL that was signed, what was different, and what to do about it."""
    signature = asked.headers.get(SIGNATURE, "")
    tails = {
        "": tail(fields),
        "without its blank fields": tail([pair for pair in fields if pair[1]]),
        "without its fields": "",
    }
    if len(str(ours)) + len(tails[""]) > MAX_SIGNED_CHARS:
        return None, "It is too long to be Twilio's.", ""
    for address, (lost, rest), key in product(_spellings(asked, ours), tails.items(), _keys(settings)):
        if is_signed(signature, (key.secret,), (f"{address}{rest}",), key.algorithm):
            return shown(address), *_difference(asked, settings, ours, address, lost, key)
    return None, NO_MATCH, OTHER_KEY


def _difference(
    asked: HTTPConnection, settings: Settings, ours: Address, signed: Address, lost: str, key: _Key
) -> tuple[str, str]:
    """What was different about the request that was signed, and what to do about it."""
    if lost:
        return f"The request was signed {lost}.", "Look for a proxy that rewrites forms."
    if signed in (*ours.with_and_without_port(),):
        header = asked.headers.get(KEY_USED, "")
        says = f"The URL is right, and {key.name} signed it with {key.algorithm}."
        return says, f"The header {KEY_USED} says {header[:MAX_SHOWN_CHARS]!r}; look at the proxy."
    says = f"Twilio signed {shown(signed)}, we looked for {shown(ours)}."
    is_socket = asked.scope["type"] == "websocket"
    if is_socket and replace(signed, scheme=ours.scheme) in ours.with_and_without_port():
        return says, OTHER_SCHEME
    if not signed.target.endswith(raw_target(asked)):
        return says, "Write the URL at Twilio as the server is asked for it."
    before = signed.target.removesuffix(raw_target(asked))
    scheme = {"wss": "https", "ws": "http"}.get(signed.scheme, signed.scheme)
    wanted = str(Address(scheme, signed.host, before))
    if settings.public_url is None:
        return says, f"Set OFFHOOK_PUBLIC_URL={wanted}, or list the proxy in OFFHOOK_TRUSTED_PROXIES."
    return says, f"Set OFFHOOK_PUBLIC_URL={wanted}, or let Twilio use {settings.public_url}."


def _spellings(asked: HTTPConnection, ours: Address) -> Iterator[Address]:
    """Every URL that may have been meant, the most likely first."""
    schemes = dict.fromkeys((ours.scheme, "https", "http"))
    if asked.scope["type"] == "websocket":
        schemes = dict.fromkeys((ours.scheme, "wss", "ws", "https"))
    hosts = dict.fromkeys((ours.host, forwarded(asked, "x-forwarded-host"), asked.headers.get("host", "")))
    path, _, query = (raw := raw_target(asked)).partition("?")
    targets = dict.fromkeys(
        (ours.target, raw, asked.headers.get("x-original-uri", ""), path if query else raw)
    )
    for target, host, scheme in product(filter(None, targets), filter(None, hosts), schemes):
        for one in Address(scheme, host, target).with_and_without_slash():
            yield from one.with_and_without_port()


def _keys(settings: Settings) -> list[_Key]:
    tokens = secrets_in(settings.twilio_auth_token)
    keys = [_Key("the account's token", token, "HMAC_SHA1") for token in tokens]
    for part in secrets_in(settings.twilio_shared_keys):
        name, _, secret = part.partition(":")
        keys += [
            _Key(f"shared key {name}", secret, "HMAC_SHA256"),
            _Key(f"shared key {name}", secret, "HMAC_SHA1"),
        ]
    return [*keys, *(_Key("the account's token", token, "HMAC_SHA256") for token in tokens)]
