"""One relay socket's two ways: what waits, how much of it, and for how long."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from starlette.websockets import WebSocket

from handlers.relay.socket import FULL, OUTBOX, SEND_S, Gone, Line
from handlers.wire.relay import Prompt
from tests.conftest import VirtualTime
from voice.clock import now


class Network:
    """The server's side of a WebSocket: takes frames while `takes` is set."""

    def __init__(self) -> None:
        self.sent: list[str] = []
        self.takes = asyncio.Event()
        self.coming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.coming.put_nowait({"type": "websocket.connect"})

    async def take(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            await self.takes.wait()
            self.sent.append(message["text"])


@asynccontextmanager
async def a_line(*, takes: bool = False) -> AsyncIterator[tuple[Line, Network]]:
    network = Network()
    websocket = WebSocket({"type": "websocket"}, network.coming.get, network.take)
    await websocket.accept()
    if takes:
        network.takes.set()
    async with Line(websocket) as line:
        yield line, network


async def test_who_has_much_to_say_waits_for_a_slow_socket(virtual_time: VirtualTime) -> None:
    async with a_line() as (line, network):
        for number in range(OUTBOX + 1):
            line.send(str(number))
        waiting = asyncio.create_task(line.room())
        await asyncio.sleep(1.0)
        had_room = waiting.done()
        network.takes.set()
        await waiting

    assert not had_room
    assert network.sent == [str(number) for number in range(OUTBOX + 1)]


async def test_a_socket_that_takes_nothing_is_given_up(virtual_time: VirtualTime) -> None:
    async with a_line() as (line, network):
        line.send("a word")
        event = await line.next(now() + 60.0)

        assert isinstance(event, Gone)
    assert virtual_time.elapsed_s == SEND_S
    assert network.sent == []


async def test_no_more_than_so_many_frames_ever_wait(virtual_time: VirtualTime) -> None:
    async with a_line() as (line, _):
        for number in range(FULL + 1):
            line.send(str(number))

        assert line.is_gone


async def test_what_was_said_last_still_leaves_when_the_line_is_closed(virtual_time: VirtualTime) -> None:
    async with a_line(takes=True) as (line, network):
        line.send("goodbye")

    assert network.sent == ["goodbye"]


async def test_nothing_is_taken_before_its_time_and_nothing_is_lost(virtual_time: VirtualTime) -> None:
    async with a_line(takes=True) as (line, network):
        early = await line.next(now() + 1.0)
        network.coming.put_nowait({"type": "websocket.receive", "text": '{"type": "prompt"}'})
        late = await line.next(now() + 1.0)
        network.coming.put_nowait({"type": "websocket.disconnect", "code": 1006})
        last = await line.next(now() + 1.0)

    assert early is None
    assert isinstance(late, Prompt)
    assert isinstance(last, Gone)


async def test_frames_that_nobody_takes_wait_in_the_network(virtual_time: VirtualTime) -> None:
    async with a_line(takes=True) as (line, network):
        for _ in range(1000):
            network.coming.put_nowait({"type": "websocket.receive", "text": '{"type": "prompt"}'})
        await asyncio.sleep(1.0)

        assert network.coming.qsize() > 900
        assert isinstance(await line.next(now()), Prompt)
