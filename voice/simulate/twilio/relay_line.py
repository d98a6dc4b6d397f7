"""One ConversationRelay session, played: Twilio's end of our socket.

Our tokens are spoken; what the caller says goes out as `prompt`, keys as `dtmf`, words over the agent as
`interrupt` with what had been heard. Frames that Twilio would drop are told as `error`; ten in a row close
the socket.

Source: Twilio's "WebSocket messages for Voice" and "ConversationRelay" pages, error pages 64105 and 64107.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Literal

from voice.clock import now
from voice.simulate.aloud import Aloud
from voice.simulate.twilio.frames import BadFrame, read_frame
from voice.simulate.twilio.http import Fields
from voice.simulate.twilio.socket import Socket, SocketClosed
from voice.simulate.twilio.speech import growing, part_s
from voice.simulate.twilio.voice import RelayVoice, Tidings
from voice.simulate.twiml_relay import Relay, interrupts

MAX_BAD_FRAMES = 10  # in a row
NORMAL, INVALID_DATA = 1000, 1007
FLUSHES_S = 1.0  # at the end, for what is still to be sent
KEY_APART_S = 0.2  # how quickly a caller presses keys
DROPPED = "64105"

Outbox = asyncio.Queue[Mapping[str, Any] | None]
"""What Twilio sends; None comes last."""


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """How a session ended, as the action URL is told."""

    status: Literal["ended", "failed", "completed"]
    handoff: str | None = None
    code: str = ""
    message: str = ""
    session_id: str = ""
    lasted_s: float = 0.0

    def fields(self) -> Fields:
        told = [
            ("SessionId", self.session_id),
            ("SessionStatus", self.status),
            ("SessionDuration", str(round(self.lasted_s))),
        ]
        if self.handoff is not None:
            told.append(("HandoffData", self.handoff))
        if self.status == "failed":
            told += [("ErrorCode", self.code), ("ErrorMessage", self.message)]
        return told


class RelaySession:
    """The session over one open socket. `came` is told that words have come, `settled` each spoken reply.

    `retell` is how Twilio spells the words that were interrupted.
    """

    def __init__(
        self,
        relay: Relay,
        socket: Socket,
        aloud: Aloud,
        *,
        came: Callable[[], None],
        settled: Callable[[], None],
        told: Callable[[str], None],
        retell: Callable[[str], str],
    ) -> None:
        self._relay, self._socket, self._came, self._told = relay, socket, came, told
        self._retell = retell
        self._out: Outbox = asyncio.Queue()
        self._tidings = Tidings(relay.events, self._out.put_nowait)
        self.voice = RelayVoice(aloud, self._tidings, settled)
        self._language = relay.language
        self._over: SessionEnd | None = None
        self._bad, self._code = 0, NORMAL

    async def run(self, setup: Mapping[str, Any]) -> SessionEnd:
        """The session from its first frame to its end."""
        began_at = now()
        self._out.put_nowait(setup)
        if self._relay.greeting:
            self._came()
            self.voice.interruptible = self._relay.greeting_interruptible
            self.voice.token(self._relay.greeting, last=True, preemptible=False)
        writing = asyncio.create_task(_write(self._out, self._socket))
        try:
            end = await self._read()
        finally:
            self._out.put_nowait(None)
            await asyncio.wait({writing}, timeout=FLUSHES_S)
            writing.cancel()
            self.voice.cut()
            await self._socket.close(self._code)
        return replace(end, session_id=setup["sessionId"], lasted_s=now() - began_at)

    async def speak(self, words: str) -> float:
        """The caller says it; the instant at which Twilio took it for finished."""
        self._tidings.speaks("clientSpeaking", True)
        for part in growing(words) if self._relay.partials else ():
            await asyncio.sleep(part_s(words, self.voice.aloud))
            self._out.put_nowait(self._prompt(part, last=False))
        self._tidings.speaks("clientSpeaking", False)
        self._out.put_nowait(self._prompt(words, last=True))
        return now()

    async def press(self, keys: str) -> float:
        """The caller presses keys; without dtmfDetection nobody is told. The instant of the last one."""
        if not self._relay.keys:
            self._told('the keys are not told: the TwiML does not say dtmfDetection="true"')
            return now()
        for place, key in enumerate(keys):
            if place and self.voice.aloud.chars_per_s:
                await asyncio.sleep(KEY_APART_S)
            self._out.put_nowait({"type": "dtmf", "digit": key})
        return now()

    async def keep_silent(self) -> float:
        """The caller says nothing, and nobody is told; the instant from which they wait for words."""
        return now()

    def may_interrupt(self) -> bool:
        """Whether the caller's voice stops what is being said, or nothing is."""
        return not self.voice.is_speaking or interrupts(self.voice.interruptible, "speech")

    def interrupt(self) -> str:
        """The caller speaks over the agent; what they have heard of this turn."""
        duration_ms, was_speaking = self.voice.spoke_ms, self.voice.is_speaking
        spoken = self.voice.interrupt()
        if was_speaking:
            told = {
                "utteranceUntilInterrupt": self._retell(spoken),
                "durationUntilInterruptMs": duration_ms,
            }
            self._out.put_nowait({"type": "interrupt", **told})
        return self.voice.heard()

    async def leave(self, *, dropped: bool = False) -> None:
        """The caller hangs up; or the socket breaks."""
        failed = SessionEnd("failed", code=DROPPED, message="the WebSocket ended during the call")
        self._over = failed if dropped else SessionEnd("completed")
        await (self._socket.abort() if dropped else self._socket.close())

    def _prompt(self, words: str, *, last: bool) -> Mapping[str, Any]:
        return {"type": "prompt", "voicePrompt": words, "lang": self._language, "last": last}

    async def _read(self) -> SessionEnd:
        while True:
            try:
                end = self._take(await self._socket.receive())
            except SocketClosed:
                return self._over or SessionEnd("failed", code=DROPPED, message="the WebSocket was closed")
            if end is not None:
                return end
            if self._bad >= MAX_BAD_FRAMES:
                self._code = INVALID_DATA
                return SessionEnd("failed", code=DROPPED, message=f"{self._bad} invalid messages in a row")

    def _take(self, text: str | bytes) -> SessionEnd | None:
        """Do what a frame of ours says; the end, when it is one."""
        try:
            frame = read_frame(text)
        except BadFrame as exc:
            self._bad += 1
            self._told(f"Twilio error 64107: {exc}")
            self._out.put_nowait({"type": "error", "description": f"Invalid message received: {text!r}"})
            return None
        self._bad = 0
        match frame["type"]:
            case "text":
                self._text(frame)
            case "end":
                return SessionEnd("ended", handoff=frame.get("handoffData"))
            case "language":
                self._language = frame.get("transcriptionLanguage") or self._language
            case kind:
                self._told(f"{kind}: {frame.get('source') or frame.get('digits')}")
        return None

    def _text(self, frame: Mapping[str, Any]) -> None:
        token = frame["token"]
        if token.strip():
            self._came()
            own, usual = frame.get("interruptible"), self._relay.interruptible
            self.voice.interruptible = usual if own is None else "any" if own else "none"
        preemptible = frame.get("preemptible", self._relay.preemptible)
        self.voice.token(token, last=frame.get("last", False), preemptible=preemptible)


async def _write(out: Outbox, socket: Socket) -> None:
    with suppress(SocketClosed):
        while (frame := await out.get()) is not None:
            await socket.send(json.dumps(frame))
