"""The agent's own tools, as far as the door of the turn in flight can carry out what they want.

A model that is offered a target which nobody can reach promises it to the caller, who then hears a fallback.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from voice.call import Call
from voice.tools.base import Leading, Tool
from voice.types import Effect


def offered(call: Call) -> Mapping[str, Tool]:
    """The tools that the model may ask for in this turn, by name, each with what can be done here.

    None for a request that named a route: it has its client's only.
    """
    if call.as_is is not None:
        return {}
    return {name: tool for name, whole in call.tools.items() if (tool := _here(call, whole)) is not None}


def _here(call: Call, tool: Tool) -> Tool | None:
    if isinstance(tool, Leading):
        return tool.among(partial(_can, call))
    return tool if tool.action is None or tool.action in call.actions else None


def _can(call: Call, effect: Effect) -> bool:
    return effect.action in call.actions and (call.reaches is None or call.reaches(effect))
