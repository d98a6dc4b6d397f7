"""Callers of the bench: one call each, through one door, turn after turn as its platform would send it."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any, Literal, Protocol, TypeAlias
from urllib.parse import quote, urlencode, urlsplit
from uuid import uuid4

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from voice.cli.bench.wire import LIMIT_S, Answer, Wires

BenchDoor = Literal["vapi", "v1", "chat", "gather", "relay"]
STREAMS: tuple[BenchDoor, ...] = ("vapi", "v1", "chat")  # doors that answer with a stream of events

CALLER, CALLED = "+12025550123", "+12025550199"
SYSTEM = "You are a phone agent for a restaurant. Answer in one or two short spoken sentences."
GREETING = "Hello, this is Luigi's, how can I help?"
MAX_HOPS = 8  # documents that fetch the rest of one reply
JSON_HEADERS = {"content-type": "application/json", "accept": "text/event-stream"}
FORM_HEADERS = {"content-type": "application/x-www-form-urlencoded"}
_ACTION = re.compile(r'<Gather\b[^>]*?\baction="([^"]+)"')
_REDIRECT = re.compile(r"<Redirect\b[^>]*>([^<]+)</Redirect>")
_SAY = re.compile(r"<Say\b[^>]*>([^<]*)</Say>")
_SOCKET = re.compile(r'\burl="wss?://[^/"]+([^"]*)"')

Fields: TypeAlias = dict[str, str]


@dataclass(slots=True)
class Heard:
    """One turn as its caller heard it; instants on the clock that all processes of this machine share.

    `due_at` is when it was to be said. `pieces` are (instant, text). `error` says why it has no end.
    """

    number: int
    due_at: float
    pieces: list[tuple[float, str]] = field(default_factory=list)
    ended_at: float = 0.0
    error: str | None = None


class Caller(Protocol):
    """One call. A turn fills `heard`; whoever cancels it hangs up in its middle."""

    async def turn(self, heard: Heard, began: Callable[[], None] | None = None) -> None: ...

    async def hang_up(self) -> None: ...


def open_caller(door: BenchDoor, wires: Wires, url: str, *, ours: bool, agent: str | None = None) -> Caller:
    """A new call through one door of the server at `url`; `ours` is False for a floor."""
    if door == "gather":
        return GatherCaller(wires, _first_path(door, ours, agent))
    if door == "relay":
        return RelayCaller(wires, url, _first_path(door, ours, agent))
    return StreamCaller(wires, door, agent)


def _first_path(door: BenchDoor, ours: bool, agent: str | None) -> str:
    if not ours:
        return f"/bench/voice/{door}"
    return "/twilio/voice" + (f"?agent={quote(agent)}" if agent else "")


def words_of(number: int) -> str:
    """What the caller says in a turn: the mock host finds the number in it."""
    return f"Turn {number}: do you have a table for two on Friday evening?"


class StreamCaller:
    """A call through a door that answers each request with a stream."""

    PATHS: Mapping[str, str] = {
        "vapi": "/vapi/chat/completions",
        "v1": "/v1/chat/completions",
        "chat": "/chat",
    }

    def __init__(self, wires: Wires, door: BenchDoor, agent: str | None) -> None:
        self._wires, self._door, self._agent = wires, door, agent
        self._call_id = str(uuid4())
        self._said = [{"role": "assistant", "content": GREETING}]
        self._path = self.PATHS[door]

    async def turn(self, heard: Heard, began: Callable[[], None] | None = None) -> None:
        said = words_of(heard.number)
        self._said.append({"role": "user", "content": said})
        body = json.dumps(self._body(said)).encode()
        answer = await self._wires.ask("POST", self._path, body, JSON_HEADERS, began)
        heard.pieces, heard.error, heard.ended_at = spoken_in(answer), answer.error, answer.ended_at
        if heard.error is None and not heard.pieces:
            heard.error = "no words"
        self._said.append({"role": "assistant", "content": " ".join(text for _, text in heard.pieces)})

    async def hang_up(self) -> None:
        """Vapi tells of the end; the other doors know none."""
        if self._door == "vapi":
            told = {"type": "status-update", "status": "ended", "endedReason": "customer-ended-call"}
            body = json.dumps({"message": {**told, "call": self._call()}}).encode()
            await self._wires.ask("POST", "/vapi/webhook", body, JSON_HEADERS)

    def _body(self, said: str) -> dict[str, Any]:
        if self._door == "chat":
            who = {"agent": self._agent} if self._agent else {}
            return {"message": said, "caller": CALLER, "call_id": self._call_id, **who}
        asked: dict[str, Any] = {"model": self._agent} if self._agent else {}
        asked |= {"stream": True, "temperature": 0.4, "max_tokens": 250}
        asked["messages"] = [{"role": "system", "content": SYSTEM}, *self._said]
        if self._door == "vapi":
            turns = (len(self._said) + 1) // 2
            asked |= {
                "call": self._call(),
                "phoneNumber": {"number": CALLED},
                "customer": {"number": CALLER},
                "metadata": {"numAssistantTurns": turns, "numUserTurns": turns},
                "timestamp": time.time_ns() // 1_000_000,
            }
        return asked

    def _call(self) -> dict[str, Any]:
        return {"id": self._call_id, "type": "inboundPhoneCall", "customer": {"number": CALLER}}


def spoken_in(answer: Answer) -> list[tuple[float, str]]:
    """The texts in a stream of events, each with the instant at which its event was whole."""
    pieces, rest = [], b""
    for at, part in answer.parts:
        *events, rest = (rest + part).split(b"\n\n")
        texts = [_text_of(event) for event in events]
        if text := "".join(one for one in texts if one):
            pieces.append((at, text))
    return pieces


def _text_of(event: bytes) -> str:
    """The words of one event: a chat completion's delta, or a chunk of /chat."""
    data = b"".join(line[5:].strip() for line in event.splitlines() if line.startswith(b"data:"))
    if not data or data == b"[DONE]":
        return ""
    found = json.loads(data)
    if choices := found.get("choices"):
        return choices[0]["delta"].get("content") or ""
    return found.get("text") or "" if b"event: chunk" in event else ""


class TwilioCaller:
    """What both of Twilio's doors have: the webhook that begins a call, and the one that ends it."""

    def __init__(self, wires: Wires, first: str) -> None:
        self._wires, self._first, self._ours = wires, first, first.startswith("/twilio/")
        self._who = {
            "CallSid": f"CA{uuid4().hex}",
            "AccountSid": "AC" + "0" * 32,
            "ApiVersion": "2010-04-01",
            "Direction": "inbound",
            "From": CALLER,
            "To": CALLED,
            "Caller": CALLER,
            "Called": CALLED,
        }

    async def hang_up(self) -> None:
        if self._ours:
            await self._post("/twilio/status", {"CallStatus": "completed", "CallDuration": "30"})

    async def _begin(self) -> Answer:
        return await self._post(self._first, {"CallStatus": "ringing"})

    def _post(self, path: str, fields: Fields, began: Callable[[], None] | None = None) -> Awaitable[Answer]:
        body = urlencode({**self._who, **fields}).encode()
        return self._wires.ask("POST", path, body, FORM_HEADERS, began)


class GatherCaller(TwilioCaller):
    """A call through <Gather>: each turn is a document, or several with Redirects between them."""

    def __init__(self, wires: Wires, first: str) -> None:
        super().__init__(wires, first)
        self._action = ""

    async def turn(self, heard: Heard, began: Callable[[], None] | None = None) -> None:
        if not self._action:
            self._follow(await self._begin())
            heard.due_at = time.perf_counter()
        fields = {"SpeechResult": words_of(heard.number), "Confidence": "0.92", "CallStatus": "in-progress"}
        for _ in range(MAX_HOPS):
            answer = await self._post(self._action, fields, began)
            heard.error, heard.ended_at = answer.error, answer.ended_at
            if heard.error is not None:
                return
            if text := " ".join(unescape(one) for one in _SAY.findall(answer.body.decode())).strip():
                heard.pieces.append((answer.ended_at, text))
            if self._follow(answer):
                break
            fields = {"CallStatus": "in-progress"}
        if not heard.pieces:
            heard.error = "no words"

    def _follow(self, answer: Answer) -> bool:
        """Go where a document leads; whether it listens to the caller."""
        document = answer.body.decode()
        listens = _ACTION.search(document)
        found = listens or _REDIRECT.search(document)
        if found is not None:
            self._action = path_of(unescape(found.group(1)))
        return listens is not None


class RelayCaller(TwilioCaller):
    """A call through ConversationRelay: one socket, opened with its first turn."""

    def __init__(self, wires: Wires, url: str, first: str) -> None:
        super().__init__(wires, first)
        self._base = url.replace("http://", "ws://")
        self._socket: ClientConnection | None = None

    async def turn(self, heard: Heard, began: Callable[[], None] | None = None) -> None:
        try:
            if self._socket is None:
                self._socket = await self._open()
                heard.due_at = time.perf_counter()
            prompt = {"type": "prompt", "voicePrompt": words_of(heard.number), "lang": "en-US", "last": True}
            await self._socket.send(json.dumps(prompt))
            async with asyncio.timeout(LIMIT_S):
                await self._listen(self._socket, heard, began)
        except (OSError, TimeoutError, WebSocketException, ValueError) as exc:
            heard.error = f"relay: {type(exc).__name__}"
        except asyncio.CancelledError:
            if self._socket is not None:
                self._socket.transport.abort()
            raise

    async def hang_up(self) -> None:
        if self._socket is not None:
            await self._socket.close()
        await super().hang_up()

    async def _open(self) -> ClientConnection:
        document = (await self._begin()).body.decode()
        found = _SOCKET.search(document)
        if found is None:
            raise ValueError("the document opens no relay")
        socket = await connect(self._base + unescape(found.group(1)), compression=None, ping_interval=None)
        await socket.send(json.dumps({"type": "setup", "callSid": self._who["CallSid"]}))
        return socket

    async def _listen(self, socket: ClientConnection, heard: Heard, began: Callable[[], None] | None) -> None:
        while True:
            frame = json.loads(await socket.recv())
            if frame.get("type") != "text":
                continue
            at = time.perf_counter()
            if frame.get("token"):
                heard.pieces.append((at, frame["token"]))
                if began is not None:
                    began()
                # Speaking takes no time here: the server sends only so much ahead of what was played.
                told = {"type": "info", "name": "tokensPlayed", "value": frame["token"].strip()}
                await socket.send(json.dumps(told))
            if frame.get("last"):
                heard.ended_at = at
                return


def path_of(url: str) -> str:
    """Where a document's URL leads on its server; Twilio's own settings in the fragment stay behind."""
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")
