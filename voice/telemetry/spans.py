"""A closed turn as OpenTelemetry spans: one for the turn, and within it one per route asked.

They are made when the turn has ended, with the instants it was recorded with, so nothing of it runs
while a caller waits. Each turn is a trace of its own; `gen_ai.conversation.id` ties a call together.
No words of anybody: neither what was said nor what was written.

Source of the names that begin with gen_ai: OpenTelemetry's semantic conventions for generative AI,
https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-spans/ and …/gen-ai-agent-spans/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode, set_span_in_context

from voice.events import CallEnded, CallMoved, CallStarted, Event, TurnClosed
from voice.settings import RouteSettings
from voice.telemetry.waterfall import end_of
from voice.types import Ending, Outcome, Rung, Turn

Value = str | int | float | bool | Sequence[str] | None

MAX_CALLS = 10_000  # whose agent is remembered; a call that no platform ends is let go after half an hour
OURS = "offhook"
PROVIDERS = {"embedded": OURS}  # a kind of route is the provider's name, except our own model's


def collector() -> TracerProvider:
    """Spans on their way to the collector that the environment names: in batches, from a thread."""
    try:
        ours = {"service.name": OURS, "service.version": version(OURS)}
    except PackageNotFoundError:
        ours = {"service.name": OURS}
    told = OTELResourceDetector().detect()  # OTEL_SERVICE_NAME, OTEL_RESOURCE_ATTRIBUTES
    resource = Resource.create().merge(Resource(ours)).merge(told)
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    # Its queue holds 2048 spans; the newest push out the oldest, and a turn never waits.
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return provider


class Spans:
    """Hears of turns on the bus and makes spans of them."""

    def __init__(self, provider: TracerProvider, routes: Sequence[RouteSettings]) -> None:
        self._tracer = provider.get_tracer(OURS)
        self._routes = {one.name: one for one in routes}
        self._agents: dict[str, str] = {}  # by call

    def hear(self, event: Event) -> None:
        """Remember who answers a call; trace a turn that has ended."""
        match event:
            case CallStarted():
                if len(self._agents) < MAX_CALLS:
                    self._agents[event.call_id] = event.agent
            case CallEnded() | CallMoved():
                self._agents.pop(event.call_id, None)
            case TurnClosed():
                self._trace(event)

    def _trace(self, event: TurnClosed) -> None:
        turn, agent = event.turn, self._agents.get(event.call_id)
        ended_ms = end_of(turn)
        span = self._tracer.start_span(
            f"invoke_agent {agent}" if agent else "invoke_agent",
            Context(),  # not whatever span happens to be current: a turn is a trace of its own
            SpanKind.INTERNAL,
            known({"gen_ai.agent.name": agent, **turn_attributes(event)}),
            start_time=_at(turn, 0.0),
        )
        for left in turn.timing.left:
            span.add_event(
                "offhook.chunk", {"kind": left.kind.value, "chars": left.chars}, _at(turn, left.at_ms)
            )
        if turn.ending is Ending.FELL_BACK:
            _failed(span, "NoRouteLeft")
        within = set_span_in_context(span, Context())
        for rung in turn.rungs:
            self._trace_rung(event, rung, within, ended_ms)
        span.end(_at(turn, ended_ms))

    def _trace_rung(self, event: TurnClosed, rung: Rung, within: Context, turn_ended_ms: float) -> None:
        route = self._routes.get(rung.route)
        model = route.model if route else None
        kind = route.kind if route else rung.route
        span = self._tracer.start_span(
            f"chat {model or rung.route}",
            within,
            SpanKind.CLIENT,
            known(
                {
                    "gen_ai.provider.name": PROVIDERS.get(kind, kind),
                    "gen_ai.request.model": model,
                    "gen_ai.conversation.id": event.call_id,
                    **rung_attributes(rung),
                }
            ),
            start_time=_at(event.turn, rung.asked_ms),
        )
        if rung.outcome in {Outcome.FAILED, Outcome.BROKE}:
            _failed(span, rung.error or "_OTHER")
        # Without an end of its own it was writing until the turn was stopped.
        ended_ms = turn_ended_ms if rung.ended_ms is None else rung.ended_ms
        span.end(_at(event.turn, max(rung.asked_ms, ended_ms)))


def turn_attributes(event: TurnClosed) -> Mapping[str, Value]:
    """What is told of a turn."""
    turn = event.turn
    timing = turn.timing
    return {
        "gen_ai.operation.name": "invoke_agent",
        "gen_ai.provider.name": OURS,
        "gen_ai.conversation.id": event.call_id,
        "gen_ai.usage.input_tokens": turn.usage.prompt_tokens or None,
        "gen_ai.usage.output_tokens": turn.usage.completion_tokens or None,
        "offhook.door": event.door.value,
        "offhook.turn.position": turn.position,
        "offhook.turn.ending": turn.ending.value if turn.ending else None,
        "offhook.turn.late": event.late,
        "offhook.turn.filler": bool(turn.filler),
        "offhook.turn.ttft_ms": timing.ttft_ms,
        "offhook.turn.ttfc_ms": timing.ttfc_ms,
        "offhook.turn.gap_ms": timing.gap_ms,
        "offhook.turn.cost_usd": turn.cost_usd,
        "offhook.route": turn.route,
    }


def rung_attributes(rung: Rung) -> Mapping[str, Value]:
    """What is told of one route of a turn."""
    first_ms = rung.answer_ms if rung.token_ms is None else rung.token_ms
    return {
        "gen_ai.operation.name": "chat",
        "gen_ai.response.finish_reasons": [rung.finish_reason] if rung.finish_reason else None,
        "gen_ai.response.time_to_first_chunk": (
            None if first_ms is None else round((first_ms - rung.asked_ms) / 1000, 5)
        ),
        "gen_ai.usage.input_tokens": rung.usage.prompt_tokens or None,
        "gen_ai.usage.output_tokens": rung.usage.completion_tokens or None,
        "offhook.route": rung.route,
        "offhook.rung.why": rung.why.value,
        "offhook.rung.outcome": rung.outcome.value if rung.outcome else None,
        "offhook.rung.cancelled": rung.was_cancelled,
        "offhook.rung.queued_ms": rung.queued_ms,
        "offhook.rung.answer_ms": rung.answer_ms,
        "offhook.rung.clause_ms": rung.clause_ms,
        "offhook.rung.cost_usd": rung.cost_usd,
    }


def known(attributes: Mapping[str, Value]) -> dict[str, str | int | float | bool | Sequence[str]]:
    """The attributes that have a value."""
    return {name: value for name, value in attributes.items() if value is not None}


def _failed(span: Span, error: str) -> None:
    span.set_status(Status(StatusCode.ERROR, error))
    span.set_attribute("error.type", error)


def _at(turn: Turn, after_ms: float) -> int:
    """Nanoseconds since 1970, as OpenTelemetry counts."""
    return (round(turn.began_on.timestamp() * 1e6) + round(after_ms * 1e3)) * 1000
