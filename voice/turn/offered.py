"""The agent's own tools, as far as the door of the turn in flight can carry out what they want.

A model that is offered a target which nobody can reach promises it to the caller, who then hears a fallback.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, partial
from typing import cast

from voice.call import Call
from voice.tools.base import Leading, Tool
from voice.types import Effect


def offered(call: Call) -> Mapping[str, Tool]:
    """The tools that the model may ask for in this turn, by name, each with what can be done here.

    None for a request that named a route: it has its client's only.
    """
    if call.as_is is not None:
        return {}
    here: dict[str, Tool] = {}
    for name, tool in call.tools.items():
        if not _leads(type(tool)):
            if tool.action is None or tool.action in call.actions:
                here[name] = tool
        elif (some := cast(Leading, tool).among(partial(_can, call))) is not None:
            here[name] = some
    return here


@cache
def _leads(kind: type[Tool]) -> bool:
    """Whether its tools lead to targets. To ask a Protocol takes 10 µs, and each turn asks twice for each."""
    return issubclass(kind, Leading)


def _can(call: Call, effect: Effect) -> bool:
    return effect.action in call.actions and (call.reaches is None or call.reaches(effect))
