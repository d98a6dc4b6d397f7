"""Is it really Twilio that calls?

Twilio signs the URL it requested, as it wrote it, and the form's fields. So the URL is
put together from what stands on the wire (raw path, raw query) and the public URL: behind a
proxy the request's own host is not the one that Twilio asked.

The scheme puts no mark between a field's name, its value and the next name, so a letter that
moves over such a border is not noticed. That is Twilio's; over https nobody is in between.

Source: Twilio's "Security" page and `twilio.request_validator` of its Python library.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qsl, urlsplit

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response
from twilio.request_validator import RequestValidator  # type: ignore[import-untyped]  # it ships no types

from handlers.signatures import is_open
from voice.errors import BadRequest, NotAllowed
from voice.events import Bus, RequestRefused
from voice.settings import Settings, secret

NOTHING = "<Response/>"
MAX_FIELDS = 300  # Twilio sends about 40; the library's check takes a second for 10,000


async def signed_fields(request: Request) -> QueryParams:
    """The fields of a request that Twilio has signed: the form's at POST, the query's at GET.

    Raises NotAllowed when it is not Twilio, or not our account; BadRequest when the form cannot be read.
    """
    settings: Settings = request.app.state.settings
    posted = _fields(await request.body()) if request.method == "POST" else QueryParams()
    if token := secret(settings.twilio_auth_token):
        _check(token, signed_url(request, settings.public_url), posted, request)
    elif not is_open(settings, request.scope):
        raise NotAllowed(missing=False)
    fields = posted if request.method == "POST" else request.query_params
    ours = settings.twilio_account_sid
    if ours and any(not _same(sid, ours) for sid in fields.getlist("AccountSid")):
        raise NotAllowed(missing=False)
    return fields


def refusal(bus: Bus, exc: NotAllowed) -> Response:
    """The answer to whoever is not Twilio: 403, no hint, and nothing that could be read aloud."""
    bus.publish(RequestRefused("twilio", 403, type(exc).__name__))
    return Response(NOTHING, 403, media_type="text/xml")


def signed_url(request: Request, public_url: str | None) -> str:
    """The URL as Twilio requested it. User and password are dropped before Twilio signs."""
    scope = request.scope
    raw_path: bytes = scope.get("raw_path") or request.url.path.encode()
    query: bytes = scope.get("query_string", b"")
    target = (raw_path + b"?" + query if query else raw_path).decode("latin-1")
    if public_url is None:
        return f"{request.url.scheme}://{request.headers.get('host', '')}{target}"
    base = urlsplit(public_url)
    return base._replace(netloc=base.netloc.rpartition("@")[2]).geturl() + target


def _fields(body: bytes) -> QueryParams:
    """The form, whatever its content type says: what was not signed must not be read.

    Blanks, duplicates and every space count for the signature.
    """
    try:
        return QueryParams(
            parse_qsl(body.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_FIELDS)
        )
    except ValueError:
        raise BadRequest(f"The form has more than {MAX_FIELDS} fields.") from None


def _check(token: str, url: str, posted: QueryParams, request: Request) -> None:
    signature = request.headers.get("x-twilio-signature")
    if not signature:
        raise NotAllowed(missing=True)
    try:
        # The library tries the URL with and without its port: Twilio signs either.
        is_signed = RequestValidator(token).validate(url, posted, signature)
    except ValueError:  # a Host header that is no host: `[`, or a port of six digits
        is_signed = False
    if not is_signed:
        raise NotAllowed(missing=False)


def _same(theirs: str, ours: str) -> bool:
    return hmac.compare_digest(theirs.encode(), ours.encode())
