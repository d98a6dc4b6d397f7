"""One call on one relay socket: what the caller says becomes turns, what turns say becomes words.

Everything that happens to the call happens here, one thing after the other: a message of Twilio's, the end
of a turn, a time that has come. Only the words of the turn in flight are sent by a task of their own, which
ends with it; so nothing that was said too late can follow an interruption.
"""

from __future__ import annotations

import logging

from handlers.problems import STOPPED
from handlers.relay.backchannel import is_backchannel
from handlers.relay.broken import Nothing, Rest, Unanswered, Undone, cut_line, first_words, where_it_broke
from handlers.relay.keys import Keys
from handlers.relay.parting import Ordered, Parting, parting_for, unsaid
from handlers.relay.patience import Patience, Silence
from handlers.relay.socket import Event, Line, TurnOver
from handlers.relay.teller import Teller
from handlers.relay.voice import Voice
from handlers.relay.watch import Watch
from handlers.twilio.doubt import actions_now, hold
from handlers.wire.relay import KEYS_TO_PRESS, Complaint, Dtmf, Info, Interrupt, Prompt, press
from voice.brain import Brain
from voice.call import Call
from voice.clock import now
from voice.errors import LinesBusy
from voice.turn.own import own_line
from voice.types import Action, CallId, Chunk, Door, Ending, Turn, Utterance

log = logging.getLogger(__name__)

ACTIONS = frozenset({Action.END_CALL, Action.TRANSFER, Action.DTMF})
LET_GO = ("quiet", "idle")  # why a call of ours was let go whose caller may still be there


async def picked_up(brain: Brain, call_id: CallId, agent: str | None, caller: str | None = None) -> Call:
    """The call of this id, as a relay door has it. Raises LinesBusy."""
    known = agent if agent is not None and agent in brain.agents else None
    call = await brain.calls.pick_up(call_id, Door.RELAY, agent=known, caller=caller)
    call.actions, call.platform_tools, call.gathers = actions_now(call, ACTIONS), (), False
    return call


def has_ended(call: Call) -> bool:
    """Whether somebody else has ended the call: words that come late do not bring it back to life."""
    return call.record.ended_on is not None and call.record.ended_reason not in LET_GO


class RelaySession:
    """One call as long as its socket lasts. `is_over` once nothing more is to be said."""

    def __init__(self, brain: Brain, line: Line, call: Call) -> None:
        self._calls, self._brain, self._line, self._call = brain.calls, brain, line, call
        self._voice, self._keys = Voice(line, call.agent), Keys(call.agent.twilio.digits)
        self._teller = Teller(line, self._voice)
        self._patience = Patience(call.agent, call.record.began_on, call.max_call_s)
        self._watch = Watch(self._voice, self._teller, self._keys, self._patience)
        self.is_over = self._is_leaving = False

    async def begin(self, *, is_back: bool) -> None:
        """The socket is open: the greeting is being spoken, or the call goes on where it broke off."""
        if self._call.farewell is not None:  # told before this socket was open
            self._obey(self._call.farewell, Parting("hang_up", reason="voicemail"))
            return
        if not is_back:
            self._voice.spoken_by_platform(first_words(self._call))
            return
        match where_it_broke(self._call):
            case Rest() as rest:
                self._say_on(rest)
            case Undone(turn):
                self._finish(turn)
            case Unanswered(said):
                await self._hear(said)
            case Nothing(line):
                self._voice.say_line(line)

    async def take(self, event: Event) -> None:
        """Something has happened."""
        match event:
            case Prompt() if self._is_backchannel(event):
                self._patience.touched()
            case Prompt() if event.is_final and event.text:
                self._voice.choose(event.language)
                await self._hear(event.text)
            case Prompt() if event.text:
                self._patience.touched()
                heard = Utterance(event.text, now(), self._voice.language)
                deadline = self._call.agent.budget.deadline(heard.heard_at)
                self._calls.foresee(self._call, heard, deadline)  # in case these are all the words
            case Interrupt():
                self._interrupt(event)
            case Dtmf() if event.key:
                self._patience.touched()
                if self._keys.press(event.key):
                    await self._hear("")
            case Info():
                self._voice.told(event)
            case Complaint():
                log.warning("relay.complained", extra={"pii.description": event.description})
            case Ordered(line, then):
                self._obey(line, then)
                if not line and then is not None and then.then == "hang_up":
                    await self._part()
            case TurnOver() if event.live is self._teller.live and self._teller.cut_at is None:
                self._finish(event.live.turn)

    async def order(self, line: str, then: Parting | None = None) -> None:
        """Have a line of somebody else's said in place of the reply in flight, and done what follows it."""
        await self._line.tell(Ordered(line, then))

    def due_at(self) -> float:
        """When `tick()` has something to do, as it looks now."""
        return self._watch.next()[0]

    async def tick(self) -> None:
        """A time has come: something is said, or the call ends."""
        at, due = self._watch.next()
        if now() < at:
            return
        if due == "keys":
            await self._hear("")
        elif due == "hold":
            self._voice.hold()
        elif due == "part":
            await self._part()
        else:
            self._bear(due)

    def excuse(self) -> None:
        """Something broke: the caller hears a sentence."""
        self._voice.say_line(self._own(self._call.agent.fallbacks[0]))

    def stop_short(self) -> None:
        """Send nothing more of a reply; what has left is spoken to its end."""
        self._teller.stop()
        self._is_leaving = True

    @property
    def quiet_at(self) -> float:
        """When the agent has finished what has left, or will have."""
        return self._voice.quiet_at

    def lost(self) -> None:
        """The socket is gone and the call is not: what was heard is written down, the turn goes on."""
        is_told = not (self._teller.is_telling or self._is_leaving) and now() >= self._voice.quiet_at
        turn = self._voice.turn
        self._teller.stop()
        self._line.give_up("the call goes on without it")
        if self._teller.cut_at is not None:
            self._calls.interrupt(self._call, self._teller.heard)  # what they said instead was lost
        elif turn is not None and turn.heard is None and not is_told:
            heard = self._voice.heard_so_far()
            # What the turn still writes has not been sent to anybody: only what there is now was heard.
            self._calls.heard(self._call, turn, turn.spoken if heard is None else heard)

    async def _hear(self, said: str) -> None:
        """The caller has said something, or pressed keys, or both: a turn begins."""
        text = f"{self._keys.take(self._voice.language)} {said}".strip()
        await hold(self._call, text)
        is_parting = self._watch.is_parting_for_good or self._call.farewell is not None
        if not text or is_parting or has_ended(self._call):
            return
        self._watch.undo()
        self._patience.heard()
        try:
            # Looked up each time: a call that was silent for long may have lost its line to another.
            self._call = call = await picked_up(self._brain, self._call.call_id, self._call.agent.name)
        except LinesBusy as exc:
            log.warning("call.refused", extra={"error": type(exc).__name__, "to_do": exc.to_do})
            self._say_goodbye(self._call.agent.busy, "busy")
            return
        heard_at = now()
        heard = Utterance(text, heard_at, self._voice.language)
        if self._teller.cut_at is not None and self._teller.live is call.live:
            self._teller.stop()
            self._calls.interrupt(call, self._teller.heard)
        live = await self._calls.hear(call, heard, call.agent.budget.deadline(heard_at))
        if live is not self._teller.live:  # else the same words again, while they are being answered
            self._teller.tell(live, call.spawn)

    def _is_backchannel(self, prompt: Prompt) -> bool:
        """Whether the caller only lets the agent know that they listen, and may be taken so."""
        return (
            self._call.agent.twilio.ignore_backchannel
            and (self._teller.is_telling or self._teller.cut_at is not None or now() < self._voice.quiet_at)
            and is_backchannel(prompt.text, over=self._voice.line)
        )

    def _say_on(self, rest: Rest) -> None:
        """Say what is left of a reply."""
        self._calls.heard(self._call, rest.live.turn, None)
        self._teller.tell(rest.live, self._call.spawn, rest.heard, rest.then)

    def _interrupt(self, cut: Interrupt) -> None:
        """The caller's voice has silenced the agent. Their words will stop the turn; a cough must not."""
        turn = self._voice.turn
        if turn is not None and self._voice.is_waiting:
            return  # it was the reply before that they spoke over
        heard = self._voice.hush(cut)
        self._patience.hushed()
        if turn is None:
            if heard is not None and (greeting := cut_line(self._call, self._voice.line, heard)) is not None:
                self._calls.greet(self._call, greeting)
        elif self._teller.cut_at is None:  # else what was on its way has begun, and was cut, too
            self._teller.cut(
                turn.spoken if heard is None else heard, was_last=self._watch.parting is not None
            )
            self._calls.heard(self._call, turn, heard)
        self._watch.undo()

    def _finish(self, turn: Turn) -> None:
        """A turn is over: what it wants done to the call is done when its last word is spoken."""
        effect = turn.effect
        if turn.ending in STOPPED:
            return
        if turn.ending is Ending.CUT_SHORT:
            self._patience.hushed()  # more was to come, and they may wait for it: they are asked sooner
        if effect is not None and effect.action is Action.DTMF and KEYS_TO_PRESS.fullmatch(effect.digits):
            self._line.send(press(effect.digits))
            effect = None
        parting = self._watch.parting = parting_for(self._call, effect) if effect is not None else None
        is_impossible = effect is not None and parting is None
        if is_impossible or not (turn.spoken or turn.filler):
            self._voice.say_line(self._own(unsaid(self._call.agent, parting)))

    def _bear(self, due: Silence) -> None:
        """The caller says nothing, or the call has lasted as long as any may."""
        if due == "silence" and (rest := self._teller.rest) is not None:
            self._patience.went_on()
            self._say_on(rest)
            return
        line = self._patience.nudge() if due == "silence" else None
        if line is None:
            self._say_goodbye(self._call.agent.goodbye, due)
        else:
            self._voice.say_line(self._own(line))
            self._calls.overheard(self._call.call_id, line)

    def _obey(self, line: str, then: Parting | None) -> None:
        """Somebody else's order takes the place of the reply in flight."""
        if self._voice.turn is not None and self._teller.is_telling:
            heard = self._voice.heard_so_far()
            self._teller.stop()
            self._calls.interrupt(self._call, heard)
        if line:
            self._voice.say_line(self._own(line))
            self._calls.overheard(self._call.call_id, line)
        self._watch.parting = then or self._watch.parting

    def _say_goodbye(self, line: str, reason: str) -> None:
        """Say a last line; then the call ends."""
        self._teller.stop()
        self._voice.say_line(
            self._own(line), interruptible=False
        )  # who speaks over it goes on talking all the same
        self._watch.parting = Parting("hang_up", reason=reason)

    def _own(self, line: str) -> Chunk:
        """A line of the agent's own, or an operator's, as it is said."""
        return own_line(self._call.agent, line)

    async def _part(self) -> None:
        """The last word is spoken: the session ends, and with it the call, or it is passed on."""
        parting = self._watch.parting
        if parting is None:
            return
        self.is_over = True
        self._line.send(parting.frame())
        if parting.then == "hang_up":
            await self._calls.hang_up(self._call.call_id, parting.reason)
