"""ticket and ticket_status: write down a repair that a caller asks for, and read back how it stands.

A ticket is a note of the call (`kind` "ticket") and has a number that a person can say. A later note
with the same number changes it: whoever closes a ticket keeps one with another `status`.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Iterable

from voice.errors import BadRequest, StoreError, ToolFailed
from voice.store.base import Store
from voice.tools.arguments import needed, text_of
from voice.tools.base import ToolUse
from voice.types import Json, Note, ToolSpec

DIGITS = 5  # a number that is read back over the telephone
MAX_LISTED = 5  # tickets named to the model when the one it asks for is not there
FIELDS = ("issue", "unit", "when")

Ticket = dict[str, Json]


class TicketTool:
    """Opens a maintenance ticket."""

    spec = ToolSpec(
        name="ticket",
        description="Open a maintenance ticket, once the caller has said what is wrong and in which unit.",
        parameters={
            "type": "object",
            "properties": {
                "issue": {"type": "string", "description": "What is wrong, in a few words."},
                "unit": {"type": "string", "description": "The unit, as the caller says it."},
                "when": {"type": "string", "description": "When somebody may come in."},
            },
            "required": ["issue"],
        },
    )
    action = None

    async def use(self, use: ToolUse) -> str:
        issue = needed(use.arguments, "issue", "say in a few words what is wrong")
        fields: Ticket = {name: text_of(use.arguments, name) for name in FIELDS}
        number = number_of(use)
        use.note(Note(use.call_id, "ticket", {"number": number, "status": "open", **fields}))
        return f"Ticket {number} is open: {issue}."


class TicketStatusTool:
    """Reads a ticket of this call back. Tickets of other callers are none of this one's business."""

    spec = ToolSpec(
        name="ticket_status",
        description="Look up a maintenance ticket that was opened on this call.",
        parameters={
            "type": "object",
            "properties": {
                "number": {
                    "type": "string",
                    "description": "The ticket's number. Leave it out for the newest.",
                },
            },
        },
    )
    action = None

    def __init__(self, store: Store) -> None:
        self._store = store

    async def use(self, use: ToolUse) -> str:
        asked = text_of(use.arguments, "number")
        number = re.sub(r"\D", "", asked or "")  # "one two" has none: then it is not the newest that is meant
        tickets = tickets_of(await self._notes(use))
        if not tickets:
            raise BadRequest("No ticket was opened on this call.")
        if asked is None:
            return _told(tickets[-1])
        for ticket in tickets:
            if ticket["number"] == number:
                return _told(ticket)
        known = ", ".join(str(ticket["number"]) for ticket in tickets[-MAX_LISTED:])
        raise BadRequest(f"This call has no ticket {number or asked}. It has: {known}.")

    async def _notes(self, use: ToolUse) -> Iterable[Note]:
        try:
            async with asyncio.timeout_at(use.until):
                stored = await self._store.find(use.call_id)
        except (StoreError, TimeoutError) as exc:
            raise ToolFailed("The tickets cannot be read right now.") from exc
        return stored.notes if stored else ()


def tickets_of(notes: Iterable[Note]) -> list[Ticket]:
    """The tickets that notes tell of, in the order they were opened, each as it is now."""
    tickets: dict[str, Ticket] = {}
    for note in notes:
        number = note.payload.get("number")
        if note.kind == "ticket" and isinstance(number, str):
            tickets[number] = {**tickets.get(number, {}), **note.payload}
    return list(tickets.values())


def number_of(use: ToolUse) -> str:
    """The same number for the same use, so that a repeated request opens no second ticket."""
    digest = hashlib.blake2b(f"{use.call_id}/{use.tool_call_id}".encode(), digest_size=8).digest()
    return str(int.from_bytes(digest, "big") % 10**DIGITS).zfill(DIGITS)


def _told(ticket: Ticket) -> str:
    known = [f"{name}: {ticket[name]}" for name in FIELDS if ticket.get(name)]
    return f"Ticket {ticket['number']} is {ticket.get('status', 'open')}. {', '.join(known)}."
