"""A log line for each thing that happens in a call: what an operator acts on or counts."""

from __future__ import annotations

import logging

from voice.events import (
    AgentChanged,
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
from voice.telemetry.logs import about_call
from voice.types import Ending

log = logging.getLogger(__name__)

CallEvent = (
    CallStarted
    | CallEnded
    | CallMoved
    | AgentChanged
    | UtteranceHeard
    | RouteAsked
    | RouteFailed
    | RouteCancelled
    | TurnStopped
    | TurnClosed
    | TurnCrashed
    | ToolUsed
)


def write_line(event: Event) -> None:
    """Write an event down. A crash is logged where it is caught, with its traceback."""
    match event:
        case RequestRefused():
            told = {"door": event.door, "status": event.status, "why": event.why, "came": event.came}
            if event.status not in (400, 404):  # the reasons of those may quote their sender
                told |= {"reason": event.reason, "to_do": event.to_do}
            log.warning("request.refused", extra={name: one for name, one in told.items() if one})
        case RouteWoken():
            log.info("route.woken", extra={"route": event.route})
        case RouteChanged():
            fields = {"route": event.route, "state": event.state, "detail": event.detail}
            # A host that is broken stays so until a person mends it; the other states come and go.
            log.log(
                logging.ERROR if event.state in {"broken", "refused"} else logging.INFO,
                "route.changed",
                extra=fields,
            )
        case UtteranceHeard() | RouteAsked() if not log.isEnabledFor(logging.DEBUG):
            pass  # of each turn, and seldom read
        case _:
            _call_line(event)


def _call_line(event: CallEvent) -> None:
    with about_call(event.call_id):
        match event:
            case CallStarted():
                told = {"door": event.door.value, "agent": event.agent, "resumed": event.resumed}
                log.info("call.started", extra=told)
            case CallEnded():
                log.info(
                    "call.ended",
                    extra={"door": event.door.value, "reason": event.reason, "turns": event.turns},
                )
            case CallMoved():
                log.info("call.moved", extra={"door": event.door.value})
            case AgentChanged():
                log.info("agent.changed", extra={"before": event.before, "agent": event.agent})
            case UtteranceHeard():
                log.debug("utterance.heard", extra={"position": event.position})
            case RouteAsked():
                asked = {"route": event.route, "rank": event.rank, "why": event.why.value}
                log.debug("route.asked", extra=asked)
            case RouteFailed():
                _failure_line(event)
            case RouteCancelled():
                log.debug("route.cancelled", extra={"route": event.route})
            case TurnStopped():
                log.info("turn.stopped", extra={"door": event.door.value, "why": event.why})
            case TurnClosed():
                _turn_line(event)
            case ToolUsed():
                log.log(
                    logging.INFO if event.ok else logging.WARNING,
                    "tool.used",
                    extra={"tool": event.tool, "ok": event.ok},
                )
            case TurnCrashed():
                pass


def _failure_line(event: RouteFailed) -> None:
    fields = {"route": event.route, "error": event.error, "why": event.message, "to_do": event.to_do}
    log.warning("route.failed", extra=fields)


def _turn_line(event: TurnClosed) -> None:
    turn = event.turn
    answered = turn.ending is Ending.ANSWERED and not event.late
    stopped = turn.ending in {Ending.INTERRUPTED, Ending.HUNG_UP}
    fields = {
        "position": turn.position,
        "door": event.door.value,
        "ending": turn.ending.value if turn.ending else None,
        "route": turn.route,
        "ttft_ms": turn.timing.ttft_ms,
        "ttfc_ms": turn.timing.ttfc_ms,
        "gap_ms": turn.timing.gap_ms,
        "total_ms": turn.timing.total_ms,
        "routes_asked": len(turn.rungs),
        "cost_usd": turn.cost_usd,
        "late": event.late,
        "tokens": turn.usage.completion_tokens,
        "pii.said": turn.said,
        "pii.spoken": turn.spoken,
    }
    log.log(logging.INFO if answered or stopped else logging.WARNING, "turn.closed", extra=fields)
