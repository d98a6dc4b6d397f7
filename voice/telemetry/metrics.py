"""Counts what happens, for Prometheus.

Subscribes to the bus and keeps counters and histograms; a scrape reads them. Labels name doors,
routes, endings, reasons and classes of errors: things there are few of. Never a call, a number or
a word.
"""

from __future__ import annotations

import re
from collections import defaultdict
from functools import partial

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)

from voice.events import (
    Bus,
    CallEnded,
    CallMoved,
    CallStarted,
    RequestRefused,
    RouteAsked,
    RouteCancelled,
    RouteChanged,
    RouteFailed,
    RouteWoken,
    ToolUsed,
    TurnClosed,
    TurnCrashed,
    TurnStopped,
    UtteranceHeard,
)
from voice.telemetry.tallies import Counts, Times
from voice.types import CallId, Ending, Turn, Why

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NONE = "none"  # the label where there is nothing to name
OTHER = "other"  # the label of whatever comes after MAX_VALUES, or is no name
MAX_VALUES = 50  # of one label; a model may ask for tools that nobody has, by any name
STOPPED = "stopped"  # the outcome of a route that was still writing when its turn was stopped

# Seconds. Close around the budgets of 1.2 s (first chunk) and 1.5 s (gap), where it is decided
# whether a caller waits; 4 s is a Gather hop.
FIRST_WORDS_S = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.7, 4.0, 8.0)
GAP_S = (0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 3.0, 5.0)
WHOLE_TURN_S = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")


class Metrics:
    """The numbers of one running product. Every instance has its own registry."""

    def __init__(self, bus: Bus, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._live: set[CallId] = set()
        self._known: defaultdict[str, set[str]] = defaultdict(set)
        self._state_of: dict[str, str] = {}  # the state that each route's gauge shows
        self._make_call_metrics()
        self._make_route_metrics()
        self._make_times()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        self._listen(bus)

    def render(self) -> tuple[bytes, str]:
        """The body and the content type of a scrape."""
        return generate_latest(self.registry), CONTENT_TYPE

    def _listen(self, bus: Bus) -> None:
        bus.subscribe(self._count_start, CallStarted)
        bus.subscribe(self._count_end, CallEnded, CallMoved)
        bus.subscribe(self._count_utterance, UtteranceHeard)
        bus.subscribe(self._count_asked, RouteAsked)
        bus.subscribe(self._count_route, RouteFailed, RouteCancelled, RouteWoken, RouteChanged)
        bus.subscribe(self._count_turn, TurnClosed)
        bus.subscribe(self._count_other, TurnStopped, TurnCrashed, ToolUsed)
        bus.subscribe(self._count_refused, RequestRefused)

    def _make_call_metrics(self) -> None:
        counts = partial(Counts, self.registry)
        self._started = counts("offhook_calls_started", "Calls picked up.", "door")
        self._ended = counts("offhook_calls_ended", "Calls that are over.", "door")
        live = Gauge("offhook_calls_live", "Calls that are live now.", registry=self.registry)
        live.set_function(lambda: len(self._live))
        self._heard = counts("offhook_utterances", "Utterances heard.", "door")
        self._turns = counts("offhook_turns", "Turns by how they ended.", "door", "ending", "route")
        self._late = counts("offhook_turns_late", "Turns whose first chunk was late.", "door", "route")
        self._fallbacks = counts("offhook_fallbacks", "Turns in which no route answered.", "door")
        self._fillers = counts("offhook_fillers", "Turns with a filler.", "door")
        self._hedged = counts(
            "offhook_turns_hedged", "Turns that asked a second route out of impatience.", "door"
        )
        self._stopped = counts("offhook_turns_stopped", "Turns stopped before their end.", "door", "why")
        self._tools = counts("offhook_tools_used", "Tools by outcome.", "tool", "ok")
        self._crashes = counts("offhook_turns_crashed", "Turns ended by an error nobody expected.", "error")
        self._refused = counts(
            "offhook_requests_refused", "Requests that a door turned away.", "door", "status", "why"
        )
        self._strangers = counts(
            "offhook_strangers",
            "Requests with a wrong secret or none, by the headers that it came in.",
            "door",
            "came",
        )

    def _make_route_metrics(self) -> None:
        counts = partial(Counts, self.registry)
        self._asked = counts("offhook_routes_asked", "Routes asked, and why.", "route", "why")
        self._rungs = counts(
            "offhook_rungs",
            "Routes asked in turns that have ended, and what came of it.",
            "route",
            "why",
            "outcome",
        )
        self._route_failures = counts(
            "offhook_route_failures", "Routes without a usable reply.", "route", "error"
        )
        self._cancelled = counts(
            "offhook_routes_cancelled", "Replies that were cancelled at their host.", "route"
        )
        self._woken = counts("offhook_routes_woken", "Hosts told that a call is coming.", "route")
        self._state = Gauge(
            "offhook_route_state",
            "1 for the state of a route's host.",
            ["route", "state"],
            registry=self.registry,
        )
        self._tokens = counts("offhook_tokens", "Tokens read and written, as hosts tell.", "route", "kind")
        self._cost = counts("offhook_cost_usd", "What replies cost, where a price is set.", "route")

    def _make_times(self) -> None:
        def times(name: str, what: str, bounds_s: tuple[float, ...]) -> Times:
            return Times(self.registry, name, what, ("door", "route"), bounds_s)

        self._ttft = times("offhook_ttft_seconds", "To the first token.", FIRST_WORDS_S)
        self._ttfc = times("offhook_ttfc_seconds", "To the first chunk.", FIRST_WORDS_S)
        self._gap = times("offhook_gap_seconds", "The longest pause between two chunks.", GAP_S)
        self._total = times("offhook_turn_seconds", "To the last chunk.", WHOLE_TURN_S)

    def _count_start(self, event: CallStarted) -> None:
        self._started.add(str(event.door))
        self._live.add(event.call_id)

    def _count_end(self, event: CallEnded | CallMoved) -> None:
        if isinstance(event, CallEnded):
            self._ended.add(str(event.door))
        self._live.discard(event.call_id)  # a call of an earlier process may end here, too

    def _count_utterance(self, event: UtteranceHeard) -> None:
        self._heard.add(str(event.door))

    def _count_asked(self, event: RouteAsked) -> None:
        self._asked.add(self._name("route", event.route), str(event.why))

    def _count_route(self, event: RouteFailed | RouteCancelled | RouteWoken | RouteChanged) -> None:
        route = self._name("route", event.route)
        match event:
            case RouteFailed():
                self._route_failures.add(route, self._name("error", event.error))
            case RouteCancelled():
                self._cancelled.add(route)
            case RouteWoken():
                self._woken.add(route)
            case RouteChanged():
                state = self._name("state", event.state)
                if before := self._state_of.get(route):
                    self._state.labels(route, before).set(0)
                self._state.labels(route, state).set(1)
                self._state_of[route] = state

    def _count_turn(self, event: TurnClosed) -> None:
        turn, door = event.turn, str(event.door)
        route = self._name("route", turn.route)
        self._turns.add(door, str(turn.ending) if turn.ending else NONE, route)
        if event.late:
            self._late.add(door, route)
        if turn.ending is Ending.FELL_BACK:
            self._fallbacks.add(door)
        if turn.filler:
            self._fillers.add(door)
        timing, labels = turn.timing, (door, route)
        for times, after_ms in (
            (self._ttft, timing.ttft_ms),
            (self._ttfc, timing.ttfc_ms),
            (self._gap, timing.gap_ms),
            (self._total, timing.total_ms),
        ):
            if after_ms is not None:
                times.add(labels, after_ms / 1000)
        if turn.usage.prompt_tokens:
            self._tokens.add(route, "prompt", by=turn.usage.prompt_tokens)
        if turn.usage.completion_tokens:
            self._tokens.add(route, "completion", by=turn.usage.completion_tokens)
        self._count_rungs(turn, door)

    def _count_rungs(self, turn: Turn, door: str) -> None:
        is_hedged = False
        for rung in turn.rungs:
            is_hedged = is_hedged or rung.why is Why.HEDGE
            route, outcome = self._name("route", rung.route), rung.outcome
            self._rungs.add(route, str(rung.why), str(outcome) if outcome else STOPPED)
            if rung.cost_usd:
                self._cost.add(route, by=rung.cost_usd)
        if is_hedged:
            self._hedged.add(door)

    def _count_other(self, event: TurnStopped | TurnCrashed | ToolUsed) -> None:
        match event:
            case TurnStopped():
                self._stopped.add(str(event.door), event.why)
            case TurnCrashed():
                self._crashes.add(self._name("crash", type(event.error).__name__))
            case ToolUsed():
                self._tools.add(self._name("tool", event.tool), "yes" if event.ok else "no")

    def _count_refused(self, event: RequestRefused) -> None:
        door, why = self._name("place", event.door), self._name("why", event.why)
        self._refused.add(door, self._name("status", str(event.status)), why)
        if event.status in (401, 403):
            for header in (event.came or "nothing").split(", "):
                self._strangers.add(door, self._name("came", header))

    def _name(self, label: str, value: str | None) -> str:
        """The value as a label: one of at most MAX_VALUES names."""
        if not value:
            return NONE
        known = self._known[label]
        if value in known:
            return value
        if len(known) >= MAX_VALUES or not _NAME.fullmatch(value):
            return OTHER
        known.add(value)
        return value
