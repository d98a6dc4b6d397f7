"""Asks any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, OpenAI itself.

Hosts take different fields. A request that is refused for its fields (400, 422) is asked again in the
next dialect, and the dialect that worked is remembered.

Such a host has no queue that tells anything. What a call that rings can have ready is a connection.
"""

from __future__ import annotations

import asyncio
import json
import logging
import math
from typing import Final, Literal

import httpx
import orjson

from voice.clock import Deadline, now
from voice.errors import ModelError, ReplyBroken, RouteDown, RouteRefused
from voice.job import message_objects, tool_object
from voice.models.base import Health
from voice.models.completion import CompletionReader
from voice.models.http import Host, body_of, check, translated
from voice.models.text import bounded
from voice.types import Finish, Hear, Json, Prompt

Dialect = Literal["usual", "newer", "plain"]

# "newer": OpenAI's reasoning models; "plain": hosts that refuse every field they do not know.
DIALECTS: Final[tuple[Dialect, ...]] = ("usual", "newer", "plain")
END_S = 0.25  # for usage and the end of the body, once the last word has come: a read-out connection is kept
HEALTH_S = 5.0  # asked between calls, not within a turn
WAKE_EVERY_S = 30.0  # a kept connection lives longer: http.KEEP_S, and 60 s and more at most hosts
WAKE_S = 5.0

log = logging.getLogger(__name__)


class _FieldsRefused(RouteRefused):
    """The host does not take the request as it was written."""


class OpenAIClient:
    """One model at one host. `base_url` is its `/v1`; `http` is shared and closed by whoever opened it."""

    def __init__(
        self, name: str, base_url: str, model: str, key: str | None, http: httpx.AsyncClient
    ) -> None:
        self.name = name
        self._base = base_url.rstrip("/")
        self._model = model
        self._headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._host = Host(name)
        self._http = http
        self._dialect = 0
        self._limits: set[asyncio.Timeout] = set()  # of replies in flight
        self._used_at = -math.inf  # when the host was last asked for anything
        self._waking: set[asyncio.Task[None]] = set()

    async def open(self) -> None:
        """Nothing to do: the first request connects."""

    async def close(self) -> None:
        """Replies in flight end with a ModelError."""
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(now())
        for task in self._waking:
            task.cancel()
        if self._waking:
            await asyncio.wait(self._waking)

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        """Have one reply written; see ModelClient."""
        hear = bounded(hear, prompt, self.name)
        places = range(self._dialect, len(DIALECTS))
        for place in places:
            try:
                finish = await self._write(self._body(prompt, DIALECTS[place]), deadline, hear)
            except _FieldsRefused:
                if place == places[-1]:
                    self._dialect = 0  # perhaps it is this prompt only
                    raise
            else:
                self._dialect = place
                return finish
        raise AssertionError("the last dialect answers or raises")

    async def health(self) -> Health:
        """Whether the host lists its models."""
        try:
            async with asyncio.timeout(HEALTH_S):
                await self._list_models()
        except TimeoutError:
            return Health("unknown", f"no answer in {HEALTH_S:.0f} s")
        except RouteRefused as exc:
            return Health("refused", str(exc))
        except ModelError as exc:
            return Health("unknown", str(exc))
        return Health("warm", self._model)

    def told(self) -> Health | None:
        """Nothing: replies tell nothing of the host."""
        return None

    async def wake(self) -> bool:
        """Opens a connection, unless one was used lately; see ModelClient."""
        if now() - self._used_at < WAKE_EVERY_S:
            return False
        self._used_at = now()
        task = asyncio.create_task(self._connect(), name=f"wake {self.name}")
        self._waking.add(task)
        task.add_done_callback(self._waking.discard)
        return True

    async def _connect(self) -> None:
        try:
            async with asyncio.timeout(WAKE_S):
                await self._list_models()
        except (ModelError, TimeoutError) as exc:
            # A host that lists no models is connected all the same.
            log.debug("llm.not_woken", extra={"route": self.name, "error": type(exc).__name__})

    async def _list_models(self) -> None:
        """Raises a ModelError when the host does not. What it lists is not looked at."""
        self._used_at = now()
        with translated(self._host):
            async with self._http.stream("GET", f"{self._base}/models", headers=self._headers) as response:
                await check(response, self._host)
                await body_of(response, self._host)  # or the connection would not be kept

    async def _write(self, body: bytes, deadline: Deadline, hear: Hear) -> Finish:
        reader = CompletionReader(self._host)
        try:
            async with asyncio.timeout_at(deadline.reply_at) as limit:
                self._limits.add(limit)
                with translated(self._host):
                    await self._read(body, reader, hear, limit)
        except TimeoutError as exc:
            if not reader.is_over:
                late = ReplyBroken if reader.said else RouteDown
                raise late(f"route {self.name!r} was not done in time") from exc
        except ModelError as exc:
            if reader.said and not reader.is_over and not isinstance(exc, ReplyBroken):
                raise ReplyBroken(str(exc)) from exc
            if not reader.is_over:
                raise
        finally:
            self._limits.discard(limit)
        return reader.finish()

    async def _read(self, body: bytes, reader: CompletionReader, hear: Hear, limit: asyncio.Timeout) -> None:
        url, self._used_at = f"{self._base}/chat/completions", now()
        async with self._http.stream("POST", url, content=body, headers=self._headers) as response:
            if response.status_code in (400, 422):
                await _check_fields(response, self._host)
            await check(response, self._host)
            was_over = False
            async for some in response.aiter_bytes():
                for text in reader.feed(some):
                    hear(text)
                if reader.is_over and not was_over:
                    was_over = True
                    hear("")  # its last sentence need not wait for what the host tells of the tokens
                    limit.reschedule(min(now() + END_S, limit.when() or now()))
            for text in reader.end():
                hear(text)

    def _body(self, prompt: Prompt, dialect: Dialect) -> bytes:
        fields: dict[str, Json] = {
            "model": self._model,
            "messages": message_objects(prompt),
            "stream": True,
        }
        if dialect == "newer":
            fields["max_completion_tokens"] = prompt.max_tokens
        else:
            fields |= {"max_tokens": prompt.max_tokens, "temperature": prompt.temperature}
        if dialect != "plain":
            fields["stream_options"] = {"include_usage": True}
        if prompt.stop:
            fields["stop"] = list(prompt.stop)
        if prompt.tools:
            fields["tools"] = [tool_object(tool) for tool in prompt.tools]
        try:
            return orjson.dumps(fields)
        except orjson.JSONEncodeError:  # half a character; half an emoji is no reason not to answer
            return json.dumps(fields, ensure_ascii=False).encode("utf-8", "replace")


async def _check_fields(response: httpx.Response, host: Host) -> None:
    try:
        await check(response, host)
    except RouteRefused as exc:
        raise _FieldsRefused(str(exc)) from exc
