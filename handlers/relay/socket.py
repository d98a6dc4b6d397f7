"""Both ways of one relay socket: frames in as messages, one task that writes what leaves.

A slow socket costs bounded memory: a turn's words wait in the turn's own log until there is room here,
frames of theirs wait in the network. One that takes nothing any more is given up.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from handlers.relay.parting import Ordered
from handlers.wire.relay import Message, read_message
from voice.clock import now
from voice.errors import BadRequest
from voice.turn.live import LiveTurn

log = logging.getLogger(__name__)

INBOX = 16  # messages that wait to be taken; more wait in the network
OUTBOX = 16  # frames that wait for the socket before a turn's words wait themselves
FULL = 200  # frames: nothing waits that long for a socket that works
SEND_S = 10.0  # for one frame; a telephone call is dead after such a silence
CLOSE_S = 5.0  # for their closing of the socket, once we have said that the session is over
MAX_BAD = 20  # frames in a row that cannot be read: whoever sends more is not Twilio
DONE, NONSENSE = 1000, 1008  # close codes: all is said; the other side breaks the rules


@dataclass(frozen=True, slots=True)
class TurnOver:
    """A turn has no more to say: what is said of it has all left."""

    live: LiveTurn


@dataclass(frozen=True, slots=True)
class Waits:
    """A filler was said: what is due next is to be looked at anew."""


@dataclass(frozen=True, slots=True)
class Gone:
    """The socket is closed, by whomever."""


Event = Message | TurnOver | Waits | Ordered | Gone


class Line:
    """One accepted socket, used as a context: at its end what waits is written, and the socket closed.

    Whoever sends never waits; whoever has much to send waits for `room()`.
    """

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        self._inbox: asyncio.Queue[Event] = asyncio.Queue(INBOX)
        self._outbox: deque[tuple[str, bool]] = deque()  # frames, and whether they may be dropped
        self._changed = asyncio.Event()  # something is to be written, or nothing more will be
        self._emptied = asyncio.Event()
        self._is_closing = False
        self._code = DONE
        self._tasks = asyncio.TaskGroup()
        self.is_gone = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._reading = self._tasks.create_task(self._read())
        self._writing = self._tasks.create_task(self._write())
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._is_closing = True
        self._changed.set()
        await asyncio.wait([self._writing], timeout=SEND_S)
        self._writing.cancel()
        self._reading.cancel()
        await self._tasks.__aexit__(None, None, None)
        await self._close()

    async def closed(self) -> None:
        """Return when the other side has closed the socket, or does not do so."""
        ends_at = now() + CLOSE_S
        while not isinstance(await self.next(ends_at), Gone) and now() < ends_at:
            pass

    async def next(self, until: float) -> Event | None:
        """What comes next; None when nothing has come until then."""
        if not self._inbox.empty():
            return self._inbox.get_nowait()
        if self.is_gone:
            return Gone()
        try:
            async with asyncio.timeout_at(until):
                return await self._inbox.get()
        except TimeoutError:
            return None

    async def tell(self, event: Event) -> None:
        """Let whoever takes the messages know of something, in its order."""
        await self._inbox.put(event)

    def send(self, frame: str, *, may_be_dropped: bool = False) -> None:
        """Send a frame when the socket takes it. One that takes nothing for long is given up."""
        if self.is_gone or self._is_closing:
            return
        if len(self._outbox) >= FULL:
            self.give_up("full")
            return
        self._outbox.append((frame, may_be_dropped))
        self._changed.set()

    async def room(self) -> None:
        """Return when few frames wait."""
        while len(self._outbox) >= OUTBOX and not self.is_gone:
            self._emptied.clear()
            await self._emptied.wait()

    def drop(self) -> None:
        """Forget what has not left yet and may be dropped."""
        self._outbox = deque(one for one in self._outbox if not one[1])
        self._emptied.set()

    def give_up(self, why: str, code: int = DONE) -> None:
        """Close the socket, if it still is open, without waiting for anything."""
        if not self.is_gone:
            log.warning("relay.given_up", extra={"why": why})
            self._code = code
            self._lost()

    async def _read(self) -> None:
        """Take frames until the socket is closed."""
        bad = 0
        while bad < MAX_BAD:
            frame = await self._websocket.receive()
            if frame["type"] == "websocket.disconnect":
                break
            try:
                message = read_message(_text_of(frame))
            except BadRequest as exc:
                bad += 1
                log.debug("relay.bad_frame", extra={"error": type(exc).__name__, "so_far": bad})
                continue
            bad = 0
            if message is not None:
                await self._inbox.put(message)
        else:
            self.give_up("nonsense", NONSENSE)
        self._lost()

    async def _write(self) -> None:
        """Write frames as the socket takes them, until there will be no more."""
        while not self.is_gone:
            while not self._outbox and not self._is_closing:
                self._changed.clear()
                await self._changed.wait()
            if not self._outbox:
                return
            try:
                async with asyncio.timeout(SEND_S):
                    frame, _ = self._outbox.popleft()
                    await self._websocket.send({"type": "websocket.send", "text": frame})
            except TimeoutError:
                self.give_up("stuck")
            except (WebSocketDisconnect, RuntimeError):  # closed on their side or on ours
                self._lost()
            self._emptied.set()

    def _lost(self) -> None:
        self.is_gone = True
        self._outbox.clear()
        self._emptied.set()
        self._changed.set()
        if self._inbox.empty():  # else whoever takes what is in it sees `is_gone` next
            self._inbox.put_nowait(Gone())

    async def _close(self) -> None:
        is_open = WebSocketState.CONNECTED
        if self._websocket.client_state is not is_open or self._websocket.application_state is not is_open:
            return
        try:
            async with asyncio.timeout(SEND_S):
                await self._websocket.close(self._code)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            log.debug("relay.not_closed")  # it was closed while we did so


def _text_of(frame: Mapping[str, object]) -> str:
    """A frame's text; some senders put it into a binary frame."""
    text, raw = frame.get("text"), frame.get("bytes")
    if isinstance(text, str):
        return text
    return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else ""
