"""handoff: lets somebody else go on with the call, whom the agent's file names.

One of our own agents goes on from the next turn, with the same thread, at every door. An assistant of the
platform's goes on where the platform can do that.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voice.errors import BadRequest
from voice.tools.arguments import needed
from voice.tools.base import ToolUse
from voice.types import Action, Effect, HandoffTarget, ToolSpec


class HandoffTool:
    """Hands the call to one of the targets."""

    action = Action.HANDOFF

    def __init__(self, targets: Sequence[HandoffTarget]) -> None:
        self._targets = {target.name.casefold(): target for target in targets}
        listed = "; ".join(f"{target.name}: {target.purpose}" for target in targets)
        names = [target.name for target in targets]
        self.spec = ToolSpec(
            name="handoff",
            description="Let another agent go on with this call, when it is about what they are there for.",
            parameters={
                "type": "object",
                "properties": {"target": {"type": "string", "enum": [*names], "description": listed}},
                "required": ["target"],
            },
        )

    def among(self, can: Callable[[Effect], bool]) -> HandoffTool | None:
        """The same with the targets that can be reached: our own agents always can."""
        targets = list(self._targets.values())
        reached = [one for one in targets if one.is_ours or can(Effect(Action.HANDOFF, one.to))]
        return self if reached == targets else HandoffTool(reached) if reached else None

    async def use(self, use: ToolUse) -> Effect:
        name = needed(use.arguments, "target", f"it is one of {self._names()}")
        target = self._targets.get(name.casefold())
        if target is None:
            raise BadRequest(f"Nobody called {name!r} can go on. There are: {self._names()}.")
        return Effect(Action.HANDOFF, to=target.to, say=target.say)

    def _names(self) -> str:
        return ", ".join(target.name for target in self._targets.values())
