"""Says a reply: its first chunk by the deadline, whoever wrote it, or a filler, or a fallback."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterator
from typing import TypeVar

from voice.call import Call
from voice.clock import MARGIN_S, Deadline, now
from voice.errors import NoRouteLeft
from voice.speech.aloud import Reader
from voice.turn.ask import Asking
from voice.turn.draft import Draft
from voice.turn.fallback import breaking_off, fallback
from voice.turn.filler import filler, may_fill, working
from voice.turn.finish import Telling
from voice.turn.own import own_line
from voice.types import Chunk, ChunkKind, Ending, Finish, Say, Turn

NEAR_S = 0.35  # a filler that an answer follows so soon sounds like a stutter

_Done = TypeVar("_Done")


def _last_words(call: Call, turn: Turn) -> Iterator[str]:
    """What was said on this call, the newest first; the caller's words before ours."""
    yield turn.said
    for before in reversed(call.thread.turns):
        if before is not turn:
            yield before.said
            yield before.sent
    yield call.thread.greeting


class Speaker:
    """The voice of one turn: says chunks and writes down when they left."""

    __slots__ = ("_call", "_deadline", "_fillers", "_reader", "_say", "_turn")

    def __init__(self, call: Call, turn: Turn, deadline: Deadline, say: Say, language: str) -> None:
        self._call, self._turn, self._deadline, self._say = call, turn, deadline, say
        self._fillers: list[str] = []
        # In `multi` what tells no language is read in the caller's, or as what was said last.
        self._reader = Reader(language, call.agent.lexicon, asked=_last_words(call, turn))

    def say(self, chunk: Chunk) -> Awaitable[None]:
        """Say a piece of a reply, as it is read aloud; lines of the agent's own have been read."""
        return self.say_line(self._reader.read(chunk) if chunk.kind is ChunkKind.REPLY else chunk)

    async def say_line(self, line: Chunk) -> None:
        """Say what has been read aloud."""
        await self._say(line)
        if line.kind is ChunkKind.FILLER:
            self._fillers.append(line.text)
        self._turn.add(line, self._deadline.since_ms(now()))

    async def reply(self, asking: Asking) -> Finish:
        """Say the best reply. Raises NoRouteLeft when the caller must be given a fallback."""
        if self._turn.sent and not self._turn.sent[-1].isspace():
            self._turn.sent += " "  # before a tool it had said something else
        draft = await self._first(asking)
        if self._turn.timing.ttft_ms is None:
            self._turn.timing.ttft_ms = draft.rung.answer_ms
        telling = Telling(self._call, self._turn, self._deadline, self.say, asking, draft)
        try:
            return await telling.to_its_end()
        finally:
            telling.close()

    def must_speak_at(self) -> float:
        """When something must be said: by the deadline; once something was, within a gap from it.

        What is late already (a tool took long) is given a gap from now.
        """
        gap_s, left = self._deadline.gap_s - MARGIN_S, self._turn.timing.left
        due_at = self._deadline.must_speak_at
        if left:
            due_at = self._deadline.heard_at + left[-1].at_ms / 1000 + gap_s
        if due_at <= now():
            due_at = now() + gap_s
        return min(due_at, self._deadline.reply_at - MARGIN_S)

    async def wait_for(self, work: Awaitable[_Done]) -> _Done:
        """Wait for work that says nothing itself; fillers are said when the caller must hear something."""
        filling = self._call.spawn(self._fill_when_due())
        try:
            return await work
        finally:
            filling.cancel()

    async def last_words(self, said: str) -> None:
        """Say what comes before an effect, unless the model has said something itself."""
        effect = self._turn.effect
        if effect is not None and effect.say and not said:
            await self.say_line(own_line(self._call.agent, effect.say))

    async def fall_back(self) -> None:
        """Say the agent's fallback: in place of a reply, or to end one that broke off."""
        has_spoken = bool(self._turn.spoken)
        self._turn.ending = Ending.CUT_SHORT if has_spoken else Ending.FELL_BACK
        await self.say(breaking_off(self._call) if has_spoken else fallback(self._call, self._turn.said))

    # The first chunk

    async def _first(self, asking: Asking) -> Draft:
        """The draft to speak. At the deadline a filler buys one gap's time, if that helps."""
        ladder = asking.ladder
        asking.check()
        while True:
            await asking.news(ladder.due_at)
            draft = ladder.front() or await self._another(asking)  # nearly always there is but one
            if draft is not None:
                asking.keep_only(draft)
                self._turn.route = draft.rung.route
                return draft
            asking.ask_due()
            asking.check()

    async def _another(self, asking: Asking) -> Draft | None:
        """A draft to speak though a better route may still answer; None: none yet."""
        ladder = asking.ladder
        fills = not self._turn.filler and may_fill(self._call, self._turn.said)
        fill_until = ladder.due_at + (self._deadline.gap_s if fills else 0.0)
        # Behind a filler the first answer is said, whoever gives it: the caller has waited already.
        draft = ladder.best(fill_until, waits=not self._turn.filler)
        if draft is None and now() >= ladder.due_at:
            draft = ladder.with_words(fill_until) or await self._overdue(asking, fills=fills)
        return draft

    async def _overdue(self, asking: Asking, *, fills: bool) -> Draft | None:
        """What to do when time is up: take what is held back, or say a filler and wait (None)."""
        held = asking.ladder.held()
        if held is not None and (not fills or asking.ladder.comes_within(now() + NEAR_S)):
            return held
        asking.check()
        if not await self._fill():
            raise NoRouteLeft(asking.failures())
        asking.ask_one_more()
        asking.ladder.due_at = self.must_speak_at()
        return None

    async def _fill(self) -> bool:
        """Say a filler; False when this turn has had one, or the agent has none that fits."""
        line = None if self._turn.filler else filler(self._call, self._turn.said)
        if line is None:
            return False
        await self.say(line)
        return True

    async def _fill_when_due(self) -> None:
        """While a tool works the answer is sure to come: something is said, whatever the caller said."""
        while True:
            await asyncio.sleep(max(0.0, self.must_speak_at() - now()))
            line = working(self._call, self._turn.said, self._fillers)
            if line is None:
                return
            await self.say(line)
            await asyncio.sleep(self._deadline.gap_s)  # a further line after twice the gap
