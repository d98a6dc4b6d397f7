"""Strategy: in which order a turn asks the routes there are."""

from __future__ import annotations

from collections.abc import Sequence

from voice.routing.table import Route
from voice.settings import Strategy

PACKAGED_LANGUAGE = "en"  # of the embedded model that comes with the product: it was shown no other


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


def speaks(route_language: str | None, wanted: str) -> bool:
    """Whether who writes in one language (None: in any) can write for an agent of another.

    "multi" is whichever language the caller speaks, which may be any.
    """
    return route_language is None or wanted == "multi" or wanted.partition("-")[0].lower() == route_language


def speaking(routes: Sequence[Route], wanted: str) -> Sequence[Route]:
    """The routes that can write in an agent's language."""
    for route in routes:
        if not speaks(route.language, wanted):  # hardly ever
            return [route for route in routes if speaks(route.language, wanted)]
    return routes


def in_turn(routes: Sequence[Route], now: float) -> list[Route]:
    """The same routes as one turn asks them: awake ones, those that sleep, those that rest after failures.

    They all stay in the list: when everybody else has failed, a resting route is asked rather than nobody.
    """
    for route in routes:
        if route.twins is not None or route.warmth.is_asleep or route.breaker.rests(now):
            # Stable: within a group the strategy's order stays.
            order = sorted(routes, key=lambda route: (route.breaker.rests(now), route.warmth.is_asleep))
            return _free_twins_first(order, now)
    return list(routes)  # nearly always, at a tenth of the cost


def first_twins(routes: Sequence[Route], now: float) -> list[Route]:
    """The routes without those that stand in for another one: of each model, the endpoint to be asked now."""
    firsts: dict[str, Route] = {}
    for route in in_turn(routes, now):
        firsts.setdefault(f"twins {route.twins}" if route.twins is not None else f"name {route.name}", route)
    return list(firsts.values())


def _free_twins_first(order: Sequence[Route], now: float) -> list[Route]:
    """Among endpoints of one model, those that are free before those where jobs wait, those before ones
    that sleep; places stay theirs."""
    swapped = list(order)
    for name in {route.twins for route in order if route.twins is not None}:
        places = [place for place, route in enumerate(order) if route.twins == name]
        twins = sorted(
            (order[place] for place in places),
            key=lambda twin: (twin.breaker.rests(now), twin.warmth.rank),
        )
        for place, twin in zip(places, twins, strict=True):
            swapped[place] = twin
    return swapped
