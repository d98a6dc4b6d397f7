"""callback: writes down that somebody is to call the caller back.

The promise is a note of the call (`kind` "callback"); people of the house read it and make the call.
"""

from __future__ import annotations

import re

from voice.errors import BadRequest
from voice.tools.arguments import needed, text_of
from voice.tools.base import ToolUse
from voice.types import Json, Note, ToolSpec

FEWEST_DIGITS, MOST_DIGITS = 7, 15  # of a number without its country; of the longest number there is


class CallbackTool:
    """Notes a call back at a time that suits the caller."""

    spec = ToolSpec(
        name="callback",
        description="Note that the office is to call the caller back, once they have said when.",
        parameters={
            "type": "object",
            "properties": {
                "when": {"type": "string", "description": "When, as the caller says it."},
                "number": {
                    "type": "string",
                    "description": "Another number than the one the caller is calling from.",
                },
                "about": {"type": "string", "description": "What it is about, in a few words."},
            },
            "required": ["when"],
        },
    )
    action = None

    async def use(self, use: ToolUse) -> str:
        when = needed(use.arguments, "when", "ask the caller when it suits them")
        number = _number(text_of(use.arguments, "number"), use.caller)
        noted: dict[str, Json] = {"number": number, "when": when, "about": text_of(use.arguments, "about")}
        use.note(Note(use.call_id, "callback", {"id": use.tool_call_id, "status": "open", **noted}))
        return f"A call back to {number} is noted: {when}."


def _number(given: str | None, caller: str | None) -> str:
    """The number to call: the one given, else the caller's own. Raises BadRequest."""
    if given is None:
        if caller is None:
            raise BadRequest("number is missing: the caller's number is not known, ask for it.")
        return caller
    digits = re.sub(r"\D", "", given)
    if not FEWEST_DIGITS <= len(digits) <= MOST_DIGITS:
        raise BadRequest(f"number {given!r} cannot be dialled: ask the caller for all of its digits.")
    return f"+{digits}" if given.startswith("+") else digits
