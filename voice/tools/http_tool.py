"""A tool from an agent's file: one HTTP request to a host that the file allows.

What the model may decide are the arguments, checked against the file's schema; where the request goes
and which secret it carries stands in the file and the environment.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from typing import Protocol

from voice.clock import now
from voice.errors import BadRequest, ToolFailed
from voice.tools.base import ToolUse
from voice.tools.http_answer import Answer, Trouble, told, trouble
from voice.tools.schema import Arguments
from voice.tools.url import filled, with_query
from voice.types import PLACEHOLDER, HttpTool, Json

LEAST_S = 0.1  # with less left of the turn nothing is sent that nobody would wait for
READ_ONLY = ("GET", "HEAD")
WITHOUT_BODY = (*READ_ONLY, "DELETE")


class Way(Protocol):
    """The way out: `web.Web`, which takes half a second to import."""

    async def ask(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | None, *, is_private: bool
    ) -> Answer | Trouble: ...


class HttpRequestTool:
    """Makes the request and tells the model what came of it."""

    action = None

    def __init__(self, tool: HttpTool, web: Way) -> None:
        self.spec = tool.spec
        self._tool, self._web = tool, web
        self._arguments = Arguments(tool.spec.parameters)
        self._is_read_only = tool.method in READ_ONLY

    async def use(self, use: ToolUse) -> str:
        self._arguments.check(use.arguments)
        url, body = self._request(use.arguments)
        headers = {**self._tool.headers, "Idempotency-Key": idempotency_key(use)}
        if body is not None:
            headers["Content-Type"] = "application/json"
        name, until = self.spec.name, min(use.until, now() + self._tool.timeout_s)
        if until - now() < LEAST_S:
            raise ToolFailed(f"There was no time left for {name}. Ask again.")
        try:
            async with asyncio.timeout_at(until):
                answer = await self._web.ask(
                    self._tool.method, url, headers, body, is_private=self._tool.is_private
                )
        except TimeoutError:
            answer = Trouble.LOST
        if isinstance(answer, Trouble):
            raise trouble(name, answer, is_read_only=self._is_read_only)
        return told(name, answer, is_read_only=self._is_read_only)

    def _request(self, arguments: Mapping[str, Json]) -> tuple[str, bytes | None]:
        """The URL and the body: what does not stand in the URL goes into the body, or into the query."""
        url = filled(self._tool.url, arguments)
        in_url = set(PLACEHOLDER.findall(self._tool.url))
        rest = {name: value for name, value in arguments.items() if name not in in_url}
        if self._tool.method in WITHOUT_BODY:
            return with_query(url, rest), None
        try:
            return url, json.dumps(rest, allow_nan=False).encode()
        except (ValueError, RecursionError) as exc:
            raise BadRequest("The arguments cannot be written down.") from exc


def idempotency_key(use: ToolUse) -> str:
    """The same for the same use, so that a host which is asked twice acts once."""
    return hashlib.sha256(f"{use.call_id}/{use.tool_call_id}".encode(errors="replace")).hexdigest()[:32]
