"""RunPod's management API as far as serverless endpoints need it: list, read, create, change, workers.

Source: RunPod's API reference v2, serverless, 2026-08. Endpoints are kept in memory; errors are problem+json.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from typing import Any, Final

from voice.simulate.runpod.request import Refusal, Request, reply
from voice.types import Json

PROBLEM: Final = {"content-type": "application/problem+json"}
FLASHBOOT: Final = ("OFF", "FLASHBOOT", "PRIORITY_FLASHBOOT")
FIXED: Final = ("id", "type", "createdAt", "requestUrls")  # never changed
NEW: Final[Mapping[str, Any]] = {
    "args": "",
    "disk": 20,
    "ports": [],
    "env": {},
    "registry": None,
    "scaling": {"type": "QUEUE_DELAY", "queueDelay": 4},
    "dataCenterIds": [],
    "networkVolumes": [],
    "timeout": 300_000,
    "flashboot": "OFF",
}
WORKERS: Final = {"min": 0, "max": 3, "idleTimeout": 10}
FIELDS: Final = frozenset((*NEW, *FIXED, "name", "image", "gpu", "workers", "templateId"))
TABLES: Final = frozenset(("workers", "gpu", "scaling", "env"))

Endpoint = dict[str, Any]


class RestStandIn:
    """One account's endpoints. `told` gives the worker counts of RunPod's /health for an endpoint.

    `asked` keeps what came: method and path, in order.
    """

    def __init__(self, told: Callable[[], Mapping[str, Json]]) -> None:
        self.endpoints: dict[str, Endpoint] = {}
        self.asked: list[tuple[str, str]] = []
        self._told = told

    def add(self, endpoint_id: str, **fields: Any) -> Endpoint:
        """Puts an endpoint there, as RunPod makes it where nothing is said."""
        workers = {**WORKERS, **fields.pop("workers", {})}
        endpoint = {"name": endpoint_id, "type": "QUEUE", **NEW, **fields, "workers": workers}
        endpoint |= {"id": endpoint_id, "createdAt": "2026-11-01T12:00:00Z"}
        self.endpoints[endpoint_id] = endpoint
        return endpoint

    async def carry(self, request: Request) -> None:
        """Answers one request below `/v2`."""
        path = [part for part in request.path if part]
        self.asked.append((request.method, "/" + "/".join(path)))
        try:
            status, answer = self._answer(request, path)
        except Refusal as end:
            titles = {400: "Bad Request", 404: "Not Found", 405: "Method Not Allowed", 422: "Invalid"}
            detail = end.body["error"] if isinstance(end.body, dict) else end.body
            problem: Json = {"title": titles[end.status], "status": end.status, "detail": detail}
            await reply(request.send, end.status, problem, PROBLEM)
        else:
            await reply(request.send, status, answer, {"ratelimit": '"minute";r=99;t=60'})

    def _answer(self, request: Request, path: list[str]) -> tuple[int, Json]:
        match request.method, path:
            case "GET", ["serverless"]:
                page: Json = {"nextCursor": None, "hasNextPage": False}
                return 200, {"endpoints": [*self.endpoints.values()], "pagination": page}
            case "POST", ["serverless"]:
                return 201, self._create(_body(request))
            case "GET", ["serverless", endpoint_id]:
                return 200, self._known(endpoint_id)
            case "PATCH", ["serverless", endpoint_id]:
                return 200, self._change(self._known(endpoint_id), _body(request))
            case "GET", ["serverless", endpoint_id, "workers"]:
                return 200, self._workers(self._known(endpoint_id))
        raise Refusal(404, "There is nothing here.")

    def _known(self, endpoint_id: str) -> Endpoint:
        if endpoint_id not in self.endpoints:
            raise Refusal(404, "The requested endpoint does not exist.")
        return self.endpoints[endpoint_id]

    def _create(self, body: Endpoint) -> Endpoint:
        for name in ("name", "type", "gpu"):
            if not body.get(name):
                raise Refusal(422, f"{name} is required")
        if not body.get("image") and not body.get("templateId"):
            raise Refusal(422, "image or templateId is required")
        if body["type"] not in ("QUEUE", "LOAD_BALANCER"):
            raise Refusal(422, "type must be QUEUE or LOAD_BALANCER")
        _check({**NEW, **body, "workers": {**WORKERS, **body.get("workers", {})}})
        return self.add(uuid.uuid4().hex[:14], **body)

    def _change(self, endpoint: Endpoint, body: Endpoint) -> Endpoint:
        for name in body:
            if name in FIXED:
                raise Refusal(422, f"{name} cannot be changed")
        changed = {**endpoint, **body}
        for name in ("workers", "gpu"):
            if name in body:
                changed[name] = {**endpoint.get(name, {}), **body[name]}
        _check(changed)
        endpoint.update(changed)
        return endpoint

    def _workers(self, endpoint: Endpoint) -> Json:
        told = {name: count for name, count in self._told().items() if isinstance(count, int)}
        names = ("running", "idle", "initializing", "throttled", "unhealthy")
        summary: dict[str, Json] = {name: told.get(name, 0) for name in names}
        total = sum(told.get(name, 0) for name in names)
        workers: list[Json] = [
            {"id": f"{name}-{number}", "status": name, "isStale": False}
            for name in names
            for number in range(told.get(name, 0))
        ]
        return {"workers": workers, "summary": summary | {"total": total}, "endpointVersion": 1}


def _body(request: Request) -> Endpoint:
    """The fields of a request. Raises Refusal for what has another kind than RunPod takes."""
    body = dict(request.json())
    for name, value in body.items():
        if name not in FIELDS:
            raise Refusal(422, f"{name}: unknown field")
        if name in TABLES and not isinstance(value, dict):
            raise Refusal(422, f"{name} must be an object")
    return body


def _check(endpoint: Mapping[str, Any]) -> None:
    """Raises Refusal for what RunPod refuses."""
    workers, scaling = endpoint["workers"], endpoint["scaling"]
    least, most, idle = (workers.get(name) for name in ("min", "max", "idleTimeout"))
    if not all(isinstance(count, int) and count >= 0 for count in (least, most)) or least > most:
        raise Refusal(422, "workers.min and workers.max must be counts, min at most max")
    if idle is not None and not (isinstance(idle, int) and 1 <= idle <= 3600):
        raise Refusal(422, "workers.idleTimeout must be from 1 to 3600")
    if endpoint["flashboot"] not in FLASHBOOT:
        raise Refusal(422, f"flashboot must be one of {', '.join(FLASHBOOT)}")
    if scaling.get("type") not in ("QUEUE_DELAY", "REQUEST_COUNT"):
        raise Refusal(422, "scaling.type must be QUEUE_DELAY or REQUEST_COUNT")
    if endpoint["type"] == "LOAD_BALANCER" and scaling["type"] == "QUEUE_DELAY":
        raise Refusal(400, "load-balancing endpoints scale on REQUEST_COUNT")
