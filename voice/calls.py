"""Live calls: one owner each. Start, hear, interrupt, end, drain.

All changes to a live call go through here. A turn runs as a task of this module's group, so
that it outlives the request which began it (a Gather hop) and is ended by whatever ends it:
its own last word, newer words of the caller, the last listener's leaving, the hang-up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from voice.agents.agent import Agents
from voice.call import Call, quietest
from voice.clock import Deadline, now
from voice.errors import LinesBusy
from voice.events import (
    AgentChanged,
    Bus,
    CallEnded,
    CallMoved,
    CallStarted,
    TurnClosed,
    TurnCrashed,
    TurnStopped,
    UtteranceHeard,
)
from voice.ledger import Ledger, thread_of
from voice.routing.hedging import HedgePurse
from voice.routing.table import Route
from voice.store.base import Store, StoredCall
from voice.telemetry.logs import about_call
from voice.threads.again import turn_key, undone
from voice.threads.late import late_answer, shown_by
from voice.threads.speaking import spoken_over
from voice.tools.base import Tool
from voice.turn.act import Answer, accepted, answer_platform
from voice.turn.ahead import foresee, forget
from voice.turn.closing import apologise, fenced, is_late, usage_of
from voice.turn.live import LiveTurn
from voice.turn.own import own_line
from voice.turn.portions import Portions
from voice.turn.take import take_turn
from voice.types import CallId, CallRecord, Door, Ending, Json, Message, Note, ToolCall, Turn, Utterance

Why = Literal["superseded", "disconnected", "hung_up"]

log = logging.getLogger(__name__)

IDLE_S = 1800.0  # a call that nobody has spoken on for this long is over; its thread stays in the store
SWEEP_S = 60.0
MAX_UTTERANCE_CHARS = 8000  # ten minutes of talk; more is no utterance, and no model reads it in time
DRAIN_S = 10.0  # at shutdown, for turns that are being spoken: one reply's usual length


class Calls:
    """The calls that are live now. Used as a context: leaving it ends every turn and keeps every call."""

    def __init__(
        self,
        agents: Agents,
        store: Store,
        routes: Sequence[Route],
        tools: Mapping[str, Mapping[str, Tool]],  # by agent, then by name
        bus: Bus,
        max_calls: int,
        *,
        purse: HedgePurse | None = None,
        wake: Callable[[], None] = lambda: None,
    ) -> None:
        self._agents, self._store, self._routes, self._tools, self._bus = agents, store, routes, tools, bus
        self._max_calls, self._purse, self._wake = max_calls, purse or HedgePurse(), wake
        self._live: dict[CallId, Call] = {}
        self._picking: dict[CallId, str | None] = {}  # being picked up now: why it has ended meanwhile
        self._ledger, self._portions = Ledger(store, self._spawn), Portions()
        self._group = asyncio.TaskGroup()
        self._sweeper: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Calls:
        await self._group.__aenter__()
        self._sweeper = self._spawn(self._sweep())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._sweeper is not None:
            self._sweeper.cancel()
        speaking = [call.task for call in self._live.values() if call.task and not call.task.done()]
        if speaking:
            await asyncio.wait(speaking, timeout=DRAIN_S)
        self.hurry()
        self._portions.all()
        self._ledger.close()
        await self._group.__aexit__(None, None, None)

    def hurry(self) -> None:
        """End every turn in flight now: whoever stops the product does not wait for replies."""
        for call in self._live.values():
            forget(call)
            self._stop(call, Ending.HUNG_UP, "hung_up")

    @property
    def live(self) -> int:
        """How many calls are live now."""
        return len(self._live)

    def get(self, call_id: CallId) -> Call | None:
        """The live call of this id."""
        return self._live.get(call_id)

    async def pick_up(
        self,
        call_id: CallId,
        door: Door,
        *,
        agent: str | None = None,
        caller: str | None = None,
        is_new: bool = False,
    ) -> Call:
        """The live call of this id, or the one the store remembers, or a new one (`is_new`: surely).

        Raises UnknownAgent, and LinesBusy when one call more is too many.
        """
        if call := self._live.get(call_id):
            return self._goes_on(call, caller)
        name = self._agents.get(agent).name  # before anything is looked up: UnknownAgent costs nothing
        await self._make_room()
        self._picking.setdefault(call_id, None)
        stored, is_known = (None, True) if is_new else await self._ledger.past(call_id)
        ended = self._picking.pop(call_id, None)
        if call := self._live.get(call_id):  # another request was quicker
            return self._goes_on(call, caller)
        call = self._call(stored, CallRecord(call_id, door, name, caller), agent)
        self._live[call_id] = call
        self._wake()
        if is_known:
            self._ledger.keep_call(call)
        else:
            self._ledger.recall_later(call)
        self._bus.publish(CallStarted(call_id, call.record.door, call.agent.name, stored is not None))
        if ended is not None:
            await self.hang_up(call_id, ended)
        return call

    def _goes_on(self, call: Call, caller: str | None) -> Call:
        """A call that is live already. Not every message of a platform says who calls."""
        call.touched_at = now()
        if caller is not None and call.record.caller is None:
            call.record.caller = caller
            self._ledger.keep_call(call)
        return call

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

    def overheard(self, call_id: CallId, text: str) -> None:
        """Others speak to the caller, an operator for one: what they say, as written, belongs to the call."""
        if text and (call := self._live.get(call_id)) is not None:
            self._ledger.keep_overheard(call, call.thread.overhear(own_line(call.agent, text)))

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
        keys = {turn_key(heard), stored and stored.key}
        if live is not None and not live.finished and live.turn.key in keys:
            live.listeners += 1
            return live
        if stored is not None:
            return LiveTurn.replay(stored)
        shown = shown_by(heard, history)
        if call.shown and shown and call.shown.overtakes(shown):
            return LiveTurn.replay(late_answer(call.thread.turns, heard))
        call.shown = shown
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
        accepted(call, [one.tool_call_id for one in (*history, *told) if one.tool_call_id is not None])
        call.heard_at = heard.heard_at
        self._wake_sleepers()
        newest = call.thread.turns[-1:]
        turn = call.thread.begin(heard, told, is_told=bool(history))
        if (agent := undone(newest, call.thread.turns)) is not None:
            self.hand_on(call, agent)
        turn.agent = call.agent.name
        self._ledger.keep_turn(call, turn)
        call.live = LiveTurn(turn)
        call.live.listeners = 1
        self._bus.publish(UtteranceHeard(call.call_id, call.record.door, turn.position))
        call.task = self._spawn(self._take(call, call.live, heard, deadline))
        return call.live

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

    async def hang_up(self, call_id: CallId, reason: str) -> None:
        """The call is over. A repeat, or an id that nobody knows, changes nothing."""
        if (call := self._live.pop(call_id, None)) is not None:
            forget(call)
            self._stop(call, Ending.HUNG_UP, "hung_up")
            self._portions.first(call_id)
            self._end(call.record, reason, len(call.thread.turns))
            self._ledger.keep_call(call)
            return
        if call_id in self._picking:
            self._picking[call_id] = reason
            return
        stored, _ = await self._ledger.past(call_id)
        if stored is not None and stored.record.ended_on is None and call_id not in self._live:
            self._end(stored.record, reason, len(stored.turns))
            self._ledger.keep_record(stored.record)

    async def let_go(self, call_id: CallId, *, now: bool = False) -> bool:
        """Another process goes on with this call. False: it is busy here, and stays until `now`."""
        call = self._live.get(call_id)
        if call is None or (call.is_speaking and not now):
            return call is None and call_id not in self._picking
        del self._live[call_id]
        forget(call)
        self._stop(call, Ending.INTERRUPTED, "superseded")
        self._portions.first(call_id)
        self._bus.publish(CallMoved(call_id, call.record.door))
        await self._ledger.safe(call)
        return True

    def note(self, call_id: CallId, kind: str, payload: Mapping[str, Json]) -> None:
        """Keep something that a platform told of a call."""
        self._store.keep_note(Note(call_id, kind, payload))

    async def answer_tool(self, call_id: CallId, wanted: ToolCall, door: Door = Door.VAPI) -> Answer:
        """Run a tool that a platform asks for; once per id. A call that has ended stays ended.

        Raises ToolFailed, with what is to be told, where it was refused or did not work.
        """
        if (call := self._live.get(call_id)) is None:
            stored, _ = await self._ledger.past(call_id)
            if stored is not None and stored.record.ended_on is not None:
                call = self._call(stored, stored.record, None)
        return await answer_platform(call or await self.pick_up(call_id, door), wanted)

    def _call(self, stored: StoredCall | None, new: CallRecord, agent: str | None) -> Call:
        """A call to go on with: what the store remembers of it, else a new one."""
        record = stored.record if stored else new
        known = record.agent if record.agent in self._agents else None
        # What a platform's request names is what the call began with: it undoes no handoff since then.
        chosen = self._agents.get(known or agent)
        record.agent, record.caller = chosen.name, record.caller or new.caller
        record.ended_on = record.ended_reason = None
        thread = thread_of(record, stored)
        tools, tell, note = self._tools[chosen.name], self._bus.publish, self._store.keep_note
        call = Call(record, chosen, thread, self._routes, self._purse, tools, tell, note, self._spawn)
        call.touched_at = now()
        return call

    def _wake_sleepers(self) -> None:
        if any(route.warmth.is_asleep for route in self._routes):
            self._wake()

    async def _make_room(self) -> None:
        """Let go of the call that has been quiet longest, when the lines are all taken. Raises LinesBusy."""
        if len(self._live) < self._max_calls:
            return
        if (longest := quietest(self._live.values(), now())) is None:
            raise LinesBusy(f"{len(self._live)} calls are live")
        await self.hang_up(longest.call_id, "quiet")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(fenced(work))
        # Cancelled before it began, it would be left unawaited.
        task.add_done_callback(lambda _: work.close())
        return task

    async def _take(self, call: Call, live: LiveTurn, heard: Utterance, deadline: Deadline) -> None:
        with about_call(call.call_id):
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
        if (next_one := self._agents.next_one(call.agent, turn.effect)) is not None:
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

    def _end(self, record: CallRecord, reason: str, turns: int) -> None:
        record.ended_on, record.ended_reason = datetime.now(UTC), reason
        self._bus.publish(CallEnded(record.call_id, record.door, reason, turns))

    async def _sweep(self) -> None:
        """End calls whose end no platform has told us."""
        while True:
            await asyncio.sleep(SWEEP_S)
            for call_id in [one.call_id for one in self._live.values() if now() - one.touched_at > IDLE_S]:
                await self.hang_up(call_id, "idle")
                await asyncio.sleep(0)  # of a thousand, each in a step of its own
