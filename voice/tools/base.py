"""Tool: something the agent can do besides talk.

A tool wants, the doors do: it changes nothing of a call by itself. It answers with words for the
model, or with an effect that the door carries out; what it did is kept as a note of the call.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from voice.types import Action, CallId, Effect, Json, Note, ToolSpec


@dataclass(frozen=True, slots=True)
class ToolUse:
    """One use of a tool: by which call, under which id, with which arguments.

    `tool_call_id` is the same when a platform asks again, so that a tool acts once. `caller` and `line`
    are the numbers of the two ends; None: not known. `until` is the instant by which an answer is needed.
    """

    call_id: CallId
    tool_call_id: str
    arguments: Mapping[str, Json]
    said: str | None  # the caller's words that the turn answers; None: a platform asks, and told us of none
    note: Callable[[Note], None]
    asked: str = ""  # what the caller had heard of the agent just before those words
    caller: str | None = None
    line: str | None = None
    until: float = math.inf


class Tool(Protocol):
    """Does one thing for the agent."""

    @property
    def spec(self) -> ToolSpec:
        """What the model is told of it."""
        ...

    @property
    def action(self) -> Action | None:
        """What it does to the call; None: nothing. Offered only where the call's door can do that."""
        ...

    async def use(self, use: ToolUse) -> str | Effect:
        """Do it and say what came of it, in one line without line breaks; or what the door is to do.

        An effect ends the turn: the model is not asked again.

        Raises, with a sentence for the model, BadRequest when the request cannot be granted as it is, and
        ToolFailed when it could not be done.
        """
        ...


@runtime_checkable
class Leading(Protocol):
    """A tool that leads the call to one of several targets."""

    def among(self, can: Callable[[Effect], bool]) -> Tool | None:
        """The same tool with those targets alone that can be reached; None: none of them can."""
        ...
