"""A log line for each thing that happens in a call: what an operator acts on or counts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from voice.events import (
    AgentChanged,
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
    TurnStopped,
    UtteranceHeard,
)
from voice.telemetry.logs import about_call, call_id_var, only_ours
from voice.types import Ending, Json

log = logging.getLogger(__name__)


def write_lines(bus: Bus) -> None:
    """Write down every event of a bus that has a line."""
    for kind, line in LINES.items():
        bus.subscribe(line, kind)


def _write(level: int, event: str, call_id: str | None, told: dict[str, Json]) -> None:
    """Write a line about a call; None: the one that this is about anyway, if any. Values are plain ones.

    Each call has three such lines and each turn one, so none goes through all that logging does for a
    record, 15 µs, where ours is the only handler that would see it.
    """
    if not log.isEnabledFor(level):
        return
    if (ours := only_ours(log, level)) is not None:
        handler, lines = ours
        try:
            line = lines.line(level, log.name, event, call_id or call_id_var.get(), told)
            handler.put(line, level)
        except Exception:  # noqa: BLE001 – as logging's own handlers do
            handler.handleError(logging.makeLogRecord({"name": log.name}))
    elif call_id is None:
        log.log(level, event, extra=told)
    else:
        with about_call(call_id):
            log.log(level, event, extra=told)


def _call_started(event: CallStarted) -> None:
    told: dict[str, Json] = {"door": str(event.door), "agent": event.agent, "resumed": event.resumed}
    _write(logging.INFO, "call.started", event.call_id, told)


def _call_ended(event: CallEnded) -> None:
    told: dict[str, Json] = {"door": str(event.door), "reason": event.reason, "turns": event.turns}
    _write(logging.INFO, "call.ended", event.call_id, told)


def _call_moved(event: CallMoved) -> None:
    _write(logging.INFO, "call.moved", event.call_id, {"door": str(event.door)})


def _agent_changed(event: AgentChanged) -> None:
    _write(logging.INFO, "agent.changed", event.call_id, {"before": event.before, "agent": event.agent})


def _utterance_heard(event: UtteranceHeard) -> None:
    if log.isEnabledFor(logging.DEBUG):  # of each turn, and seldom read
        _write(logging.DEBUG, "utterance.heard", event.call_id, {"position": event.position})


def _route_asked(event: RouteAsked) -> None:
    if log.isEnabledFor(logging.DEBUG):
        asked: dict[str, Json] = {"route": event.route, "rank": event.rank, "why": str(event.why)}
        _write(logging.DEBUG, "route.asked", event.call_id, asked)


def _route_failed(event: RouteFailed) -> None:
    told: dict[str, Json] = {"route": event.route, "error": event.error, "why": event.message}
    _write(logging.WARNING, "route.failed", event.call_id, {**told, "to_do": event.to_do})


def _route_cancelled(event: RouteCancelled) -> None:
    _write(logging.DEBUG, "route.cancelled", event.call_id, {"route": event.route})


def _route_woken(event: RouteWoken) -> None:
    _write(logging.INFO, "route.woken", None, {"route": event.route})


def _route_changed(event: RouteChanged) -> None:
    # A host that is broken stays so until a person mends it; the other states come and go.
    level = logging.ERROR if event.state in {"broken", "refused"} else logging.INFO
    _write(level, "route.changed", None, {"route": event.route, "state": event.state, "detail": event.detail})


def _request_refused(event: RequestRefused) -> None:
    told: dict[str, Json] = {"door": event.door, "status": event.status, "why": event.why}
    told["came"] = event.came
    if event.status not in (400, 404):  # the reasons of those may quote their sender
        told["reason"], told["to_do"] = event.reason, event.to_do
    _write(logging.WARNING, "request.refused", None, {name: one for name, one in told.items() if one})


def _turn_stopped(event: TurnStopped) -> None:
    _write(logging.INFO, "turn.stopped", event.call_id, {"door": str(event.door), "why": event.why})


def _turn_closed(event: TurnClosed) -> None:
    turn, timing = event.turn, event.turn.timing
    is_usual = turn.ending in _STOPPED or (turn.ending is Ending.ANSWERED and not event.late)
    told: dict[str, Json] = {
        "position": turn.position,
        "door": str(event.door),
        "ending": str(turn.ending) if turn.ending else None,
        "route": turn.route,
        "ttft_ms": timing.ttft_ms,
        "ttfc_ms": timing.ttfc_ms,
        "gap_ms": timing.gap_ms,
        "total_ms": timing.total_ms,
        "routes_asked": len(turn.rungs),
        "cost_usd": turn.cost_usd,
        "late": event.late,
        "tokens": turn.usage.completion_tokens,
        "pii.said": turn.said,
        "pii.spoken": turn.spoken,
    }
    _write(logging.INFO if is_usual else logging.WARNING, "turn.closed", event.call_id, told)


def _tool_used(event: ToolUsed) -> None:
    level = logging.INFO if event.ok else logging.WARNING
    _write(level, "tool.used", event.call_id, {"tool": event.tool, "ok": event.ok})


_STOPPED = (Ending.INTERRUPTED, Ending.HUNG_UP)
LINES: dict[type[Event], Callable[[Any], None]] = {
    CallStarted: _call_started,
    CallEnded: _call_ended,
    CallMoved: _call_moved,
    AgentChanged: _agent_changed,
    UtteranceHeard: _utterance_heard,
    RouteAsked: _route_asked,
    RouteFailed: _route_failed,
    RouteCancelled: _route_cancelled,
    RouteWoken: _route_woken,
    RouteChanged: _route_changed,
    RequestRefused: _request_refused,
    TurnStopped: _turn_stopped,
    TurnClosed: _turn_closed,
    ToolUsed: _tool_used,
}
