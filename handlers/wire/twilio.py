"""Twilio's voice messages as they come, and our own note in its action URLs.

Everything is a form field, so every value is text; many arrive blank, new ones arrive
without notice. Only the CallSid must be there: `From` may be a word and names nobody.

Source: Twilio's "TwiML for Programmable Voice", "Gather" and "Client" pages.
Examples: tests/wire/twilio/
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Self
from urllib.parse import urlencode

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handlers.wire.reading import read_as, words
from voice.types import CallId, Json

CALL_SID = r"^[A-Za-z0-9_-]{1,64}$"  # CA and 32 hex digits at Twilio; other senders are let be
NAMELESS = {"anonymous", "unknown", "restricted", "unavailable", "private", "withheld", "+266696687"}
# +266696687 spells ANONYMOUS on the keys: what some carriers send in its place.

# What the keys are called when somebody reads them out; other languages get the digits themselves.
KEYS = {
    "0": "zero",
    "1": "one",
    "2": "two",
    "3": "three",
    "4": "four",
    "5": "five",
    "6": "six",
    "7": "seven",
    "8": "eight",
    "9": "nine",
    "*": "star",
    "#": "pound",
}

REACHED = {"completed", "answered"}  # by somebody to whom the call was passed on
ENDED = {"completed", "busy", "failed", "no-answer", "canceled"}


def _none_if_blank(value: object) -> object:
    return (words(value) or None) if isinstance(value, str) else value


Text = Annotated[str | None, BeforeValidator(_none_if_blank)]


class VoiceWebhook(BaseModel):
    """What every voice request of Twilio carries. Example: tests/wire/twilio/voice.json"""

    model_config = ConfigDict(extra="ignore")

    call_sid: str = Field(alias="CallSid", pattern=CALL_SID)
    account_sid: Text = Field(None, alias="AccountSid")
    from_: Text = Field(None, alias="From")
    to: Text = Field(None, alias="To")
    call_status: Text = Field(None, alias="CallStatus")
    direction: Text = Field(None, alias="Direction")
    forwarded_from: Text = Field(None, alias="ForwardedFrom")
    caller_name: Text = Field(None, alias="CallerName")

    @classmethod
    def read(cls, fields: Mapping[str, str]) -> Self:
        """The message in a form's fields. Raises BadRequest, naming the field."""
        return read_as(cls, dict(fields))

    @property
    def call_id(self) -> CallId:
        return CallId(self.call_sid)

    @property
    def caller(self) -> str | None:
        """Who calls, as far as it says: None for words such as `anonymous`."""
        number = self.from_
        return None if number is None or number.casefold() in NAMELESS else number


class GatherResult(VoiceWebhook):
    """What `<Gather>` heard: speech, or keys, or nothing. Example: tests/wire/twilio/gather.json"""

    speech_result: Text = Field(None, alias="SpeechResult")
    confidence: Text = Field(None, alias="Confidence")  # "0.0" to "1.0"; neither sure to come nor to be right
    digits: Text = Field(None, alias="Digits")
    dialled: Text = Field(None, alias="DialCallStatus")  # what came of a call that was passed on

    def words(self, language: str) -> str:
        """What the caller said, keys spelled out ("12" → "one two"); "" when nothing was heard."""
        if self.speech_result:
            return self.speech_result
        keys = "".join((self.digits or "").split())
        return " ".join(KEYS.get(key, key) if language.startswith("en") else key for key in keys)


class StatusCallback(VoiceWebhook):
    """What has become of a call; late, twice, out of order. Example: tests/wire/twilio/status.json"""

    sequence_number: Text = Field(None, alias="SequenceNumber")  # from "0", in the order of the events
    call_duration: Text = Field(None, alias="CallDuration")  # seconds
    timestamp: Text = Field(None, alias="Timestamp")  # RFC 2822
    sip_response_code: Text = Field(None, alias="SipResponseCode")
    answered_by: Text = Field(None, alias="AnsweredBy")

    @property
    def has_ended(self) -> bool:
        return self.call_status in ENDED

    def payload(self) -> dict[str, Json]:
        """What is kept of it; nobody's number."""
        told: dict[str, Json] = {
            "status": self.call_status,
            "sequence": self.sequence_number,
            "duration_s": self.call_duration,
            "timestamp": self.timestamp,
            "sip_response_code": self.sip_response_code,
            "answered_by": self.answered_by,
        }
        return {name: value for name, value in told.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Gather loop stands. It travels in the action URL, so that a restart forgets nothing.

    `turn` counts from 1 and tells a retried webhook from the next utterance; without one, the
    thread's length decides. `said` chunks of that turn were said by earlier documents (None: the turn
    has not begun), with `chars` of its reply. `missed` results in a row have come to nothing: silence,
    or an error of ours. `waited` documents of this turn in a row have brought nothing new: without it,
    the next one would look like a retry of the one before.
    """

    turn: int | None = None
    said: int | None = None
    missed: int = 0
    agent: str | None = None
    chars: int = 0
    waited: int = 0

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Place:
        """The place in a URL's query; what is not a number counts as absent."""
        return cls(
            turn=_count(query.get("turn")),
            said=_count(query.get("from")),
            missed=_count(query.get("missed")) or 0,
            agent=query.get("agent") or None,
            chars=_count(query.get("chars")) or 0,
            waited=_count(query.get("waited")) or 0,
        )

    def query(self) -> str:
        parts = {
            "turn": self.turn,
            "from": self.said,
            "chars": self.chars or None,
            "waited": self.waited or None,
            "missed": self.missed or None,
            "agent": self.agent,
        }
        return urlencode({name: value for name, value in parts.items() if value is not None})

    def next_turn(self, turn: int) -> Place:
        """The turn after number `turn`."""
        return replace(self, turn=turn + 1, said=None, missed=0, chars=0, waited=0)

    def rest(self, turn: int, said: int, chars: int) -> Place:
        """The same turn, `said` of its chunks and `chars` of its reply being out."""
        waited = self.waited + 1 if said == self.said else 0
        return replace(self, turn=turn, said=said, chars=chars, missed=0, waited=waited)

    def again(self) -> Place:
        """The same turn once more: this time it came to nothing."""
        return replace(self, said=None, missed=self.missed + 1, chars=0, waited=0)


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else None
