"""Clients that are slow or odd hold up nobody else, and the server keeps little for them."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handlers.middleware import BODY_S
from handlers.siblings import Siblings
from tests.conftest import VirtualTime
from tests.handlers.house import House, Visitor, Watched, a_house, a_request, said_in
from tests.handlers.test_hand_on import HERS, NAMES, two
from tests.handlers.twilio_door import a_door, read
from voice.models.scripted import ScriptedClient
from voice.simulate.loopback import serving
from voice.types import CallId, Ending, Prompt

PATH = "/vapi/chat/completions"
WATCHDOG_S = 20.0  # a test that waits for what never comes ends; no claim depends on it
ALSO_HERS = next(name for name in NAMES if name != HERS and Siblings(1, 2).owns(name))
REPLY_BYTES = 32 * 1024  # more than the longest reply is, framed


@dataclass
class Watch:
    """Stands before the app: counts what it sends to one client, and tells when that request is over."""

    app: ASGIApp
    sent: int = 0
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        watched = dict(scope["headers"]).get(b"x-watched") is not None

        async def counted(message: Message) -> None:
            self.sent += len(message.get("body", b""))
            await send(message)

        try:
            await self.app(scope, receive, counted if watched else send)
        finally:
            if watched:
                self.over.set()


class Reader:
    """A client that reads a byte when it is told to. Its own buffer is as small as it can be."""

    def __init__(self, url: str) -> None:
        self._address = (urlsplit(url).hostname, urlsplit(url).port)
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        self._socket.setblocking(False)

    async def send(self, raw: bytes) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, self._address)
        await loop.sock_sendall(self._socket, raw)

    async def go_on(self, raw: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, raw)

    async def byte(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._socket, 1)

    async def all(self) -> str:
        found = b""
        while piece := await asyncio.get_running_loop().sock_recv(self._socket, 65536):
            found += piece
        return found.decode()

    def leave(self) -> None:
        self._socket.close()


def written(body: object, *headers: str, length: int | None = None) -> bytes:
    """A request as it stands on the wire."""
    raw = json.dumps(body).encode()
    lines = [f"POST {PATH} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *headers]
    lines += ["Content-Type: application/json", f"Content-Length: {len(raw) if length is None else length}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + raw


@asynccontextmanager
async def a_street(model: ScriptedClient) -> AsyncIterator[tuple[House, Watch, httpx.AsyncClient, Reader]]:
    """A house on a real socket, a quick client, and a slow reader."""
    async with a_house(model) as house:
        watch = Watch(house.app)
        async with (
            asyncio.timeout(WATCHDOG_S),
            serving(watch) as url,
            httpx.AsyncClient(base_url=url, trust_env=False) as quick,
        ):
            reader = Reader(url)
            try:
                yield house, watch, quick, reader
            finally:
                reader.leave()


def endless_at_first(prompt: Prompt) -> str:
    """Words without an end, none of them twice, when it is asked for all."""
    numbers = " ".join(f"w{number}x{number * 7}" for number in range(50_000))
    return f"Well. {numbers}" if prompt.messages[-1].text == "Tell me all." else "Which unit?"


@pytest.mark.slow
async def test_a_client_that_reads_a_byte_at_a_time_holds_up_nobody_and_costs_little() -> None:
    model = ScriptedClient(reply=endless_at_first)
    async with a_street(model) as (house, watch, quick, reader):
        await reader.send(written(a_request("Tell me all.", call={"id": "c1"}), "X-Watched: 1"))
        heard = b""
        while b"Well." not in heard:
            heard += await reader.byte()
        other = await quick.post(PATH, json=a_request("My sink leaks.", call={"id": "c2"}))
        newer = await quick.post(PATH, json=a_request("Tell me all.", "Four b.", call={"id": "c1"}))
        rest = await reader.all()
        await watch.over.wait()
        call = house.brain.calls.get(CallId("c1"))

    assert heard.startswith(b"HTTP/1.1 200")
    assert said_in(other.text) == said_in(newer.text) == "Which unit?"
    assert "[DONE]" in rest
    assert watch.sent < REPLY_BYTES
    assert call is not None
    assert call.thread.turns[-1].said == "Four b."


@pytest.mark.slow
async def test_a_client_that_leaves_in_mid_stream_stops_the_turn_and_its_model_job() -> None:
    model = Watched(reply="One sentence. Another one never comes", every_s=0.2)
    async with a_street(model) as (house, watch, _, reader):
        await reader.send(written(a_request("My sink leaks.", call={"id": "c1"}), "X-Watched: 1"))
        heard = b""
        while b"One sentence." not in heard:
            heard += await reader.byte()
        reader.leave()
        await model.stopped.wait()
        await watch.over.wait()
        call = house.brain.calls.get(CallId("c1"))

    assert model.cancelled == 1
    assert call is not None
    assert [(turn.ending, turn.spoken) for turn in call.thread.turns] == [
        (Ending.INTERRUPTED, "One sentence.")
    ]


@pytest.mark.slow
async def test_a_client_that_sends_its_body_a_byte_at_a_time_holds_nothing() -> None:
    body = a_request("My sink leaks.", call={"id": "c1"})
    raw = written(body, "X-Watched: 1")
    async with a_street(ScriptedClient(reply="Which unit?")) as (house, _, quick, reader):
        await reader.send(raw[:-40])
        answers = []
        for place in range(40, 0, -1):
            assert house.brain.calls.get(CallId("c1")) is None
            answers.append(await quick.post(PATH, json=a_request("My sink leaks.", call={"id": f"q{place}"})))
            await reader.go_on(raw[len(raw) - place : len(raw) - place + 1])
        slow = await reader.all()

    assert {said_in(answer.text) for answer in answers} == {"Which unit?"}
    assert "Which unit?" in slow


class Trickle(Visitor):
    """Sends a byte a second, and never comes to an end."""

    async def _receive(self) -> Message:
        await asyncio.sleep(1.0)
        return {"type": "http.request", "body": b" ", "more_body": True}


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/vapi/webhook", "/chat"])
async def test_a_body_that_never_ends_is_given_up(virtual_time: VirtualTime, path: str) -> None:
    async with a_house() as house:
        visitor = Trickle(house.app)
        began_s = virtual_time.elapsed_s
        await visitor.post(path, {})
        took_s = virtual_time.elapsed_s - began_s
        live = house.brain.calls.live

    assert took_s == pytest.approx(BODY_S)
    assert visitor.sent[0]["status"] == 400
    assert (b"connection", b"close") in visitor.sent[0]["headers"]
    assert live == 0


async def test_a_body_over_the_limit_that_never_ends_is_given_up(virtual_time: VirtualTime) -> None:
    async with a_house(max_body_bytes=10_000) as house:
        visitor = Trickle(house.app)
        await visitor.post("/chat", {}, {"content-length": "20000"})

    assert visitor.sent[0]["status"] == 413
    assert virtual_time.elapsed_s < BODY_S + 1


@pytest.mark.parametrize("headers", [{}, {"content-length": "20000"}])
async def test_a_turn_of_vapis_that_never_ends_is_answered_in_speech(
    virtual_time: VirtualTime, headers: dict[str, str]
) -> None:
    async with a_house(max_body_bytes=10_000) as house:
        visitor = Trickle(house.app)
        await visitor.post(PATH, {}, headers)
        excuse = house.brain.agents.default.fallbacks[0]

    assert visitor.sent[0]["status"] == 200
    assert (b"connection", b"close") in visitor.sent[0]["headers"]
    assert said_in(visitor.text) == excuse
    assert virtual_time.elapsed_s < BODY_S + 1


async def test_a_form_that_never_ends_is_answered_in_speech(virtual_time: VirtualTime) -> None:
    async with a_door() as door:
        visitor = Trickle(door.app)
        await visitor.post("/twilio/gather", {})
        answer = httpx.Response(200, headers={"content-type": "text/xml"}, text=visitor.text)

    assert read(answer).words


class Stuck(Visitor):
    """Reads the first words, and nothing after them."""

    async def _send(self, message: Message) -> None:
        await super()._send(message)
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()


async def test_a_client_that_does_not_read_keeps_no_sibling_from_answering_others(tmp_path: Path) -> None:
    model = ScriptedClient(reply=endless_at_first)
    async with two(tmp_path, model) as both:
        stuck = Stuck(both.mine.app)
        asking = asyncio.create_task(stuck.post(PATH, a_request("Tell me all.", call={"id": HERS})))
        await stuck.heard.wait()
        other = await both.mine.http.post(PATH, json=a_request("My sink leaks.", call={"id": ALSO_HERS}))
        newer = await both.mine.http.post(PATH, json=a_request("Tell me all.", "Four b.", call={"id": HERS}))
        stuck.hang_up()
        await asking

    assert said_in(other.text) == said_in(newer.text) == "Which unit?"
    assert len(stuck.text) < REPLY_BYTES
