"""Asks routes for a reply as the ladder says, and stops whoever is not needed.

One `Asking` is one question to the models: the caller's words, the same again with what tools
answered, or a reply to be gone on with.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Sequence
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

    __slots__ = (
        "_call", "_deadline", "_door", "_first_due_at", "_news", "_next_at", "_owns_news", "_prompt",
        "_routes", "_turn", "_winner", "ladder",
    )  # fmt: skip

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
        self._news, self._owns_news = news or News(), news is None
        self._first_due_at, self._door = due_at, call.record.door
        self._winner: Draft | None = None
        self._next_at: float | None = None  # when somebody is to be asked; None: not before something happens
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
        if self._owns_news:
            self._news.close()

    def close(self, *, blames: bool = False) -> None:
        """Stop everybody, the one who is being spoken, too.

        `blames`: who has not written a word has cost the caller a wait. Not so where the caller spoke on.
        """
        self.ladder.waiting.clear()
        for draft in self.ladder.drafts:
            self._stop(draft, Outcome.WON if draft is self._winner else None, blames=blames)

    # Asking

    def ask_due(self) -> None:
        """Ask whoever's time has come, and see when the next one's does, as things are."""
        self._next_at = None
        while (then := self.ladder.next(at := now())) is not None:
            when, route, why = then
            if when > at:
                self._next_at = when
                return
            self._ask(route, why)

    def ask_one_more(self) -> None:
        """Ask one more, unless somebody is writing: the caller has waited long enough."""
        if (route := self.ladder.one_more()) is not None:
            self._ask(route, Why.DUE)

    def keep_only(self, winner: Draft) -> None:
        """Stop every other route; at its host, too, in the background."""
        self._winner, self._next_at = winner, None
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

    def news(self, until: float) -> Awaitable[None]:
        """Wait until something was written or failed, somebody is due to be asked, or `until` has come.

        Who is due was seen by `ask_due`.
        """
        if self._next_at is not None:
            until = min(until, self._next_at)
        if self._winner is None and self.ladder.held() is not None:
            until = min(until, now() + LOOK_S)
        return self._news.wait(until)

    def _others(self) -> list[Route]:
        """Who could go on for the winner, best first. A slow start is no reason against it."""
        out = {
            draft.rung.route
            for draft in self.ladder.drafts
            if draft is self._winner or (draft.failure and not isinstance(draft.failure, RouteSlow))
        }
        return in_turn([route for route in self._routes if route.name not in out], now())

    def _ask(self, route: Route, why: Why) -> None:
        call, ladder = self._call, self.ladder
        route.breaker.asked(now())
        ahead = writer(call, route, self._prompt)
        why = why if ahead is None else Why.AHEAD
        names, said = lexicon_of(call.agent.lexicon), wording(self._turn)
        draft = begin(route, why, self._prompt, self._deadline, said, self._door, names, self._news.tell)
        ladder.begin(draft)
        self._turn.rungs.append(draft.rung)
        call.publish(RouteAsked(call.call_id, draft.rung.route, len(ladder.drafts) - 1, why))
        draft.task = call.spawn(self._write(draft, ahead or route.client.write))

    # What they write

    async def _write(self, draft: Draft, write: Write) -> None:
        """Have one route write its draft. Ends quietly; what went wrong stands in the draft."""
        try:
            try:
                finish = await write(self._prompt, self._deadline, draft.hear)
            except asyncio.CancelledError:
                if (own := _own_end(draft)) is None:
                    raise
                finish = own
            self._ended(draft, finish)
        except ModelError as exc:
            self._failed(draft, exc)
        except Exception as exc:  # fence: one job
            log.exception("route.crashed", extra={"route": draft.route.name})
            broken = ReplyBroken(f"route {draft.route.name!r} raised {type(exc).__name__}")
            self._failed(draft, broken)
        self._news.tell()

    def _ended(self, draft: Draft, finish: Finish) -> None:
        """A route has written its draft to the end. Raises a ModelError where that is no reply."""
        verdict = draft.written.verdict
        finish = verdict if isinstance(verdict, Finish) else finish
        draft.end(finish)
        if isinstance(draft.written.verdict, ModelError):
            raise draft.written.verdict
        if draft.clause_at is None and not finish.tool_calls:
            draft.finish = None
            raise draft.without_words()
        route = draft.route
        if route.breaker.succeeded():
            self._call.publish(RouteChanged(route.name, "warm", "it answers again"))
        _saw(self._call, route, route.warmth.answered())
        draft.learn()

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


def _own_end(draft: Draft) -> Finish | None:
    """How a draft ends whose writer was cancelled by its verdict; None: somebody else has cancelled it.

    Raises a verdict that is a ModelError.
    """
    task, verdict = asyncio.current_task(), draft.written.verdict
    if verdict is None or task is None or task.uncancel() > 0:
        return None
    if isinstance(verdict, ModelError):
        raise verdict
    return verdict


def _sleeps(call: Call, draft: Draft) -> bool:
    """Whether a draft's host has turned out to be asleep while its job waits there."""
    if draft.token_at is None and (told := draft.route.client.told()) is not None:
        _saw(call, draft.route, draft.route.warmth.saw(told))
    return draft.token_at is None and draft.route.warmth.is_asleep


def _saw(call: Call, route: Route, changed: bool) -> None:
    if changed:
        health = route.warmth.health
        call.publish(RouteChanged(route.name, health.state, health.detail))
