"""What follows a relay session that we end, when the last word is spoken."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Literal

from handlers.wire.numbers import dialable
from handlers.wire.relay import end
from voice.agents.agent import Agent
from voice.call import Call
from voice.turn.filler import ONE_MOMENT
from voice.types import Action, Effect

log = logging.getLogger(__name__)


# Reasons for which a call is over whatever is said: no line, no time, no person, an operator's order.
FOR_GOOD = frozenset({"limit", "busy", "voicemail", "machine", "fax", "operator"})


@dataclass(frozen=True, slots=True)
class Parting:
    """How a session ends. `to`: whom the call is transferred to; `reason`: why it is hung up."""

    then: Literal["hang_up", "transfer"]
    to: str | None = None
    reason: str = "agent"

    @property
    def can_be_undone(self) -> bool:
        """Whether a caller who speaks over the last words goes on talking with the agent.

        Who is put through has asked for it: their "thanks" must not cost them the person. A call that
        has lasted as long as any may, or has no line, is over whatever is said.
        """
        return self.then == "hang_up" and self.reason not in FOR_GOOD

    def frame(self) -> str:
        """The frame that ends the session; what is to follow comes back with the action callback."""
        return end(self.then, self.to)


@dataclass(frozen=True, slots=True)
class Ordered:
    """Somebody else speaks on the call, an operator for one: a line ("" for none), and what follows it."""

    line: str
    then: Parting | None = None


def parting_for(call: Call, effect: Effect) -> Parting | None:
    """How a turn's effect is carried out; None where it cannot be, which is logged."""
    if effect.action is Action.END_CALL:
        return Parting("hang_up")
    if effect.action is Action.TRANSFER:
        listed = [one.to for one in call.agent.transfer]
        to = dialable(effect.to, call.line, call.record.caller, near=call.line, listed=listed)
        if to is not None:
            return Parting("transfer", to)
    log.warning("effect.not_possible", extra={"action": effect.action.value})
    return None


def unsaid(agent: Agent, parting: Parting | None) -> str:
    """What is said where a turn has ended without a word, or has promised what cannot be done."""
    if parting is None:
        return agent.fallbacks[0]
    return agent.goodbye if parting.then == "hang_up" else next(iter(agent.fillers), ONE_MOMENT)
