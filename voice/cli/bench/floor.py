"""The floors: the least that a server on the same uvicorn can do for a turn.

`Floor` takes a request as a bare ASGI app, sends its body to the mock host by a lean client, and passes
every read on as it comes: it reads no word, keeps nothing and promises nothing. `Echo` answers as Twilio's
doors do: the host's words at the host's pace, from memory. What lies between these and the product is what
the product costs.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from html import escape
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import httptools

from voice.cli.bench.host import Pace, number_in
from voice.cli.bench.words import tokens

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
XML = "<?xml version='1.0' encoding='UTF-8'?><Response>{}</Response>"


class Floor:
    """Passes every request on to the chat completions of the host at `url`."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._lines = _Lines(parts.hostname or "127.0.0.1", parts.port or 80)
        self._head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: {parts.netloc}\r\n"
            "content-type: application/json\r\nauthorization: Bearer x\r\ncontent-length: "
        ).encode()

    def close(self) -> None:
        """Hang up at the host."""
        self._lines.close()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        body = await _body_of(receive)
        task = asyncio.current_task()
        assert task is not None
        leaving = asyncio.ensure_future(_gone(receive))
        leaving.add_done_callback(lambda one: None if one.cancelled() else task.cancel())
        try:
            await self._pass(body, send)
        except asyncio.CancelledError:
            if not leaving.done():
                raise
        finally:
            leaving.cancel()

    async def _pass(self, body: bytes, send: Send) -> None:
        line = await self._lines.one()
        try:
            await line.ask(self._head + b"%d\r\n\r\n" % len(body) + body)
            await send(_start(200, "text/event-stream"))
            async for part in line.parts():
                await send({"type": "http.response.body", "body": part, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
        finally:
            self._lines.put_back(line)


class Echo:
    """Twilio's doors, at the pace of the host: `/pace` sets it as the host's own door does."""

    def __init__(self) -> None:
        self._pace = Pace()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "websocket":
            await self._relay(receive, send)
            return
        body = await _body_of(receive)
        if scope["path"] == "/bench/pace":
            self._pace = Pace(**json.loads(body))
            await _document(send, "")
        elif scope["path"] == "/bench/voice/relay":
            url = "wss://bench.example.com/bench/relay"
            await _document(send, f'<Connect><ConversationRelay url="{url}" /></Connect>')
        else:
            await self._gather(body, send)

    async def _gather(self, body: bytes, send: Send) -> None:
        said = parse_qs(body).get(b"SpeechResult")
        words = ""
        if said:
            await asyncio.sleep(self._pace.lasts_s)
            words = "".join(tokens(number_in(said[0]), self._pace.words))
        await _document(send, f'<Gather action="/bench/gather"><Say>{escape(words)}</Say></Gather>')

    async def _relay(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        loop = asyncio.get_running_loop()
        while (message := await receive())["type"] == "websocket.receive":
            frame = json.loads(message["text"])
            if frame["type"] != "prompt":
                continue
            heard_at, clause = loop.time(), ""
            for place, piece in enumerate(tokens(number_in(frame["voicePrompt"].encode()), self._pace.words)):
                clause += piece
                if not piece.endswith((", ", ". ")):
                    continue  # a clause leaves with its last word, as it does from the product
                due = heard_at + self._pace.first_s + self._pace.every_s * place
                if (left_s := due - loop.time()) > 0:
                    await asyncio.sleep(left_s)
                await send(_token(clause, last=False))
                clause = ""
            await send(_token("", last=True))


class _Lines:
    """Keep-alive connections to one host."""

    def __init__(self, host: str, port: int) -> None:
        self._host, self._port = host, port
        self._free: deque[_Line] = deque()

    async def one(self) -> _Line:
        while self._free:
            line = self._free.pop()
            if not line.transport.is_closing():
                return line
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(_Line, self._host, self._port))[1]

    def close(self) -> None:
        while self._free:
            self._free.pop().transport.abort()

    def put_back(self, line: _Line) -> None:
        if line.is_read:
            self._free.append(line)
        else:
            line.transport.abort()


class _Line(asyncio.Protocol):
    """One connection: an answer is read as it comes."""

    transport: asyncio.Transport

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._waiter: asyncio.Future[None] | None = None
        self.is_read = False
        self._failed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class

    def connection_lost(self, exc: Exception | None) -> None:
        self._failed = not self.is_read
        self._wake()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)
        self._wake()

    def on_headers_complete(self) -> None:
        self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._parts.append(body)

    def on_message_complete(self) -> None:
        self.is_read = True

    async def ask(self, request: bytes) -> None:
        """Send it; return when the answer's head has come."""
        self._parser = httptools.HttpResponseParser(self)
        self._parts, self.is_read, self._has_head = [], False, False
        self.transport.write(request)
        while not self._has_head:
            await self._wait()

    async def parts(self) -> AsyncIterator[bytes]:
        """The body, read by read."""
        while True:
            if self._parts:
                part = b"".join(self._parts)
                self._parts.clear()
                yield part
            elif self.is_read:
                return
            else:
                await self._wait()

    async def _wait(self) -> None:
        if self._failed:
            raise ConnectionError("the host has hung up")
        self._waiter = asyncio.get_running_loop().create_future()
        await self._waiter

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)


def _token(text: str, *, last: bool) -> Message:
    return {"type": "websocket.send", "text": json.dumps({"type": "text", "token": text, "last": last})}


async def _document(send: Send, inside: str) -> None:
    await send(_start(200, "text/xml"))
    await send({"type": "http.response.body", "body": XML.format(inside).encode()})


async def _body_of(receive: Receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += bytes(message.get("body", b""))
        if not message.get("more_body"):
            return body


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(status: int, content_type: str) -> Message:
    head = [(b"content-type", content_type.encode())]
    return {"type": "http.response.start", "status": status, "headers": head}
