"""A relay call with real parts: Twilio's webhook over HTTP, its socket by the `websockets` client."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.handlers.relay_line import frame
from tests.handlers.twilio_door import message
from voice.cli.server import Running, bind, running
from voice.models.scripted import ScriptedClient
from voice.settings import load_settings
from voice.simulate.twilio.http import signature
from voice.store.memory import MemoryStore

TOKEN = "12345"
PUBLIC = "https://voice.example.com"
LIMIT_S = 20.0  # a machine that is busy with other things


@asynccontextmanager
async def a_server(model: ScriptedClient) -> AsyncIterator[Running]:
    listener = bind("127.0.0.1", 0)
    settings = load_settings(Path("/nonexistent"), twilio_auth_token=TOKEN, public_url=PUBLIC)
    async with (
        asyncio.timeout(LIMIT_S),
        running(settings, listener, clients=[model], store=MemoryStore()) as server,
    ):
        yield server


async def rung(server: Running) -> str:
    """Ring, and get the socket's URL as Twilio reads it."""
    fields = message("voice")
    signed = signature(TOKEN, f"{PUBLIC}/twilio/voice", list(fields.items()))
    async with httpx.AsyncClient(trust_env=False) as http:
        answer = await http.post(
            f"{server.url}/twilio/voice", data=fields, headers={"X-Twilio-Signature": signed}
        )
    relay = ElementTree.fromstring(answer.content).find("Connect/ConversationRelay")
    assert relay is not None
    return str(relay.attrib["url"])


@asynccontextmanager
async def on_line(server: Running, url: str) -> AsyncIterator[ClientConnection]:
    local = url.replace(PUBLIC.replace("https", "wss"), server.url.replace("http", "ws"))
    signed = {"X-Twilio-Signature": signature(TOKEN, url, [])}
    async with connect(local, additional_headers=signed, compression=None) as socket:
        await socket.send(json.dumps(frame("setup")))
        yield socket


async def talk(socket: ClientConnection) -> str:
    """The words up to the end of a talk."""
    words = ""
    async for raw in socket:
        found: dict[str, Any] = json.loads(raw)
        words += str(found.get("token", ""))
        if found.get("last"):
            return words.strip()
    return words


async def test_a_call_comes_in_is_answered_interrupted_and_ended() -> None:
    model = ScriptedClient(reply=["I can help with that. Which unit are you in?", "Tomorrow at nine."])
    async with a_server(model) as server, on_line(server, await rung(server)) as socket:
        await socket.send(json.dumps(frame("prompt")))
        first = await talk(socket)
        await socket.send(json.dumps({**frame("interrupt"), "utteranceUntilInterrupt": "I can help"}))
        closed = await talk(socket)
        await socket.send(json.dumps({**frame("prompt"), "voicePrompt": "When can somebody come?"}))
        second = await talk(socket)

    assert (first, closed, second) == (
        "I can help with that. Which unit are you in?",
        "",
        "Tomorrow at nine.",
    )
    assert "I can help" in [part.text for part in model.asked[-1].messages if part.role == "assistant"]


async def test_a_socket_without_a_signature_is_refused_with_403() -> None:
    async with a_server(ScriptedClient()) as server:
        url = (await rung(server)).replace(PUBLIC.replace("https", "wss"), server.url.replace("http", "ws"))
        with pytest.raises(InvalidStatus) as refused:
            await connect(url)

    assert refused.value.response.status_code == 403


async def test_half_a_letter_closes_that_socket_only() -> None:
    async with a_server(ScriptedClient(reply="Which unit?")) as server:
        url = await rung(server)
        async with on_line(server, url) as socket:
            await socket.send(b'{"type": "prompt", "voicePrompt": "\xc3"}', text=True)
            with pytest.raises(ConnectionClosed):
                await talk_to_the_end(socket)
        async with on_line(server, await rung(server)) as socket:
            await socket.send(json.dumps(frame("prompt")))

            assert await talk(socket) == "Which unit?"


async def test_a_frame_without_end_is_refused() -> None:
    async with a_server(ScriptedClient()) as server, on_line(server, await rung(server)) as socket:
        await socket.send(json.dumps({**frame("prompt"), "voicePrompt": "x" * 300_000}))

        with pytest.raises(ConnectionClosed) as closed:
            await talk_to_the_end(socket)

    assert closed.value.rcvd is not None
    assert closed.value.rcvd.code == 1009


async def talk_to_the_end(socket: ClientConnection) -> None:
    while True:
        await socket.recv()
