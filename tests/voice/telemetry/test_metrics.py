"""What Prometheus reads after things have happened."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from voice.events import (
    Bus,
    CallEnded,
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
from voice.telemetry.metrics import MAX_VALUES, Metrics
from voice.types import (
    CallId,
    ChunkKind,
    Door,
    Ending,
    Left,
    Outcome,
    Rung,
    Timing,
    Turn,
    Usage,
    Why,
)

CALL = CallId("CA-secret-id")


class Scene:
    """A bus and the metrics that listen to it."""

    def __init__(self) -> None:
        self.bus = Bus()
        self.metrics = Metrics(self.bus)

    @property
    def scrape(self) -> str:
        return self.metrics.render()[0].decode()

    def value(self, sample: str, **labels: str) -> float | None:
        for family in text_string_to_metric_families(self.scrape):
            for one in family.samples:
                if one.name == sample and labels.items() <= one.labels.items():
                    return float(one.value)
        return None

    def close_turn(self, *, late: bool = False, **changes: object) -> None:
        turn = Turn(0, "my sink leaks", "key", spoken="Which unit?", route="runpod", ending=Ending.ANSWERED)
        for name, value in changes.items():
            setattr(turn, name, value)
        self.bus.publish(TurnClosed(CALL, Door.VAPI, turn, late))


def test_calls_are_counted_by_door_and_the_live_ones_known() -> None:
    scene = Scene()

    scene.bus.publish(CallStarted(CALL, Door.VAPI, "jamie"))
    scene.bus.publish(CallStarted(CallId("two"), Door.GATHER, "jamie"))
    scene.bus.publish(CallEnded(CALL, Door.VAPI, "hung up", turns=3))

    assert scene.value("offhook_calls_started_total", door="vapi") == 1
    assert scene.value("offhook_calls_ended_total", door="vapi") == 1
    assert scene.value("offhook_calls_live") == 1


def test_a_call_that_another_process_began_does_not_make_live_calls_negative() -> None:
    scene = Scene()

    scene.bus.publish(CallEnded(CALL, Door.GATHER, "hung up", turns=3))

    assert scene.value("offhook_calls_live") == 0


def test_a_turn_is_counted_by_door_ending_and_route() -> None:
    scene = Scene()

    scene.bus.publish(UtteranceHeard(CALL, Door.VAPI, 0))
    scene.close_turn(filler="One moment.")

    assert scene.value("offhook_utterances_total", door="vapi") == 1
    assert scene.value("offhook_turns_total", door="vapi", ending="answered", route="runpod") == 1
    assert scene.value("offhook_fillers_total", door="vapi") == 1


def test_a_turn_without_a_route_is_counted_as_none() -> None:
    scene = Scene()

    scene.close_turn(route=None, ending=Ending.FELL_BACK, late=True)

    assert scene.value("offhook_turns_total", ending="fell_back", route="none") == 1
    assert scene.value("offhook_fallbacks_total", door="vapi") == 1
    assert scene.value("offhook_turns_late_total", door="vapi", route="none") == 1


def test_times_are_kept_in_seconds_and_a_bucket_ends_at_the_budget() -> None:
    scene = Scene()

    scene.close_turn(timing=Timing(asked_ms=5, ttft_ms=300, ttfc_ms=1190, total_ms=2500))
    scene.close_turn(timing=Timing(ttfc_ms=1210))

    assert scene.value("offhook_ttft_seconds_sum", door="vapi", route="runpod") == 0.3
    assert scene.value("offhook_ttfc_seconds_bucket", route="runpod", le="1.2") == 1
    assert scene.value("offhook_ttfc_seconds_count", route="runpod") == 2
    assert scene.value("offhook_turn_seconds_bucket", route="runpod", le="3.0") == 1


def test_routes_are_counted_as_they_are_asked_and_fail() -> None:
    scene = Scene()

    scene.bus.publish(RouteAsked(CALL, "runpod", 0, Why.FIRST))
    scene.bus.publish(RouteAsked(CALL, "embedded", 1, Why.FAILED))
    scene.bus.publish(RouteFailed(CALL, "runpod", "WorkerCold", "no worker", "wait"))
    scene.bus.publish(RouteCancelled(CALL, "embedded"))
    scene.bus.publish(RouteWoken("runpod"))

    assert scene.value("offhook_routes_asked_total", route="runpod", why="first") == 1
    assert scene.value("offhook_routes_asked_total", route="embedded", why="failed") == 1
    assert scene.value("offhook_route_failures_total", route="runpod", error="WorkerCold") == 1
    assert scene.value("offhook_routes_cancelled_total", route="embedded") == 1
    assert scene.value("offhook_routes_woken_total", route="runpod") == 1


def test_a_closed_turn_tells_what_became_of_each_route_and_what_it_cost() -> None:
    scene = Scene()
    slow = Rung("runpod", Why.FIRST, 5.0, outcome=Outcome.LOST, was_cancelled=True, cost_usd=0.003)
    quick = Rung("llm", Why.HEDGE, 400.0, outcome=Outcome.WON, cost_usd=0.001)

    scene.close_turn(rungs=[slow, quick], route="llm")
    scene.close_turn(rungs=[Rung("llm", Why.FIRST, 5.0)], ending=Ending.INTERRUPTED)

    assert scene.value("offhook_rungs_total", route="runpod", why="first", outcome="lost") == 1
    assert scene.value("offhook_rungs_total", route="llm", why="hedge", outcome="won") == 1
    assert scene.value("offhook_rungs_total", route="llm", why="first", outcome="stopped") == 1
    assert scene.value("offhook_turns_hedged_total", door="vapi") == 1
    assert scene.value("offhook_cost_usd_total", route="runpod") == 0.003
    assert scene.value("offhook_cost_usd_total", route="llm") == 0.001


def test_the_longest_pause_of_a_turn_is_kept() -> None:
    scene = Scene()
    left = [Left(at, 20, ChunkKind.REPLY) for at in (640.0, 900.0, 2100.0, 2200.0)]

    scene.close_turn(timing=Timing(left=left))
    scene.close_turn(timing=Timing(left=left[:1]))  # one chunk has no pause

    assert scene.value("offhook_gap_seconds_sum", door="vapi", route="runpod") == 1.2
    assert scene.value("offhook_gap_seconds_count", door="vapi", route="runpod") == 1


def test_stopped_turns_are_counted_by_who_stopped_them() -> None:
    scene = Scene()

    scene.bus.publish(TurnStopped(CALL, Door.VAPI, "superseded"))
    scene.bus.publish(TurnStopped(CALL, Door.VAPI, "disconnected"))

    assert scene.value("offhook_turns_stopped_total", door="vapi", why="superseded") == 1
    assert scene.value("offhook_turns_stopped_total", door="vapi", why="disconnected") == 1


def test_a_route_is_in_one_state_at_a_time() -> None:
    scene = Scene()

    scene.bus.publish(RouteChanged("runpod", "cold", "no worker is up"))
    scene.bus.publish(RouteChanged("runpod", "warm", ""))

    assert scene.value("offhook_route_state", route="runpod", state="warm") == 1
    assert scene.value("offhook_route_state", route="runpod", state="cold") == 0


def test_tools_refusals_crashes_and_tokens_are_counted() -> None:
    scene = Scene()

    scene.bus.publish(ToolUsed(CALL, "ticket", ok=False))
    scene.bus.publish(RequestRefused("vapi", 401, "NotAllowed"))
    scene.bus.publish(TurnCrashed(CALL, ValueError("my sink leaks")))
    scene.close_turn(usage=Usage(prompt_tokens=200, completion_tokens=30))

    assert scene.value("offhook_tools_used_total", tool="ticket", ok="no") == 1
    assert scene.value("offhook_requests_refused_total", door="vapi", status="401", why="NotAllowed") == 1
    assert scene.value("offhook_turns_crashed_total", error="ValueError") == 1
    assert scene.value("offhook_tokens_total", route="runpod", kind="prompt") == 200
    assert scene.value("offhook_tokens_total", route="runpod", kind="completion") == 30


def test_names_that_a_model_makes_up_do_not_fill_the_memory() -> None:
    scene = Scene()

    for number in range(MAX_VALUES + 30):
        scene.bus.publish(ToolUsed(CALL, f"tool_{number}", ok=True))
    scene.bus.publish(ToolUsed(CALL, "my sink leaks", ok=True))

    assert scene.value("offhook_tools_used_total", tool="other") == 31
    assert scene.scrape.count("offhook_tools_used_total{") == MAX_VALUES + 1


def test_no_call_and_no_word_stands_in_a_scrape() -> None:
    scene = Scene()

    scene.bus.publish(CallStarted(CALL, Door.VAPI, "jamie"))
    scene.close_turn()

    assert CALL not in scene.scrape
    assert "sink" not in scene.scrape


def test_every_instance_counts_for_itself_and_tells_of_the_process() -> None:
    first, second = Scene(), Scene()

    first.bus.publish(CallStarted(CALL, Door.VAPI, "jamie"))

    assert first.value("offhook_calls_live") == 1
    assert second.value("offhook_calls_live") == 0
    assert "python_info" in second.scrape
    assert second.metrics.render()[1].startswith("text/plain; version=0.0.4")
