"""What is done to a Vapi call past its answer: the answer's words are out, or no tool is declared for it.

A transfer, a handoff and a hang-up go to the call's control URL once the words have been spoken, unless the
caller has gone on talking. Where Vapi has named no such URL nobody can hang up: the agent has said goodbye,
and says it again to whatever the caller says after it.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from handlers.once import Once, once_key
from handlers.vapi.control import Controls, Order, end_call, handoff, say, transfer
from voice.call import Call
from voice.threads.speaking import spoken_s
from voice.turn.live import LiveTurn
from voice.turn.own import said_at
from voice.types import Action, CallId, Door, Effect, Json

log = logging.getLogger(__name__)

CANNOT_HANG_UP = (
    "Add Vapi's endCall tool to the assistant, or the agent's goodbye to its endCallPhrases; "
    "or let Vapi name the call's control URL."
)
UNSTEERED = frozenset({Action.END_CALL})  # what can be done without a control URL, and with one
STEERED = UNSTEERED | {Action.TRANSFER, Action.HANDOFF}


def beyond_of(controls: Controls, call_id: CallId) -> frozenset[Action]:
    """What a model may ask for though the request declares no tool for it.

    A goodbye can be said on every line; a control URL transfers the call, or hands it to another assistant.
    """
    return STEERED if controls.knows(call_id) else UNSTEERED


@dataclass(slots=True)  # not frozen: made on each turn, and that would take four times as long
class PastAnswer:
    """Does it for one turn, once, whichever request of the turn asks first.

    `position` is the turn's when this request came: it may move while the answer is spoken, and with it the
    key that tells the turn from others.
    """

    controls: Controls
    once: Once
    call: Call
    live: LiveTurn
    position: int

    def is_done(self) -> bool:
        """Whether it was begun by an earlier answer of the same turn."""
        return self.once.knows(self._key())

    def _key(self) -> str:
        return once_key("vapi steered", self.call.call_id, str(self.position), self.live.turn.key)

    def steer(self, effect: Effect) -> None:
        """Begin it; nobody waits."""
        if effect.action is Action.END_CALL:
            self._part()
        if effect.action is not Action.END_CALL or self.controls.knows(self.call.call_id):
            self.call.spawn(self._order_once(effect))

    def _part(self) -> None:
        """Remember that goodbye was said, and tell once for each call what would hang up."""
        if not self.controls.knows(self.call.call_id) and not self.call.has_parted:
            log.warning("vapi.cannot_hang_up", extra={"to_do": CANNOT_HANG_UP})
        self.call.has_parted = True

    async def _order_once(self, effect: Effect) -> None:
        await self.once.everywhere(self._key(), lambda: self._order(effect), lost={"ok": False})

    async def _order(self, effect: Effect) -> Json:
        is_on = await self.controls.outlasts(self.call.call_id, self._spoken_s())
        if not is_on or self.call.live is not self.live:
            return {"ok": False}  # it is over, or the caller has gone on talking
        sent = await self.controls.send(self.call.call_id, self._order_for(effect))
        if not sent.ok:
            log.error("vapi.order_lost", extra={"order": effect.action.value, "to_do": sent.says})
        if not sent.ok and effect.action is not Action.END_CALL:  # the caller is waiting
            await self.controls.send(self.call.call_id, self._said(say(self.call.agent.fallbacks[-1])))
        return {"ok": sent.ok}

    def _said(self, order: Order) -> Order:
        return order.read_by(lambda text: said_at(self.call.agent, Door.VAPI, text))

    def _spoken_s(self) -> float:
        """How long the words take that the caller is to hear to their end."""
        turn = self.live.turn
        chars = len(turn.filler) + len(turn.spoken) or len(self.call.agent.goodbye)
        return spoken_s(chars)

    def _order_for(self, effect: Effect) -> Order:
        to = effect.to or ""
        match effect.action:
            case Action.TRANSFER:
                return transfer(to)
            case Action.HANDOFF:
                target = self.call.agent.handoff_to(to)
                return handoff(to, is_id=target is not None and target.kind == "assistant_id")
            case _:
                return end_call()
