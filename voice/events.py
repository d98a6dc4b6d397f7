"""What can happen in a call, and the bus that tells it.

The road publishes and goes on; whoever listens (logs, metrics, later a dashboard) must be
quick or keep a bounded queue of their own. A listener that fails is logged and skipped.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from voice.types import CallId, Door, Turn, Why

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class CallStarted:
    """A call was picked up. `resumed`: its thread was found in the store."""

    call_id: CallId
    door: Door
    agent: str
    resumed: bool = False


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A call is over; no further turn will come."""

    call_id: CallId
    door: Door
    reason: str
    turns: int


@dataclass(frozen=True, slots=True)
class CallMoved:
    """A live call goes on in another process of this server."""

    call_id: CallId
    door: Door


@dataclass(frozen=True, slots=True)
class AgentChanged:
    """Another of our agents goes on with a call, from its next turn on."""

    call_id: CallId
    door: Door
    before: str
    agent: str


@dataclass(frozen=True, slots=True)
class UtteranceHeard:
    """The caller has finished an utterance and its turn begins."""

    call_id: CallId
    door: Door
    position: int


@dataclass(frozen=True, slots=True)
class RouteAsked:
    """A route was asked for the reply of a turn. `rank` 0 is the first one asked."""

    call_id: CallId
    route: str
    rank: int
    why: Why


@dataclass(frozen=True, slots=True)
class RouteFailed:
    """A route gave no usable reply. `error` is the class of the failure, `to_do` what helps."""

    call_id: CallId
    route: str
    error: str
    message: str  # our own words about the route; holds nothing that the caller said
    to_do: str


@dataclass(frozen=True, slots=True)
class RouteCancelled:
    """A route was told to stop writing: another was better, the caller spoke, or nobody listens any more."""

    call_id: CallId
    route: str


@dataclass(frozen=True, slots=True)
class RouteWoken:
    """A host that may be asleep was told that a call is coming."""

    route: str


@dataclass(frozen=True, slots=True)
class RouteChanged:
    """A route's host is in another state than before: a word of `models.base.HealthState`."""

    route: str
    state: str
    detail: str


@dataclass(frozen=True, slots=True)
class TurnStopped:
    """A turn in flight was stopped before its end, and why: the caller's newer words, a request that
    nobody listens to any longer, or the hang-up."""

    call_id: CallId
    door: Door
    why: Literal["superseded", "disconnected", "hung_up"]


@dataclass(frozen=True, slots=True)
class TurnClosed:
    """A turn has ended, whatever the way; `turn.ending` and `turn.timing` say how.

    `late`: its first chunk left after the deadline, or never, though the caller was there.
    """

    call_id: CallId
    door: Door
    turn: Turn
    late: bool


@dataclass(frozen=True, slots=True)
class TurnCrashed:
    """An error that nobody expected ended a turn; the caller heard a fallback."""

    call_id: CallId
    error: BaseException = field(repr=False)


@dataclass(frozen=True, slots=True)
class ToolUsed:
    """A tool ran. `ok` is False when it raised or refused."""

    call_id: CallId
    tool: str
    ok: bool


@dataclass(frozen=True, slots=True)
class RequestRefused:
    """A door turned a request away: `status` is the HTTP status, `why` the class of the error.

    `came` names the headers with which it tried to say who it is, never what was in them. `reason` and
    `to_do` say the same to a person, with what to set; two refusals are equal whatever their words.
    """

    door: str
    status: int
    why: str
    came: str = ""
    reason: str = field(default="", compare=False)
    to_do: str = field(default="", compare=False)


Event = (
    CallStarted
    | CallEnded
    | CallMoved
    | AgentChanged
    | UtteranceHeard
    | RouteAsked
    | RouteFailed
    | RouteCancelled
    | RouteWoken
    | RouteChanged
    | TurnStopped
    | TurnClosed
    | TurnCrashed
    | ToolUsed
    | RequestRefused
)
Listener = Callable[[Event], None]


class Bus:
    """Tells every listener what it wants to hear of, in the order they subscribed."""

    def __init__(self) -> None:
        self._listeners: list[tuple[Listener, tuple[type, ...]]] = []
        self._of_kind: dict[type[Event], list[Listener]] = {}  # worked out when the first one is published

    def subscribe(self, listener: Callable[[Any], None], *kinds: type) -> None:
        """Tell `listener` of events of these kinds; of all when none is named."""
        self._listeners.append((listener, kinds))
        self._of_kind.clear()

    def publish(self, event: Event) -> None:
        """Tell everybody. Never raises: the road does not stop for whoever watches it."""
        kind = type(event)
        listeners = self._of_kind.get(kind)
        if listeners is None:
            listeners = [one for one, kinds in self._listeners if not kinds or kind in kinds]
            self._of_kind[kind] = listeners
        for listener in listeners:
            try:
                listener(event)
            except Exception:  # fence: one subscriber
                log.exception("subscriber.failed", extra={"event": kind.__name__})
