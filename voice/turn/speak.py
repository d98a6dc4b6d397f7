"""Says a reply: its first chunk by the deadline, the others as they come, none after the reply's end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from voice.call import Call
from voice.clock import MARGIN_S, Deadline, now
from voice.errors import NoRouteLeft
from voice.speech.chunk import is_whole
from voice.turn.ask import Asking, Draft
from voice.turn.fallback import fallback
from voice.turn.filler import filler
from voice.types import Chunk, Ending, Finish, Say, Turn

_Done = TypeVar("_Done")


class Speaker:
    """The voice of one turn: says chunks and writes down when they left."""

    def __init__(self, call: Call, turn: Turn, deadline: Deadline, say: Say) -> None:
        self._call, self._turn, self._deadline, self._say = call, turn, deadline, say

    async def say(self, chunk: Chunk) -> None:
        await self._say(chunk)
        self._turn.add(chunk, self._deadline.since_ms(now()))

    async def reply(self, asking: Asking) -> Finish:
        """Say the best reply. Raises NoRouteLeft when the caller must be given a fallback."""
        draft = await self._first(asking)
        asking.keep_only(draft)
        self._turn.route = draft.route.name
        if self._turn.timing.ttft_ms is None and draft.first_token_at is not None:
            self._turn.timing.ttft_ms = self._deadline.since_ms(draft.first_token_at)
        return await self._rest(asking, draft)

    def must_speak_at(self) -> float:
        """When something must be said: by the deadline; once something was, within a gap from now."""
        if self._turn.timing.ttfc_ms is None:
            return self._deadline.must_speak_at
        return min(now() + self._deadline.gap_s, self._deadline.reply_at - MARGIN_S)

    async def wait_for(self, work: Awaitable[_Done]) -> _Done:
        """Wait for work that says nothing itself; a filler is said when the caller must hear something."""
        filling = self._call.spawn(self._fill_when_due())
        try:
            return await work
        finally:
            filling.cancel()

    async def fall_back(self) -> None:
        """Say the agent's fallback: in place of a reply, or to end one that broke off."""
        self._turn.ending = Ending.CUT_SHORT if self._turn.spoken else Ending.FELL_BACK
        await self.say(fallback(self._call))

    async def _first(self, asking: Asking) -> Draft:
        """The draft to speak. At the deadline a filler buys one gap's time, if nothing can be said yet."""
        must_speak_at = asking.due_at
        while True:
            asking.ask_next()
            in_time = now() < must_speak_at
            # Behind a filler nobody waits for a better route: the caller has waited already.
            if draft := asking.best(patient=in_time and not self._turn.filler):
                return draft
            if not in_time and (draft := asking.best_words()):
                return draft
            asking.check()
            if not in_time:
                if not await self._fill():
                    raise NoRouteLeft(asking.failures())
                asking.ask_next(at_once=True)
                must_speak_at = self.must_speak_at()
                continue
            await asking.news(must_speak_at)

    async def _fill(self) -> bool:
        """Say a filler; False when this turn has had one, or the agent has none."""
        line = None if self._turn.filler else filler(self._call)
        if line is None:
            return False
        await self.say(line)
        return True

    async def _fill_when_due(self) -> None:
        await asyncio.sleep(max(0.0, self.must_speak_at() - now()))
        await self._fill()

    async def _rest(self, asking: Asking, draft: Draft) -> Finish:
        """Say everything of a draft. A reply that stalls or breaks is ended with what there is.

        Words that flow without an end of their sentence are said as they are when the gap is used up.
        """
        ends_at = self._deadline.reply_at - MARGIN_S
        pause_ends_at = now() + self._deadline.gap_s
        while now() < ends_at:
            if draft.ready:
                await self.say(draft.ready.popleft())
                pause_ends_at = now() + self._deadline.gap_s
            elif draft.finish is not None:
                return draft.finish
            elif draft.failure is not None or await _is_silent(asking, draft, min(pause_ends_at, ends_at)):
                break
        return await self._cut_short()

    async def _cut_short(self) -> Finish:
        self._turn.ending = Ending.CUT_SHORT
        if not is_whole(self._turn.spoken):
            await self.fall_back()  # never leave the caller in mid-sentence
        return Finish("length")


async def _is_silent(asking: Asking, draft: Draft, until: float) -> bool:
    """Wait for news of a draft. True when `until` has come and nothing is there that could be said."""
    return not await asking.news(until) and not draft.flush()
