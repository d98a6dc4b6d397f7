"""Counts what happens, for Prometheus.

Subscribes to the bus and keeps counters and histograms; a scrape reads them. Labels name doors,
routes, endings and classes of errors: things there are few of. Never a call, a number or a word.
"""

from __future__ import annotations

import re

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
    CallStarted,
    Event,
    RequestRefused,
    RouteAsked,
    RouteFailed,
    ToolUsed,
    TurnClosed,
    TurnCrashed,
    UtteranceHeard,
)
from voice.types import CallId, Ending

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
NONE = "none"  # the label where there is nothing to name
OTHER = "other"  # the label of whatever comes after MAX_VALUES, or is no name
MAX_VALUES = 50  # of one label; a model may ask for tools that nobody has, by any name
MAX_RANK = 4  # routes behind it are counted together

# Seconds. Close around the budgets of 1.2 s (first chunk) and 1.5 s (gap), where it is decided
# whether a caller waits; 4 s is a Gather hop.
FIRST_WORDS_S = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.2, 1.5, 2.0, 2.7, 4.0, 8.0)
WHOLE_TURN_S = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 20.0)

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,60}")

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series for each, which nobody reads


class Metrics:
    """The numbers of one running product. Every instance has its own registry."""

    def __init__(self, bus: Bus, registry: CollectorRegistry | None = None) -> None:
        self.registry = registry or CollectorRegistry()
        self._live: set[CallId] = set()
        self._known: dict[str, set[str]] = {}
        self._make_call_metrics()
        self._make_route_metrics()
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
            case RouteAsked():
                rank = str(event.rank) if event.rank <= MAX_RANK else f"{MAX_RANK + 1}+"
                self._asked.labels(self._name("route", event.route), rank).inc()
            case RouteFailed():
                route, error = self._name("route", event.route), self._name("error", event.error)
                self._route_failures.labels(route, error).inc()
            case ToolUsed():
                self._tools.labels(self._name("tool", event.tool), "yes" if event.ok else "no").inc()
            case RequestRefused():
                door, why = self._name("place", event.door), self._name("why", event.why)
                self._refused.labels(door, self._name("status", str(event.status)), why).inc()
            case TurnCrashed():
                self._crashes.labels(self._name("crash", type(event.error).__name__)).inc()
            case UtteranceHeard():
                self._heard.labels(event.door.value).inc()
            case CallStarted() | CallEnded():
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

    def _make_route_metrics(self) -> None:
        registry, labels = self.registry, ["door", "route"]
        self._asked = Counter(
            "offhook_routes_asked",
            "Routes asked, by place in the ladder.",
            ["route", "rank"],
            registry=registry,
        )
        self._route_failures = Counter(
            "offhook_route_failures", "Routes without a usable reply.", ["route", "error"], registry=registry
        )
        self._tokens = Counter(
            "offhook_tokens", "Tokens read and written, as hosts tell.", ["route", "kind"], registry=registry
        )
        self._ttft = Histogram(
            "offhook_ttft_seconds", "To the first token.", labels, buckets=FIRST_WORDS_S, registry=registry
        )
        self._ttfc = Histogram(
            "offhook_ttfc_seconds", "To the first chunk.", labels, buckets=FIRST_WORDS_S, registry=registry
        )
        self._total = Histogram(
            "offhook_turn_seconds", "To the last chunk.", labels, buckets=WHOLE_TURN_S, registry=registry
        )

    def _count_turn(self, event: TurnClosed) -> None:
        turn, door = event.turn, event.door.value
        route = self._name("route", turn.route)
        self._turns.labels(door, turn.ending.value if turn.ending else NONE, route).inc()
        if event.late:
            self._late.labels(door, route).inc()
        if turn.ending is Ending.FELL_BACK:
            self._fallbacks.labels(door).inc()
        if turn.filler:
            self._fillers.labels(door).inc()
        timing = turn.timing
        for histogram, after_ms in (
            (self._ttft, timing.ttft_ms),
            (self._ttfc, timing.ttfc_ms),
            (self._total, timing.total_ms),
        ):
            if after_ms is not None:
                histogram.labels(door, route).observe(after_ms / 1000)
        if turn.usage.prompt_tokens:
            self._tokens.labels(route, "prompt").inc(turn.usage.prompt_tokens)
        if turn.usage.completion_tokens:
            self._tokens.labels(route, "completion").inc(turn.usage.completion_tokens)

    def _count_call(self, event: CallStarted | CallEnded) -> None:
        if isinstance(event, CallStarted):
            self._started.labels(event.door.value).inc()
            self._live.add(event.call_id)
        else:
            self._ended.labels(event.door.value).inc()
            self._live.discard(event.call_id)  # a call of an earlier process may end here, too
        self._live_calls.set(len(self._live))

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
