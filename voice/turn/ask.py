"""Asks the routes for a reply, and holds what each has written so far.

Routes are asked in the order of the strategy: the next one at once when one fails, or
when half of the time that was left has passed in silence. What counts is a chunk that can
be said; a chunk of a lower route waits while a better route can still come in time.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from voice.call import Call
from voice.clock import Deadline, now
from voice.errors import EmptyReply, ModelError, NoRouteLeft, ReplyBroken, RouteSlow
from voice.events import RouteAsked, RouteFailed
from voice.routing.strategy import by_rest
from voice.routing.table import Route
from voice.speech.chunk import Chunker, is_whole
from voice.types import Chunk, Finish, Prompt, Why

log = logging.getLogger(__name__)

WORD = re.compile(r"[^\W_]")
STALLED_S = 0.35  # without a token: ten times the usual pause between two; somebody else may be asked


@dataclass(slots=True, eq=False)
class Draft:
    """What one route has written: chunks that wait to be said, and how the writing ended."""

    route: Route
    rank: int
    asked_at: float
    ready: deque[Chunk] = field(default_factory=deque)
    finish: Finish | None = None
    failure: ModelError | None = None
    first_token_at: float | None = None
    last_token_at: float | None = None
    task: asyncio.Task[None] | None = None
    chunker: Chunker = field(default_factory=Chunker)
    has_chunks: bool = False

    @property
    def is_usable(self) -> bool:
        """Whether the caller could be given something of it now."""
        return bool(self.ready) or (self.failure is None and self.finish is not None)

    @property
    def is_over(self) -> bool:
        return self.finish is not None or self.failure is not None

    def hear(self, piece: str) -> bool:
        """Take a piece as it is written. True when it completes a chunk.

        What is thought aloud, or is no word, is no sign of an answer.
        """
        chunks = self.chunker.feed(piece)
        if chunks or (not self.chunker.is_hiding and WORD.search(piece)):
            self.last_token_at = now()
            self.first_token_at = self.first_token_at or self.last_token_at
        return self.add(chunks)

    def flush(self) -> bool:
        """Make the words usable that wait for the end of their sentence. True when there are some."""
        return not self.is_over and self.add(self.chunker.flush())

    def add(self, chunks: Sequence[Chunk]) -> bool:
        self.ready.extend(chunks)
        self.has_chunks = self.has_chunks or bool(chunks)
        return bool(chunks)

    def writes_until(self) -> float:
        """Until when it counts as writing, though it writes nothing more."""
        return 0.0 if self.last_token_at is None or self.is_over else self.last_token_at + STALLED_S


class Asking:
    """One asking of a turn: who was asked, what they wrote, and who is asked next.

    Used as a context: leaving it cancels whatever is still being written, without waiting
    for a host to confirm. By `due_at` the caller must hear something.
    """

    def __init__(self, call: Call, prompt: Prompt, deadline: Deadline, due_at: float) -> None:
        self._call, self._prompt, self._deadline = call, prompt, deadline
        self.due_at, self._patience_s = due_at, max(0.0, due_at - now()) / 2
        self._waiting: deque[Route] = deque(by_rest(call.routes, now()))
        self._drafts: list[Draft] = []
        self._news = asyncio.Event()
        self._next_at = now()

    def __enter__(self) -> Asking:
        self.ask_next()
        return self

    def __exit__(self, *_: object) -> None:
        self.keep_only(None)

    def ask_next(self, *, at_once: bool = False) -> None:
        """Ask the next route, if one is left and its time has come. `at_once`: whoever is writing."""
        if not self._waiting or self._rests() or (now() < self._next_due_at() and not at_once):
            return
        route = self._waiting.popleft()
        route.breaker.asked(now())
        why = Why.FIRST if not self._drafts else Why.FAILED if self._all_over() else Why.HEDGE
        draft = Draft(route, len(self._drafts), now())
        self._drafts.append(draft)
        self._next_at = now() + max(0.0, self.due_at - now()) / 2
        self._call.publish(RouteAsked(self._call.call_id, route.name, draft.rank, why))
        draft.task = self._call.spawn(self._write(draft))

    def _all_over(self) -> bool:
        return all(draft.is_over for draft in self._drafts)

    def best(self, *, patient: bool) -> Draft | None:
        """The best-ranked usable draft; `patient`: none while a better one can still come."""
        for draft in self._drafts:
            if draft.is_usable:
                return draft
            if patient and not draft.is_over:
                return None
        return None

    def best_words(self) -> Draft | None:
        """The best-ranked draft with words in it, though in the middle of a sentence: time is up."""
        return next((draft for draft in self._drafts if draft.flush()), None)

    def keep_only(self, winner: Draft | None) -> None:
        """Stop every other route; at its host, too, in the background."""
        self._waiting.clear()
        for draft in self._drafts:
            if draft is winner or draft.is_over or draft.task is None:
                continue
            draft.task.cancel()
            had_time = now() >= self.due_at and now() - draft.asked_at >= self._patience_s
            if draft.first_token_at is None and had_time:
                # It cost the caller a wait: its breaker must know, though nothing was refused.
                self._failed(draft, RouteSlow(f"route {draft.route.name!r} had not written a word in time"))

    def check(self) -> None:
        """Raise NoRouteLeft when every route has been asked and has failed."""
        if not self._waiting and all(draft.failure for draft in self._drafts):
            raise NoRouteLeft(self.failures())

    def failures(self) -> Sequence[ModelError]:
        return [draft.failure for draft in self._drafts if draft.failure]

    async def news(self, until: float) -> bool:
        """Wait until something was written or failed, or the next route is due. False: `until` came first."""
        due = max(self._next_due_at(), now()) if self._waiting and not self._rests() else until
        try:
            async with asyncio.timeout_at(min(until, due)):
                await self._news.wait()
        except TimeoutError:
            return now() < until
        self._news.clear()
        return True

    async def _write(self, draft: Draft) -> None:
        """Have one route write its draft. Ends quietly; what went wrong stands in the draft."""

        def hear(piece: str) -> None:
            if draft.hear(piece):
                self._news.set()

        try:
            finish = await draft.route.client.write(self._prompt, self._deadline, hear)
            draft.add(_tail(draft, finish))
            if not draft.has_chunks and not finish.tool_calls:
                raise EmptyReply(f"route {draft.route.name!r} answered without a word to say")
            draft.route.breaker.succeeded()
            draft.finish = finish
        except ModelError as exc:
            self._failed(draft, exc)
        except Exception as exc:  # fence: one job
            log.exception("route.crashed", extra={"route": draft.route.name})
            broken = ReplyBroken(f"route {draft.route.name!r} raised {type(exc).__name__}")
            self._failed(draft, broken)
        self._news.set()

    def _rests(self) -> bool:
        """Whether the next route rests, and somebody else may still answer."""
        others = any(not draft.failure for draft in self._drafts)
        return others and self._waiting[0].breaker.rests(now())

    def _next_due_at(self) -> float:
        """When the next route may be asked: its time has come, and nobody is writing."""
        return max([self._next_at, *(draft.writes_until() for draft in self._drafts)])

    def _failed(self, draft: Draft, failure: ModelError) -> None:
        if draft.has_chunks:  # a whole sentence that was waiting is not lost with the rest
            draft.add([chunk for chunk in draft.chunker.end() if is_whole(chunk.text)])
        draft.failure = failure
        draft.route.breaker.failed(now())
        self._next_at = now()
        name = draft.route.name
        event = RouteFailed(self._call.call_id, name, type(failure).__name__, str(failure), failure.to_do)
        self._call.publish(event)


def _tail(draft: Draft, finish: Finish) -> list[Chunk]:
    """The last chunks; a sentence that the token limit cut off is left out, if others stand without it."""
    tail = draft.chunker.end()
    is_cut = finish.reason == "length" and tail and not is_whole(tail[-1].text)
    return tail[:-1] if is_cut and (draft.has_chunks or len(tail) > 1) else tail
