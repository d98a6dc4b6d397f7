"""end_call: hangs up, once the caller has taken their leave.

Models hang up too early: after "thanks" in the middle of a matter, or when they have no more to say. So
unless the agent's file says otherwise, the caller's own words decide. Where a platform's model asks and
nobody has told us those words, that model decides: a call that cannot be ended is no better.
"""

from __future__ import annotations

from voice.errors import BadRequest
from voice.tools.arguments import text_of
from voice.tools.base import ToolUse
from voice.tools.farewell import takes_leave
from voice.types import Action, Effect, ToolSpec


class EndCallTool:
    """Ends the call. `goodbye` is said before it when the model has said nothing."""

    action = Action.END_CALL
    spec = ToolSpec(
        name="end_call",
        description="Hang up, after the caller has said goodbye or that they need nothing more.",
        parameters={
            "type": "object",
            "properties": {
                "last_words": {"type": "string", "description": "A short goodbye, said before hanging up."},
            },
        },
    )

    def __init__(self, goodbye: str, *, waits_for_goodbye: bool = True) -> None:
        self._goodbye, self._waits = goodbye, waits_for_goodbye

    async def use(self, use: ToolUse) -> Effect:
        if self._waits and use.said is not None and not takes_leave(use.said, use.asked):
            raise BadRequest(
                "The caller has not said goodbye: do not hang up. Ask whether there is anything else."
            )
        return Effect(Action.END_CALL, say=text_of(use.arguments, "last_words") or self._goodbye)
