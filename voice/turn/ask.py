"""Asks routes for a reply as the ladder says, and stops whoever is not needed.

One `Asking` is one question to the models: the caller's words, the same again with what tools
answered, or a reply to be gone on with.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from voice.call import Call
from voice.clock import Deadline, now
from voice.errors import EmptyReply, ModelError, NoRouteLeft, ReplyBroken, RouteSlow
from voice.events import RouteAsked, RouteCancelled, RouteChanged, RouteFailed
from voice.routing.strategy import in_turn
from voice.routing.table import Route
from voice.speech.aloud import lexicon_of
from voice.threads.wording import wording
from voice.turn.ahead import Write, routes_of, writer
from voice.turn.draft import Draft, begin
from voice.turn.ladder import REMOTE_S, Ladder, usual_s
from voice.turn.news import News
from voice.types import Finish, Outcome, Prompt, Turn, Why

log = logging.getLogger(__name__)

LOOK_S = 0.04  # how often the chances are looked at while a chunk is held back for a better route
MOST_OF_GAP = 0.6  # of a pause may pass, at the least, before somebody is asked to go on


class Asking:
    """One asking of a turn: who was asked, what they wrote, and who is asked next.

    Used as a context: leaving it cancels whatever is still being written, without waiting
    for a host to confirm. By `due_at` the caller must hear something.
    """

    def __init__(
        self,
        call: Call,
        turn: Turn,
        prompt: Prompt,
        deadline: Deadline,
        due_at: float,
        routes: Sequence[Route] | None = None,
        news: News | None = None,
    ) -> None:
        self._call, self._turn, self._prompt, self._deadline = call, turn, prompt, deadline
        self._routes = routes_of(call) if routes is None else routes
        self._news = news or News()
        self._first_due_at, self._door = due_at, call.record.door
        self._winner: Draft | None = None
        # Not bound to this asking: such a ring would wait for the garbage collector.
        sleeps = partial(_sleeps, call)
        self.ladder = Ladder(self._routes, call.purse, due_at, sleeps, goes_on=bool(prompt.so_far))

    def __enter__(self) -> Asking:
        self._call.askings.append(self)
        self.ask_due()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self.close(blames=kind is None or not issubclass(kind, asyncio.CancelledError))
        self._call.askings.remove(self)

    def close(self, *, blames: bool = False) -> None:
        """Stop everybody, the one who is being spoken, too.

        `blames`: who has not written a word has cost the caller a wait. Not so where the caller spoke on.
        """
        self.ladder.waiting.clear()
        for draft in self.ladder.drafts:
            self._stop(draft, Outcome.WON if draft is self._winner else None, blames=blames)

    # Asking

    def ask_due(self) -> None:
        """Ask whoever's time has come."""
        while (due := self.ladder.due()) is not None:
            self._ask(*due)

    def ask_one_more(self) -> None:
        """Ask one more, unless somebody is writing: the caller has waited long enough."""
        if (route := self.ladder.one_more()) is not None:
            self._ask(route, Why.DUE)

    def keep_only(self, winner: Draft) -> None:
        """Stop every other route; at its host, too, in the background."""
        self._winner = winner
        self.ladder.waiting.clear()
        for draft in self.ladder.drafts:
            if draft is not winner:
                self._stop(draft, None, blames=True)

    def heir(self, so_far: str, due_at: float, *, beside: bool) -> Asking | None:
        """Another asking, to finish what the winner has begun; None when nobody else is left.

        `so_far` is what the caller has heard of it. `beside`: the winner is silent, but may still go on;
        then a free route is asked if no more may be paid, and the next one on credit if none is free.
        """
        others = self._others()
        if beside and not self._call.purse.can_pay:
            others = [route for route in others if route.is_local] or others
        if not others:
            return None
        if beside and not others[0].is_local:
            self._call.purse.spend()
        prompt = replace(self._prompt, so_far=so_far)
        return Asking(self._call, self._turn, prompt, self._deadline, due_at, others, self._news)

    def lead_s(self, gap_s: float) -> float:
        """How long before a pause ends the next one must be asked, to have a clause by then."""
        return min([MOST_OF_GAP * gap_s, *(usual_s(route) for route in self._others()[:1])])

    def broke(self, draft: Draft, failure: ModelError) -> None:
        """A draft that was being said goes no further."""
        if draft.failure is None:
            self._failed(draft, failure)
        self._stop(draft, Outcome.BROKE, blames=False)

    def check(self) -> None:
        """Raise NoRouteLeft when every route has been asked and has failed."""
        if self.ladder.is_lost:
            raise NoRouteLeft(self.failures())

    def failures(self) -> Sequence[ModelError]:
        return [draft.failure for draft in self.ladder.drafts if draft.failure]

    async def news(self, until: float) -> None:
        """Wait until something was written or failed, somebody is due to be asked, or `until` has come."""
        due_at = self.ladder.due_next_at()
        looks_at = [until] if due_at is None else [until, due_at]
        if self.ladder.held() is not None:
            looks_at.append(now() + LOOK_S)
        await self._news.wait(min(looks_at))

    def _others(self) -> list[Route]:
        """Who could go on for the winner, best first. A slow start is no reason against it."""
        out = {
            draft.route.name
            for draft in self.ladder.drafts
            if draft is self._winner or (draft.failure and not isinstance(draft.failure, RouteSlow))
        }
        return in_turn([route for route in self._routes if route.name not in out], now())

    def _ask(self, route: Route, why: Why) -> None:
        route.breaker.asked(now())
        ahead = writer(self._call, route, self._prompt)
        why = why if ahead is None else Why.AHEAD
        names = lexicon_of(self._call.agent.lexicon)
        draft = begin(route, why, self._prompt, self._deadline, wording(self._turn), self._door, names)
        self.ladder.begin(draft)
        self._turn.rungs.append(draft.rung)
        rank = len(self.ladder.drafts) - 1
        self._call.publish(RouteAsked(self._call.call_id, route.name, rank, why))
        draft.task = self._call.spawn(self._write(draft, ahead or route.client.write))

    # What they write

    async def _write(self, draft: Draft, write: Write) -> None:
        """Have one route write its draft. Ends quietly; what went wrong stands in the draft."""
        try:
            await self._have_written(draft, write)
            if isinstance(draft.written.verdict, ModelError):
                raise draft.written.verdict
            assert draft.finish is not None
            if draft.clause_at is None and not draft.finish.tool_calls:
                draft.finish = None
                raise draft.without_words()
            if draft.route.breaker.succeeded():
                self._call.publish(RouteChanged(draft.route.name, "warm", "it answers again"))
            _saw(self._call, draft.route, draft.route.warmth.answered())
            draft.learn()
        except ModelError as exc:
            self._failed(draft, exc)
        except Exception as exc:  # fence: one job
            log.exception("route.crashed", extra={"route": draft.route.name})
            broken = ReplyBroken(f"route {draft.route.name!r} raised {type(exc).__name__}")
            self._failed(draft, broken)
        self._news.tell()

    async def _have_written(self, draft: Draft, write: Write) -> None:
        listen, news = draft.hear, self._news

        def hear(piece: str) -> None:
            if listen(piece):
                news.tell()

        try:
            finish = await write(self._prompt, self._deadline, hear)
            draft.end(draft.written.verdict if isinstance(draft.written.verdict, Finish) else finish)
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if draft.written.verdict is None or task is None or task.uncancel() > 0:
                raise
            if isinstance(draft.written.verdict, Finish):
                draft.end(draft.written.verdict)

    def _failed(self, draft: Draft, failure: ModelError) -> None:
        draft.fail(failure)
        if not self._prompt.so_far or not isinstance(failure, EmptyReply | ReplyBroken):
            # Who cannot go on behind another's words may well write replies of its own.
            self._book_failure(draft.route, failure)
        name = draft.route.name
        event = RouteFailed(self._call.call_id, name, type(failure).__name__, str(failure), failure.to_do)
        self._call.publish(event)

    def _book_failure(self, route: Route, failure: ModelError) -> None:
        if route.breaker.failed(now()):
            again = f"asked again in {route.breaker.rest_s:.0f} s; the newest failure: {failure}"
            self._call.publish(RouteChanged(route.name, "resting", again))

    # Stopping them

    def _stop(self, draft: Draft, outcome: Outcome | None, *, blames: bool) -> None:
        """Write down what became of a draft, and stop it if it is still being written."""
        if draft.rung.outcome is not None:
            return
        is_running = draft.finish is None and draft.task is not None and not draft.task.done()
        if is_running and draft.task is not None:
            draft.task.cancel()
            self._call.publish(RouteCancelled(self._call.call_id, draft.route.name))
            draft.learn()
            if blames and self._was_slow(draft):
                self._failed(draft, RouteSlow(f"route {draft.route.name!r} had not written a word in time"))
        draft.close(outcome or (Outcome.FAILED if draft.failure else Outcome.LOST), cancelled=is_running)

    def _was_slow(self, draft: Draft) -> bool:
        """Whether it cost the caller a wait: its breaker must know, though nothing was refused."""
        if draft.token_at is not None or self._prompt.so_far or now() < self._first_due_at:
            return False
        return draft.silent_s() >= max(REMOTE_S, draft.route.latency.p95_s("clause", REMOTE_S))


def _sleeps(call: Call, draft: Draft) -> bool:
    """Whether a draft's host has turned out to be asleep while its job waits there."""
    if draft.token_at is None and (told := draft.route.client.told()) is not None:
        _saw(call, draft.route, draft.route.warmth.saw(told))
    return draft.token_at is None and draft.route.warmth.is_asleep


def _saw(call: Call, route: Route, changed: bool) -> None:
    if changed:
        health = route.warmth.health
        call.publish(RouteChanged(route.name, health.state, health.detail))
