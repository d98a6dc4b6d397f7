"""Turns as spans: what a collector learns of them, when one is named, and what it never learns."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from time import monotonic

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode

from voice.errors import SetupError
from voice.events import Bus, CallEnded, CallStarted, TurnClosed
from voice.settings import RouteSettings
from voice.telemetry.spans import Spans
from voice.telemetry.traces import FLUSH_S, set_up_traces
from voice.types import CallId, ChunkKind, Door, Ending, Left, Outcome, Rung, Timing, Turn, Usage, Why

CALL = CallId("0190c0de-0000-7000-8000-000000000001")
BEGAN_ON = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
BEGAN_NS = int(BEGAN_ON.timestamp()) * 10**9
ROUTES = (
    RouteSettings(name="runpod", kind="runpod", endpoint_id="e"),
    RouteSettings(name="llm", kind="openai", url="http://127.0.0.1:9/v1", model="tiny-7b"),
    RouteSettings(name="embedded", kind="embedded"),
)


def a_turn(**changes: object) -> Turn:
    """RunPod stalled in mid-sentence; the other model finished it."""
    broke = Rung("runpod", Why.FIRST, 4.0, token_ms=304.0, clause_ms=400.0, ended_ms=2000.0)
    broke.outcome, broke.error, broke.wrote = Outcome.BROKE, "ReplyStalled", "Ada, which"
    won = Rung("llm", Why.GOES_ON, 2000.0, token_ms=2250.0, clause_ms=2300.0, ended_ms=2900.0)
    won.outcome, won.finish_reason, won.usage, won.cost_usd = Outcome.WON, "stop", Usage(210, 30), 0.0004
    turn = Turn(2, "My name is Ada.", "key", BEGAN_ON, sent="Ada, which unit?", spoken="Ada, which unit?")
    turn.route, turn.ending, turn.usage, turn.rungs = "llm", Ending.ANSWERED, Usage(210, 30), [broke, won]
    left = [Left(410.0, 9, ChunkKind.REPLY), Left(2310.0, 5, ChunkKind.REPLY)]
    turn.timing = Timing(4.0, 2250.0, 410.0, 2910.0, left)
    for name, value in changes.items():
        setattr(turn, name, value)
    return turn


def spans_of(*turns: Turn, routes: Sequence[RouteSettings] = ROUTES) -> list[ReadableSpan]:
    """What is exported after these turns of one call have closed; of each turn its routes come first."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    bus = Bus()
    bus.subscribe(Spans(provider, routes).hear)
    bus.publish(CallStarted(CALL, Door.VAPI, "jamie"))
    for turn in turns:
        bus.publish(TurnClosed(CALL, Door.VAPI, turn, late=False))
    bus.publish(CallEnded(CALL, Door.VAPI, "hung up", len(turns)))
    return list(exporter.get_finished_spans())


def told_of(span: ReadableSpan) -> dict[str, object]:
    return dict(span.attributes or {})


def test_a_turn_is_a_span_and_each_route_a_span_within_it_at_their_true_times() -> None:
    broke, won, turn = spans_of(a_turn())

    assert [span.name for span in (turn, broke, won)] == ["invoke_agent jamie", "chat runpod", "chat tiny-7b"]
    assert turn.parent is None
    assert turn.context is not None
    assert broke.parent is not None
    assert won.parent is not None
    assert broke.parent.span_id == won.parent.span_id == turn.context.span_id
    assert [(span.start_time, span.end_time) for span in (turn, broke, won)] == [
        (BEGAN_NS, BEGAN_NS + 2_910_000_000),
        (BEGAN_NS + 4_000_000, BEGAN_NS + 2_000_000_000),
        (BEGAN_NS + 2_000_000_000, BEGAN_NS + 2_900_000_000),
    ]


def test_the_attributes_have_the_names_that_tools_know() -> None:
    broke, won, turn = (told_of(span) for span in spans_of(a_turn()))

    assert turn["gen_ai.operation.name"] == "invoke_agent"
    assert turn["gen_ai.agent.name"] == "jamie"
    assert turn["gen_ai.conversation.id"] == won["gen_ai.conversation.id"] == CALL
    assert turn["offhook.turn.ttfc_ms"] == 410.0
    assert won["gen_ai.operation.name"] == "chat"
    assert won["gen_ai.provider.name"] == "openai"
    assert won["gen_ai.request.model"] == "tiny-7b"
    assert won["gen_ai.response.finish_reasons"] == ("stop",)
    assert won["gen_ai.response.time_to_first_chunk"] == 0.25
    assert (won["gen_ai.usage.input_tokens"], won["gen_ai.usage.output_tokens"]) == (210, 30)
    assert (won["offhook.rung.why"], won["offhook.rung.outcome"]) == ("goes_on", "won")
    assert won["offhook.rung.cost_usd"] == 0.0004
    assert broke["gen_ai.provider.name"] == "runpod"
    assert "gen_ai.response.finish_reasons" not in broke


def test_chunks_are_events_of_the_turn_at_the_instant_they_left() -> None:
    turn = spans_of(a_turn())[-1]

    assert [(event.timestamp - BEGAN_NS, dict(event.attributes or {})) for event in turn.events] == [
        (410_000_000, {"kind": "reply", "chars": 9}),
        (2_310_000_000, {"kind": "reply", "chars": 5}),
    ]


def test_a_failure_is_the_spans_status_and_type() -> None:
    broke, won, turn = spans_of(a_turn())
    silent = spans_of(a_turn(ending=Ending.FELL_BACK, rungs=[]))[-1]

    assert (broke.status.status_code, told_of(broke)["error.type"]) == (StatusCode.ERROR, "ReplyStalled")
    assert (won.status.status_code, turn.status.status_code) == (StatusCode.UNSET, StatusCode.UNSET)
    assert (silent.status.status_code, told_of(silent)["error.type"]) == (StatusCode.ERROR, "NoRouteLeft")


def test_a_route_that_was_writing_when_its_turn_was_stopped_ends_with_it() -> None:
    rung = Rung("llm", Why.FIRST, 4.0, was_cancelled=True)
    stopped = a_turn(ending=Ending.INTERRUPTED, rungs=[rung], timing=Timing(total_ms=800.0))

    asked, _ = spans_of(stopped)

    assert asked.end_time == BEGAN_NS + 800_000_000
    assert told_of(asked)["offhook.rung.cancelled"] is True
    assert asked.status.status_code is StatusCode.UNSET


def test_every_turn_is_a_trace_of_its_own() -> None:
    with TracerProvider().get_tracer("somebody else").start_as_current_span("a request"):
        spans = spans_of(a_turn(), a_turn())

    assert len({span.context.trace_id for span in spans if span.context}) == 2
    assert [span.parent for span in spans if span.name == "invoke_agent jamie"] == [None, None]


def test_nobodys_words_leave() -> None:
    text = "".join(span.to_json() for span in spans_of(a_turn(filler="One moment, Ada.")))

    assert "Ada" not in text
    assert "unit" not in text


class Collector(BaseHTTPRequestHandler):
    """Plays a collector: takes what is exported and keeps it."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, body))  # type: ignore[attr-defined]  # set by `a_collector`
        if self.server.hangs is not None:  # type: ignore[attr-defined]  # likewise
            self.server.hangs.wait()  # type: ignore[attr-defined]  # likewise
        self.send_response(200)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing on stderr."""


@contextmanager
def a_collector(hangs: threading.Event | None = None) -> Iterator[tuple[str, list[tuple[str, bytes]]]]:
    """Its URL, and what it was sent. It answers when `hangs` is set, if that is given."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    got: list[tuple[str, bytes]] = []
    server.got, server.hangs = got, hangs  # type: ignore[attr-defined]  # read by Collector
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", got
    finally:
        if hangs is not None:
            hangs.set()
        server.shutdown()
        server.server_close()
        serving.join()


def test_a_collector_that_is_named_has_every_span_when_the_product_has_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus = Bus()
    with a_collector() as (url, got):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        close = set_up_traces(bus, ROUTES)
        bus.publish(TurnClosed(CALL, Door.VAPI, a_turn(), late=False))
        close()

    path, body = got[0]
    sent = ExportTraceServiceRequest.FromString(body).resource_spans[0]
    assert path == "/v1/traces"
    assert [span.name for span in sent.scope_spans[0].spans] == [
        "chat runpod",
        "chat tiny-7b",
        "invoke_agent",
    ]
    assert {one.key: one.value.string_value for one in sent.resource.attributes}["service.name"] == "offhook"


def test_the_service_may_be_called_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    bus = Bus()
    with a_collector() as (url, got):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", f"{url}/spans")
        monkeypatch.setenv("OTEL_SERVICE_NAME", "front-desk")
        close = set_up_traces(bus, ROUTES)
        bus.publish(TurnClosed(CALL, Door.VAPI, a_turn(), late=False))
        close()

    path, body = got[0]
    resource = ExportTraceServiceRequest.FromString(body).resource_spans[0].resource
    assert path == "/spans"
    assert {one.key: one.value.string_value for one in resource.attributes}["service.name"] == "front-desk"


def test_a_collector_that_hangs_holds_up_neither_a_turn_nor_a_restart(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bus, answers = Bus(), threading.Event()
    with a_collector(hangs=answers) as (url, _):
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
        close = set_up_traces(bus, ROUTES)
        began = monotonic()
        bus.publish(TurnClosed(CALL, Door.VAPI, a_turn(), late=False))
        told = monotonic()
        close()
        closed = monotonic()

    assert told - began < 0.5
    assert closed - told < FLUSH_S + 1.0


def test_without_a_collector_nothing_is_traced_and_nothing_is_loaded() -> None:
    code = (
        "import sys; from voice.events import Bus; from voice.telemetry.traces import set_up_traces\n"
        "set_up_traces(Bus(), ())()\n"
        "sys.exit('opentelemetry' in sys.modules)"
    )

    told = subprocess.run([sys.executable, "-c", code], env={"PYTHONPATH": "."}, check=False)

    assert told.returncode == 0


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4317", "write an URL such as http://localhost:4318"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "OTEL_EXPORTER_OTLP_PROTOCOL is 'grpc'"),
    ],
)
def test_a_collector_that_cannot_be_reached_as_set_is_refused_at_start(
    name: str, value: str, says: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setenv(name, value)

    with pytest.raises(SetupError, match=says) as caught:
        set_up_traces(Bus(), ROUTES)
    assert "\n" not in str(caught.value)


def test_a_collector_without_the_extra_is_one_line_that_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setitem(sys.modules, "voice.telemetry.spans", None)  # as if its imports were not there

    with pytest.raises(SetupError, match=r'pip install "offhook\[otel\]"'):
        set_up_traces(Bus(), ROUTES)
