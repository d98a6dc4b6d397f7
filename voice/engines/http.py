"""The worker as a plain web app, for RunPod's load-balancing endpoints: raw ASGI, no framework.

    GET  /ping                   204 while the model is loading, 200 when it answers, 503 when it is gone
    GET  /health                 the same in words, with the start's timed steps and what was done since
    GET  /v1/models              what may be asked for
    POST /v1/chat/completions    one completion, or server-sent events; a closed line stops the writing

RunPod has checked the caller's key before a request comes here. Errors are OpenAI's objects.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import aclosing
from typing import Any, Literal

import orjson

from voice.engines.completions import DONE
from voice.engines.slots import Slots
from voice.engines.tally import Tally
from voice.engines.worker import answer, checked, sentence
from voice.errors import BadJob, RouteSlow, UnknownModel, VoiceError
from voice.job import Job
from voice.types import Json

Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
State = Literal["loading", "ready", "broken"]

MAX_BODY_BYTES = 4_000_000  # the longest call that a job may hold, each character written as \u1234
WAITING_PER_PLACE = 4  # jobs that wait beyond those being written; more would only be answered too late
PING_STATUS: Mapping[State, int] = {"loading": 204, "ready": 200, "broken": 503}
EVENTS = (b"text/event-stream; charset=utf-8", (b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no"))

log = logging.getLogger(__name__)


class _Problem(Exception):
    """Ends a request with a status and a sentence."""

    def __init__(self, status: int, said: str, kind: str = "invalid_request_error") -> None:
        self.status, self.said, self.kind = status, said, kind


class WorkerApp:
    """The app of one worker. `has_loaded` is set by whoever loads the engine.

    `started` holds the timed steps of the start; `health_path` is where RunPod asks whether we live.
    """

    def __init__(self, engine: Slots, at_once: int, tally: Tally, health_path: str = "/ping") -> None:
        self.has_loaded = False
        self.started: Mapping[str, Json] = {}
        self._engine, self._tally = engine, tally
        self._most_waiting = at_once * WAITING_PER_PLACE
        self._health_path = health_path

    @property
    def state(self) -> State:
        if not self.has_loaded:
            return "loading"
        return "ready" if self._engine.ready() else "broken"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._route(scope, receive, send)
        except _Problem as problem:
            await _reply(send, problem.status, _error(problem.said, problem.kind))

    async def _route(self, scope: Scope, receive: Receive, send: Send) -> None:
        method, path = scope["method"], scope["path"].rstrip("/")
        if path in {self._health_path, "/ping"}:
            await _reply(send, PING_STATUS[self.state])
        elif path == "/health":
            await _reply(send, 200, self._health())
        elif path.endswith(("/models", "/chat/completions")):
            wanted = "GET" if path.endswith("/models") else "POST"
            if method != wanted:
                raise _Problem(405, f"{method} is not allowed here: use {wanted}.")
            await self._completions(scope, receive, send, path)
        else:
            raise _Problem(404, "There is no such path; this worker has /v1/chat/completions and /v1/models.")

    def _health(self) -> dict[str, Json]:
        models: list[Json] = list(self._engine.models)
        told: dict[str, Json] = {"status": self.state, "models": models, "waiting": self._engine.waiting}
        return told | {"started": dict(self.started), "jobs": self._tally.told()}

    async def _completions(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        if self.state != "ready":
            raise _Problem(503, f"The model is {self.state}.", "server_error")
        if self._engine.waiting >= self._most_waiting:
            raise _Problem(429, "All places are taken, and more wait than could be answered in time.", "busy")
        body = await _json_body(scope, receive) if scope["method"] == "POST" else None
        try:
            asked = checked({"openai_route": path, "openai_input": body}, self._engine)
        except BadJob as exc:
            self._tally.broke(is_refused=True)
            raise _Problem(404 if isinstance(exc, UnknownModel) else 400, sentence(exc, None)) from exc
        await _unless_gone(receive, self._answer(asked, send))

    async def _answer(self, asked: Job, send: Send) -> None:
        line = _Line(send, asked.stream)
        try:
            async with aclosing(answer(asked, self._engine, self._tally, eager=True)) as chunks:
                await line.carry(chunks)
        except Exception as exc:  # fence: one job  # noqa: BLE001 – whatever fails, the request is answered
            await line.fail(exc)


class _Line:
    """One answer on its way. The status leaves with the first chunk: until then an error may have its own."""

    def __init__(self, send: Send, is_stream: bool) -> None:
        self._send, self._is_stream = send, is_stream
        self._began = False

    async def carry(self, chunks: AsyncIterator[Json]) -> None:
        async for chunk in chunks:
            if not self._is_stream:
                await _reply(self._send, 200, chunk)
                return
            text = str(chunk)
            await self._event(text, is_last=text.endswith(DONE))

    async def fail(self, exc: Exception) -> None:
        said = sentence(exc, None)
        kind = "invalid_request_error" if isinstance(exc, BadJob) else "server_error"
        if not self._began:
            await _reply(self._send, _status(exc), _error(said, kind))
            return
        await self._event(f"data: {orjson.dumps(_error(said, kind)).decode()}\n\n", is_last=True)

    async def _event(self, text: str, *, is_last: bool) -> None:
        """The end goes with the last text: each sending is a call of the system, the dearest part of it."""
        if not self._began:
            self._began = True
            kind, *more = EVENTS
            headers = [(b"content-type", kind), *more]
            await self._send({"type": "http.response.start", "status": 200, "headers": headers})
        await self._send({"type": "http.response.body", "body": text.encode(), "more_body": not is_last})


def _status(exc: Exception) -> int:
    if isinstance(exc, BadJob):
        return 400
    if isinstance(exc, RouteSlow):
        return 504
    return 503 if isinstance(exc, VoiceError) and exc.retry else 500


async def _unless_gone(receive: Receive, work: Coroutine[Any, Any, None]) -> None:
    """Does the work, unless the other side hangs up first: then it is cancelled."""
    working, leaving = asyncio.create_task(work), asyncio.create_task(_hung_up(receive))
    try:
        await asyncio.wait([working, leaving], return_when=asyncio.FIRST_COMPLETED)
    finally:
        working.cancel()
        leaving.cancel()
        await asyncio.wait([working, leaving])
    if not working.cancelled() and (exc := working.exception()) is not None:
        raise exc


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _json_body(scope: Scope, receive: Receive) -> object:
    """Raises _Problem when the body is too large, cut off, or no JSON."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    size = int(length) if length.isdigit() else 0
    body, more = b"", True
    while more and size <= MAX_BODY_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _Problem(400, "The body was cut off.")
        body += message.get("body", b"")
        size, more = max(size, len(body)), message.get("more_body", False)
    if size > MAX_BODY_BYTES:
        raise _Problem(413, f"The body is larger than {MAX_BODY_BYTES} bytes.")
    try:
        given: object = orjson.loads(body)
    except orjson.JSONDecodeError:
        return _lenient(body)
    return given


def _lenient(body: bytes) -> object:
    """Platforms cut text, and with it a character in two: `\\ud83d` alone, which a strict reader refuses."""
    try:
        given: object = json.loads(body)
    except (ValueError, RecursionError):
        raise _Problem(400, "The body is not JSON.") from None
    return given


def _error(said: str, kind: str) -> dict[str, Json]:
    return {"error": {"message": said, "type": kind, "param": None, "code": None}}


async def _reply(send: Send, status: int, told: Json = None) -> None:
    body = b"" if told is None else orjson.dumps(told)
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    if status in (429, 503):
        headers.append((b"retry-after", b"1"))
    await send({"type": "http.response.start", "status": status, "headers": headers if status != 204 else []})
    await send({"type": "http.response.body", "body": body})
