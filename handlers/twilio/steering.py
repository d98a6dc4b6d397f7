"""An operator's order for a live call at Twilio: say something, hang up, put the caller through.

Through the call's relay socket where this process has it, else by changing the call at Twilio's REST API.
The reply in flight is stopped: the order takes its place.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handlers.relay.parting import Parting
from handlers.relay.session import RelaySession
from handlers.steering import checked
from handlers.twilio.rest import Form, TwilioRest
from handlers.twilio.transfer import transfer_document
from handlers.twilio.twiml import Writer
from handlers.vapi.control import Sent
from handlers.wire.place import Place
from handlers.wire.steer import AnySteer, SteerEnd, SteerSay, SteerTransfer
from voice.brain import Brain
from voice.call import Call
from voice.errors import OrderRefused, OrderUnknown
from voice.types import Action, CallRecord, Door, Effect

REASON = "operator"  # why a call has ended
TAKEN = "Twilio has taken the order."
OTHERS = Sent(False, "A call at Twilio takes: say, end, transfer.")
NOT_HERE = Sent(False, "This call is not live in this process: it is over, or another process has it.")
NO_ACCOUNT = Sent(
    False,
    "Set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN: this call has no socket, Twilio's API must be asked.",
)
NO_URL = Sent(False, "Set OFFHOOK_PUBLIC_URL: Twilio asks there how the call goes on.")


@dataclass(frozen=True, slots=True)
class Switchboard:
    """The ways to a live call at Twilio. Answers with what became of an order; BadRequest as `checked`."""

    brain: Brain
    relays: Mapping[str, RelaySession]
    rest: TwilioRest

    async def give(self, record: CallRecord, steer: AnySteer) -> Sent:
        """Give an order to a call."""
        to = checked(self.brain, record, steer.to) if isinstance(steer, SteerTransfer) else None
        if record.ended_on is not None:
            return Sent(False, "This call is over.")
        if not isinstance(steer, SteerSay | SteerEnd | SteerTransfer):
            return OTHERS
        call = self.brain.calls.get(record.call_id)
        if call is None:
            return NOT_HERE
        if (session := self.relays.get(record.call_id)) is not None:
            await session.order(_line(steer), _parting(steer, to))
            return Sent(True, "It is done when the words before it are spoken.")
        return await self._by_rest(call, steer, to)

    async def _by_rest(self, call: Call, steer: AnySteer, to: str | None) -> Sent:
        """Change the call at Twilio: another document, or its end."""
        if not self.rest.is_ready:
            return NO_ACCOUNT
        form = self._form(call, steer, to)
        if form is None:
            return NO_URL
        self.brain.calls.interrupt(call, None)
        try:
            await self.rest.change(call.call_id, form)
        except (OrderRefused, OrderUnknown) as exc:
            return Sent(False, f"{exc}.")
        self.brain.calls.overheard(call.call_id, _line(steer))
        if _parting(steer, None) == Parting("hang_up", reason=REASON):
            await self.brain.calls.hang_up(call.call_id, REASON)
        return Sent(True, TAKEN)

    def _form(self, call: Call, steer: AnySteer, to: str | None) -> Form | None:
        """What Twilio is asked for; None where it needs our public URL, and nobody has told us that."""
        url, line = self.brain.settings.public_url, _line(steer)
        write, place = Writer(call.agent, url), Place(len(call.thread.turns) + 1, agent=call.agent.name)
        if isinstance(steer, SteerEnd):
            return [("Status", "completed")]
        if isinstance(steer, SteerSay) and steer.end:
            return [("Twiml", str(write.end(line)))]
        if url is None:
            return None
        if to is None:
            return [("Twiml", str(write.ask(place, line)))]
        # By the door of its record: a call on ConversationRelay comes back to it.
        back = place if call.record.door is Door.GATHER else None
        lines = [line] if line else []
        return [("Twiml", str(transfer_document(call, Effect(Action.TRANSFER, to), url, *lines, place=back)))]


def _line(steer: AnySteer) -> str:
    return (steer.text or "") if isinstance(steer, SteerSay | SteerTransfer) else ""


def _parting(steer: AnySteer, to: str | None) -> Parting | None:
    """What follows the words of an order."""
    if isinstance(steer, SteerTransfer):
        return Parting("transfer", to)
    is_end = isinstance(steer, SteerEnd) or (isinstance(steer, SteerSay) and steer.end)
    return Parting("hang_up", reason=REASON) if is_end else None
