"""Live calls: one owner each. Start, hear, interrupt, end, drain.

All changes to a live call go through here; those of its turns are in `turns`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from voice.agents.agent import Agents
from voice.call import Call, quietest
from voice.clock import now
from voice.errors import LinesBusy
from voice.events import Bus, CallEnded, CallMoved, CallStarted
from voice.ledger import thread_of
from voice.routing.hedging import HedgePurse
from voice.routing.table import Route
from voice.store.base import Store, StoredCall
from voice.tools.base import Tool
from voice.turn.act import Answer, answer_platform
from voice.turn.ahead import forget
from voice.turn.own import own_line
from voice.turns import Turns
from voice.types import CallId, CallRecord, Door, Ending, Json, Note, ToolCall

IDLE_S = 1800.0  # a call that nobody has spoken on for this long is over; its thread stays in the store
SWEEP_S = 60.0
DRAIN_S = 10.0  # at shutdown, for turns that are being spoken: one reply's usual length


class Calls(Turns):
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
        super().__init__(agents, store, routes, tools, bus, wake)
        self._store, self._max_calls, self._purse = store, max_calls, purse or HedgePurse()
        self._live: dict[CallId, Call] = {}
        self._picking: dict[CallId, str | None] = {}  # being picked up now: why it has ended meanwhile
        self._sweeper: asyncio.Task[None] | None = None
        self._given = bus.publish, store.keep_note, self._beside.begin  # to each call: bound once for all

    async def __aenter__(self) -> Calls:
        self._sweeper = self._beside.begin(self._sweep())
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
        await self._beside.drained()

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
        if len(self._live) >= self._max_calls:
            await self._make_room()
        stored, is_known, ended = None, True, None
        if not is_new:
            self._picking.setdefault(call_id, None)
            stored, is_known = await self._ledger.past(call_id)
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

    def overheard(self, call_id: CallId, text: str) -> None:
        """Others speak to the caller, an operator for one: what they say, as written, belongs to the call."""
        if text and (call := self._live.get(call_id)) is not None:
            self._ledger.keep_overheard(call, call.thread.overhear(own_line(call.agent, text)))

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
        call = Call(record, chosen, thread, self._routes, self._purse, self._tools[chosen.name], *self._given)
        call.touched_at = now()
        return call

    async def _make_room(self) -> None:
        """Let go of the call that has been quiet longest: the lines are all taken. Raises LinesBusy."""
        if (longest := quietest(self._live.values(), now())) is None:
            raise LinesBusy(f"{len(self._live)} calls are live")
        await self.hang_up(longest.call_id, "quiet")

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
