"""ticket: writes down a repair that a caller asks for.

The ticket is a note of the call (`kind` "ticket") and has a number that a person can say.
"""

from __future__ import annotations

import hashlib

from voice.errors import BadRequest
from voice.tools.base import ToolUse
from voice.types import Note, ToolSpec

MAX_FIELD_CHARS = 500
DIGITS = 5  # a number that is read back over the telephone


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

    async def use(self, use: ToolUse) -> str:
        fields = {name: use.arguments.get(name) for name in ("issue", "unit", "when")}
        for name, value in fields.items():
            if value is not None and (not isinstance(value, str) or len(value) > MAX_FIELD_CHARS):
                raise BadRequest(f"{name} must be text of at most {MAX_FIELD_CHARS} characters.")
        issue = fields["issue"]
        if not isinstance(issue, str) or not issue.strip():
            raise BadRequest("issue is missing: say in a few words what is wrong.")
        number = _number(use)
        use.note(Note(use.call_id, "ticket", {"number": number, "status": "open", **fields}))
        return f"Ticket {number} is open: {' '.join(issue.split())}."


def _number(use: ToolUse) -> str:
    """The same number for the same use, so that a repeated request opens no second ticket."""
    digest = hashlib.blake2b(f"{use.call_id}/{use.tool_call_id}".encode(), digest_size=8).digest()
    return str(int.from_bytes(digest, "big") % 10**DIGITS).zfill(DIGITS)
