"""The ways to ask RunPod, and which of them are left alone for a while."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final, Literal

from voice.clock import now
from voice.errors import ModelError, ReplyBroken, RouteBusy, RouteDown, RouteRefused
from voice.models.runpod_api import _OperationRefused

Way = Literal["lb", "openai", "stream", "runsync", "run"]

QUEUE: Final[tuple[Way, ...]] = ("openai", "stream", "runsync", "run")  # of a queue endpoint
STREAMED: Final = frozenset(("lb", "openai"))  # chat completions: a way of its own may fail by itself
REFUSED_S: Final = 300.0  # a refused way is tried again after this: a gateway may have had a bad moment
DOWN_S: Final = 10.0  # one that was down, or busy

log = logging.getLogger(__name__)


class Ways:
    """The ways of one route, best first."""

    def __init__(self, route: str, names: Sequence[Way]) -> None:
        self.names = tuple(names)
        self._route = route
        self._rests_until: dict[Way, float] = {}

    def now_open(self) -> tuple[Way, ...]:
        """Those that a turn may try now, best first; all of them when all rest."""
        awake = tuple(way for way in self.names if self._rests_until.get(way, 0.0) <= now())
        return awake or self.names

    def rest(self, way: Way, for_s: float) -> None:
        """Leave a way alone, while there are others."""
        if for_s <= 0.0:
            return
        if self._rests_until.get(way, 0.0) <= now():
            log.warning("runpod.way_rests", extra={"route": self._route, "way": way, "for_s": for_s})
        self._rests_until[way] = now() + for_s

    def wake(self, way: Way) -> None:
        """It is known to be well again."""
        self._rests_until.pop(way, None)


def rest_after(way: Way, exc: ModelError) -> float | None:
    """How long a way rests that failed like this, once another has answered. None: not by its own fault.

    The queue's ways share a host and its workers: what is wrong with those is wrong with all of them. The
    load balancer has workers of its own, and of the chat completions a worker may know nothing.
    """
    if isinstance(exc, _OperationRefused):
        return REFUSED_S
    if isinstance(exc, RouteBusy):
        return DOWN_S if way in STREAMED else 0.0  # the others have their own memory of a 429
    if way in STREAMED and isinstance(exc, RouteDown):
        return DOWN_S
    is_refused = isinstance(exc, RouteRefused) or (way == "openai" and isinstance(exc, ReplyBroken))
    return REFUSED_S if way in STREAMED and is_refused else None
