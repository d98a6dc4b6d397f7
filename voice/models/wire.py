"""One connection to a model host, by HTTP/1.1: one question at a time, and its answer as it comes.

Our own, on httptools: a reply comes in thirty small pieces, and each went through five layers of two
libraries before it was read (docs/performance.md). Here what came in one read of the network is given to
the reader in one call, within that read: no task is woken for a piece.

It asks for nothing but what model hosts are asked: no redirects, proxies, compression, cookies, HTTP/2.
Errors are httpx's, as for every other request that the product makes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextvars import copy_context
from typing import cast

import httptools
import httpx

HIGH_WATER = 262_144  # bytes that nobody has read yet; beyond them the host has to wait
MAX_EMPTY_BYTES = 65_536  # in a row that bring nothing of a body: a head, or what stands around a body
MAY_FOLLOW = 200  # below it an answer only says that another one comes

Take = Callable[[bytes], None]


class HungUp(httpx.NetworkError):
    """The host hung up before the first byte of an answer: nothing says that it has read the question."""


class Answer:
    """The answer to one question: its status and headers, and its body while it comes."""

    __slots__ = (
        "_failure", "_run", "_take", "_waiting", "_wire", "is_over", "is_plain", "pieces", "raw_headers",
        "status_code",
    )  # fmt: skip

    def __init__(self, wire: Wire) -> None:
        self.status_code = 0
        self.raw_headers: list[tuple[bytes, bytes]] = []
        self.is_over = False
        self.is_plain = True  # what comes needs no decoding
        self.pieces: list[bytes] = []  # of the body, not given to anybody yet
        self._wire = wire
        self._failure: Exception | None = None
        self._take: Take | None = None
        self._run = copy_context().run  # with the context of who asks: logs name its call
        self._waiting: asyncio.Future[None] | None = None

    @property
    def headers(self) -> httpx.Headers:
        return httpx.Headers(self.raw_headers)

    @property
    def is_success(self) -> bool:
        return 200 <= self.status_code < 300

    async def begun(self) -> None:
        """Return when its head is there. Raises what went wrong."""
        while not self.status_code:
            await self._news()
            self._check()

    async def each(self, take: Take) -> None:
        """Give the body to `take` as it comes, all of one read at once; return at its end.

        `take` is called from within the read, in this task's context; what it raises is raised here. Who
        reads the headers does so before: a gateway sends some thousand bytes of them, which nobody holds
        while the body comes.
        """
        self._take, self.raw_headers = take, []
        try:
            self.tell()
            self._wire.resume()  # so much may have come already that the host was made to wait
            while not self.is_over:
                await self._news()
                self._check()
            self._check()
        finally:
            self._take = self._failure = None  # its frames hold this answer: who is stopped is not told of it

    async def aiter_bytes(self) -> AsyncIterator[bytes]:
        """The body in pieces, for whoever reads at their own pace."""
        while True:
            if self.pieces:
                pieces, self.pieces = self.pieces, []
                self._wire.resume()
                yield b"".join(pieces)
            elif self.is_over:
                self._check()
                return
            else:
                await self._news()
                self._check()

    def close(self) -> None:
        """Nobody reads on: a connection whose answer is not over cannot be used again."""
        if not self.is_over:
            self.is_over = True
            self._wire.close()

    # What the wire tells

    def end(self, failure: Exception | None = None) -> None:
        """Nothing follows."""
        self.is_over, self._failure = True, failure

    def tell(self) -> bool:
        """What has come in one read is complete: give it on, wake who waits.

        False when nobody takes the pieces as fast as they come.
        """
        if self._take is not None:
            if pieces := self.pieces:
                self.pieces = []
                try:
                    self._run(self._take, pieces[0] if len(pieces) == 1 else b"".join(pieces))
                except Exception as exc:  # noqa: BLE001  # raised again to whoever waits in `each`
                    self._failure = exc
                    self.close()
            if not self.is_over:
                return True
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
        return sum(map(len, self.pieces)) <= HIGH_WATER

    def _news(self) -> asyncio.Future[None]:
        self._check()
        self._waiting = asyncio.get_running_loop().create_future()
        return self._waiting

    def _check(self) -> None:
        if self._failure is not None and not self.pieces:
            try:
                raise self._failure
            finally:
                self._failure = None  # told once: its frames hold this answer


class Wire(asyncio.Protocol):
    """A connection. `free` is told when it may be used again, `lost` when it never will be."""

    __slots__ = (
        "_answer", "_body", "_empty_bytes", "_free", "_has_length", "_has_spoken", "_is_paused", "_keeps",
        "_lost", "_parser", "_transport", "free_since", "on_body",
    )  # fmt: skip

    def __init__(self, free: Callable[[Wire], None], lost: Callable[[Wire], None]) -> None:
        self.free_since = 0.0
        self._free, self._lost = free, lost
        self._transport: asyncio.Transport | None = None
        self._body: list[bytes] = []  # the pieces of it in one read
        self.on_body = self._body.append  # of httptools' calls the one for each word: without a frame of ours
        self._parser = httptools.HttpResponseParser(self)
        self._answer: Answer | None = None
        self._empty_bytes = 0  # since the last piece of a body
        self._has_spoken = self._has_length = self._keeps = self._is_paused = False

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    async def ask(self, question: bytes) -> Answer:
        """Send a whole request; return when the head of its answer is there.

        Raises HungUp when the host hangs up without a word, else another httpx.TransportError.
        """
        if self._transport is None or self._transport.is_closing():
            raise HungUp("the connection is closed")
        answer = self._answer = Answer(self)
        self._empty_bytes = 0
        self._has_spoken = self._has_length = self._keeps = False
        self._transport.write(question)
        try:
            await answer.begun()
        except BaseException:
            answer.close()
            raise
        return answer

    def close(self) -> None:
        """Hang up at once."""
        if self._transport is not None:
            self._transport.abort()

    def resume(self) -> None:
        """Somebody has read: the host may go on."""
        if self._is_paused and self._transport is not None:
            self._is_paused = False
            self._transport.resume_reading()

    # asyncio

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one without saying so

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        del self._parser  # each refers to the other: such a ring would wait for the garbage collector
        self._lost(self)
        answer, self._answer = self._answer, None
        if answer is None or answer.is_over:
            return
        if not self._has_spoken:
            answer.end(HungUp("the host hung up without an answer"))
        elif not answer.status_code:
            answer.end(httpx.RemoteProtocolError("the host hung up in the middle of a head"))
        elif exc is not None or self._has_length:
            answer.end(httpx.ReadError("the host hung up in the middle of its answer"))
        else:
            answer.end()  # a body of which nobody has said how long it is ends like this
        answer.tell()

    def data_received(self, data: bytes) -> None:
        answer = self._answer
        if answer is None:  # it speaks though nobody has asked
            self.close()
            return
        self._has_spoken = True
        try:
            self._parser.feed_data(data)
            self._empty_bytes = 0 if self._body else self._empty_bytes + len(data)
            if self._empty_bytes > MAX_EMPTY_BYTES and not answer.is_over:
                raise httptools.HttpParserError("a head without end")
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as exc:
            if not answer.is_over:  # else the answer is whole, and nonsense came behind it
                kind = httpx.ReadError if answer.status_code else httpx.RemoteProtocolError
                answer.end(kind(f"no HTTP: {type(exc).__name__}"))
            self.close()
        if self._answer is answer:  # else its end had come, and what followed belongs to nobody
            answer.pieces += self._body
        self._body.clear()
        if not answer.tell() and not answer.is_over and self._transport is not None:
            self._is_paused = True
            self._transport.pause_reading()

    # httptools

    def on_message_begin(self) -> None:
        if self._answer is None:
            self.close()  # a second answer to one question

    def on_header(self, name: bytes, value: bytes) -> None:
        answer = self._answer
        if answer is None or answer.status_code:  # the latter: behind a body, where nobody looks
            return
        lowered = name.lower()
        answer.raw_headers.append((lowered, value))
        if lowered == b"content-length":
            self._has_length = True
        elif lowered == b"transfer-encoding":
            self._has_length = b"chunked" in value.lower()
        elif lowered == b"content-encoding":
            answer.is_plain = answer.is_plain and value.strip().lower() in (b"", b"identity")

    def on_headers_complete(self) -> None:
        status = self._parser.get_status_code()
        if self._answer is not None and status >= MAY_FOLLOW:
            self._answer.status_code = status
            self._keeps = self._parser.should_keep_alive()

    def on_message_complete(self) -> None:
        answer = self._answer
        if answer is None:
            return
        if not answer.status_code:  # only the word that another one comes
            answer.raw_headers.clear()
            self._has_length, answer.is_plain = False, True
            return
        answer.pieces += self._body
        answer.end()
        self._answer = None
        self.resume()
        if self._keeps and self.is_open:
            self._free(self)
        else:
            self.close()
