"""Asks one server for chat completions, as events while they are being written.

Hosts take different fields. A request that is refused for its fields (400, 422) is asked again in the
next dialect, and the dialect that worked is remembered.
"""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Callable, Mapping
from typing import Final, Literal

import httpx
import orjson

from voice.clock import Deadline, now
from voice.errors import ModelError, ReplyBroken, RouteDown, RouteRefused
from voice.job import message_objects, tool_object
from voice.models.completion import CompletionReader
from voice.models.http import Answered, Host, body_of, check, each, posting, translated
from voice.models.text import bounded
from voice.types import Finish, Hear, Json, Prompt

Dialect = Literal["usual", "newer", "plain"]

# "newer": OpenAI's reasoning models; "plain": hosts that refuse every field they do not know.
DIALECTS: Final[tuple[Dialect, ...]] = ("usual", "newer", "plain")
END_S = 0.25  # for usage and the end of the body, once the last word has come: a read-out connection is kept
NOTHING: Final[Mapping[str, str]] = {}
NO_FIELDS: Final[Mapping[str, Json]] = {}

Named = Callable[[str], None]
See = Callable[[Answered], None]
"""Is shown every answer before it is read: its status and headers."""


class _FieldsRefused(RouteRefused):
    """The host does not take the request as it was written."""


class Chat:
    """One model behind one `/v1`. `http` is shared and closed by whoever opened it.

    `model` None: the host's own. `used_at` is when it was last asked for anything.
    """

    def __init__(
        self, host: Host, base_url: str, model: str | None, key: str | None, http: httpx.AsyncClient
    ) -> None:
        self.used_at = -math.inf
        self._host, self._model, self._http = host, model, http
        self._base = base_url.rstrip("/")
        self._headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._dialect = 0
        self._limits: set[asyncio.Timeout] = set()  # of replies in flight

    def end(self) -> None:
        """Replies in flight end with a ModelError."""
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(now())

    async def write(
        self,
        prompt: Prompt,
        deadline: Deadline,
        hear: Hear,
        headers: Mapping[str, str] = NOTHING,
        see: See = lambda _: None,
        *,
        fields: Mapping[str, Json] = NO_FIELDS,
        named: Named | None = None,
    ) -> Finish:
        """Have one reply written; see ModelClient. `headers` and `fields` go along with the usual ones.

        `named` is given the completion's id, once, where the host tells one.
        """
        hear = bounded(hear, prompt, self._host.route)
        places = range(self._dialect, len(DIALECTS))
        for place in places:
            try:
                body = self._body(prompt, DIALECTS[place], fields)
                finish = await self._write(body, headers, deadline, hear, see, named)
            except _FieldsRefused:
                if place == places[-1]:
                    self._dialect = 0  # perhaps it is this prompt only
                    raise
            else:
                self._dialect = place
                return finish
        raise AssertionError("the last dialect answers or raises")

    async def list_models(self) -> None:
        """Raises a ModelError when the host does not. What it lists is not looked at."""
        self.used_at = now()
        with translated(self._host):
            async with self._http.stream("GET", f"{self._base}/models", headers=self._headers) as response:
                await check(response, self._host)
                await body_of(response, self._host)  # or the connection would not be kept

    async def _write(
        self,
        body: bytes,
        headers: Mapping[str, str],
        deadline: Deadline,
        hear: Hear,
        see: See,
        named: Named | None,
    ) -> Finish:
        reader = CompletionReader(self._host, hear, named)
        self.used_at = now()
        try:
            async with asyncio.timeout_at(deadline.reply_at) as limit:
                self._limits.add(limit)
                with translated(self._host):
                    url = f"{self._base}/chat/completions"
                    async with posting(self._http, url, {**self._headers, **headers}, body) as answer:
                        see(answer)
                        await self._read(answer, reader, hear, limit)
        except TimeoutError as exc:
            if not reader.is_over:
                late = ReplyBroken if reader.said else RouteDown
                raise late(f"route {self._host.route!r} was not done in time") from exc
        except ModelError as exc:
            if reader.said and not reader.is_over and not isinstance(exc, ReplyBroken):
                raise ReplyBroken(str(exc)) from exc
            if not reader.is_over:
                raise
        finally:
            self._limits.discard(limit)
        return reader.finish()

    async def _read(
        self, answer: Answered, reader: CompletionReader, hear: Hear, limit: asyncio.Timeout
    ) -> None:
        if answer.status_code in (400, 422):
            await _check_fields(answer, self._host)
        await check(answer, self._host)
        was_over = False

        def take(some: bytes) -> None:
            nonlocal was_over
            reader.feed(some)
            if reader.is_over and not was_over:
                was_over = True
                hear("")  # its last sentence need not wait for what the host tells of the tokens
                limit.reschedule(min(now() + END_S, limit.when() or now()))

        await each(answer, take)
        reader.end()

    def _body(self, prompt: Prompt, dialect: Dialect, more: Mapping[str, Json]) -> bytes:
        fields: dict[str, Json] = {"messages": message_objects(prompt), "stream": True}
        if self._model:
            fields["model"] = self._model
        if dialect == "newer":
            fields["max_completion_tokens"] = prompt.max_tokens
        else:
            fields |= {"max_tokens": prompt.max_tokens, "temperature": prompt.temperature}
        if dialect != "plain":
            fields |= {"stream_options": {"include_usage": True}, **more}
        if prompt.stop:
            fields["stop"] = list(prompt.stop)
        if prompt.tools:
            fields["tools"] = [tool_object(tool) for tool in prompt.tools]
        try:
            return orjson.dumps(fields)
        except orjson.JSONEncodeError:  # half a character; half an emoji is no reason not to answer
            return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")


async def _check_fields(response: Answered, host: Host) -> None:
    try:
        await check(response, host)
    except RouteRefused as exc:
        raise _FieldsRefused(str(exc)) from exc
