"""Hands a request to the process that owns its call. Plain ASGI: streams stay streams, sockets stay sockets.

`HandOn` stands before the doors of every process, behind the limits of a body. What it hands on goes over
the owner's Unix socket and comes out of `Handed` there, which puts back who the client was and what its
headers were, byte for byte: a door that is only for this machine must not take a stranger for a sibling. A
process that is not there has its place taken by the next in line, as long as nothing of an answer has left.

    client ─TCP─ process 1: HandOn ─Unix socket─ process 0: Handed, then every layer and door
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import orjson
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from yarl import URL

from handlers.asked import asked_behind, gather
from handlers.gathered import GATHERED, gathered
from handlers.refused import HANDED
from handlers.siblings import Siblings
from handlers.whose import call_named
from voice.errors import VoiceError
from voice.types import CallId

log = logging.getLogger(__name__)

PEER = b"x-offhook-peer"  # who the client is, with its headers; believed on a Unix socket only
CONNECT_S = 1.0  # over a Unix socket it takes a tenth of a millisecond
TELL_S = 2.0  # for what a sibling tells of itself; whoever watches must not hang with one that does
OF_THE_BODY = (b"content-length", b"transfer-encoding")  # each connection's own
MAX_FRAME_BYTES = 256_000  # as many as the socket's first end takes
# About the connection, not the message: each of the two connections has its own.
HOP = frozenset((b"connection", b"keep-alive", b"transfer-encoding", b"upgrade", b"expect", PEER))
OPENING = HOP | {
    b"sec-websocket-key", b"sec-websocket-version", b"sec-websocket-extensions", b"sec-websocket-protocol",
}  # fmt: skip

ANSWERED = HOP | {b"date", b"server"}  # the server writes them itself

PassOn = Callable[[Path], Awaitable[None]]
"""Has whoever is at this socket serve a request. Raises Absent."""


class Absent(Exception):
    """Nobody answers at a sibling's socket, or it went away before it had answered."""


class Handed:
    """What comes over this process's own Unix socket: a request as it came to a sibling."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        told = next(value for name, value in scope["headers"] if name == PEER)
        client, headers = orjson.loads(base64.b64decode(told))
        given = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        scope["headers"] = given + [pair for pair in scope["headers"] if pair[0] in OF_THE_BODY]
        scope["client"] = tuple(client) if client else None
        scope.setdefault("state", {})[HANDED] = True
        await self._app(scope, receive, send)


class HandOn:
    """Serves what this process owns, and hands on the rest."""

    def __init__(self, app: ASGIApp, siblings: Siblings) -> None:
        self._app, self._siblings = app, siblings

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._socket(scope, receive, send)
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            body = await _whole(receive)
        except VoiceError as exc:  # of the layers before; the door says it in its platform's way
            await self._app(scope, _raising(exc), send)
            return
        if body is None:
            return
        again = _after({"type": "http.request", "body": body, "more_body": False}, receive)
        path = scope["path"].rstrip("/")
        if HANDED not in scope["state"] and path in GATHERED and scope["method"] == "GET":
            await self._gather(path, scope, again, send)
            return
        call_id = call_named(scope, body, scope["app"].state.tickets)
        if not await self._is_served(scope, call_id, lambda door: _hand_on(door, scope, body, receive, send)):
            await self._app(scope, again, send)

    async def _is_served(self, scope: Scope, call_id: CallId | None, pass_on: PassOn) -> bool:
        """Whether another process has served it: the call's owner, its stand-in, or who keeps the call."""
        if call_id is None:
            return False
        siblings = self._siblings
        has_place = siblings.has_place()
        if HANDED not in scope["state"] and not (siblings.owns(call_id) and has_place):
            for place in siblings.line_of(call_id):
                if place == siblings.place and has_place:
                    break
                if await self._is_passed_on(siblings.door_of(place), pass_on):
                    return True
        keeper = await self._keeper(scope, call_id)
        if keeper is None:
            return False
        if await self._is_passed_on(keeper, pass_on):
            return True
        await gather(siblings, call_id, now=True)  # it keeps what nobody can ask it for any more
        return False

    async def _is_passed_on(self, door: Path, pass_on: PassOn) -> bool:
        try:
            await pass_on(door)
        except Absent:
            log.warning("sibling.absent", extra={"sibling": door.name})
            self._siblings.has_moved()  # the call will be live elsewhere
            return False
        return True

    async def _keeper(self, scope: Scope, call_id: CallId) -> Path | None:
        """Who has the call, where it is to be served here: a sibling may hold its socket. None: nobody."""
        is_live = scope["app"].state.brain.calls.get(call_id) is not None
        return None if is_live else await gather(self._siblings, call_id)

    async def _gather(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        """What every process tells, as one answer; a refusal is this process's own."""
        doors = [self._siblings.door_of(place) for place in range(self._siblings.of)]
        told = await asyncio.gather(*(_told(door, scope) for door in doors))
        known = [(place, one) for place, one in enumerate(told) if one is not None]
        if len(known) < 2 or any(status != 200 for _, (status, _) in known):
            await self._app(scope, receive, send)
            return
        answer = gathered(path, {place: body for place, (_, body) in known})
        await answer(scope, receive, send)

    async def _socket(self, scope: Scope, receive: Receive, send: Send) -> None:
        opening = await receive()  # websocket.connect
        call_id = call_named(scope, b"", scope["app"].state.tickets)

        async def join(door: Path) -> None:
            joined = scope["app"].state.joined
            joined[id(scope)] = call_id, asked_behind(door)
            try:
                await _join(door, scope, receive, send)
            finally:
                del joined[id(scope)]

        if not await self._is_served(scope, call_id, join):
            await self._app(scope, _after(opening, receive), send)


async def _whole(receive: Receive) -> bytes | None:
    """The body of a request; None: the client has left. Raises what the layers before think of it."""
    parts: list[bytes] = []
    while (message := await receive())["type"] == "http.request":
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)
    return None


def _after(message: Message, receive: Receive) -> Receive:
    """A message once more, and behind it whatever comes."""
    first = [message]

    async def receive_again() -> Message:
        return first.pop() if first else await receive()

    return receive_again


def _raising(exc: VoiceError) -> Receive:
    async def receive() -> Message:
        raise exc

    return receive


async def _hand_on(door: Path, scope: Scope, body: bytes, receive: Receive, send: Send) -> None:
    """Have a sibling answer. Raises Absent as long as nothing has left."""
    has_begun = False

    async def pass_on() -> None:
        nonlocal has_begun
        async with _asked(door, scope, body) as answer:
            has_begun = scope["state"][HANDED] = True
            named = [(name.lower(), value) for name, value in answer.raw_headers]
            headers = [pair for pair in named if pair[0] not in ANSWERED]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            async for piece in answer.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
            await send({"type": "http.response.body", "body": b""})

    working = asyncio.create_task(pass_on())
    leaving = asyncio.create_task(_until_gone(receive))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            working.result()
    except (aiohttp.ClientError, OSError) as exc:
        if not has_begun:
            raise Absent from exc
        log.warning("sibling.broke_off", extra={"sibling": door.name, "error": type(exc).__name__})
        raise ClientDisconnect from exc  # the client sees what we see: an answer without an end
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.wait((working, leaving))


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _told(door: Path, scope: Scope) -> tuple[int, bytes] | None:
    """What a sibling answers to the same question; None: it is not there."""
    try:
        async with asyncio.timeout(TELL_S), _asked(door, scope, b"") as answer:
            return answer.status, await answer.read()
    except (aiohttp.ClientError, OSError, TimeoutError):
        return None


async def _join(door: Path, scope: Scope, receive: Receive, send: Send) -> None:
    """Have a sibling hold the other end of a socket. Raises Absent before it is open."""
    headers = [pair for pair in scope["headers"] if pair[0] not in OPENING]
    async with _session(door) as session:
        try:
            socket = await session.ws_connect(
                _url(scope),
                headers={PEER.decode(): _peer(scope, headers)},
                protocols=scope.get("subprotocols", ()),
                max_msg_size=MAX_FRAME_BYTES,
                autoping=True,
            )
        except aiohttp.WSServerHandshakeError:
            await send({"type": "websocket.close", "code": 1008})  # before it is accepted: 403
            return
        except (aiohttp.ClientError, OSError) as exc:
            raise Absent from exc
        await send({"type": "websocket.accept", "subprotocol": socket.protocol})
        async with socket:
            both = [
                asyncio.create_task(_outward(socket, send)),
                asyncio.create_task(_inward(receive, socket)),
            ]
            try:
                await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in both:
                    task.cancel()
                for outcome in await asyncio.gather(*both, return_exceptions=True):
                    if isinstance(outcome, Exception):  # one of the ends is gone; so is the other one now
                        log.debug("sibling.socket_broke", extra={"error": type(outcome).__name__})


async def _outward(socket: aiohttp.ClientWebSocketResponse, send: Send) -> None:
    async for frame in socket:
        if frame.type is aiohttp.WSMsgType.ERROR:
            break
        key = "text" if frame.type is aiohttp.WSMsgType.TEXT else "bytes"
        await send({"type": "websocket.send", key: frame.data})
    await send({"type": "websocket.close", "code": socket.close_code or 1011})


async def _inward(receive: Receive, socket: aiohttp.ClientWebSocketResponse) -> None:
    while (message := await receive())["type"] == "websocket.receive":
        if (text := message.get("text")) is not None:
            await socket.send_str(text)
        else:
            await socket.send_bytes(message["bytes"])
    await socket.close(code=message.get("code", 1000))


@asynccontextmanager
async def _asked(door: Path, scope: Scope, body: bytes) -> AsyncIterator[aiohttp.ClientResponse]:
    headers = [pair for pair in scope["headers"] if pair[0] not in HOP]
    request_id = str(scope["state"]["request_id"]).encode()
    known = [pair for pair in headers if pair[0] not in (b"x-request-id", b"content-length")]
    sent = {PEER.decode(): _peer(scope, [*known, (b"x-request-id", request_id)])}
    async with (
        _session(door) as session,
        session.request(
            scope["method"], _url(scope), headers=sent, data=body or None, allow_redirects=False
        ) as answer,
    ):
        yield answer


def _session(door: Path) -> aiohttp.ClientSession:
    """A connection of its own for each request: the next one may find another process at this door."""
    return aiohttp.ClientSession(
        connector=aiohttp.UnixConnector(str(door), force_close=True),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),
        skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
    )


def _url(scope: Scope) -> URL:
    raw = scope.get("raw_path") or scope["path"].encode()
    query = scope["query_string"]
    target = raw + (b"?" + query if query else b"")
    return URL("http://sibling" + target.decode("latin-1"), encoded=True)


def _peer(scope: Scope, headers: Sequence[tuple[bytes, bytes]]) -> str:
    """The client and its headers. Not as headers: aiohttp writes UTF-8, and of two it may keep one."""
    texts = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]
    return base64.b64encode(orjson.dumps([scope["client"], texts])).decode()
