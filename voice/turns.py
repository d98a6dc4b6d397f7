"""The turns of live calls: begun, listened to, stopped, closed.

A turn runs as a task beside the requests, so that it outlives the one which began it (a Gather hop) and is
ended by whatever ends it: its own last word, newer words of the caller, the last listener's leaving, the
hang-up.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from voice.agents.agent import Agents
from voice.call import Call
from voice.clock import Deadline, now
from voice.events import AgentChanged, Bus, TurnClosed, TurnCrashed, TurnStopped, UtteranceHeard
from voice.ledger import Ledger
from voice.routing.table import Route
from voice.store.base import Store
from voice.telemetry.logs import call_id_var
from voice.threads.again import turn_key, undone
from voice.threads.late import late_answer, shown_by
from voice.threads.speaking import spoken_over
from voice.tools.base import Tool
from voice.turn.act import accepted
from voice.turn.ahead import foresee
from voice.turn.beside import Beside
from voice.turn.closing import apologise, is_late, usage_of
from voice.turn.live import LiveTurn
from voice.turn.own import own_line
from voice.turn.portions import Portions
from voice.turn.take import take_turn
from voice.types import Ending, Message, Turn, Utterance

Why = Literal["superseded", "disconnected", "hung_up"]

log = logging.getLogger(__name__)

MAX_UTTERANCE_CHARS = 8000  # ten minutes of talk; more is no utterance, and no model reads it in time


class Turns:
    """What is done with the turns of calls that are live; `Calls` knows which calls those are."""

    def __init__(
        self,
        agents: Agents,
        store: Store,
        routes: Sequence[Route],
        tools: Mapping[str, Mapping[str, Tool]],  # by agent, then by name
        bus: Bus,
        wake: Callable[[], None],
    ) -> None:
        self._agents, self._routes, self._tools, self._bus, self._wake = agents, routes, tools, bus, wake
        self._beside, self._portions = Beside(), Portions()
        self._ledger = Ledger(store, self._beside.begin)

    def follow(self, call: Call, named: str | None) -> None:
        """Let the agent go on whom a request names, where the one before it named another.

        A platform names the same one on every turn: that undoes no handoff of our own.
        """
        if named is not None and named != call.named:
            call.named = named
            self.hand_on(call, named)

    def hand_on(self, call: Call, name: str) -> None:
        """Let another of our agents answer from the next turn on; the thread stays. Raises UnknownAgent."""
        agent, before = self._agents.get(name), call.agent
        if agent is before:
            return
        call.agent, call.tools, call.record.agent = agent, self._tools[agent.name], agent.name
        self._ledger.keep_call(call)
        self._bus.publish(AgentChanged(call.call_id, call.record.door, before.name, agent.name))

    def greet(self, call: Call, text: str) -> None:
        """Remember what the agent said before the caller said anything, as it was written."""
        call.thread.greet(own_line(call.agent, text))
        self._ledger.keep_greeting(call)

    async def hear(
        self,
        call: Call,
        heard: Utterance,
        deadline: Deadline,
        history: Sequence[Message] = (),
        told: Sequence[Message] = (),
    ) -> LiveTurn:
        """Begin the turn that answers an utterance; listen to what comes back.

        An exact repeat joins the running turn or gets the stored answer, and so does a late beginning of
        its words. A late request of an earlier utterance changes nothing. Anything else stops the turn in
        flight. `history` is the platform's own account of the call; `told` are the tools that it ran for
        this utterance, asked for by an earlier turn that it answers again.
        """
        call.touched_at = now()
        if len(heard.text) > MAX_UTTERANCE_CHARS:
            heard = replace(heard, text=heard.text[:MAX_UTTERANCE_CHARS])
        stored, live = call.thread.answered(heard, history), call.live
        is_running = live is not None and not live.finished
        if live is not None and is_running and live.turn.key in (turn_key(heard), stored and stored.key):
            live.listeners += 1
            return live
        if stored is not None:
            return LiveTurn.replay(stored)
        shown = shown_by(heard, history)
        if call.shown and shown and call.shown.overtakes(shown):
            return LiveTurn.replay(late_answer(call.thread.turns, heard))
        call.shown = shown
        if is_running:
            self._stop(call, Ending.INTERRUPTED, "superseded")
        self._portions.first(call.call_id)
        if history:
            for changed in call.thread.reconcile(history):
                self._ledger.keep_turn(call, changed)
            self._ledger.keep_greeting(call)
        elif (call.gathers or call.record.door.is_unreported) and (
            cut := spoken_over(call.thread.turns, heard, call.heard_at)
        ):
            self._ledger.keep_turn(call, cut)
        if call.tool_answers:
            accepted(call, [one.tool_call_id for one in (*history, *told) if one.tool_call_id is not None])
        call.heard_at = heard.heard_at
        self._wake_sleepers()
        return self._begin(call, heard, deadline, told, is_told=bool(history))

    def _begin(
        self, call: Call, heard: Utterance, deadline: Deadline, told: Sequence[Message], *, is_told: bool
    ) -> LiveTurn:
        """The turn that answers an utterance, and the task that takes it."""
        newest = call.thread.turns[-1:]
        turn = call.thread.begin(heard, told, is_told=is_told)
        if newest and (agent := undone(newest[0], call.thread.turns)) is not None:
            self.hand_on(call, agent)
        turn.agent = call.agent.name
        self._ledger.keep_turn(call, turn)
        call.live = live = LiveTurn(turn)
        live.listeners = 1
        self._bus.publish(UtteranceHeard(call.call_id, call.record.door, turn.position))
        call.task = self._beside.begin(self._take(call, live, heard, deadline))
        return live

    def foresee(self, call: Call, heard: Utterance, deadline: Deadline) -> None:
        """Have a reply begun to what is understood so far, before the utterance has ended."""
        call.touched_at = now()
        if not call.is_speaking:
            if call.ahead is None:  # the first words of an utterance
                self._wake_sleepers()
            foresee(call, heard, deadline)

    def leave(self, call: Call, live: LiveTurn) -> None:
        """One listener has gone. A running turn to which nobody listens any more is stopped."""
        live.listeners -= 1
        if live.listeners <= 0 and call.live is live:
            self._stop(call, Ending.INTERRUPTED, "disconnected")

    def interrupt(self, call: Call, heard: str | None) -> None:
        """The caller speaks over the newest reply: its turn is stopped, and `heard` is what was heard of it.

        None: all that has left. For doors that are told so; others are estimated when the next turn begins.
        """
        self._stop(call, Ending.INTERRUPTED, "superseded")
        if call.thread.turns:
            turn = call.thread.turns[-1]
            turn.ending = Ending.INTERRUPTED if heard is not None else turn.ending
            self.heard(call, turn, heard)

    def heard(self, call: Call, turn: Turn, heard: str | None) -> None:
        """Keep how much of a reply was heard, as its door knows it: its beginning; None: all of it."""
        turn.heard = heard
        self._ledger.keep_turn(call, turn)

    def _wake_sleepers(self) -> None:
        for route in self._routes:
            if route.warmth.is_asleep:
                self._wake()
                return

    async def _take(self, call: Call, live: LiveTurn, heard: Utterance, deadline: Deadline) -> None:
        call_id_var.set(call.call_id)  # for good: a task has a context of its own
        try:
            await take_turn(call, live.turn, heard, deadline, live.say)
        except Exception as exc:  # fence: one turn
            log.exception("turn.crashed", extra={"error": type(exc).__name__})
            self._bus.publish(TurnCrashed(call.call_id, exc))
            await apologise(call, live, deadline)
        try:
            self._hand_off(call, live.turn)
            self._close(call, live.turn, late=is_late(live.turn, deadline))
            await self._ledger.safe(call)
        finally:
            live.finish()  # whatever breaks behind it, whoever listens is told that the turn is over

    def _hand_off(self, call: Call, turn: Turn) -> None:
        """Let one of our agents go on whom a tool has handed the call to: then no door has to do it."""
        if (
            turn.effect is not None
            and (next_one := self._agents.next_one(call.agent, turn.effect)) is not None
        ):
            self.hand_on(call, next_one.name)
            turn.effect, turn.led = None, turn.effect

    def _stop(self, call: Call, ending: Ending, why: Why) -> None:
        """Stop the turn in flight, if there is one: its job is cancelled, nothing more of it is said."""
        live, task = call.live, call.task
        if live is None or live.finished:
            return
        if task is not None:
            task.cancel()
        if live.turn.ending is None:
            live.turn.ending = ending
            for asking in call.askings:
                asking.close()
            self._portions.do(call.call_id, partial(self._stopped, call, live.turn, why))
        live.finish()

    def _stopped(self, call: Call, turn: Turn, why: Why) -> None:
        self._bus.publish(TurnStopped(call.call_id, call.record.door, why))
        self._close(call, turn, late=False)

    def _close(self, call: Call, turn: Turn, *, late: bool) -> None:
        turn.usage = usage_of(turn)
        self._ledger.keep_turn(call, turn)
        self._bus.publish(TurnClosed(call.call_id, call.record.door, turn, late))
