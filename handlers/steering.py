"""An operator's order for a live call: whether it can be done, and why not.

A transfer that fails ends the call, so whom to ring is checked as a model's wish is.
"""

from __future__ import annotations

from handlers.vapi.control import Controls, Sent, transfer
from handlers.wire.numbers import dialable
from handlers.wire.steer import AnySteer, SteerTransfer
from voice.brain import Brain
from voice.errors import BadRequest
from voice.tools.transfer import is_same_number
from voice.turn.own import said_at
from voice.types import CallId, CallRecord, Door

MAX_SHOWN_CHARS = 80  # of a number: it is the operator's own text


async def known_call(brain: Brain, call_id: CallId) -> CallRecord | None:
    """The call as far as anybody knows it; None: nobody does. Raises StoreError."""
    if live := brain.calls.get(call_id):
        return live.record
    return await brain.store.record(call_id)


async def give(brain: Brain, controls: Controls, record: CallRecord, steer: AnySteer) -> Sent:
    """Give an order to a call. Raises BadRequest where the call cannot be transferred there."""
    order = steer.order()
    if isinstance(steer, SteerTransfer):
        order = transfer(checked(brain, record, steer.to), steer.text or "")
    if why := why_not(controls, record):
        return Sent(False, why)
    call = brain.calls.get(record.call_id)
    agent = call.agent if call is not None else brain.agents.get(_known(brain, record.agent))
    return await controls.send(record.call_id, order.read_by(lambda text: said_at(agent, Door.VAPI, text)))


def _known(brain: Brain, name: str) -> str | None:
    return name if name in brain.agents else None


def why_not(controls: Controls, record: CallRecord) -> str | None:
    """Why a call cannot be steered; None: it can."""
    if controls.knows(record.call_id):
        return None
    if record.ended_on is not None or controls.has_ended(record.call_id):
        return "This call is over."
    if refused := controls.refused(record.call_id):
        return f"This call's control URL is not asked: {refused}"
    return "This call has no control URL: Vapi has named none so far (monitorPlan.controlEnabled at Vapi)."


def checked(brain: Brain, record: CallRecord, to: str) -> str:
    """Whom to ring, as it can be dialled. Raises BadRequest with the reason."""
    call = brain.calls.get(record.call_id)
    line, agent = (call.line, call.agent) if call is not None else (None, brain.agents.default)
    listed = [one.to for one in agent.transfer]
    found = dialable(to, line, record.caller, near=line, listed=listed)
    if found is not None:
        return found
    shown, plain = to[:MAX_SHOWN_CHARS], dialable(to, near=line) or to
    for name, taken in (("line", line), ("caller", record.caller)):
        if taken is not None and is_same_number(dialable(taken, near=line) or taken, plain):
            raise BadRequest(f"to: {shown!r} is the number of this call's own {name}")
    raise BadRequest(
        f"to: {shown!r} cannot be dialled; write a number such as +14155550100, sip:name@host, "
        "or a target of the agent's file"
    )
