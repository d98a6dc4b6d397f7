"""A log line for each thing that happens in a call: what an operator acts on or counts."""

from __future__ import annotations

import logging

from voice.events import (
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
from voice.telemetry.logs import about_call
from voice.types import Ending

log = logging.getLogger(__name__)


def write_line(event: Event) -> None:
    """Write an event down. A crash is logged where it is caught, with its traceback."""
    if isinstance(event, RequestRefused):
        log.warning("request.refused", extra={"door": event.door, "status": event.status, "why": event.why})
        return
    with about_call(event.call_id):
        match event:
            case CallStarted():
                fields = {"door": event.door.value, "agent": event.agent, "resumed": event.resumed}
                log.info("call.started", extra=fields)
            case CallEnded():
                log.info(
                    "call.ended",
                    extra={"door": event.door.value, "reason": event.reason, "turns": event.turns},
                )
            case UtteranceHeard():
                log.debug("utterance.heard", extra={"position": event.position})
            case RouteAsked():
                log.debug("route.asked", extra={"route": event.route, "rank": event.rank})
            case RouteFailed():
                fields = {
                    "route": event.route,
                    "error": event.error,
                    "why": event.message,
                    "to_do": event.to_do,
                }
                log.warning("route.failed", extra=fields)
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
        "total_ms": turn.timing.total_ms,
        "late": event.late,
        "tokens": turn.usage.completion_tokens,
        "pii.said": turn.said,
        "pii.spoken": turn.spoken,
    }
    log.log(logging.INFO if answered or stopped else logging.WARNING, "turn.closed", extra=fields)
