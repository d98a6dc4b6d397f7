"""ConversationRelay's messages as they come over its WebSocket, and ours as they leave.

Each is one JSON object in a text frame. Every field of theirs but `type` may be absent, blank or null,
types that we do not know come without notice, and a string may stand for a number; so each field is
read for what it can be, and only what is no such object is refused.

Source: Twilio's "ConversationRelay WebSocket messages"; `info` is undocumented, its shape is what four
public servers have seen. Examples: tests/wire/twilio/relay_*.json
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import orjson
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from handlers.wire.reading import ForeignId, mended, read_as, words
from handlers.wire.twilio import ENDED, NAMELESS, Text, VoiceWebhook
from voice.errors import BadRequest

MAX_VALUE_CHARS = 8000  # of what is told to have been spoken: more than the longest reply
DTMF_KEYS = "0123456789*#ABCD"
KEYS_TO_PRESS = re.compile(r"[0-9w#*]{1,100}")  # what `sendDigits` takes
PARTING = "offhook"  # the member of handoffData that says what is to follow a session

Line = Annotated[str, BeforeValidator(lambda value: words(value) if isinstance(value, str) else "")]
"""What was said, on one line; "" where there is nothing."""


class Setup(BaseModel):
    """The first frame: whose call it is. Example: tests/wire/twilio/relay_setup.json"""

    model_config = ConfigDict(extra="ignore")

    call_sid: ForeignId = Field(None, alias="callSid")
    account_sid: ForeignId = Field(None, alias="accountSid")
    session_id: ForeignId = Field(None, alias="sessionId")
    from_: Line = Field("", alias="from")
    to: Line = ""
    direction: Line = ""

    @property
    def ends(self) -> tuple[str | None, str | None]:
        """The numbers of the call's ends, ours first: of a call that we began it is the one it comes from."""
        ours, theirs = self.to or None, self.from_ or None
        if self.direction.startswith("outbound"):
            ours, theirs = theirs, ours
        return ours, None if theirs is None or theirs.casefold() in NAMELESS else theirs


class Prompt(BaseModel):
    """What the caller has said: so far, or whole. Example: tests/wire/twilio/relay_prompt.json"""

    model_config = ConfigDict(extra="ignore")

    text: Line = Field("", alias="voicePrompt")
    language: Line = Field("", alias="lang")  # a bare tag ("en") where languages are detected
    last: Any = True

    @property
    def is_final(self) -> bool:
        """Whether the caller has finished. A `last` that is missing or odd must not lose their words."""
        return self.last not in (False, "false", 0)


class Interrupt(BaseModel):
    """The caller spoke over the agent. Example: tests/wire/twilio/relay_interrupt.json

    `spoken` is a clause of what was being said; it may be empty, or match nothing of what we sent.
    """

    model_config = ConfigDict(extra="ignore")

    spoken: Line = Field("", alias="utteranceUntilInterrupt")
    # A number, in older messages as a string; of the talk that was interrupted. It counts from the
    # first sound, which nobody tells us, so the words are believed first.
    duration: Any = Field(None, alias="durationUntilInterruptMs")

    @property
    def duration_s(self) -> float | None:
        """How long the agent had been speaking; None where it does not say."""
        try:
            ms = float(self.duration)
        except (TypeError, ValueError, OverflowError):
            return None
        return ms / 1000 if 0 <= ms < 1e7 else None


class Dtmf(BaseModel):
    """One key. Example: tests/wire/twilio/relay_dtmf.json"""

    model_config = ConfigDict(extra="ignore")

    digit: Any = ""

    @property
    def key(self) -> str:
        """The key that was pressed; "" for what is none."""
        told = str(self.digit).strip().upper()
        return told if len(told) == 1 and told in DTMF_KEYS else ""


class Info(BaseModel):
    """Who speaks, and what of ours was spoken. Example: tests/wire/twilio/relay_info_speaking.json"""

    model_config = ConfigDict(extra="ignore")

    name: Line = ""
    value: Any = None

    @property
    def is_on(self) -> bool | None:
        """What an on-off event says; None where it says neither."""
        return {"on": True, "off": False, "true": True, "false": False}.get(str(self.value).strip().lower())

    @property
    def words(self) -> str:
        """The words of `tokensPlayed`."""
        return words(self.value[:MAX_VALUE_CHARS]) if isinstance(self.value, str) else ""


class Complaint(BaseModel):
    """`error`: Twilio could not use a frame of ours. Example: tests/wire/twilio/relay_error.json"""

    model_config = ConfigDict(extra="ignore")

    description: Line = ""  # may quote our words


Message = Setup | Prompt | Interrupt | Dtmf | Info | Complaint
MESSAGES: dict[str, type[Message]] = {
    "setup": Setup,
    "prompt": Prompt,
    "interrupt": Interrupt,
    "dtmf": Dtmf,
    "info": Info,
    "error": Complaint,
}


def read_message(frame: str) -> Message | None:
    """The message in a frame; None for a type that we do not know. Raises BadRequest for what is none."""
    try:
        found = orjson.loads(frame)
    except orjson.JSONDecodeError:
        found = _read_odd(frame)
    if not isinstance(found, dict) or not isinstance(found.get("type"), str):
        raise BadRequest("A frame must be a JSON object with a type.")
    kind = MESSAGES.get(found["type"])
    return read_as(kind, found) if kind is not None else None


def _read_odd(frame: str) -> object:
    """The same where orjson refuses it, such as half a surrogate pair in cut words."""
    try:
        return orjson.loads(mended(frame))
    except ValueError:
        raise BadRequest("A frame must be JSON.") from None


class RelayEnded(VoiceWebhook):
    """The action callback of `<Connect>`. Example: tests/wire/twilio/relay_action_failed.json"""

    session_id: Text = Field(None, alias="SessionId")
    session_status: Text = Field(None, alias="SessionStatus")
    session_duration: Text = Field(None, alias="SessionDuration")  # seconds
    error_code: Text = Field(None, alias="ErrorCode")
    error_message: Text = Field(None, alias="ErrorMessage")
    handoff_data: str | None = Field(None, alias="HandoffData")  # our own string

    @property
    def has_hung_up(self) -> bool:
        """Whether the caller has gone: nothing that we answer is heard."""
        return self.call_status in ENDED or (self.session_status == "completed" and not self.handoff_data)

    @property
    def duration_s(self) -> float:
        """How long the session lasted; 0 where it does not say."""
        told = self.session_duration or ""
        return float(told) if told.isascii() and told.isdigit() and len(told) < 7 else 0.0


# What we send


def text(
    token: str,
    *,
    last: bool = False,
    preemptible: bool = False,
    interruptible: bool | None = None,
    language: str | None = None,
) -> str:
    """Words to be spoken: a space at the end stays, it parts them from the next. `last` closes the talk.

    `interruptible` and `language` None: as the document has said.
    """
    frame: dict[str, object] = {"type": "text", "token": token, "last": last}
    if interruptible is not None:
        frame["interruptible"] = interruptible
    if language is not None:
        frame["lang"] = language
    if preemptible:  # the next talk cuts it
        frame["preemptible"] = True
    return _frame(frame)


def play(source: str) -> str:
    """`play`: a sound, again and again, until the next talk cuts it."""
    return _frame({"type": "play", "source": source, "loop": 0, "preemptible": True, "interruptible": True})


def press(keys: str) -> str:
    """`sendDigits`: presses keys on the line; `w` waits half a second."""
    return _frame({"type": "sendDigits", "digits": keys})


def speak_in(language: str) -> str:
    """`language`: what is spoken and listened for from now on."""
    return _frame({"type": "language", "ttsLanguage": language, "transcriptionLanguage": language})


def end(then: Literal["hang_up", "transfer"], to: str | None = None) -> str:
    """`end`: the session is over. Twilio hands the note back to our action URL as it is."""
    note = {PARTING: then} if to is None else {PARTING: then, "to": to}
    return _frame({"type": "end", "handoffData": orjson.dumps(note).decode()})


def parting_of(handoff_data: str | None) -> tuple[str, str | None] | None:
    """What `end` has said is to follow, and whom it named; None for what is no note of ours."""
    try:
        note = orjson.loads(handoff_data or "")
    except orjson.JSONDecodeError:
        return None
    if not isinstance(note, dict) or not isinstance(note.get(PARTING), str):
        return None
    to = note.get("to")
    return note[PARTING], to if isinstance(to, str) else None


def _frame(found: dict[str, object]) -> str:
    return orjson.dumps(found).decode()
