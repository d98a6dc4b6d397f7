"""RunPod's management API (v2), as far as endpoints need it: list, read, create, change, workers.

Source: RunPod's API reference v2, serverless, 2026-08. Version 1 was switched off in November 2026.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Any
from urllib.parse import quote

import httpx

from voice.cli.screen import Failed
from voice.errors import SetupError
from voice.models.runpod_rates import rest_in
from voice.settings import Settings, secret

LIMIT_S = 20.0  # for one request
LONGEST_REST_S = 30.0  # after a 429
TRIES = 3
PAGES = 50  # of one list
MAX_SHOWN_CHARS = 400  # of what RunPod says to a refusal

Table = dict[str, Any]


class RunPodRest:
    """RunPod's API with one key. Used as a context. Raises Failed with a line that says what to do."""

    def __init__(self, settings: Settings) -> None:
        key = secret(settings.runpod_api_key)
        if not key:
            raise SetupError("RUNPOD_API_KEY is not set: make a key in RunPod's console, under Settings")
        self.url = settings.runpod_rest_url
        self._http = httpx.AsyncClient(
            timeout=LIMIT_S, trust_env=False, headers={"Authorization": f"Bearer {key}"}
        )

    async def __aenter__(self) -> RunPodRest:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._http.aclose()

    async def named(self, name: str) -> list[Table]:
        """Every endpoint of this name."""
        found: list[Table] = []
        cursor = ""
        for _ in range(PAGES):
            page = await self._ask("GET", f"/serverless{f'?cursor={quote(cursor)}' if cursor else ''}")
            listed = page.get("endpoints")
            found += [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
            pages = page.get("pagination")
            cursor = str(pages.get("nextCursor") or "") if isinstance(pages, dict) else ""
            if not cursor:
                break
        return [one for one in found if one.get("name") == name]

    async def read(self, endpoint_id: str) -> Table:
        return _endpoint(await self._ask("GET", f"/serverless/{quote(endpoint_id, safe='')}"))

    async def create(self, body: Table) -> Table:
        return _endpoint(await self._ask("POST", "/serverless", body))

    async def change(self, endpoint_id: str, body: Table) -> Table:
        return _endpoint(await self._ask("PATCH", f"/serverless/{quote(endpoint_id, safe='')}", body))

    async def workers(self, endpoint_id: str) -> Table:
        """The worker counts of an endpoint, by state, and `total`."""
        told = await self._ask("GET", f"/serverless/{quote(endpoint_id, safe='')}/workers")
        summary = told.get("summary")
        return summary if isinstance(summary, dict) else {}

    async def _ask(self, method: str, path: str, body: Table | None = None) -> Table:
        for left in reversed(range(TRIES)):
            try:
                answer = await self._http.request(method, f"{self.url}{path}", json=body)
            except (httpx.HTTPError, httpx.InvalidURL) as exc:
                to_do = "see OFFHOOK_RUNPOD_REST_URL"
                raise Failed(f"{self.url} was not reached ({type(exc).__name__}): {to_do}") from exc
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS or left == 0:
                break
            headers = answer.headers
            rest_s = rest_in(headers.get("retry-after"), headers.get("ratelimit"))
            await asyncio.sleep(min(LONGEST_REST_S, 1.0 if rest_s is None else rest_s))
        return _table(answer, self.url)


def _table(answer: httpx.Response, url: str) -> Table:
    """The object in an answer. Raises Failed for anything else."""
    status = answer.status_code
    if status in (401, 403):
        raise Failed(f"RunPod answered {status}: RUNPOD_API_KEY must be a key that may manage endpoints")
    if status == 404:
        raise Failed("RunPod knows no such endpoint: see RUNPOD_ENDPOINT_ID, or give --id")
    if not answer.is_success:
        raise Failed(f"RunPod answered {status}: {_told(answer)}")
    try:
        found = answer.json()
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise Failed(f"{url} does not answer with an object: see OFFHOOK_RUNPOD_REST_URL")
    return found


def _endpoint(found: Table) -> Table:
    if isinstance(found.get("id"), str):
        return found
    raise Failed("RunPod's answer is no endpoint: see OFFHOOK_RUNPOD_REST_URL")


def _told(answer: httpx.Response) -> str:
    """What RunPod says to a refusal, in one line."""
    try:
        found = answer.json()
    except ValueError:
        return "no reason given"
    fields = found if isinstance(found, dict) else {}
    text = fields.get("detail") or fields.get("title") or "no reason given"
    return " ".join(str(text).split())[:MAX_SHOWN_CHARS]
