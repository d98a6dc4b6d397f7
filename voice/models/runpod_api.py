"""RunPod's job API: one request and its answer, as an object or as a ModelError."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Final

import httpx

from voice.errors import RouteBusy, RouteDown, RouteRefused
from voice.models.http import Answered, Host, body_of, check, json_of, refusal
from voice.models.runpod_rates import Rates, rest_in
from voice.types import Json

FINAL: Final = frozenset(("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"))
REFUSALS: Final = frozenset((400, 404, 405, 501))  # of an operation, as far as a status can tell
POLLS: Final = 4  # of one question, when RunPod answers 429 to it

Answer = Mapping[str, Json]


class _OperationRefused(RouteRefused):
    """The endpoint does not offer this operation, or not like this. It does not leave this room."""


class Endpoint:
    """One endpoint. `root` is its URL; `http` is shared and closed by whoever opened it."""

    def __init__(self, root: str, key: str, host: Host, http: httpx.AsyncClient) -> None:
        self.host = host
        self.rates = Rates()
        self._root = root
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._http = http

    async def give(
        self,
        operation: str,
        body: Mapping[str, Json],
        params: Mapping[str, int],
        leaves: Callable[[], None] = lambda: None,
    ) -> Answer:
        """Gives a job. Raises RouteBusy without asking while RunPod would say 429; else as `send`.

        `leaves` is told when its turn has come: from then on RunPod may have it.
        """
        self.need(operation)
        async with self.rates.slot(operation):
            leaves()
            return await self._send("POST", operation, body, params)

    def need(self, operation: str) -> None:
        """Counts a request; raises RouteBusy when it would be one too many."""
        if not self.rates.take(operation):
            lately = "answered 429" if self.rates.rests(operation) else f"is at its limit of /{operation}"
            raise RouteBusy(f"route {self.host.route!r} {lately}: its rate limit is reached")

    async def poll(self, operation: str, params: Mapping[str, int] | None = None) -> Answer:
        """Asks how a job is; waits while RunPod would say 429, and asks again when it does."""
        name = _name_of(operation)
        for left in reversed(range(POLLS)):
            await self.rates.room(name)
            try:
                return await self.send("GET", operation, params=params)
            except RouteBusy:
                if left == 0:
                    raise
        raise AssertionError("the last question is answered or raises")

    async def send(
        self,
        method: str,
        operation: str,
        body: Mapping[str, Json] | None = None,
        params: Mapping[str, int] | None = None,
    ) -> Answer:
        """Raises _OperationRefused, another ModelError, or what httpx raises."""
        async with self.rates.slot(_name_of(operation)):
            return await self._send(method, operation, body, params)

    async def _send(
        self,
        method: str,
        operation: str,
        body: Mapping[str, Json] | None,
        params: Mapping[str, int] | None,
    ) -> Answer:
        url, content = f"{self._root}/{operation}", None if body is None else json.dumps(body).encode()
        async with self._http.stream(
            method, url, content=content, params=params, headers=self._headers
        ) as response:
            self.saw(_name_of(operation), response)
            if response.status_code in REFUSALS:
                told = await body_of(response, self.host)
                error = refusal(response.status_code, self.host, told)
                raise _OperationRefused(str(error)) if isinstance(error, RouteRefused) else error
            await check(response, self.host)
            answer = json_of(await body_of(response, self.host), self.host)
        if not isinstance(answer, dict):
            raise RouteDown(f"route {self.host.route!r} sent no job object")
        return answer

    def saw(self, name: str, response: Answered) -> None:
        """What an answer tells of the operation's limit."""
        if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
            headers = response.headers
            self.rates.refused(name, rest_in(headers.get("retry-after"), headers.get("ratelimit")))
        else:
            self.rates.accepted(name)


def _name_of(operation: str) -> str:
    return operation.partition("/")[0]


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
