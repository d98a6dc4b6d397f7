"""What several processes tell of themselves, as one answer: calls, routes, refusals, metrics.

A process knows its own calls. Whoever watches asks one address and wants to see all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from starlette.responses import Response

Told = dict[str, Any]
KEPT = 50  # refusals, as many as one process keeps


def gathered(path: str, bodies: Mapping[int, bytes]) -> Response:
    """The answers of all processes, by place, as one. `path` is one of GATHERED."""
    return GATHERED[path](bodies)


def _metrics(bodies: Mapping[int, bytes]) -> Response:
    """Every sample says which process it is of; sums are the business of whoever asks."""
    families: dict[str, Metric] = {}
    for place, body in bodies.items():
        for family in text_string_to_metric_families(body.decode()):
            known = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            known.samples += [
                sample._replace(labels={**sample.labels, "process": str(place)}) for sample in family.samples
            ]
    registry = CollectorRegistry()
    registry.register(_Families(families.values()))
    return Response(generate_latest(registry), media_type="text/plain; version=0.0.4; charset=utf-8")


class _Families(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = list(families)

    def collect(self) -> Iterable[Metric]:
        return self._families


def _calls(bodies: Mapping[int, bytes]) -> Response:
    """All have the same store; a call is live where it is live."""
    calls: dict[str, Told] = {}
    for told in _read(bodies).values():
        for one in told["calls"]:
            if one["live"] or one["call_id"] not in calls:
                calls[one["call_id"]] = one
    return _json({"calls": sorted(calls.values(), key=lambda one: str(one["began_on"]), reverse=True)})


def _routes(bodies: Mapping[int, bytes]) -> Response:
    """Each process learns for itself how long a route takes."""
    told = _read(bodies)
    return _json({"routes": [one | {"process": place} for place in told for one in told[place]["routes"]]})


def _refused(bodies: Mapping[int, bytes]) -> Response:
    doors: dict[str, Told] = {}
    newest: list[Told] = []
    for told in _read(bodies).values():
        for name, count in told["doors"].items():
            doors[name] = _sum(doors[name], count) if name in doors else count
        newest += told["refused"]
    newest.sort(key=lambda one: str(one["refused_on"]), reverse=True)
    return _json({"doors": dict(sorted(doors.items())), "refused": newest[:KEPT]})


def _sum(one: Told, other: Told) -> Told:
    newer = max(one, other, key=lambda count: str(count["last_on"] or ""))
    counted = {key: one[key] + other[key] for key in one if isinstance(one[key], int)}
    return newer | counted


def _read(bodies: Mapping[int, bytes]) -> dict[int, Told]:
    return {place: json.loads(body) for place, body in bodies.items()}


def _json(told: Told) -> Response:
    return Response(json.dumps(told), media_type="application/json")


GATHERED: Mapping[str, Callable[[Mapping[int, bytes]], Response]] = {
    "/metrics": _metrics,
    "/admin/calls": _calls,
    "/admin/routes": _routes,
    "/admin/refused": _refused,
}
