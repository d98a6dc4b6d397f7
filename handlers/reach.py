"""Where a request's door can lead a call: by the tools that it declares, or past its answer.

What leads nowhere is neither offered to the model nor sent: a transfer that fails ends the call.
"""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass, replace

from handlers.wire.declared import LEAVES, TO, Declared, DeclaredTool, choice
from handlers.wire.numbers import dialable
from voice.agents.agent import Agent
from voice.types import Action, Effect, Json, ToolCall

log = logging.getLogger(__name__)

# What an operator can set so that it is done the next time.
TO_DO = {
    Action.HANDOFF: {"to_do": "Declare a handoff tool that leads there, or let Vapi name its control URL."},
}

Use = tuple[str, dict[str, Json]]
"""A tool of the platform's by its name, and the arguments to ask with."""


@dataclass(slots=True)  # not frozen: made on each turn, and that would take four times as long
class Reach:
    """What one request can have done. `beyond` is done past the answer; `line` and `caller` are numbers."""

    agent: Agent
    declared: Declared
    beyond: frozenset[Action]
    line: str | None = None
    caller: str | None = None

    def leads_to(self, effect: Effect) -> bool:
        """Whether the call can be led there, by either way."""
        possible = self.dialled(effect)
        if possible is None:
            return False
        return effect.action in self.beyond or self._use(possible) is not None

    def dialled(self, effect: Effect) -> Effect | None:
        """The effect with its number as it can be dialled; None: it leads nowhere."""
        if effect.action is not Action.TRANSFER or effect.to is None:
            return effect
        listed = [one.to for one in self.agent.transfer]
        to = dialable(effect.to, self.line, self.caller, near=self.line, listed=listed)
        return replace(effect, to=to) if to is not None else None

    def use_for(self, effect: Effect) -> Use | None:
        """How the platform is asked for what a tool of ours wants done."""
        possible = self.dialled(effect)
        use = self._use(possible) if possible is not None else None
        if use is None and (possible is None or effect.action not in self.beyond):
            told = TO_DO.get(effect.action, {})
            log.warning("effect.not_possible", extra={"action": effect.action.value, **told})
        return use

    def use_of(self, handed: ToolCall) -> Use | None:
        """How the platform is asked for what the model asks of it; None: not at all.

        Where a call goes to is checked: a number that the model has made up, an assistant that nobody has.
        """
        tool, arguments = self.declared.named(handed.name), as_object(handed.arguments)
        if tool is None:
            return None
        if tool.action in LEAVES and not self._is_known(tool, arguments):
            log.warning("effect.not_possible", extra={"action": tool.action.value if tool.action else ""})
            return None
        return handed.name, arguments

    def _is_known(self, tool: DeclaredTool, arguments: dict[str, Json]) -> bool:
        """Whether a tool is told all that it needs to lead the call somewhere; mends how that is written."""
        place = tool.argument(TO)
        if place is not None and (place in arguments or place in tool.required()):
            arguments[place] = to = self._destination(tool, place, arguments.get(place))
            if to is None:
                return False
        return all(arguments.get(name) is not None for name in tool.required())

    def _destination(self, tool: DeclaredTool, place: str, given: Json) -> str | None:
        """Where to, as the tool wants it written; None: nobody knows, or it does not lead there."""
        choices = tool.choices(place)
        if given is None:
            return choices[0] if len(choices) == 1 else None
        wanted = Effect(tool.action or Action.TRANSFER, str(given))
        if wanted.to in choices:
            return wanted.to
        possible = self.dialled(wanted)
        return choice(choices, possible) if possible is not None else None

    def _use(self, effect: Effect) -> Use | None:
        if use := self.declared.use_for(effect):
            return use
        target = self.agent.handoff_to(effect.to) if effect.action is Action.HANDOFF else None
        if target is None or target.kind != "assistant_id":
            return None
        # A request tells its assistants' names and no ids: the file may call them the same.
        return self.declared.use_for(replace(effect, to=target.name))


def as_object(arguments: str) -> dict[str, Json]:
    """Arguments as a model wrote them; what is no JSON object would break the platform's reader."""
    try:
        found = json.loads(arguments or "{}")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
