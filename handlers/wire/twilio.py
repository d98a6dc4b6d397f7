"""Twilio's voice messages as they come.

Everything is a form field, so every value is text; many arrive blank, new ones arrive
without notice. Only the CallSid must be there: `From` may be a word and names nobody.

Source: Twilio's "TwiML for Programmable Voice", "Gather" and "Client" pages.
Examples: tests/wire/twilio/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handlers.wire.reading import read_as, words
from voice.types import CallId, Json

CALL_SID = r"^[A-Za-z0-9_:-]{1,64}$"  # CA and 32 hex digits at Twilio, "v3:…" at Telnyx
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
# Below it, what was written down is as often wrong as right. Many good results come with 0.5, and 0
# comes from speech models that do not measure it.
DOUBTFUL = 0.3
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
        """The person on the phone, as far as it says: None for words such as `anonymous`."""
        number = self.to if self.is_ours else self.from_
        return None if number is None or number.casefold() in NAMELESS else number

    @property
    def line(self) -> str | None:
        """The number of ours that is on the call."""
        return self.from_ if self.is_ours else self.to

    @property
    def is_ours(self) -> bool:
        """Whether we have called them."""
        return self.direction == "outbound-api"


class GatherResult(VoiceWebhook):
    """What `<Gather>` heard: speech, or keys, or nothing. Example: tests/wire/twilio/gather.json"""

    speech_result: Text = Field(None, alias="SpeechResult")
    confidence: Text = Field(None, alias="Confidence")  # "0.0" to "1.0"; neither sure to come nor to be right
    digits: Text = Field(None, alias="Digits")

    @property
    def is_doubtful(self) -> bool:
        """Whether Twilio itself is unsure of the words."""
        confidence = _share(self.confidence)
        return bool(self.speech_result) and confidence is not None and 0 < confidence < DOUBTFUL

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


class PartialResult(VoiceWebhook):
    """What `<Gather>` hears while the caller still speaks. Example: tests/wire/twilio/partial.json

    The stable part stays as it is, the unstable one may still change.
    """

    unstable: Text = Field(None, alias="UnstableSpeechResult")
    stable: Text = Field(None, alias="StableSpeechResult")

    @property
    def words(self) -> str:
        """What has been understood so far, "" when nothing."""
        return " ".join(part for part in (self.stable, self.unstable) if part)


class DialResult(VoiceWebhook):
    """What came of a call that was passed on. Example: tests/wire/twilio/dialled.json"""

    status: Text = Field(None, alias="DialCallStatus")
    duration_s: Text = Field(None, alias="DialCallDuration")
    bridged: Text = Field(None, alias="DialBridged")  # "true" or "false"; not sure to come

    @property
    def was_reached(self) -> bool | None:
        """Whether somebody has talked to the caller. None: somebody picked up, and may have declined."""
        if self.bridged is not None:
            return self.bridged.casefold() == "true"
        return None if self.status in REACHED else False

    @property
    def is_over(self) -> bool:
        """Whether the caller has hung up meanwhile."""
        return self.call_status in ENDED


class Whispered(VoiceWebhook):
    """The person to whom a call is passed on: they have picked up, or pressed a key.

    The call is the one to them. Example: tests/wire/twilio/whisper.json
    """

    digits: Text = Field(None, alias="Digits")


def _share(text: str | None) -> float | None:
    """A number from 0 to 1; None for everything else."""
    try:
        found = float(text or "")
    except ValueError:
        return None
    return found if 0.0 <= found <= 1.0 else None
