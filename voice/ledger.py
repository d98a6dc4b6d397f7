"""Writes live calls down, also when the store is away for a while.

A store that cannot be asked costs a caller the past, not the answer: the call begins as if
it were new, nothing of it is written meanwhile (its turns would replace the old ones), and
when the store is back, past and present are put together.
"""

from __future__ import annotations

import asyncio
import logging

from voice.call import Call, Spawn
from voice.errors import RowsRefused, StoreError
from voice.store.base import Store, StoredCall
from voice.threads.thread import Thread
from voice.turn.kept import turn_to_keep
from voice.types import CallId, CallRecord, Ending, Turn

log = logging.getLogger(__name__)

LOOK_UP_S = 0.5  # a caller waits for it: less than half of a first chunk's budget
COMMIT_S = 2.0  # a turn's last frame waits this long: a database that hangs silences nobody
RECALL_S = 2.0  # between two tries to find the past of a call that goes on without it


class Ledger:
    """Keeps what happens on live calls."""

    def __init__(self, store: Store, spawn: Spawn) -> None:
        self._store, self._spawn = store, spawn
        self._recalling: dict[CallId, asyncio.Task[None]] = {}

    def close(self) -> None:
        """No longer try to find the past of calls; what was kept of them is what there is."""
        for call_id, task in self._recalling.items():
            log.error("call.not_kept", extra={"call_id": call_id, "to_do": StoreError.to_do})
            task.cancel()

    async def look_up(self, call_id: CallId) -> StoredCall | None:
        """What the store knows of a call. Raises StoreError when it cannot be asked in time."""
        try:
            async with asyncio.timeout(LOOK_UP_S):
                try:
                    return await self._store.find(call_id, with_notes=False)
                except RowsRefused:  # of some other call; they are out of the way now
                    return await self._store.find(call_id, with_notes=False)
        except TimeoutError as exc:
            raise StoreError("the store did not answer in time") from exc

    async def past(self, call_id: CallId) -> tuple[StoredCall | None, bool]:
        """What the store knows of a call, and whether it could be asked."""
        try:
            return await self.look_up(call_id), True
        except StoreError:
            return None, False

    def keep_record(self, record: CallRecord) -> None:
        """Keep the record of a call that is not live."""
        self._store.keep_call(record)

    def keep_call(self, call: Call) -> None:
        if call.is_remembered:
            self._store.keep_call(call.record)

    def keep_greeting(self, call: Call) -> None:
        """Write down what the caller heard before they said anything, if that has changed."""
        record, thread = call.record, call.thread
        if record.greeting != thread.greeting:
            record.greeting, record.greeting_readings = thread.greeting, thread.greeting_readings
            self.keep_call(call)

    def keep_overheard(self, call: Call, turn: Turn | None) -> None:
        """Write down others' words: with the turn they were said in; before the first, with the greeting."""
        if turn is not None:
            self.keep_turn(call, turn)
        else:
            self.keep_greeting(call)

    def keep_turn(self, call: Call, turn: Turn) -> None:
        if call.is_remembered:
            self._store.keep_turn(call.call_id, turn_to_keep(turn))

    async def safe(self, call: Call) -> None:
        """Return when what was kept of the call is on disk, or when that takes too long."""
        if not call.is_remembered:
            return
        try:
            async with asyncio.timeout(COMMIT_S):
                await self._store.committed()
        except RowsRefused:
            log.warning("turn.others_not_kept")  # all but the refused rows are on disk
        except (StoreError, TimeoutError) as exc:
            log.error("turn.not_kept", extra={"error": type(exc).__name__, "to_do": StoreError.to_do})

    def recall_later(self, call: Call) -> None:
        """The store could not be asked for this call's past: go on without it, and find it later."""
        call.is_remembered = False
        log.error("call.not_found_again", extra={"to_do": StoreError.to_do})
        self._recalling[call.call_id] = self._spawn(self._recall(call))

    async def _recall(self, call: Call) -> None:
        while not call.is_remembered:
            await asyncio.sleep(RECALL_S)
            try:
                stored = await self.look_up(call.call_id)
            except StoreError:
                continue
            _join(call, stored)
        del self._recalling[call.call_id]
        self.keep_call(call)
        for turn in call.thread.turns:
            self.keep_turn(call, turn)
        log.info("call.recalled")


def thread_of(record: CallRecord, stored: StoredCall | None) -> Thread:
    """The thread of a call to go on with."""
    turns = [settled(turn) for turn in stored.turns] if stored else []
    return Thread(record.greeting, turns, record.greeting_readings)


def settled(turn: Turn) -> Turn:
    """A turn as it is after a restart: one that was in flight has ended."""
    turn.ending = turn.ending or Ending.INTERRUPTED
    return turn


def _join(call: Call, stored: StoredCall | None) -> None:
    """Put the past before the present."""
    call.is_remembered = True
    if stored is None:
        return
    call.record.began_on = stored.record.began_on
    call.record.caller = stored.record.caller or call.record.caller
    if stored.record.greeting:
        call.record.greeting = call.thread.greeting = stored.record.greeting
        call.record.greeting_readings = call.thread.greeting_readings = stored.record.greeting_readings
    call.thread.turns[:0] = [settled(turn) for turn in stored.turns]
    for position, turn in enumerate(call.thread.turns):
        turn.position = position
