"""RunPod's job API: one request and its answer, as an object or as a ModelError."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import httpx

from voice.errors import RouteDown, RouteRefused
from voice.models.http import Host, body_of, check, json_of, refusal
from voice.types import Json

FINAL: Final = frozenset(("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"))
REFUSALS: Final = frozenset((400, 404, 405, 501))  # of an operation, as far as a status can tell

Answer = Mapping[str, Json]


class _OperationRefused(RouteRefused):
    """The endpoint does not offer this operation, or not like this. It does not leave this room."""


class Endpoint:
    """One endpoint. `root` is its URL; `http` is shared and closed by whoever opened it."""

    def __init__(self, root: str, key: str, host: Host, http: httpx.AsyncClient) -> None:
        self.host = host
        self._root = root
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._http = http

    async def send(
        self,
        method: str,
        operation: str,
        body: Mapping[str, Json] | None = None,
        params: Mapping[str, int] | None = None,
    ) -> Answer:
        """Raises _OperationRefused, another ModelError, or what httpx raises."""
        url, content = f"{self._root}/{operation}", None if body is None else json.dumps(body).encode()
        async with self._http.stream(
            method, url, content=content, params=params, headers=self._headers
        ) as response:
            if response.status_code in REFUSALS:
                told = await body_of(response, self.host)
                error = refusal(response.status_code, self.host, told)
                raise _OperationRefused(str(error)) if isinstance(error, RouteRefused) else error
            await check(response, self.host)
            answer = json_of(await body_of(response, self.host), self.host)
        if not isinstance(answer, dict):
            raise RouteDown(f"route {self.host.route!r} sent no job object")
        return answer


def status_of(answer: Answer) -> str:
    """RunPod's word for where a job is; empty when it says none."""
    status = answer.get("status")
    return status if isinstance(status, str) else ""


def id_of(answer: Answer) -> str | None:
    """The job's id."""
    job_id = answer.get("id")
    return job_id if isinstance(job_id, str) and job_id else None


def seconds_of(answer: Answer, field: str) -> float | None:
    """A field that counts milliseconds; None when it is not there."""
    value = answer.get(field)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return value / 1000 if is_number and value >= 0 else None  # type: ignore[operator]  # is_number tells
