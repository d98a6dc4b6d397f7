"""Tool: something the agent can do besides talk.

A tool wants, the doors do: it changes nothing of a call by itself, it answers with words
for the model, and what it did is kept as a note of the call.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from voice.types import CallId, Json, Note, ToolSpec


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One use of a tool: by which call, under which id, with which arguments.

    `tool_call_id` is the same when a platform asks again, so that a tool acts once.
    """

    call_id: CallId
    tool_call_id: str
    arguments: Mapping[str, Json]
    note: Callable[[Note], None]


class Tool(Protocol):
    """Does one thing for the agent."""

    @property
    def spec(self) -> ToolSpec:
        """What the model is told of it."""
        ...

    async def use(self, use: ToolUse) -> str:
        """Do it and say what came of it, in one line without line breaks.

        Raises BadRequest with a sentence for the model when the arguments cannot be used.
        """
        ...
