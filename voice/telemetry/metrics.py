"""Counts what happens, for Prometheus.

Subscribes to the bus and keeps counters and histograms; a scrape reads them. Labels name doors,
routes, endings, reasons and classes of errors: things there are few of. Never a call, a number or
a word.
"""

from __future__ import annotations

import re
from typing import TypeVar, cast

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

from voice.events import (
    Bus,
    CallEnded,
    CallMoved,
    CallStarted,
    Event,
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

_Metric = TypeVar("_Metric", Counter, Gauge, Histogram)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads


class Metrics:
    """The numbers of one running product. Every instance has its own registry."""

    def __init__(self, bus: Bus, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._live: set[CallId] = set()
        self._known: dict[str, set[str]] = {}
        self._children: dict[tuple[Counter | Gauge | Histogram, tuple[str, ...]], object] = {}
        self._state_of: dict[str, str] = {}  # the state that each route's gauge shows
        self._make_call_metrics()
        self._make_route_metrics()
        self._make_times()
        ProcessCollector(registry=self.registry)
        PlatformCollector(registry=self.registry)
        bus.subscribe(self.count)

    def render(self) -> tuple[bytes, str]:
        """The body and the content type of a scrape."""
        return generate_latest(self.registry), CONTENT_TYPE

    def count(self, event: Event) -> None:
        """Count one event."""
        match event:
            case TurnClosed():
                self._count_turn(event)
            case RouteAsked() | RouteFailed() | RouteCancelled() | RouteWoken() | RouteChanged():
                self._count_route(event)
            case TurnStopped():
                self._of(self._stopped, event.door.value, event.why).inc()
            case ToolUsed():
                self._of(self._tools, self._name("tool", event.tool), "yes" if event.ok else "no").inc()
            case RequestRefused():
                door, why = self._name("place", event.door), self._name("why", event.why)
                self._of(self._refused, door, self._name("status", str(event.status)), why).inc()
                if event.status in (401, 403):
                    for header in (event.came or "nothing").split(", "):
                        self._of(self._strangers, door, self._name("came", header)).inc()
            case TurnCrashed():
                self._of(self._crashes, self._name("crash", type(event.error).__name__)).inc()
            case UtteranceHeard():
                self._of(self._heard, event.door.value).inc()
            case CallStarted() | CallEnded() | CallMoved():
                self._count_call(event)

    def _make_call_metrics(self) -> None:
        registry = self.registry
        self._started = Counter("offhook_calls_started", "Calls picked up.", ["door"], registry=registry)
        self._ended = Counter("offhook_calls_ended", "Calls that are over.", ["door"], registry=registry)
        self._live_calls = Gauge("offhook_calls_live", "Calls that are live now.", registry=registry)
        self._heard = Counter("offhook_utterances", "Utterances heard.", ["door"], registry=registry)
        self._turns = Counter(
            "offhook_turns", "Turns by how they ended.", ["door", "ending", "route"], registry=registry
        )
        self._late = Counter(
            "offhook_turns_late", "Turns whose first chunk was late.", ["door", "route"], registry=registry
        )
        self._fallbacks = Counter(
            "offhook_fallbacks", "Turns in which no route answered.", ["door"], registry=registry
        )
        self._fillers = Counter("offhook_fillers", "Turns with a filler.", ["door"], registry=registry)
        self._hedged = Counter(
            "offhook_turns_hedged",
            "Turns that asked a second route out of impatience.",
            ["door"],
            registry=registry,
        )
        self._stopped = Counter(
            "offhook_turns_stopped", "Turns stopped before their end.", ["door", "why"], registry=registry
        )
        self._tools = Counter("offhook_tools_used", "Tools by outcome.", ["tool", "ok"], registry=registry)
        self._crashes = Counter(
            "offhook_turns_crashed", "Turns ended by an error nobody expected.", ["error"], registry=registry
        )
        self._refused = Counter(
            "offhook_requests_refused",
            "Requests that a door turned away.",
            ["door", "status", "why"],
            registry=registry,
        )
        self._strangers = Counter(
            "offhook_strangers",
            "Requests with a wrong secret or none, by the headers that it came in.",
            ["door", "came"],
            registry=registry,
        )

    def _make_route_metrics(self) -> None:
        registry = self.registry
        self._asked = Counter(
            "offhook_routes_asked", "Routes asked, and why.", ["route", "why"], registry=registry
        )
        self._rungs = Counter(
            "offhook_rungs",
            "Routes asked in turns that have ended, and what came of it.",
            ["route", "why", "outcome"],
            registry=registry,
        )
        self._route_failures = Counter(
            "offhook_route_failures", "Routes without a usable reply.", ["route", "error"], registry=registry
        )
        self._cancelled = Counter(
            "offhook_routes_cancelled",
            "Replies that were cancelled at their host.",
            ["route"],
            registry=registry,
        )
        self._woken = Counter(
            "offhook_routes_woken", "Hosts told that a call is coming.", ["route"], registry=registry
        )
        self._state = Gauge(
            "offhook_route_state", "1 for the state of a route's host.", ["route", "state"], registry=registry
        )
        self._tokens = Counter(
            "offhook_tokens", "Tokens read and written, as hosts tell.", ["route", "kind"], registry=registry
        )
        self._cost = Counter(
            "offhook_cost_usd", "What replies cost, where a price is set.", ["route"], registry=registry
        )

    def _make_times(self) -> None:
        def histogram(name: str, what: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, what, ["door", "route"], buckets=buckets, registry=self.registry)

        self._ttft = histogram("offhook_ttft_seconds", "To the first token.", FIRST_WORDS_S)
        self._ttfc = histogram("offhook_ttfc_seconds", "To the first chunk.", FIRST_WORDS_S)
        self._gap = histogram("offhook_gap_seconds", "The longest pause between two chunks.", GAP_S)
        self._total = histogram("offhook_turn_seconds", "To the last chunk.", WHOLE_TURN_S)

    def _count_route(
        self, event: RouteAsked | RouteFailed | RouteCancelled | RouteWoken | RouteChanged
    ) -> None:
        route = self._name("route", event.route)
        match event:
            case RouteAsked():
                self._of(self._asked, route, event.why.value).inc()
            case RouteFailed():
                self._of(self._route_failures, route, self._name("error", event.error)).inc()
            case RouteCancelled():
                self._of(self._cancelled, route).inc()
            case RouteWoken():
                self._of(self._woken, route).inc()
            case RouteChanged():
                state = self._name("state", event.state)
                if before := self._state_of.get(route):
                    self._of(self._state, route, before).set(0)
                self._of(self._state, route, state).set(1)
                self._state_of[route] = state

    def _count_turn(self, event: TurnClosed) -> None:
        turn, door = event.turn, event.door.value
        route = self._name("route", turn.route)
        self._of(self._turns, door, turn.ending.value if turn.ending else NONE, route).inc()
        if event.late:
            self._of(self._late, door, route).inc()
        if turn.ending is Ending.FELL_BACK:
            self._of(self._fallbacks, door).inc()
        if turn.filler:
            self._of(self._fillers, door).inc()
        timing = turn.timing
        for histogram, after_ms in (
            (self._ttft, timing.ttft_ms),
            (self._ttfc, timing.ttfc_ms),
            (self._gap, timing.gap_ms),
            (self._total, timing.total_ms),
        ):
            if after_ms is not None:
                self._of(histogram, door, route).observe(after_ms / 1000)
        if turn.usage.prompt_tokens:
            self._of(self._tokens, route, "prompt").inc(turn.usage.prompt_tokens)
        if turn.usage.completion_tokens:
            self._of(self._tokens, route, "completion").inc(turn.usage.completion_tokens)
        self._count_rungs(turn, door)

    def _count_rungs(self, turn: Turn, door: str) -> None:
        if any(rung.why is Why.HEDGE for rung in turn.rungs):
            self._of(self._hedged, door).inc()
        for rung in turn.rungs:
            route, outcome = self._name("route", rung.route), rung.outcome
            self._of(self._rungs, route, rung.why.value, outcome.value if outcome else STOPPED).inc()
            if rung.cost_usd:
                self._of(self._cost, route).inc(rung.cost_usd)

    def _count_call(self, event: CallStarted | CallEnded | CallMoved) -> None:
        if isinstance(event, CallStarted):
            self._of(self._started, event.door.value).inc()
            self._live.add(event.call_id)
        else:
            if isinstance(event, CallEnded):
                self._of(self._ended, event.door.value).inc()
            self._live.discard(event.call_id)  # a call of an earlier process may end here, too
        self._live_calls.set(len(self._live))

    def _of(self, metric: _Metric, *labels: str) -> _Metric:
        """The child of these labels. The library's own look-up takes a lock and ten times as long."""
        key = (metric, labels)
        child = self._children.get(key)
        if child is None:
            child = self._children[key] = metric.labels(*labels)
        return cast(_Metric, child)

    def _name(self, label: str, value: str | None) -> str:
        """The value as a label: one of at most MAX_VALUES names."""
        if not value:
            return NONE
        known = self._known.setdefault(label, set())
        if value in known:
            return value
        if len(known) >= MAX_VALUES or not _NAME.fullmatch(value):
            return OTHER
        known.add(value)
        return value
