"""Decides who is asked next, and when, and who is worth waiting for: the ladder of one turn.

Routes are asked in the order of the strategy. The next one is asked at once when one fails; as a
hedge when one has been silent for longer than its own p95; and at the latest so early that its p95
lands before the caller must hear something. A clause of a lower route waits while a better route is
still likelier than not to come in time.

Decides only: `ask` does the asking, and tells the ladder what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from voice.clock import now
from voice.routing.hedging import HedgePurse
from voice.routing.strategy import in_turn
from voice.routing.table import Route
from voice.turn.draft import Draft
from voice.types import Why

LIKELY = 0.5  # a better route is waited for while it is likelier than not to come
LOCAL_S, REMOTE_S = 0.3, 0.6  # until a first clause, before that is learned of a route


class Ladder:
    """The routes that wait to be asked, and the drafts of those that were, best first.

    By `due_at` the caller must hear something. `sleeps` tells of a draft whether its host has turned
    out to be asleep while the job waits there. `goes_on`: a reply that another has begun is finished.
    """

    __slots__ = ("_goes_on", "_patience_s", "_purse", "_sleeps", "drafts", "due_at", "waiting")

    def __init__(
        self,
        routes: Sequence[Route],
        purse: HedgePurse,
        due_at: float,
        sleeps: Callable[[Draft], bool],
        *,
        goes_on: bool,
    ) -> None:
        self.due_at = due_at
        self.drafts: list[Draft] = []
        at = now()
        self.waiting = in_turn(routes, at)
        self._purse, self._sleeps, self._goes_on = purse, sleeps, goes_on
        # What a route that is not learned yet is given before the next one is asked: half of the time.
        self._patience_s = max(0.0, due_at - at) / 2

    # Who is asked

    def next(self, at: float) -> tuple[float, Route, Why] | None:
        """When somebody is to be asked, who, and why, as things are at an instant; None: not before
        something happens."""
        route = self._affordable()
        if route is None or self.held() is not None:
            return None
        if not self.drafts:
            return at, route, Why.GOES_ON if self._goes_on else Why.FIRST
        running = [draft for draft in self.drafts if not draft.is_over]
        return self._beside(running, route, at) if running else (at, route, Why.FAILED)

    def one_more(self) -> Route | None:
        """Whom to ask when the caller has waited long enough; nobody while somebody is writing."""
        route, at = self._affordable(), now()
        if route is None or any(at < draft.writes_until() for draft in self.drafts):
            return None
        return route if route.is_local or not route.breaker.rests(at) else None

    def begin(self, draft: Draft) -> None:
        """A route was asked."""
        self.waiting.remove(draft.route)
        if self._is_second(draft.route):
            self._purse.spend()
        self.drafts.append(draft)

    @property
    def live(self) -> list[Draft]:
        """The drafts that nobody has stopped, best first."""
        return [draft for draft in self.drafts if draft.rung.outcome is None]

    @property
    def is_lost(self) -> bool:
        """Whether every route has been asked and has failed, or had nothing to add."""
        return not self.waiting and all(draft.failure for draft in self.drafts)

    def _beside(self, running: Sequence[Draft], route: Route, at: float) -> tuple[float, Route, Why] | None:
        """When a route is asked though others have not failed: as a hedge, or because the time is near."""
        newest = running[-1]
        hedge_at, due_at = self._silent_too_long_at(newest, at), self.due_at - usual_s(route)
        # Whoever is writing is about to have something to say: nobody is paid meanwhile.
        writing_until = max([draft.writes_until() for draft in running])
        if route.is_local:
            hedge_at = max(hedge_at, writing_until)
            may_hedge = hedge_at <= due_at and not route.breaker.rests(at)
            return (hedge_at, route, Why.HEDGE) if may_hedge else (due_at, route, Why.DUE)
        if route.breaker.rests(at):
            return None
        if self._is_second(route) and not self._purse.can_pay:
            # All that is left, and not before nothing else has come.
            return max(self.due_at, writing_until), route, Why.DUE
        # A route that is nearly as slow as the deadline is far would be asked, and paid, at once.
        due_at = max(due_at, newest.asked_at + (newest.route.latency.quantile_s("clause", 0.5) or 0.0))
        why = Why.HEDGE if hedge_at <= due_at else Why.DUE
        return max(min(hedge_at, due_at), writing_until), route, why

    def _silent_too_long_at(self, draft: Draft, at: float) -> float:
        if self._sleeps(draft):
            return at
        return draft.asked_at + draft.route.latency.p95_s("clause", self._patience_s)

    def _affordable(self) -> Route | None:
        """The next route, or the next that costs nothing when no more may be paid.

        Where none is free the paid one is asked all the same, late: it is all that can still answer.
        """
        if not self.waiting:
            return None
        first = self.waiting[0]
        if not self.drafts or not self._is_second(first) or self._purse.can_pay:
            return first
        free = next((route for route in self.waiting if route.is_local), None)
        has_free = any(draft.route.is_local and draft.failure is None for draft in self.drafts)
        return None if free is None and has_free else free or first

    def _is_second(self, route: Route) -> bool:
        """Whether the turn would be paid for twice."""
        return not route.is_local and any(not one.route.is_local and not one.failure for one in self.drafts)

    # Who is worth waiting for

    def front(self) -> Draft | None:
        """The best-ranked of all drafts that nobody has stopped, if it could be said now."""
        for draft in self.drafts:
            if draft.rung.outcome is None:
                return draft if draft.is_usable else None
        return None

    def best(self, fill_until: float, *, waits: bool) -> Draft | None:
        """The draft to speak now: the best-ranked one, unless a better one is likely to come in time.

        In time is `due_at`, if anybody `waits` for it at all; a local route waits until `fill_until` for
        a remote one, behind a filler.
        """
        better: list[Draft] = []
        for draft in self.live:
            if not draft.is_usable:
                better.append(draft)
            elif any(self._is_likely(one, self._until(one, draft, fill_until, waits)) for one in better):
                return None
            else:
                return draft
        return None

    def held(self) -> Draft | None:
        """The best-ranked draft that could be said now, whoever else may come."""
        for draft in self.drafts:
            if draft.rung.outcome is None and draft.is_usable:
                return draft
        return None

    def with_words(self, fill_until: float) -> Draft | None:
        """The best-ranked draft with words in it, though in the middle of a sentence: time is up.

        None where a whole clause of somebody is there, or a remote route is worth a filler.
        """
        better: list[Draft] = []
        for draft in self.live:
            if draft.is_usable:
                return None
            waits = draft.route.is_local and any(
                not one.route.is_local and self._is_likely(one, fill_until) for one in better
            )
            if not waits and draft.flush():
                return draft
            better.append(draft)
        return None

    def comes_within(self, until: float) -> bool:
        """Whether somebody who has nothing to say yet is likely to have by then."""
        return any(self._is_likely(draft, until) for draft in self.live if not draft.is_usable)

    def _until(self, better: Draft, usable: Draft, fill_until: float, waits: bool) -> float:
        if usable.route.is_local and not better.route.is_local:
            return fill_until
        return self.due_at if waits else now()

    def _is_likely(self, draft: Draft, until: float) -> bool:
        left_s = until - now()
        if draft.is_over or left_s <= 0 or self._sleeps(draft):
            return False
        if now() < draft.writes_until():
            return True
        return draft.route.latency.chance("clause", draft.silent_s(), left_s) >= LIKELY


def usual_s(route: Route) -> float:
    """How long a route usually takes to its first clause: its p95, or what its kind takes."""
    return route.latency.p95_s("clause", LOCAL_S if route.is_local else REMOTE_S)
