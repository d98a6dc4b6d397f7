"""Whoever is called by an order at Twilio's REST API: a person, a machine, a busy line, nobody.

Twilio tells how the call goes by callbacks, asks for the first document when somebody picks up, and says
once who that was. The call ends by its document, by an update, or when whoever was called hangs up.

Source: Twilio's pages on the Call resource, status callbacks and answering machine detection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal, Protocol
from uuid import uuid4

import httpx

from voice.errors import BadRequest
from voice.simulate.twilio.http import Webhooks
from voice.simulate.twiml import Connect, Dial, Gather, Redirect, Say, Verb, read_twiml

Callee = Literal["person", "machine", "fax", "unsure", "busy", "no-answer", "failed"]
PICKS_UP = {"person": "human", "machine": "machine", "fax": "fax", "unsure": "unknown"}
SEQUENCE = {"initiated": 0, "ringing": 1, "in-progress": 2}  # whatever ends a call comes last
EVENT_OF = {"in-progress": "answered", "initiated": "initiated", "ringing": "ringing"}


Talks = Callable[["PlacedCall"], Awaitable[None]]
"""Talks to the server from the first document on, and tells it when whoever was called has hung up."""


class Exchange(Protocol):
    """What a call must know of the account that it belongs to."""

    account_sid: str
    token: str
    webhooks_at: str
    public_url: str | None
    ring_s: float
    talk_s: float
    loses: frozenset[str]
    talks: Talks | None
    http: httpx.AsyncClient | None


@dataclass(eq=False)
class PlacedCall:
    """One call as it was ordered, and how it goes."""

    form: Mapping[str, list[str]]
    callee: Callee
    sid: str = field(default_factory=lambda: f"CA{uuid4().hex}")
    created_on: datetime = field(default_factory=lambda: datetime.now(UTC))
    status: str = "queued"
    answered_by: str | None = None
    heard: list[str] = field(default_factory=list)  # what whoever picked up has heard
    changes: list[Mapping[str, str]] = field(default_factory=list)
    problem: str | None = None  # why Twilio would have ended it
    rings: asyncio.Event = field(default_factory=asyncio.Event)  # set: it does, and that has been told
    gone: asyncio.Event = field(default_factory=asyncio.Event)  # set: it is to end now
    is_over: asyncio.Event = field(default_factory=asyncio.Event)  # set: its last callback was taken

    def one(self, name: str) -> str | None:
        """A parameter of the order; None where it was not given."""
        return next(iter(self.form.get(name, [])), None)

    def change(self, form: Mapping[str, str]) -> None:
        """Twilio's update of a live call: another document, or its end."""
        self.changes.append(form)
        if twiml := form.get("Twiml"):
            self.hear(read_twiml("text/xml", twiml.encode()))
        if form.get("Status") in ("completed", "canceled"):
            self.gone.set()

    def hear(self, verbs: list[Verb]) -> None:
        """What a document says until it listens; one that goes on nowhere ends the call."""
        for verb in verbs:
            match verb:
                case Say():
                    self.heard.append(verb.text)
                case Gather():
                    self.heard += [say.text for say in verb.says]
                case Connect() if verb.relay.greeting:
                    self.heard.append(verb.relay.greeting)
        if not any(isinstance(verb, Gather | Connect | Redirect | Dial) for verb in verbs):
            self.gone.set()

    def shown(self) -> dict[str, Any]:
        """The Call resource."""
        return {
            "sid": self.sid,
            "to": self.one("To"),
            "from": self.one("From"),
            "status": self.status,
            "direction": "outbound-api",
            "answered_by": self.answered_by,
            "date_created": format_datetime(self.created_on),
        }


async def play(call: PlacedCall, exchange: Exchange) -> None:
    """One call from its first ring to its last callback. What Twilio would end it for is its `problem`."""
    webhooks = Webhooks(exchange.webhooks_at, exchange.public_url, exchange.token, exchange.http)
    played = _Played(call, exchange, webhooks)
    try:
        await played.whole()
    except BadRequest as exc:
        call.problem = str(exc)
        with suppress(BadRequest):
            await played.becomes("completed")  # as Twilio ends a call whose document it cannot take
    finally:
        call.is_over.set()
        await webhooks.close()


class _Played:
    """A call while it goes on."""

    def __init__(self, call: PlacedCall, exchange: Exchange, webhooks: Webhooks) -> None:
        self._call, self._exchange, self._webhooks = call, exchange, webhooks

    async def whole(self) -> None:
        for status in ("initiated", "ringing"):
            await self.becomes(status)
        self._call.rings.set()
        await self._waits(self._exchange.ring_s)
        if self._call.gone.is_set():
            await self.becomes("canceled")
        elif self._call.callee in PICKS_UP:
            await self._answered()
        else:
            await self.becomes(self._call.callee)

    async def _answered(self) -> None:
        await self.becomes("in-progress")
        call, talks = self._call, self._exchange.talks if self._call.callee == "person" else None
        if talks is None and (url := call.one("Url")):
            document = await self._webhooks.document(url, self._fields(), call.one("Method") or "POST")
            call.hear(document.verbs)
        if call.one("MachineDetection") and call.one("AsyncAmd") == "true":
            await self._detected()
        if talks is not None:
            await talks(call)
            call.status = "completed"
            return
        if call.callee != "machine" or not call.one("MachineDetection"):
            await self._waits(self._exchange.talk_s)
        call.gone.set()
        await self.becomes("completed")

    async def _detected(self) -> None:
        call, who = self._call, PICKS_UP[self._call.callee]
        if who == "machine":
            heard_out = call.one("MachineDetection") == "DetectMessageEnd"
            who = "machine_end_beep" if heard_out else "machine_start"
        call.answered_by = who
        if url := call.one("AsyncAmdStatusCallback"):
            told = (("AnsweredBy", who), ("MachineDetectionDuration", "3200"))
            await self._webhooks.tell(url, [*self._fields(), *told])

    async def becomes(self, status: str) -> None:
        """The call's new status, and the callback that was asked for."""
        call = self._call
        call.status = status
        url, wanted = call.one("StatusCallback"), call.form.get("StatusCallbackEvent", ["completed"])
        if url is None or EVENT_OF.get(status, "completed") not in wanted or status in self._exchange.loses:
            return
        told = [
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", str(SEQUENCE.get(status, 3))),
            ("Timestamp", format_datetime(datetime.now(UTC))),
        ]
        if status == "completed":
            told.append(("CallDuration", "1"))
        await self._webhooks.tell(url, [*self._fields(), *told])

    async def _waits(self, for_s: float) -> None:
        """Until the call is ended, at most so long."""
        try:
            async with asyncio.timeout(for_s):
                await self._call.gone.wait()
        except TimeoutError:
            return

    def _fields(self) -> list[tuple[str, str]]:
        call, number = self._call, self._call.one("From") or ""
        return [
            ("CallSid", call.sid),
            ("AccountSid", self._exchange.account_sid),
            ("ApiVersion", "2010-04-01"),
            ("CallStatus", call.status),
            ("Direction", "outbound-api"),
            ("From", number),
            ("To", call.one("To") or ""),
            ("Caller", number),
            ("Called", call.one("To") or ""),
            ("ToCity", ""),
        ]
