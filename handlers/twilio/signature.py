"""Is it really Twilio that calls?

Twilio signs the URL it requested, as it wrote it, and the form's fields; of a JSON body the hash, which
stands in the URL; of a WebSocket the URL alone. The account's token signs, or a shared key that a header
names. Which URL that was: twilio/address.py; what is signed: twilio/signing.py.

Source: Twilio's "Security" and "Webhook shared keys" pages.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Sequence
from typing import get_args
from urllib.parse import parse_qsl

from starlette.datastructures import QueryParams
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.websockets import WebSocket

from handlers.relay.ticket import Tickets
from handlers.signatures import is_open, unguarded
from handlers.twilio.address import SECURE, signed_url
from handlers.twilio.signing import Address, Algorithm, is_signed, tail
from handlers.twilio.telnyx_signature import SIGNATURE as TELNYX_SIGNATURE
from handlers.twilio.telnyx_signature import check_telnyx, is_telnyx
from handlers.twilio.unsigned import KEY_USED, SIGNATURE, Unsigned
from handlers.wire.reading import read_object
from voice.errors import BadRequest, NotAllowed
from voice.events import Bus, RequestRefused
from voice.settings import Settings, secrets_in

NOTHING = "<Response/>"
MAX_FIELDS = 300  # Twilio sends about 40
BODY_HASH = "bodySHA256"
FORM = "application/x-www-form-urlencoded"
UNSIGNED = "It has no header X-Twilio-Signature, so it is nobody of Twilio's."
FOREIGN = "It is signed, but from another account than TWILIO_ACCOUNT_SID."
OTHER_BODY = "Its body is not the one whose hash stands in the URL."


async def signed_fields(request: Request) -> QueryParams:
    """The fields of a request that Twilio has signed: the body's at POST, the query's at GET.

    Telnyx's, too, where its key is known. Raises NotAllowed when it is neither, or not our account;
    BadRequest when the body cannot be read.
    """
    settings: Settings = request.app.state.settings
    body = await request.body() if request.method == "POST" else b""
    if settings.telnyx_public_key and TELNYX_SIGNATURE in request.headers:
        check_telnyx(request, body, settings.telnyx_public_key)
        return _form(body)
    if settings.guards_twilio:
        fields = _checked(request, settings, body)
    elif is_open(settings, request.scope):
        fields = _fields(request, body)
    else:
        raise unguarded("twilio", request.scope)
    ours = settings.twilio_account_sid
    if ours and any(not _same(sid, ours) for sid in fields.getlist("AccountSid")):
        raise NotAllowed(missing=False, reason=FOREIGN, to_do="Compare TWILIO_ACCOUNT_SID with the account.")
    return fields


def check_upgrade(websocket: WebSocket) -> None:
    """Raise NotAllowed unless Twilio opens this socket. To be asked before the socket is accepted."""
    settings: Settings = websocket.app.state.settings
    if settings.telnyx_public_key and _is_telnyxs(websocket):
        return
    if not settings.guards_twilio:
        if not is_open(settings, websocket.scope):
            raise unguarded("twilio", websocket.scope)
        return
    asked = signed_url(websocket, settings)
    asked = Address(SECURE[asked.scheme], asked.host, asked.target)
    both = (one for spelling in asked.with_and_without_slash() for one in spelling.with_and_without_port())
    _compare(websocket, settings, list(both), ())


def _is_telnyxs(websocket: WebSocket) -> bool:
    """Whether the ticket in the path was given out for a call of Telnyx's, which signs no socket."""
    tickets: Tickets = websocket.app.state.tickets
    call_id = tickets.call_of(str(websocket.path_params.get("ticket", "")))
    return call_id is not None and is_telnyx(call_id)


def refusal(bus: Bus, exc: NotAllowed) -> Response:
    """The answer to whoever is not Twilio: 403, no hint, and nothing that could be read aloud."""
    bus.publish(RequestRefused("twilio", 403, type(exc).__name__, reason=exc.reason, to_do=exc.to_do))
    return Response(NOTHING, 403, media_type="text/xml")


def signing_keys(asked: HTTPConnection, settings: Settings) -> tuple[tuple[str, ...], Algorithm]:
    """The secrets that may have signed a request, and how; no secret for what is not ours.

    Without an algorithm it is the account's token; with one, the shared key that is named beside it.
    """
    named = dict(_named(asked.headers.get(KEY_USED, "")))
    if not named.get("algorithm"):
        return secrets_in(settings.twilio_auth_token), "HMAC_SHA1"
    pairs = (part.partition(":") for part in secrets_in(settings.twilio_shared_keys))
    keys = tuple(key for name, _, key in pairs if _same(name, named.get("key", "")))
    algorithm = next((one for one in get_args(Algorithm) if one == named["algorithm"]), None)
    return (keys, algorithm) if algorithm else ((), "HMAC_SHA256")


def _fields(request: Request, body: bytes) -> QueryParams:
    """What a request tells: in its query at GET, else in its body."""
    if request.method != "POST":
        return request.query_params
    is_json = _kind(request).endswith("json") and BODY_HASH in request.query_params
    return _members(body) if is_json else _form(body)


def _form(body: bytes) -> QueryParams:
    """A form's fields. Blanks, duplicates and every space count for the signature."""
    try:
        return QueryParams(
            parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        )
    except ValueError:
        raise BadRequest(f"The form has more than {MAX_FIELDS} fields.") from None


def _members(body: bytes) -> QueryParams:
    """The members of a JSON object that a form could hold, too."""
    found = read_object(body).items()
    return QueryParams([(name, str(value)) for name, value in found if isinstance(value, str | int | float)])


def _checked(request: Request, settings: Settings, body: bytes) -> QueryParams:
    """The fields, once the signature over them is found right."""
    _signature(request)  # before anything is read: a stranger learns nothing of our limits
    asked = list(signed_url(request, settings).with_and_without_port())
    hashes = request.query_params.getlist(BODY_HASH)
    if request.method == "POST" and hashes and _kind(request) != FORM:
        # The URL alone is signed, and the body's hash stands in it.
        if len(hashes) > 1 or not _same(hashes[0].lower(), hashlib.sha256(body).hexdigest()):
            raise NotAllowed(missing=False, reason=OTHER_BODY, to_do="Look for a proxy that rewrites bodies.")
        _compare(request, settings, asked, ())
        return _fields(request, body)
    fields = _fields(request, body)
    _compare(request, settings, asked, fields.multi_items() if request.method == "POST" else ())
    return fields


def _kind(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def _signature(asked: HTTPConnection) -> str:
    if shown := asked.headers.get(SIGNATURE):
        return shown
    raise NotAllowed(missing=True, reason=UNSIGNED, to_do="Look for a proxy that drops the header.")


def _compare(
    asked: HTTPConnection, settings: Settings, spelt: list[Address], fields: Sequence[tuple[str, str]]
) -> None:
    shown, rest = _signature(asked), tail(fields)
    keys, algorithm = signing_keys(asked, settings)
    if not is_signed(shown, keys, [f"{one}{rest}" for one in spelt], algorithm):
        unsigned: Unsigned = asked.app.state.unsigned
        found = unsigned.keep(asked, settings, spelt, fields)
        raise NotAllowed(missing=False, reason=found.says, to_do=found.to_do)


def _named(settings_header: str) -> Iterator[tuple[str, str]]:
    for part in settings_header.split(","):
        name, mark, value = part.partition("=")
        if mark:
            yield name.strip(), value.strip()


def _same(theirs: str, ours: str) -> bool:
    return hmac.compare_digest(theirs.encode("utf-8", "replace"), ours.encode())
