"""A person's telephone, played: what Twilio does between `<Dial>` and its action URL.

Whoever answers hears the whisper first, and may press a key; a document that hangs up there declines the
call. Then both are put together.

Source: Twilio's "Dial" and "Number" pages.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from urllib.parse import urljoin
from uuid import uuid4

from voice.errors import BadRequest
from voice.simulate.aloud import Aloud
from voice.simulate.twilio.http import Document, Fields, Webhooks
from voice.simulate.twiml import Dial, Gather, Hangup, Link, Redirect, Say, Verb

Person = Literal["accepts", "declines", "voicemail", "busy", "no-answer", "failed"]
"""What the person does who is dialled. `voicemail`: their mailbox answers, and presses nothing."""

KEYS: Mapping[Person, str] = {"accepts": "1", "declines": "2"}
RINGS_S = 6.0  # until somebody answers
TALKS_S = 30.0
MAX_DOCUMENTS = 10  # of one whisper


class _Declined(Exception):
    """The person's leg was hung up before both were put together."""


class Telephone:
    """The telephone of one person. Nothing takes time where `aloud` takes none."""

    def __init__(
        self, webhooks: Webhooks, who: Mapping[str, str], aloud: Aloud, told: Callable[[str], None]
    ) -> None:
        self._webhooks, self._who, self._aloud, self._told = webhooks, who, aloud, told

    async def ring(self, dial: Dial, url: str, person: Person) -> Fields:
        """What the action URL is told. `url` is that of the document with the `<Dial>`."""
        sid = f"CA{uuid4().hex}"
        self._told(f"{dial.to} is dialled: {person}")
        if person in {"busy", "failed", "no-answer"}:
            await self._pass(dial.ring_s if person == "no-answer" else 1.0)
            return _outcome(person, sid)
        await self._pass(min(RINGS_S, dial.ring_s))
        bridged = dial.whisper is None or await self._whisper(dial, sid, url, person)
        if bridged:
            self._told("both are put together")
            await self._pass(TALKS_S)
        return _outcome("completed", sid, bridged=bridged)

    async def _whisper(self, dial: Dial, sid: str, url: str, person: Person) -> bool:
        """Whether the person has heard the whisper out, and wants the call."""
        who = {
            **self._who,
            "CallSid": sid,
            "ParentCallSid": self._who["CallSid"],
            "To": dial.to,
            "Called": dial.to,
            "Direction": "outbound-dial",
        }
        document: Document | None = await self._ask(dial.whisper or Link(url), url, who, ())
        for _ in range(MAX_DOCUMENTS):
            if document is None:
                return True
            try:
                document = await self._until_next(document, who, person)
            except _Declined:
                return False
        raise BadRequest(f"{MAX_DOCUMENTS} documents in one whisper")

    async def _until_next(
        self, document: Document, who: Mapping[str, str], person: Person
    ) -> Document | None:
        """The next document; None: this one has run out. Raises _Declined where it hangs up."""
        for verb in document.verbs:
            match verb:
                case Gather():
                    self._hear(verb.says)
                    keys = KEYS.get(person, "")[: verb.digits]
                    if keys or verb.on_empty:
                        link = Link(verb.action or document.url, verb.method)
                        return await self._ask(link, document.url, who, (("Digits", keys),))
                case Redirect():
                    return await self._ask(Link(verb.url, verb.method), document.url, who, ())
                case Hangup():
                    self._told("the person does not take the call")
                    raise _Declined
                case Say():
                    self._hear([verb])
                case _:
                    raise BadRequest(f"<{type(verb).__name__}> cannot stand in a whisper")
        return None

    async def _ask(self, link: Link, url: str, who: Mapping[str, str], result: Fields) -> Document:
        fields = [*who.items(), ("CallStatus", "in-progress"), *result]
        return await self._webhooks.document(urljoin(url, link.url), fields, link.method)

    def _hear(self, says: Sequence[Verb]) -> None:
        words = " ".join(say.text for say in says if isinstance(say, Say))
        if words:
            self._told(f"the person hears: {words}")

    async def _pass(self, seconds: float) -> None:
        if self._aloud.chars_per_s:
            await asyncio.sleep(seconds)


def _outcome(status: str, sid: str, *, bridged: bool = False) -> Fields:
    """Twilio's words for it. A leg that somebody answered is `completed`, taken or declined."""
    told = [("DialCallStatus", status), ("DialCallSid", sid), ("DialBridged", str(bridged).lower())]
    if status == "completed":
        told.append(("DialCallDuration", str(round(TALKS_S if bridged else RINGS_S))))
    return told
