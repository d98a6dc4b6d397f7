"""How a client of /v1 and /chat wants codes and telephone numbers: plain, unless it asks for tags."""

from __future__ import annotations

from starlette.requests import Request

from voice.errors import BadRequest
from voice.speech.output import Markup

HEADER = "X-Speech-Markup"
MAX_SHOWN_CHARS = 40


def asked_markup(request: Request) -> Markup:
    """What the request's header asks for. Raises BadRequest for a word that is none of ours."""
    asked = request.headers.get(HEADER)
    if asked is None:
        return Markup.NONE
    try:
        return Markup(asked.strip().lower())
    except ValueError:
        known = ", ".join(Markup)
        raise BadRequest(f"{HEADER}: {asked[:MAX_SHOWN_CHARS]!r} is none of: {known}.") from None
