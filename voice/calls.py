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
from typing import Any, Literal

from voice.agents.agent import Agents
from voice.call import Call
from voice.clock import Deadline, now
from voice.errors import LinesBusy, StoreError
from voice.events import Bus, CallEnded, CallStarted, TurnClosed, TurnCrashed, TurnStopped, UtteranceHeard
from voice.ledger import Ledger, settled
from voice.routing.hedging import HedgePurse
from voice.routing.table import Route
from voice.store.base import Store, StoredCall
from voice.telemetry.logs import about_call
from voice.threads.speaking import began_to_speak_at, heard_until
from voice.threads.thread import Thread, turn_key
from voice.tools.base import Tool
from voice.turn.act import accepted, answer_tool
from voice.turn.fallback import fallback
from voice.turn.live import LiveTurn
from voice.turn.take import take_turn
from voice.types import (
    CallId,
    CallRecord,
    Door,
    Effect,
    Ending,
    Json,
    Message,
    Note,
    ToolCall,
    Turn,
    Usage,
    Utterance,
)

log = logging.getLogger(__name__)

IDLE_S = 1800.0  # a call that nobody has spoken on for this long is over; its thread stays in the store
QUIET_S = 30.0  # … and for this long, when another caller needs its line: longer than people keep silent
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
        self._ledger = Ledger(store, self._spawn)
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
        self._ledger.close()
        await self._group.__aexit__(None, None, None)

    def hurry(self) -> None:
        """End every turn in flight now: whoever stops the product does not wait for replies."""
        for call in self._live.values():
            self._stop(call, Ending.HUNG_UP, "hung_up")

    @property
    def live(self) -> int:
        """How many calls are live now."""
        return len(self._live)

    def get(self, call_id: CallId) -> Call | None:
        """The live call of this id."""
        return self._live.get(call_id)

    async def pick_up(
        self, call_id: CallId, door: Door, *, agent: str | None = None, caller: str | None = None
    ) -> Call:
        """The live call of this id, or the one the store remembers, or a new one.

        Raises UnknownAgent, and LinesBusy when one call more is too many.
        """
        if call := self._live.get(call_id):
            call.touched_at = now()
            return call
        name = self._agents.get(agent).name  # before anything is looked up: UnknownAgent costs nothing
        await self._make_room()
        self._picking.setdefault(call_id, None)
        stored, is_known = await self._past(call_id)
        ended = self._picking.pop(call_id, None)
        if call := self._live.get(call_id):  # another request was quicker
            return call
        call = self._call(stored, CallRecord(call_id, door, name, caller), agent)
        self._live[call_id] = call
        self._wake()
        if is_known:
            self._ledger.keep_call(call)
        else:
            self._ledger.recall_later(call)
        resumed = stored is not None
        self._bus.publish(CallStarted(call_id, call.record.door, call.agent.name, resumed))
        if ended is not None:
            await self.hang_up(call_id, ended)
        return call

    def greet(self, call: Call, text: str) -> None:
        """Remember what the agent said before the caller said anything."""
        call.thread.greeting = call.record.greeting = text
        self._ledger.keep_call(call)

    async def hear(
        self,
        call: Call,
        heard: Utterance,
        deadline: Deadline,
        history: Sequence[Message] = (),
        told: Sequence[Message] = (),
    ) -> LiveTurn:
        """Begin the turn that answers an utterance; listen to what comes back.

        An exact repeat joins the running turn or gets the stored answer. Anything else stops the
        turn in flight. `history` is the platform's own account of the call; `told` are the tools that it
        ran for this utterance, asked for by an earlier turn that it answers again.
        """
        call.touched_at = now()
        heard = replace(heard, text=heard.text[:MAX_UTTERANCE_CHARS])
        if call.live is not None and not call.live.finished and call.live.turn.key == turn_key(heard):
            call.live.listeners += 1
            return call.live
        if stored := call.thread.answered(heard):
            return LiveTurn.replay(stored)
        self._stop(call, Ending.INTERRUPTED, "superseded")
        if history:
            for changed in call.thread.reconcile(history):
                self._ledger.keep_turn(call, changed)
        elif call.record.door.is_unreported:
            self._estimate_heard(call, heard)
        accepted(call, [one.tool_call_id for one in (*history, *told) if one.tool_call_id is not None])
        call.heard_at = heard.heard_at
        if any(route.warmth.is_asleep for route in self._routes):
            self._wake()
        turn = call.thread.begin(heard)
        turn.tools = tuple(told)
        self._ledger.keep_turn(call, turn)
        call.live = LiveTurn(turn)
        call.live.listeners = 1
        self._bus.publish(UtteranceHeard(call.call_id, call.record.door, turn.position))
        call.task = self._spawn(self._take(call, call.live, heard, deadline))
        return call.live

    def leave(self, call: Call, live: LiveTurn) -> None:
        """One listener has gone. A running turn to which nobody listens any more is stopped."""
        live.listeners -= 1
        if live.listeners <= 0 and call.live is live:
            self._stop(call, Ending.INTERRUPTED, "disconnected")

    async def hang_up(self, call_id: CallId, reason: str) -> None:
        """The call is over. A repeat, or an id that nobody knows, changes nothing."""
        call = self._live.pop(call_id, None)
        if call is not None:
            self._stop(call, Ending.HUNG_UP, "hung_up")
            self._end(call.record, reason, len(call.thread.turns))
            self._ledger.keep_call(call)
            return
        if call_id in self._picking:
            self._picking[call_id] = reason
            return
        stored, _ = await self._past(call_id)
        if stored is not None and stored.record.ended_on is None and call_id not in self._live:
            self._end(stored.record, reason, len(stored.turns))
            self._ledger.keep_record(stored.record)

    def note(self, call_id: CallId, kind: str, payload: Mapping[str, Json]) -> None:
        """Keep something that a platform told of a call."""
        self._store.keep_note(Note(call_id, kind, payload))

    async def answer_tool(self, call_id: CallId, wanted: ToolCall, door: Door = Door.VAPI) -> str | Effect:
        """Run a tool that a platform asks for; once per id. A call that has ended stays ended."""
        call = self._live.get(call_id)
        if call is None:
            stored, _ = await self._past(call_id)
            has_ended = stored is not None and stored.record.ended_on is not None
            call = self._call(stored, stored.record, None) if stored and has_ended else None
        return await answer_tool(call or await self.pick_up(call_id, door), wanted, wanted.id)

    def _call(self, stored: StoredCall | None, new: CallRecord, agent: str | None) -> Call:
        """A call to go on with: what the store remembers of it, else a new one."""
        record = stored.record if stored else new
        known = record.agent if record.agent in self._agents else None
        chosen = self._agents.get(agent or known)
        record.agent, record.caller = chosen.name, record.caller or new.caller
        record.ended_on = record.ended_reason = None
        thread = Thread(record.greeting, [settled(turn) for turn in stored.turns] if stored else [])
        tell, note = self._bus.publish, self._store.keep_note
        return Call(
            record,
            chosen,
            thread,
            self._routes,
            self._purse,
            self._tools[chosen.name],
            tell,
            note,
            self._spawn,
            touched_at=now(),
        )

    async def _past(self, call_id: CallId) -> tuple[StoredCall | None, bool]:
        """What the store knows of a call, and whether it could be asked."""
        try:
            return await self._ledger.look_up(call_id), True
        except StoreError:
            return None, False

    async def _make_room(self) -> None:
        """Let go of the call that has been quiet longest, when the lines are all taken. Raises LinesBusy."""
        if len(self._live) < self._max_calls:
            return
        quiet = [call for call in self._live.values() if call.live is None or call.live.finished]
        longest = min(quiet, key=lambda call: call.touched_at, default=None)
        if longest is None or now() - longest.touched_at < QUIET_S:
            raise LinesBusy(f"{len(self._live)} calls are live")
        await self.hang_up(longest.call_id, "quiet")

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = self._group.create_task(_fenced(work))
        task.add_done_callback(
            lambda _: work.close()
        )  # cancelled before it began, it would be left unawaited
        return task

    async def _take(self, call: Call, live: LiveTurn, heard: Utterance, deadline: Deadline) -> None:
        with about_call(call.call_id):
            try:
                await take_turn(call, live.turn, heard, deadline, live.say)
            except Exception as exc:  # fence: one turn
                log.exception("turn.crashed", extra={"error": type(exc).__name__})
                self._bus.publish(TurnCrashed(call.call_id, exc))
                await self._apologise(call, live, deadline)
            try:
                self._close(call, live.turn, late=_is_late(live.turn, deadline))
                await self._ledger.safe(call)
            finally:
                live.finish()  # whatever breaks behind it, whoever listens is told that the turn is over

    async def _apologise(self, call: Call, live: LiveTurn, deadline: Deadline) -> None:
        """Whatever broke, the caller hears a sentence."""
        line = fallback(call)
        await live.say(line)
        live.turn.add(line, deadline.since_ms(now()))
        live.turn.ending = Ending.FELL_BACK

    def _estimate_heard(self, call: Call, heard: Utterance) -> None:
        """Cut the newest reply where the caller spoke over it. Nobody tells us, so by the clock."""
        before = call.thread.turns[-1] if call.thread.turns else None
        if before is None or call.heard_at is None:
            return
        part = heard_until(before, began_to_speak_at(heard.heard_at, heard.text) - call.heard_at)
        if part is not None:
            before.heard = part
            self._ledger.keep_turn(call, before)

    def _stop(
        self, call: Call, ending: Ending, why: Literal["superseded", "disconnected", "hung_up"]
    ) -> None:
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
            self._bus.publish(TurnStopped(call.call_id, call.record.door, why))
            self._close(call, live.turn, late=False)
        live.finish()

    def _close(self, call: Call, turn: Turn, *, late: bool) -> None:
        turn.usage = _usage_of(turn)
        self._ledger.keep_turn(call, turn)
        self._bus.publish(TurnClosed(call.call_id, call.record.door, turn, late))

    def _end(self, record: CallRecord, reason: str, turns: int) -> None:
        record.ended_on, record.ended_reason = datetime.now(UTC), reason
        self._bus.publish(CallEnded(record.call_id, record.door, reason, turns))

    async def _sweep(self) -> None:
        """End calls whose end no platform has told us."""
        while True:
            await asyncio.sleep(SWEEP_S)
            idle = [call.call_id for call in self._live.values() if now() - call.touched_at > IDLE_S]
            for call_id in idle:
                await self.hang_up(call_id, "idle")


async def _fenced(work: Coroutine[Any, Any, None]) -> None:
    """Work of the group: what breaks in it must not end the calls of everybody else."""
    try:
        await work
    except Exception as exc:  # fence: one job
        log.exception("work.crashed", extra={"error": type(exc).__name__})


def _usage_of(turn: Turn) -> Usage:
    """The tokens of all that was asked for this turn, heard or not."""
    read = sum(rung.usage.prompt_tokens for rung in turn.rungs)
    return Usage(read, sum(rung.usage.completion_tokens for rung in turn.rungs))


def _is_late(turn: Turn, deadline: Deadline) -> bool:
    first = turn.timing.ttfc_ms
    if first is None and turn.handed:
        return False  # the platform has its own words while it runs a tool
    return first is None or first > deadline.since_ms(deadline.at)
