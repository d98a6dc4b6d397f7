"""Errors to answers: what the outside is told, and what the log is told.

The outside gets OpenAI's error shape everywhere, because clients know how to show it. It never
holds an exception's text, except of a BadRequest, whose text is written for its sender.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from voice.brain import Brain
from voice.errors import (
    BadRequest,
    LinesBusy,
    NotAllowed,
    SetupError,
    StoreError,
    TooLarge,
    UnknownAgent,
    VoiceError,
)
from voice.events import Bus, RequestRefused
from voice.types import Ending, Turn

log = logging.getLogger(__name__)

HEADERS_OF = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "5"}}
DOORS = {
    "v1": "openai",
    "chat": "chat",
    "vapi": "vapi",
    "twilio": "twilio",
    "metrics": "metrics",
    "admin": "admin",
}
CHATS = "/chat/completions"
GENERIC = "The request could not be answered."
STOPPED = {
    Ending.INTERRUPTED: "This turn was superseded by newer words of the same call.",
    Ending.HUNG_UP: "The call was hung up before this turn was answered.",
}
# OpenAI's clients ask again at a 409; the older words would then stop the turn that stopped them.
NOT_AGAIN = {"X-Should-Retry": "false"}


def json_answer(found: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Small JSON."""
    return Response(orjson.dumps(found), status, headers, "application/json")


def problem(
    status: int, message: str, kind: str, *, code: str | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """An error as OpenAI shapes it: {"error": {"message", "type", "param", "code"}}."""
    error = {"message": message, "type": kind, "param": None, "code": code}
    return json_answer({"error": error}, status, headers)


def superseded(turn: Turn) -> Response | None:
    """The answer to a request for a whole turn that was stopped before its end; None: it was not.

    When newer words have taken its place, what had been said of it is nobody's answer any more. When the
    call was hung up, what had been said is the answer.
    """
    is_told = turn.ending is Ending.INTERRUPTED or (turn.ending is Ending.HUNG_UP and not turn.spoken)
    told = STOPPED[turn.ending] if turn.ending is not None and is_told else None
    return problem(409, told, _kind(409), code="superseded", headers=NOT_AGAIN) if told else None


def status_of(exc: VoiceError) -> int:
    """The HTTP status that an error is told with."""
    match exc:
        case NotAllowed():
            return 401 if exc.missing else 403
        case TooLarge():
            return 413
        case UnknownAgent():
            return 404
        case BadRequest():
            return 400
        case LinesBusy() | StoreError() | SetupError():
            return 503
        case _:
            return 500


def tell_refused(bus: Bus, door: str, exc: VoiceError, came: str = "") -> None:
    """Let whoever watches know that a door turned a request away. `came`: the headers that it showed."""
    why, reason = type(exc).__name__, exc.reason if isinstance(exc, NotAllowed) else exc.outside
    bus.publish(RequestRefused(door, status_of(exc), why, came, reason, exc.to_do))


def door_of(path: str) -> str:
    """Which door a path belongs to, for whoever counts. The scope's: a URL's ends at a decoded `?`."""
    path = path.rstrip("/")
    if path.endswith(CHATS) and path != f"/v1{CHATS}":
        return "vapi"  # on whatever path: the key of a door may stand in it
    return DOORS.get(path.partition("/")[2].partition("/")[0], "other")


def error_answer(request: Request, exc: VoiceError) -> Response:
    """What the outside is told of an error; whoever watches is told, too."""
    status = status_of(exc)
    if not isinstance(exc, NotAllowed):  # the guard has told that already
        brain: Brain = request.app.state.brain
        tell_refused(brain.bus, door_of(request.scope["path"]), exc)
    if status >= 500:
        log.error("request.failed", extra={"error": type(exc).__name__, "to_do": exc.to_do})
    headers = HEADERS_OF.get(status)
    code = "model_not_found" if isinstance(exc, UnknownAgent) else None
    return problem(status, exc.outside, _kind(status), code=code, headers=headers)


def http_answer(request: Request, exc: HTTPException) -> Response:
    """The answer to what Starlette says: a wrong method, and whatever else has a status."""
    if exc.status_code == 405:
        allowed = (exc.headers or {}).get("Allow", "")
        told = f"{request.method} is not taken here; use {allowed}."
        return problem(405, told, "invalid_request_error", headers=exc.headers)
    return problem(exc.status_code, GENERIC, _kind(exc.status_code), headers=exc.headers)


def _kind(status: int) -> str:
    match status:
        case 401 | 403:
            return "authentication_error"
        case _ if status >= 500:
            return "server_error"
        case _:
            return "invalid_request_error"
