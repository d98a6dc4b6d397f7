"""Says a turn over HTTP: as server-sent events while it is spoken, or whole when it is done.

Plain ASGI: every chunk is one frame and one write. Whoever hangs up the request stops listening;
a turn to which nobody listens is stopped. After the first byte nothing may go wrong loudly: a
stream that broke ends as a normal one, with a spoken sentence.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping, Sequence
from typing import Protocol

from starlette.types import Receive, Scope, Send

from handlers.handover import Handover, Parting, is_newest
from handlers.problems import STOPPED
from voice.call import Call
from voice.calls import Calls
from voice.speech.output import Markup, marked
from voice.telemetry.logs import call_id_var
from voice.turn.live import LiveTurn
from voice.turn.own import own_line
from voice.types import Chunk, ChunkKind, ToolCall, Turn

log = logging.getLogger(__name__)

HEADERS = (
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-cache, no-transform"),
    (b"x-accel-buffering", b"no"),  # nginx would hold the words back
)


class Frames(Protocol):
    """How one client wants a turn to be written. Asked in the order begin, text …, end."""

    def begin(self) -> bytes: ...

    def text(self, text: str, *, waits: bool = False) -> bytes:
        """`waits`: it is said because nothing else is there yet, so it must be heard by itself."""
        ...

    def end(self, turn: Turn, calls: Sequence[ToolCall] = ()) -> bytes:
        """`calls` are tools that the client is to run."""
        ...


class SpokenTurn:
    """The streamed answer to a request: one turn, listened to until its end.

    `handover` says what leaves with its last word; None: the client is given no tools to run. `instead`
    holds lines that are said in place of chunks of a kind. `markup` is how the client's voice is told to
    spell. `one_off`: the call was only this turn; it is hung up after it.
    """

    def __init__(
        self,
        calls: Calls,
        call: Call,
        live: LiveTurn,
        frames: Frames,
        *,
        handover: Handover | None = None,
        instead: Mapping[ChunkKind, Chunk] | None = None,
        markup: Markup = Markup.NONE,
        one_off: bool = False,
    ) -> None:
        self._calls, self._call, self._live, self._frames = calls, call, live, frames
        self._handover, self._instead, self._one_off = handover, instead or {}, one_off
        self._markup = markup
        self._has_begun = self._has_spoken = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call_id_var.set(self._call.call_id)
        try:
            await while_there(receive, self._speak(send))
        except OSError:
            log.debug("stream.client_gone")  # some servers say it when we write, not when they notice
        finally:
            await let_go(self._calls, self._call, self._live, one_off=self._one_off)

    async def _speak(self, send: Send) -> None:
        handover, live, frames = self._handover, self._live, self._frames
        ready = frames.begin()  # goes out with the first words, and so does the answer's head: one write
        is_replay, heard = live.finished, 0
        try:
            async for chunk in live.listen():
                heard += 1
                if (
                    not self._has_spoken
                    and handover is not None
                    and handover.may_silence(
                        live
                    )  # asked here, too: nearly never, and a coroutine costs more
                    and await handover.silences(live)
                ):
                    continue
                if not is_replay and self._is_old():
                    break  # a slow reader would else hear old words while newer ones are answered
                said = self._instead.get(chunk.kind, chunk) if self._instead else chunk
                ready += frames.text(marked(said, self._markup), waits=chunk.kind is ChunkKind.FILLER)
                self._has_spoken = True
                if heard >= len(live.chunks):  # what came together leaves in one write
                    await self._write(send, ready, more=True)
                    ready = b""
            parting = self._part()
            if self._is_held_back(parting):
                self._calls.heard(self._call, live.turn, "")
            closing = frames.text(marked(parting.line, self._markup)) if parting.line else b""
            closing += frames.end(live.turn, parting.calls)
        except OSError:
            raise
        except Exception as exc:  # fence: one turn
            log.exception("stream.failed", extra={"error": type(exc).__name__})
            excuse = own_line(self._call.agent, self._call.agent.fallbacks[0])
            closing = frames.text(marked(excuse, self._markup)) + frames.end(live.turn)
            parting = Parting()
        await self._write(send, ready + closing, more=False)
        if handover and handover.steer and parting.past:
            handover.steer(parting.past)

    async def _write(self, send: Send, frames: bytes, *, more: bool) -> None:
        if not self._has_begun:
            self._has_begun = True
            await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
        await send({"type": "http.response.body", "body": frames, "more_body": more})

    def _part(self) -> Parting:
        if self._handover is None or not is_newest(self._call, self._live.turn):
            return Parting()
        return self._handover.part(self._live.turn, has_spoken=self._has_spoken)

    def _is_held_back(self, parting: Parting) -> bool:
        """Whether words were written and none was said, since what leaves would be skipped beside them."""
        return bool(self._live.turn.spoken and parting.calls) and not self._has_spoken

    def _is_old(self) -> bool:
        """Whether the turn was stopped, or newer words have taken its place."""
        ending = self._live.turn.ending
        return self._call.live is not self._live or (ending is not None and ending in STOPPED)


class SpokenLine:
    """A line that no turn wrote (a greeting, a busy line, an excuse), as a whole stream of its own."""

    def __init__(self, frames: bytes, note: str | None = None) -> None:
        self._frames, self._note = frames, note

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = list(HEADERS)
        if self._note:
            headers.append((b"x-offhook-problem", " ".join(self._note.split()).encode("ascii", "replace")))
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": self._frames})


async def whole_turn(
    calls: Calls, call: Call, live: LiveTurn, receive: Receive, *, one_off: bool = False
) -> Turn:
    """The turn when it has ended. When the client hangs up before, the turn is stopped."""
    try:
        await while_there(receive, live.settled())
    finally:
        await let_go(calls, call, live, one_off=one_off)
    return live.turn


async def let_go(calls: Calls, call: Call, live: LiveTurn, *, one_off: bool) -> None:
    """Stop listening to a turn, and hang up a call that was only this turn."""
    calls.leave(call, live)
    if one_off:
        await calls.hang_up(call.call_id, "answered")


async def while_there(receive: Receive, work: Coroutine[object, None, None]) -> None:
    """Do the work as long as the client is there; its disconnect cancels the work.

    In this task, with one beside it that listens for the disconnect: a group of two costs 40 µs more a turn.
    """
    working, is_working, was_stopped = asyncio.current_task(), True, False
    leaving = asyncio.create_task(_gone(receive))

    def stop(gone: asyncio.Task[None]) -> None:
        nonlocal was_stopped
        if is_working and working is not None and not gone.cancelled():
            was_stopped = working.cancel()

    leaving.add_done_callback(stop)
    try:
        await work
    except asyncio.CancelledError:
        # Ours, unless the server has cancelled this request, too: then that one counts.
        if not was_stopped or working is None or working.uncancel() > 0:
            raise
        leaving.result()  # whatever else ended the listening is told
    finally:
        is_working = False
        leaving.cancel()


async def _gone(receive: Receive) -> None:
    """Return when the client has disconnected."""
    while (await receive())["type"] != "http.disconnect":
        pass
