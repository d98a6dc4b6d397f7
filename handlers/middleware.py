"""What every request passes on its way in, and every answer on its way out. Plain ASGI: streams stay streams.

`Threshold` counts a request, gives it an id and its answer the safe headers, catches what nobody expected,
and ends a request whose body is too large, whether it says so or not, or does not come. One layer does it
all: each costs at every step of a turn and at every piece of its answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Awaitable
from contextlib import suppress

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handlers.problems import CHATS, GENERIC, door_of, error_answer, problem
from handlers.refused import HANDED, Refused, Seen, at_hand
from handlers.vapi.auth import VapiAuth
from handlers.vapi.turn import excuse
from voice.clock import now
from voice.errors import BadRequest, TooLarge
from voice.events import RequestRefused
from voice.telemetry.logs import call_id_var

log = logging.getLogger(__name__)

SAFE_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"x-frame-options", b"DENY"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
    (b"cache-control", b"no-store"),
)
MAX_LENGTH_DIGITS = 18  # of a Content-Length: more need not be read to know that it is too large
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,80}")
SPOKEN = "/twilio/"  # these doors count for themselves: a caller must hear TwiML, not 413
BODY_S = 10.0  # for a whole body; platforms send theirs in one piece
# Server messages, of senders who say who they are: Vapi sends a report once, and it grows with the call.
MAX_MESSAGE_BYTES = 20_000_000
WEBHOOKS = re.compile(r"/vapi(?:/(?:[^/]+/)?webhook)?/?")
SWALLOWED = 4  # times the limit: read and dropped, so that the client reads our 413 and not a reset


class Passage:
    """One request through the threshold: what of it may come in, and what its answer gets on its way out.

    `announced` is the body's length as its sender tells it, 0 where nothing is told; `limit` is how many
    bytes may come. `has_begun`: the head of the answer has left.
    """

    __slots__ = (
        "_ends_at", "_is_whole", "_receive", "_refused", "_scope", "_seen", "_send", "_taken", "_threshold",
        "announced", "breaks_off", "has_begun", "limit", "request_id",
    )  # fmt: skip

    def __init__(
        self, threshold: Threshold, refused: Refused, seen: Seen, receive: Receive, send: Send
    ) -> None:
        self._threshold, self._refused, self._seen, self._scope = threshold, refused, seen, seen.scope
        self._receive, self._send = receive, send
        self._taken, self._is_whole, self._ends_at = 0, False, now() + BODY_S
        self.limit, self.has_begun = threshold.max_bytes, False
        self.breaks_off = False  # the rest of the body will not be read
        length, given = b"", b""
        for name, value in reversed(self._scope["headers"]):  # of two of a name the first counts
            if name == b"content-length":
                length = value
            elif name == b"x-request-id":
                given = value
        self.announced = int(length[:MAX_LENGTH_DIGITS]) if length.isdigit() else 0
        known = given.decode("latin-1")
        self.request_id = known if REQUEST_ID.fullmatch(known) else os.urandom(16).hex()
        self._scope.setdefault("state", {})["request_id"] = self.request_id

    def receive(self) -> Awaitable[Message]:
        """As the server's. Raises BadRequest and TooLarge for a body that does not come or does not end."""
        return self._receive() if self._is_whole else self._receive_some()  # whole: next is its leaving

    async def _receive_some(self) -> Message:
        try:
            async with asyncio.timeout_at(self._ends_at):
                message = await self._receive()
        except TimeoutError:
            self.breaks_off = True
            raise BadRequest(f"The body was not whole after {BODY_S:.0f} seconds.") from None
        self._taken += len(message.get("body", b""))
        if self._taken > self.limit:
            self.limit = await self._threshold.limit_for(self._scope)
            if self._taken > self.limit:
                raise _too_large(self.limit)
        self._is_whole = not message.get("more_body", False)
        return message

    async def swallow(self) -> None:
        """Read a body and drop it, where its sender sends it without being asked to."""
        if any(name == b"expect" for name, _ in self._scope["headers"]):
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(BODY_S):
                while (message := await self._receive())["type"] == "http.request":
                    if not message.get("more_body"):
                        return

    def send(self, message: Message) -> Awaitable[None]:
        """As the server's: what follows the beginning goes straight to it."""
        if not self.has_begun and message["type"] == "http.response.start":
            self._begin(message)
        return self._send(message)

    def _begin(self, message: Message) -> None:
        self.has_begun = True
        if message["status"] >= 400 and HANDED not in self._scope["state"]:  # else its owner has told of it
            status = message["status"]
            self._refused.refuse(self._seen, RequestRefused(self._seen.door, status, str(status)))
        headers = list(message.get("headers", ()))
        given = [name for name, _ in headers]
        if b"x-request-id" in given:  # a sibling's answer has passed a threshold already
            headers = [pair for pair in headers if pair[0] != b"x-request-id"]
        headers.append((b"x-request-id", self.request_id.encode()))
        if self.breaks_off:
            headers = [pair for pair in headers if pair[0] != b"connection"]
            headers.append((b"connection", b"close"))
        headers += [pair for pair in SAFE_HEADERS if pair[0] not in given]
        message["headers"] = headers


class Threshold:
    """The one layer around all doors. An error that nobody expected is logged; the outside learns: 500.

    Answers 413 to bodies over `max_bytes`: at once when Content-Length says so, else as they grow. A body
    that is not whole within BODY_S is answered 400, and its connection closed: a client that sends a byte a
    second would else hold a request for as long as it likes. Where Vapi asks for a turn it is answered in
    words: Vapi ends a call at an error. A server message of somebody who shows a secret, a path key or a
    token may have MAX_MESSAGE_BYTES; a signature is known only once the body is read.
    """

    def __init__(self, app: ASGIApp, refused: Refused, max_bytes: int) -> None:
        self._app, self._refused, self.max_bytes = app, refused, max_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        seen = self._refused.came(scope)
        # Who learns which call a request is about sets its id for whatever follows: it is taken back here.
        token, about = at_hand.set(seen), call_id_var.set(None)
        try:
            if scope["type"] == "websocket":
                await self._app(scope, receive, send)
                return
            passage = Passage(self, self._refused, seen, receive, send)
            try:
                if passage.announced <= self.max_bytes or await self._may_come(scope, passage):
                    await self._app(scope, passage.receive, passage.send)
            except ClientDisconnect:  # in the middle of its body
                log.debug("request.broken_off", extra={"request_id": passage.request_id})
            except Exception as exc:  # fence: one request
                told = {"error": type(exc).__name__, "request_id": passage.request_id}
                log.exception("request.crashed", extra=told)
                if not passage.has_begun:
                    await problem(500, GENERIC, "server_error")(scope, receive, passage.send)
        finally:
            at_hand.reset(token)
            call_id_var.reset(about)

    async def limit_for(self, scope: Scope) -> int:
        """How many bytes may come from a sender who shows that it is Vapi, or from anybody else."""
        auth: VapiAuth = scope["app"].state.vapi_auth
        is_vapis = WEBHOOKS.fullmatch(scope["path"]) and await auth.knows(Request(scope))
        return max(self.max_bytes, MAX_MESSAGE_BYTES) if is_vapis else self.max_bytes

    async def _may_come(self, scope: Scope, passage: Passage) -> bool:
        """Whether a body of the length that was announced is taken; if not, it is refused."""
        if scope["path"].startswith(SPOKEN):
            return True
        passage.limit = await self.limit_for(scope)
        if passage.announced <= passage.limit:
            return True
        await self._refuse(scope, passage)
        return False

    async def _refuse(self, scope: Scope, passage: Passage) -> None:
        if passage.announced <= SWALLOWED * self.max_bytes:
            await passage.swallow()
        passage.breaks_off = True
        request, exc = Request(scope), _too_large(passage.limit)
        is_spoken = door_of(scope["path"]) == "vapi" and scope["path"].rstrip("/").endswith(CHATS)
        answer = excuse(request.app.state.brain, exc) if is_spoken else error_answer(request, exc)
        await answer(scope, passage.receive, passage.send)


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"The body is too large; the limit is {limit} bytes.")
