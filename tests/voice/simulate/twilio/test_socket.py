"""Twilio's socket over a real connection: text in and out, refused, closed, broken off."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from http import HTTPStatus

import pytest
from websockets.asyncio.server import Request, Response, ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from voice.errors import BadRequest
from voice.simulate.twilio.socket import SocketClosed, open_socket


class Far:
    """The other end: echoes until it is told to close; refuses what is not signed."""

    def __init__(self) -> None:
        self.closed_with: list[int | None] = []

    def check(self, connection: ServerConnection, request: Request) -> Response | None:
        signed = "X-Twilio-Signature" in request.headers
        return None if signed else connection.respond(HTTPStatus.FORBIDDEN, "")

    async def echo(self, connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            async for message in connection:
                await (connection.close(1012) if message == "close" else connection.send(message))
        self.closed_with.append(connection.close_code)


@asynccontextmanager
async def a_server(far: Far) -> AsyncIterator[str]:
    async with serve(far.echo, "127.0.0.1", 0, process_request=far.check) as server:
        yield f"ws://127.0.0.1:{next(iter(server.sockets)).getsockname()[1]}/twilio/relay/t1"


SIGNED = {"X-Twilio-Signature": "s1gned"}


async def test_frames_go_both_ways_until_the_server_closes() -> None:
    async with a_server(Far()) as url:
        socket = await open_socket(url, SIGNED)
        await socket.send("hello")
        echoed = await socket.receive()
        await socket.send("close")

        with pytest.raises(SocketClosed):
            await socket.receive()
        with pytest.raises(SocketClosed):
            await socket.send("still there?")
        await socket.close()

    assert echoed == "hello"


@pytest.mark.parametrize(("breaks", "code"), [(False, 1007), (True, 1006)])
async def test_it_is_closed_in_order_or_broken_off(breaks: bool, code: int) -> None:
    far = Far()
    async with a_server(far) as url:
        socket = await open_socket(url, SIGNED)
        await (socket.abort() if breaks else socket.close(1007))

        with pytest.raises(SocketClosed):
            await socket.receive()

    assert far.closed_with == [code]


async def test_a_socket_that_is_refused_is_told_with_twilios_error() -> None:
    async with a_server(Far()) as url:
        with pytest.raises(BadRequest, match=r"64102: ws://.* answered 403"):
            await open_socket(url, {})


async def test_a_server_that_is_not_there_is_told_with_twilios_error() -> None:
    with pytest.raises(BadRequest, match=r"64102: no socket at ws://127\.0\.0\.1:9"):
        await open_socket("ws://127.0.0.1:9/twilio/relay/t1", SIGNED)
