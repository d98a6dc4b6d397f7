"""Asks one server for chat completions, as events while they are being written.

Hosts take different fields. A request that is refused for its fields (400, 422) is asked again in the
next dialect, and the dialect that worked is remembered.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Final, Literal

import httpx
import orjson

from voice.clock import Deadline, now
from voice.errors import ModelError, ReplyBroken, RouteDown, RouteRefused
from voice.job import message_objects, tool_object
from voice.models.completion import CompletionReader
from voice.models.http import Answered, Host, body_of, check, each, is_over, posting, translated
from voice.models.limit import Limit
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
        self._url = f"{self._base}/chat/completions"
        self._headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._dialect = 0
        self._limits: set[Limit] = set()  # of replies in flight

    def end(self) -> None:
        """Replies in flight end with a ModelError."""
        for limit in self._limits:
            limit.no_later_than(now())

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
        headers = {**self._headers, **headers} if headers else self._headers
        places = range(self._dialect, len(DIALECTS))
        for place in places:
            try:
                # No name for the body here: it would be held until the reply has ended.
                asked = posting(self._http, self._url, headers, self._body(prompt, DIALECTS[place], fields))
                finish = await self._write(asked, deadline, hear, see, named)
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
        asked: AbstractAsyncContextManager[Answered],
        deadline: Deadline,
        hear: Hear,
        see: See,
        named: Named | None,
    ) -> Finish:
        self.used_at = now()
        limit = Limit(deadline.reply_at)

        def over() -> None:
            hear("")  # its last sentence need not wait for what the host tells of the tokens
            if not is_over(answer):
                limit.no_later_than(now() + END_S)

        reader = CompletionReader(self._host, hear, named, over)
        try:
            self._limits.add(limit)
            with limit, translated(self._host):
                async with asked as answer:
                    see(answer)
                    if not answer.is_success:
                        await self._refuse(answer)
                    await each(answer, reader.feed)
                    reader.end()
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

    async def _refuse(self, answer: Answered) -> None:
        """Raises what fits a status other than 2xx."""
        try:
            await check(answer, self._host)
        except RouteRefused as exc:
            if answer.status_code in (400, 422):
                raise _FieldsRefused(str(exc)) from exc
            raise

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
