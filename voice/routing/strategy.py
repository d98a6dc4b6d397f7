"""Strategy: in which order a turn asks the routes there are."""

from __future__ import annotations

from collections.abc import Sequence

from voice.routing.table import Route
from voice.settings import Strategy


def ranked(routes: Sequence[Route], strategy: Strategy) -> list[Route]:
    """The routes a turn may ask, best first. Within a group the order of the settings stays."""
    local = [route for route in routes if route.is_local]
    remote = [route for route in routes if not route.is_local]
    match strategy:
        case "remote_first":
            return [*remote, *local]
        case "remote_only":
            return remote
        case "local_only":
            return local
        case "local_first":
            return [*local, *remote]


def in_turn(routes: Sequence[Route], now: float) -> list[Route]:
    """The same routes as one turn asks them: awake ones, those that sleep, those that rest after failures.

    They all stay in the list: when everybody else has failed, a resting route is asked rather than nobody.
    """
    # Stable: within a group the strategy's order stays.
    return sorted(routes, key=lambda route: (route.breaker.rests(now), route.warmth.is_asleep))
