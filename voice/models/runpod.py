"""Asks a model behind a RunPod queue endpoint.

Three ways, best first: `stream` (/run, then /stream until it is drained), `runsync` (one request
that waits), `run` (/run, then /status again and again). A way that the endpoint refuses is left for
the next one, and for a while the turns begin there; a model that fails is not asked again here.

A job that nobody waits for any longer is cancelled at RunPod, in a task of the client's own: the
turn that cancelled it goes on at once. `close` waits for these tasks; each has `CANCEL_S`.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

import httpx

from voice.clock import Deadline, now
from voice.errors import EmptyReply, ModelError, ReplyBroken, RouteDown, RouteRefused, WorkerCold
from voice.job import job_input
from voice.models.base import Health
from voice.models.http import Host, check, json_of, refusal, translated
from voice.models.output import OutputReader, error_sentence
from voice.types import Finish, Hear, Json, Prompt

Way = Literal["stream", "runsync", "run"]

FINAL: Final = frozenset(("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"))
STREAM_WAIT_MS = 1000  # how long RunPod holds an empty poll: its least; the default of 10 s outlives a turn
RUNSYNC_WAIT_MS = (1000, 2000)  # RunPod's least; and as long as we do without the id that /cancel needs
REFUSED_S = 300.0  # a refused way is tried again after this: a gateway may have had a bad moment
EMPTY_POLL_S = 0.1  # between two empty polls, should a host not hold them
STATUS_PAUSE_S = (0.05, 0.5)  # first and longest; RunPod takes 200 status requests a second
EXECUTION_MS = (5_000, 15_000)  # RunPod's least; and the longest a spoken reply may take
TTL_MS = (10_000, 30_000)  # RunPod's least; a dead turn's job does not queue for ever
CANCEL_S = 1.0
HEALTH_S = 5.0  # asked between calls, not within a turn
CANCELS_AT_ONCE = 20  # RunPod's limits on /cancel; what is over them ends by its ttl
CANCELS_IN_10_S = 100

log = logging.getLogger(__name__)


class _WayRefused(RouteRefused):
    """The endpoint does not offer this operation, or not like this."""


@dataclass
class _Ask:
    """One turn's job at RunPod, and what has come of it."""

    prompt: Prompt
    deadline: Deadline
    hear: Hear
    reader: OutputReader
    said: bool = False  # a word was given
    job_id: str | None = None
    answer: Mapping[str, Json] = field(default_factory=dict)  # RunPod's latest word on the job

    @property
    def status(self) -> str:
        status = self.answer.get("status")
        return status if isinstance(status, str) else ""

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def read(self, item: Json) -> None:
        self.say(self.reader.feed(item))

    def say(self, text: str) -> None:
        if text:
            self.said = self.said or bool(text.strip())
            self.hear(text)


class RunPodClient:
    """One RunPod endpoint as a route. `http` is shared and closed by whoever opened it."""

    def __init__(
        self,
        name: str,
        endpoint_id: str,
        key: str,
        base_url: str = "https://api.runpod.ai/v2",
        ways: Sequence[Way] = ("stream", "runsync", "run"),
        *,
        http: httpx.AsyncClient,
        key_env: str = "RUNPOD_API_KEY",
    ) -> None:
        self.name = name
        self._root = f"{base_url.rstrip('/')}/{endpoint_id}"
        self._headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
        self._host = Host(name, key=key_env, place="RUNPOD_ENDPOINT_ID and RUNPOD_BASE_URL")
        self._http = http
        self._ways = tuple(ways) or ("stream",)
        self._first, self._first_until = 0, 0.0  # the place of the first way that is not known to be refused
        self._asks: dict[Way, Callable[[_Ask], Coroutine[None, None, Finish]]] = {
            "stream": self._by_stream,
            "runsync": self._by_runsync,
            "run": self._by_run,
        }
        self._limits: set[asyncio.Timeout] = set()  # of replies in flight
        self._cleaning: set[asyncio.Task[None]] = set()
        self._cancelled_at: deque[float] = deque(maxlen=CANCELS_IN_10_S)

    async def open(self) -> None:
        """Nothing to do: the first request connects."""

    async def close(self) -> None:
        """Ends replies in flight with a ModelError, and waits for their jobs to be cancelled."""
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(now())
        while self._limits or self._cleaning:
            await asyncio.sleep(0)  # let the replies see it
            await asyncio.gather(*self._cleaning)

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        """Have one reply written; see ModelClient."""
        ask = _Ask(prompt, deadline, hear, OutputReader(self.name))
        try:
            async with asyncio.timeout_at(deadline.reply_at) as limit:
                self._limits.add(limit)
                with translated(self._host):
                    return await self._ask(ask)
        except TimeoutError as exc:
            raise self._too_late(ask) from exc
        except _WayRefused as exc:
            raise (ReplyBroken if ask.said else RouteRefused)(str(exc)) from exc
        except ModelError as exc:
            if ask.said and not isinstance(exc, ReplyBroken):
                raise ReplyBroken(str(exc)) from exc
            raise
        finally:
            self._limits.discard(limit)

    async def health(self) -> Health:
        """What RunPod tells of the endpoint's workers."""
        try:
            async with asyncio.timeout(HEALTH_S):
                with translated(self._host):
                    return _health(await self._send("GET", "health"))
        except TimeoutError:
            return Health("unknown", f"RunPod did not answer in {HEALTH_S:.0f} s")
        except RouteRefused as exc:
            return Health("broken", str(exc))
        except ModelError as exc:
            return Health("unknown", str(exc))

    # The three ways

    async def _ask(self, ask: _Ask) -> Finish:
        place = self._first if now() < self._first_until else 0
        while True:
            way = self._ways[place]
            try:
                finish = await self._asks[way](ask)
            except _WayRefused:
                place += 1
                ask.reader = OutputReader(self.name)
                if ask.said or place == len(self._ways):  # all are refused: it is not about the way
                    raise
            else:
                if place > 0:
                    self._remember(place)
                return finish
            finally:
                if ask.job_id is not None and not ask.is_final:
                    self._cancel_later(ask.job_id)
                ask.job_id = None

    async def _by_stream(self, ask: _Ask) -> Finish:
        await self._submit(ask, "run", {})
        try:
            return await self._drain(ask)
        except _WayRefused:
            if ask.said or self._ways[-1] == "stream":
                raise
        self._remember(self._ways.index("stream") + 1)
        return await self._poll(ask)  # the job is running: a second one would cost as much again

    async def _by_runsync(self, ask: _Ask) -> Finish:
        wait_ms = _within(RUNSYNC_WAIT_MS, ask.deadline.reply_left_s() * 1000)
        await self._submit(ask, "runsync", {"wait": wait_ms})
        return await self._poll(ask)

    async def _by_run(self, ask: _Ask) -> Finish:
        await self._submit(ask, "run", {})
        return await self._poll(ask)

    def _remember(self, place: int) -> None:
        """The ways before `place` are refused: the next turns begin there."""
        if place > self._first or now() >= self._first_until:
            log.warning("runpod.way_refused", extra={"route": self.name, "next": self._ways[place]})
            self._first, self._first_until = place, now() + REFUSED_S

    async def _submit(self, ask: _Ask, operation: Literal["run", "runsync"], params: dict[str, int]) -> None:
        left_ms = ask.deadline.reply_left_s() * 1000
        body: dict[str, Json] = {
            "input": job_input(ask.prompt, stream=operation == "run"),
            "policy": {
                "executionTimeout": _within(EXECUTION_MS, left_ms),
                "ttl": _within(TTL_MS, 2 * left_ms),
            },
        }
        sending = asyncio.create_task(self._send("POST", operation, body, params))
        try:
            ask.answer = await asyncio.shield(sending)
        except asyncio.CancelledError:
            self._clean(self._cancel_unknown(sending))
            raise
        job_id = ask.answer.get("id")
        ask.job_id = job_id if isinstance(job_id, str) else None
        if ask.job_id is None and not ask.is_final:
            raise RouteDown(f"route {self.name!r} took the job but did not name it")

    async def _drain(self, ask: _Ask) -> Finish:
        """Reads /stream. COMPLETED may come while chunks wait: the end is final and has an empty list."""
        while True:
            asked_at = now()
            ask.answer = await self._send("GET", f"stream/{ask.job_id}", params={"wait": STREAM_WAIT_MS})
            items = ask.answer.get("stream")
            if isinstance(items, list) and items:
                for item in items:
                    ask.read(item["output"] if isinstance(item, dict) and "output" in item else item)
            elif ask.is_final:
                break
            else:
                await asyncio.sleep(max(0.0, asked_at + EMPTY_POLL_S - now()))
        if ask.status == "COMPLETED":
            try:
                return self._finish(ask)
            except EmptyReply:  # a worker that does not stream has its output in /status only
                ask.reader = OutputReader(self.name)
        try:
            ask.answer = await self._send("GET", f"status/{ask.job_id}")
        except _WayRefused as exc:
            raise ReplyBroken(f"route {self.name!r}: the job ended {ask.status}, its result is gone") from exc
        return self._read_output(ask)

    async def _poll(self, ask: _Ask) -> Finish:
        pause_s = STATUS_PAUSE_S[0]
        while not ask.is_final:
            await asyncio.sleep(pause_s)
            pause_s = min(STATUS_PAUSE_S[1], pause_s * 1.5)
            ask.answer = await self._send("GET", f"status/{ask.job_id}")
        return self._read_output(ask)

    def _read_output(self, ask: _Ask) -> Finish:
        if ask.status != "COMPLETED" or ask.answer.get("error"):
            reason = error_sentence(ask.answer.get("error") or ask.answer.get("output"))
            raise ReplyBroken(f"route {self.name!r}: the job ended {ask.status}: {reason}")
        ask.read(ask.answer.get("output"))
        return self._finish(ask)

    def _finish(self, ask: _Ask) -> Finish:
        ask.say(ask.reader.end())
        return ask.reader.finish()

    def _too_late(self, ask: _Ask) -> ModelError:
        if ask.said:
            return ReplyBroken(f"route {self.name!r} was not done in time")
        if ask.status == "IN_QUEUE":
            return WorkerCold(f"route {self.name!r}: the job waited in the queue all the time")
        return RouteDown(f"route {self.name!r} did not answer in time")

    # Requests

    async def _send(
        self,
        method: str,
        operation: str,
        body: Mapping[str, Json] | None = None,
        params: Mapping[str, int] | None = None,
    ) -> Mapping[str, Json]:
        content = None if body is None else json.dumps(body).encode()
        response = await self._http.request(
            method, f"{self._root}/{operation}", content=content, params=params, headers=self._headers
        )
        if response.status_code in (400, 404, 405, 501):
            error = refusal(response.status_code, self._host, response.content)
            raise _WayRefused(str(error)) if isinstance(error, RouteRefused) else error
        await check(response, self._host)
        answer = json_of(response.content, self._host)
        if not isinstance(answer, dict):
            raise RouteDown(f"route {self.name!r} sent no job object")
        return answer

    # Cancelling jobs

    def _cancel_later(self, job_id: str) -> None:
        recent = sum(at > now() - 10 for at in self._cancelled_at)
        if recent >= CANCELS_IN_10_S or len(self._cleaning) >= CANCELS_AT_ONCE:
            log.info("runpod.cancel_skipped", extra={"route": self.name})
            return
        self._cancelled_at.append(now())
        self._clean(self._cancel(job_id))

    async def _cancel(self, job_id: str) -> None:
        await self._send("POST", f"cancel/{job_id}")

    async def _cancel_unknown(self, sending: asyncio.Task[Mapping[str, Json]]) -> None:
        """The turn ended while the job was being given: learn its id, then cancel it."""
        answer = await sending
        if answer.get("status") not in FINAL and isinstance(job_id := answer.get("id"), str):
            await self._cancel(job_id)

    def _clean(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._within_limit(work))
        self._cleaning.add(task)
        task.add_done_callback(self._cleaning.discard)

    async def _within_limit(self, work: Coroutine[None, None, None]) -> None:
        try:
            async with asyncio.timeout(CANCEL_S):
                with translated(self._host):
                    await work
        except (ModelError, TimeoutError) as exc:
            log.info("runpod.cancel_failed", extra={"route": self.name, "error": type(exc).__name__})


def _within(limits: tuple[int, int], wanted: float) -> int:
    return int(min(limits[1], max(limits[0], wanted)))


def _health(answer: Mapping[str, Json]) -> Health:
    """RunPod's counts in one word. Some endpoints tell `idle` and `running` only."""
    workers = answer.get("workers")
    if not isinstance(workers, dict):
        return Health("unknown", "RunPod tells nothing of its workers")
    jobs = answer.get("jobs")
    counts = {state: count for state, count in workers.items() if isinstance(count, int) and count > 0}
    detail = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no workers"
    waiting = jobs.get("inQueue") if isinstance(jobs, dict) else 0
    if counts.get("ready") or counts.get("idle"):
        return Health("warm", detail)
    if counts.get("running"):
        return Health("busy" if waiting else "warm", detail)
    if counts.get("initializing"):
        return Health("starting", detail)
    if counts.get("throttled"):
        return Health("throttled", f"{detail}: RunPod has no such GPU to give")
    if counts.get("unhealthy"):
        return Health("broken", f"{detail}: see the worker's log")
    return Health("cold", detail)
