"""transfer: puts the caller through to somebody whom the agent's file names.

The model names a target and never a number: what it invents cannot be dialled.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from voice.errors import BadRequest
from voice.tools.arguments import needed
from voice.tools.base import ToolUse
from voice.types import Action, Effect, ToolSpec, TransferTarget


class TransferTool:
    """Transfers the call to one of the targets."""

    action = Action.TRANSFER

    def __init__(self, targets: Sequence[TransferTarget]) -> None:
        self._targets = {target.name.casefold(): target for target in targets}
        listed = "; ".join(f"{target.name}: {target.purpose}" for target in targets)
        names = [target.name for target in targets]
        self.spec = ToolSpec(
            name="transfer",
            description="Put the caller through to a person, when they ask for one or you cannot help.",
            parameters={
                "type": "object",
                "properties": {"target": {"type": "string", "enum": [*names], "description": listed}},
                "required": ["target"],
            },
        )

    def among(self, can: Callable[[Effect], bool]) -> TransferTool | None:
        """The same with the targets that can be reached."""
        targets = list(self._targets.values())
        reached = [one for one in targets if can(Effect(Action.TRANSFER, one.to))]
        return self if reached == targets else TransferTool(reached) if reached else None

    async def use(self, use: ToolUse) -> Effect:
        name = needed(use.arguments, "target", f"it is one of {self._names()}")
        target = self._targets.get(name.casefold())
        if target is None:
            raise BadRequest(f"Nobody called {name!r} can be reached. There are: {self._names()}.")
        if use.line is not None and is_same_number(target.to, use.line):
            # A line that calls itself is busy, and the caller loses the call.
            raise BadRequest(f"{target.name} has the number of this very line. Offer the caller a call back.")
        return Effect(Action.TRANSFER, to=target.to, say=target.say)

    def _names(self) -> str:
        return ", ".join(target.name for target in self._targets.values())


def is_same_number(one: str, other: str) -> bool:
    """Whether two addresses ring the same telephone, however written: +1…, sip:+1…@host, "+1 (415) …"."""
    return _bare(one) == _bare(other)


def _bare(address: str) -> str:
    user = re.sub(r"^(?:sips?|tel):", "", address.strip(), flags=re.IGNORECASE)
    user, _, host = user.partition("@")
    digits = re.sub(r"[\s().-]", "", user)
    if re.fullmatch(r"\+?[0-9]+", digits):
        return digits.lstrip("+")
    return f"{user}@{host}".casefold()
