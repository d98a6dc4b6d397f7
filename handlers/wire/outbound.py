"""An operator's order for a call of our own: `curl -d '{"to": "+14155550100"}' …/admin/calls`."""

from __future__ import annotations

import hashlib
import json
import re
from typing import Annotated
from uuid import uuid4

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr

from handlers.wire.numbers import dialable
from handlers.wire.reading import words
from voice.types import E164

MAX_VOICEMAIL_CHARS = 2_000  # two minutes; Twilio takes 4,000 characters of TwiML with an order
LEAST_CALL_S, MOST_CALL_S = 10, 14_400  # four hours, as long as Twilio lets a call last
KEY = re.compile(r"[\x21-\x7e]{1,200}")


def _dialable(to: str) -> str:
    if found := dialable(to):
        return found
    raise ValueError("must be a number such as +14155550100, or sip:name@host")


def _e164(number: str) -> str:
    if E164.fullmatch(number):
        return number
    raise ValueError("must be a number such as +14155550100")


def _some_words(text: str) -> str:
    if line := words(text):
        return line
    raise ValueError("must hold at least one word")


def _a_key(text: str) -> str:
    if KEY.fullmatch(text):
        return text
    raise ValueError("must be a name such as visit-117: 1 to 200 letters, digits and signs, no spaces")


class CallOrder(BaseModel):
    """Whom to call, and how. What is left out stands in the agent's file.

    `record`, `voicemail` and `max_call_s` are for this call alone what the agent's file says for all. The
    same `idempotency_key` begins one call, however often it is sent.
    """

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    to: Annotated[StrictStr, Field(max_length=400), AfterValidator(_dialable)]
    agent: StrictStr | None = None
    from_: Annotated[StrictStr, AfterValidator(_e164)] | None = Field(None, alias="from")
    record: StrictBool | None = None
    voicemail: (
        Annotated[StrictStr, Field(max_length=MAX_VOICEMAIL_CHARS), AfterValidator(_some_words)] | None
    ) = None
    max_call_s: Annotated[StrictInt, Field(ge=LEAST_CALL_S, le=MOST_CALL_S)] | None = None
    idempotency_key: Annotated[StrictStr, AfterValidator(_a_key)] = Field(default_factory=lambda: uuid4().hex)

    @property
    def digest(self) -> str:
        """What tells this order from another with the same key."""
        wanted = self.model_dump(exclude={"idempotency_key"})
        return hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()[:32]
