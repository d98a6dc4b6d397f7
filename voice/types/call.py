"""A call: its id, its door, what is remembered of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import NewType

from voice.types.reading import Reading

CallId = NewType("CallId", str)  # the platform's own id

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


class Door(StrEnum):
    """Where a call came in."""

    VAPI = "vapi"
    GATHER = "gather"
    RELAY = "relay"  # Twilio's ConversationRelay, and Telnyx's
    OPENAI = "openai"
    CHAT = "chat"
    WEBHOOK = "webhook"  # the developer's plain body at /vapi/webhook

    @property
    def holds_chars(self) -> int:
        """So many characters a platform waits for before it says any: a shorter filler stays unheard."""
        return 30 if self is Door.VAPI else 0

    @property
    def is_unreported(self) -> bool:
        """Whether our words are spoken here and nobody tells us how many of them the caller heard."""
        return self is Door.GATHER


@dataclass(slots=True)
class CallRecord:
    """One call as it is stored, without its turns. What platforms told of it are its notes."""

    call_id: CallId
    door: Door
    agent: str
    caller: str | None = None
    began_on: datetime = field(default_factory=lambda: datetime.now(UTC))
    ended_on: datetime | None = None
    ended_reason: str | None = None
    greeting: str = ""  # its spoken form
    greeting_readings: tuple[Reading, ...] = ()  # of the greeting


@dataclass(frozen=True, slots=True)
class Note:
    """Something a platform or a tool told about a call: a status, a transcript line, a report."""

    call_id: CallId
    kind: str  # "status", "transcript", "report", "tool", …
    payload: Mapping[str, Json]
    noted_on: datetime = field(default_factory=lambda: datetime.now(UTC))
