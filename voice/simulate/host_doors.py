"""Puts a host with faults under a real client: as an httpx transport, or as a web app on a socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from urllib.parse import parse_qsl

import httpx

from voice.simulate.host_script import PAGE, ConnectionCut, ConnectionRefused, HostAnswer, HostRequest
from voice.simulate.hosts import Host
from voice.simulate.loopback import Receive, Scope, Send, serving


class HostTransport(httpx.AsyncBaseTransport):
    """Gives a client's requests to a host without a network: nothing but the loop's clock passes."""

    def __init__(self, host: Host) -> None:
        self._host = host

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = HostRequest(request.method, request.url.path, dict(request.url.params), await request.aread())
        try:
            answer = await self._host.answer(asked)
        except ConnectionRefused as exc:
            raise httpx.ConnectError("refused", request=request) from exc
        except ConnectionCut as exc:
            raise httpx.ReadError("reset", request=request) from exc
        headers = {"content-type": answer.kind}
        if isinstance(answer.body, bytes):
            return httpx.Response(answer.status, headers=headers, content=answer.body)
        return httpx.Response(answer.status, headers=headers, stream=_Pieces(answer.body))


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces: AsyncGenerator[bytes, None]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._pieces:
                yield piece
        except ConnectionCut as exc:
            raise httpx.ReadError("reset") from exc

    async def aclose(self) -> None:
        await self._pieces.aclose()


class HostApp:
    """The same host as a web app. A connection that it cuts ends without the end of its body.

    A connection that it refuses is answered with 503: a server that listens cannot refuse. `refusing`
    sends such requests elsewhere before they are sent.
    """

    def __init__(self, host: Host) -> None:
        self._host = host

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        query = dict(parse_qsl(scope["query_string"].decode()))
        asked = HostRequest(scope["method"], scope["path"], query, body)
        answering = asyncio.create_task(self._answer(asked, send))
        leaving = asyncio.create_task(_gone(receive))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (answering, leaving):
                task.cancel()
            await asyncio.wait((answering, leaving))

    async def _answer(self, asked: HostRequest, send: Send) -> None:
        try:
            answer = await self._host.answer(asked)
        except ConnectionCut:
            return
        except ConnectionRefused:
            answer = HostAnswer(503, PAGE, b"")
        headers = [(b"content-type", answer.kind.encode())]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        if isinstance(answer.body, bytes):
            await send({"type": "http.response.body", "body": answer.body})
            return
        try:
            async for piece in answer.body:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        except ConnectionCut:
            return
        finally:
            await answer.body.aclose()
        await send({"type": "http.response.body"})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@asynccontextmanager
async def on_socket(host: Host) -> AsyncIterator[str]:
    """Serves a host on a free loopback port; gives its URL."""
    async with serving(HostApp(host)) as url:
        yield url


@contextmanager
def refusing(host: Host) -> Iterator[Callable[[httpx.Request], Awaitable[None]]]:
    """An httpx request hook: what the host refuses is sent to a port where nobody listens."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # bound and never listening: the kernel refuses for us
        port = closed.getsockname()[1]

        async def redirect(request: httpx.Request) -> None:
            if host.refuses(await request.aread()):
                request.url = request.url.copy_with(port=port)

        yield redirect
