"""What every request passes on its way in, and every answer on its way out. Plain ASGI: streams stay streams.

`Threshold` gives the request an id and its answer the safe headers, and catches what nobody expected.
`BodyLimit` ends a request whose body is too large, whether it says so or not, or does not come.
"""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from uuid import uuid4

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handlers.problems import CHATS, GENERIC, door_of, error_answer, problem
from handlers.vapi.auth import VapiAuth
from handlers.vapi.turn import excuse
from voice.clock import now
from voice.errors import BadRequest, TooLarge

log = logging.getLogger(__name__)

SAFE_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
SPOKEN = "/twilio/"  # these doors count for themselves: a caller must hear TwiML, not 413
BREAKS_OFF = "breaks_off"  # in a request's state: the rest of its body will not be read
BODY_S = 10.0  # for a whole body; platforms send theirs in one piece
# Server messages, of senders who say who they are: Vapi sends a report once, and it grows with the call.
MAX_MESSAGE_BYTES = 20_000_000
WEBHOOKS = re.compile(r"/vapi(?:/(?:[^/]+/)?webhook)?/?")
SWALLOWED = 4  # times the limit: read and dropped, so that the client reads our 413 and not a reset


class Threshold:
    """The outermost layer. An error that gets here is logged with its traceback; the outside learns: 500."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id
        has_begun = False

        async def send_safely(message: Message) -> None:
            nonlocal has_begun
            if message["type"] == "http.response.start":
                has_begun = True
                headers = MutableHeaders(raw=message.setdefault("headers", []))
                headers["X-Request-Id"] = request_id
                if BREAKS_OFF in scope["state"]:
                    headers["Connection"] = "close"
                for name, value in SAFE_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        try:
            await self._app(scope, receive, send_safely)
        except ClientDisconnect:
            log.debug("request.broken_off", extra={"request_id": request_id})  # in the middle of its body
        except Exception as exc:  # fence: one request
            log.exception("request.crashed", extra={"error": type(exc).__name__, "request_id": request_id})
            if not has_begun:
                await problem(500, GENERIC, "server_error")(scope, receive, send_safely)


class BodyLimit:
    """Answers 413 to bodies over `max_bytes`: at once when Content-Length says so, else as they grow.

    A body that is not whole within BODY_S is answered 400, and its connection closed: a client that
    sends a byte a second would else hold a request for as long as it likes. Where Vapi asks for a turn it is
    answered in words: Vapi ends a call at an error. A server message of somebody who shows a secret, a
    path key or a token may have MAX_MESSAGE_BYTES; a signature is known only once the body is read.
    """

    def __init__(self, app: ASGIApp, max_bytes: int) -> None:
        self._app, self._max_bytes = app, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        announced, limit = _announced(scope), self._max_bytes
        if announced > limit and not scope["path"].startswith(SPOKEN):
            limit = await self._limit(scope)
            if announced > limit:
                await self._refuse(announced, limit, scope, receive, send)
                return
        taken, is_whole, ends_at = 0, False, now() + BODY_S

        async def receive_some() -> Message:
            nonlocal taken, is_whole, limit
            if is_whole:  # what comes now is the client's leaving
                return await receive()
            try:
                async with asyncio.timeout_at(ends_at):
                    message = await receive()
            except TimeoutError:
                scope["state"][BREAKS_OFF] = True
                raise BadRequest(f"The body was not whole after {BODY_S:.0f} seconds.") from None
            taken += len(message.get("body", b""))
            if taken > limit and taken > (limit := await self._limit(scope)):
                raise _too_large(limit)
            is_whole = not message.get("more_body", False)
            return message

        await self._app(scope, receive_some, send)

    async def _limit(self, scope: Scope) -> int:
        """How large the body of this sender may be. Asked only where it is larger than most."""
        auth: VapiAuth = scope["app"].state.vapi_auth
        is_vapis = WEBHOOKS.fullmatch(scope["path"]) and await auth.knows(Request(scope))
        return max(self._max_bytes, MAX_MESSAGE_BYTES) if is_vapis else self._max_bytes

    async def _refuse(self, announced: int, limit: int, scope: Scope, receive: Receive, send: Send) -> None:
        waits_for_us = any(name == b"expect" for name, _ in scope["headers"])
        if announced <= SWALLOWED * self._max_bytes and not waits_for_us:
            with suppress(TimeoutError):
                async with asyncio.timeout(BODY_S):
                    while (message := await receive())["type"] == "http.request" and message.get("more_body"):
                        pass
        scope["state"][BREAKS_OFF] = True
        request, exc = Request(scope), _too_large(limit)
        is_spoken = door_of(request) == "vapi" and scope["path"].rstrip("/").endswith(CHATS)
        answer = excuse(request.app.state.brain, exc) if is_spoken else error_answer(request, exc)
        await answer(scope, receive, send)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is too large; the limit is {limit} bytes.")


def _announced(scope: Scope) -> int:
    length = next((value for name, value in scope["headers"] if name == b"content-length"), b"0")
    return int(length) if length.isdigit() else 0


def _request_id(scope: Scope) -> str:
    given = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"x-request-id"), "")
    return given if REQUEST_ID.fullmatch(given) else uuid4().hex
