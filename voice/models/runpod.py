"""Asks a model behind a RunPod queue endpoint.

Three ways, best first: `stream` (/run, then /stream until it is drained), `runsync` (one request
that waits), `run` (/run, then /status again and again). A way that the endpoint refuses is left for
the next one, and for a while the turns begin there; a model that fails is not asked again here.

A job that nobody waits for any longer is cancelled at RunPod, as an errand of the client's own: the
turn that cancelled it goes on at once. `close` waits for these errands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import httpx

from voice.clock import Deadline, now
from voice.errors import EmptyReply, ModelError, ReplyBroken, RouteDown, RouteRefused, WorkerCold
from voice.job import job_input
from voice.models.base import Health
from voice.models.http import Host, translated
from voice.models.output import OutputReader, error_sentence
from voice.models.runpod_api import FINAL, Answer, Endpoint, _OperationRefused, id_of, seconds_of, status_of
from voice.models.runpod_errands import Errands
from voice.models.runpod_workers import QUEUED_S, Workers, health_of
from voice.models.text import bounded
from voice.types import Finish, Hear, Json, Prompt

Way = Literal["stream", "runsync", "run"]

STREAM_WAIT_MS = 1000  # how long RunPod holds an empty poll: its least; the default of 10 s outlives a turn
RUNSYNC_WAIT_MS = (1000, 2000)  # RunPod's least; and as long as we do without the id that /cancel needs
REFUSED_S = 300.0  # a refused way is tried again after this: a gateway may have had a bad moment
EMPTY_POLL_S = 0.1  # between two empty polls, should a host not hold them
STATUS_PAUSE_S = (0.05, 0.5)  # first and longest; RunPod takes 200 status requests a second
TIMES_S = 0.25  # for what RunPod tells of a job's times, once the last word has come
TIMES_PAUSE_S = 0.02
EXECUTION_MS = (5_000, 15_000)  # RunPod's least; and the longest a spoken reply may take
TTL_MS = (10_000, 30_000)  # RunPod's least; a dead turn's job does not queue for ever
HEALTH_S = 5.0  # asked between calls, not within a turn

log = logging.getLogger(__name__)


@dataclass
class _Ask:
    """One turn's job at RunPod, and what has come of it."""

    prompt: Prompt
    deadline: Deadline
    hear: Hear
    reader: OutputReader
    said: bool = False  # a word was given
    job_id: str | None = None
    answer: Answer = field(default_factory=dict)  # RunPod's latest word on the job
    finish: Finish | None = None  # all words have come

    @property
    def status(self) -> str:
        return status_of(self.answer)

    @property
    def is_final(self) -> bool:
        return self.status in FINAL

    def read(self, item: Json) -> None:
        self.say(self.reader.feed(item))

    def say(self, text: str) -> None:
        if text:
            self.said = self.said or bool(text.strip())
            self.hear(text)

    def end(self) -> Finish:
        """All items have been read. Raises EmptyReply when there was no word among them."""
        self.say(self.reader.end())
        self.finish = replace(
            self.reader.finish(),
            queued_s=seconds_of(self.answer, "delayTime"),
            busy_s=seconds_of(self.answer, "executionTime"),
        )
        return self.finish


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
        self._host = Host(name, key=key_env, place="RUNPOD_ENDPOINT_ID and RUNPOD_BASE_URL")
        self._endpoint = Endpoint(f"{base_url.rstrip('/')}/{endpoint_id}", key, self._host, http)
        self._workers = Workers()
        self._errands = Errands(self._endpoint, self._workers)
        self._ways = tuple(ways) or ("stream",)
        self._first, self._first_until = 0, 0.0  # the place of the first way that is not known to be refused
        self._asks: dict[Way, Callable[[_Ask], Coroutine[None, None, Finish]]] = {
            "stream": self._by_stream,
            "runsync": self._by_runsync,
            "run": self._by_run,
        }
        self._limits: set[asyncio.Timeout] = set()  # of replies in flight

    async def open(self) -> None:
        """Nothing to do: the first request connects."""

    async def close(self) -> None:
        """Ends replies in flight with a ModelError, and waits for their jobs to be cancelled."""
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(now())
        while self._limits:  # noqa: ASYNC110 – the replies see it within a few steps of the loop
            await asyncio.sleep(0)
        await self._errands.end()

    async def write(self, prompt: Prompt, deadline: Deadline, hear: Hear) -> Finish:
        """Have one reply written; see ModelClient."""
        ask = _Ask(prompt, deadline, bounded(hear, prompt, self.name), OutputReader(self.name))
        try:
            async with asyncio.timeout_at(deadline.reply_at) as limit:
                self._limits.add(limit)
                with translated(self._host):
                    return await self._ask(ask)
        except TimeoutError as exc:
            if ask.finish is not None:  # only the job's times were still asked for
                return ask.finish
            raise self._too_late(ask) from exc
        except _OperationRefused as exc:
            raise (ReplyBroken if ask.said else RouteRefused)(str(exc)) from exc
        except ModelError as exc:
            if ask.said and not isinstance(exc, ReplyBroken):
                raise ReplyBroken(str(exc)) from exc
            raise
        finally:
            self._limits.discard(limit)

    async def health(self) -> Health:
        """What RunPod tells of the endpoint's workers."""
        self._workers.told = None
        try:
            async with asyncio.timeout(HEALTH_S):
                with translated(self._host):
                    health = health_of(await self._endpoint.send("GET", "health"))
        except TimeoutError:
            return Health("unknown", f"RunPod did not answer in {HEALTH_S:.0f} s")
        except RouteRefused as exc:
            return Health("refused", str(exc))
        except ModelError as exc:
            return Health("unknown", str(exc))
        self._workers.saw_health(health)
        return health

    def told(self) -> Health | None:
        """What a job told of the workers: known while its turn still runs."""
        return self._workers.told

    async def wake(self) -> bool:
        """Has RunPod start a worker, unless one is awake; see ModelClient."""
        return self._errands.wake()

    # The three ways

    async def _ask(self, ask: _Ask) -> Finish:
        place = self._first if now() < self._first_until else 0
        while True:
            way = self._ways[place]
            try:
                finish = await self._asks[way](ask)
            except _OperationRefused:
                place += 1
                ask.reader = OutputReader(self.name)
                if ask.said or place == len(self._ways):  # all are refused: it is not about the way
                    raise
            else:
                if place > 0:
                    self._remember(place)
                return finish
            finally:
                self._let_go(ask)

    def _let_go(self, ask: _Ask) -> None:
        if ask.job_id is not None:
            self._workers.forget(ask.job_id)
            if not ask.is_final and ask.finish is None:
                self._errands.cancel(ask.job_id)
        ask.job_id = None

    async def _by_stream(self, ask: _Ask) -> Finish:
        given_at = now()
        job_id = await self._submit(ask, "run", {})
        if not job_id:
            return await self._poll(ask)
        # An empty poll is held too long: whether the job was taken must be known before a hedge is due.
        look = asyncio.get_running_loop().call_at(given_at + QUEUED_S, self._errands.look, job_id)
        try:
            return await self._drain(ask)
        except _OperationRefused:
            if ask.said or self._ways[-1] == "stream":
                raise
        finally:
            look.cancel()
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

    async def _submit(self, ask: _Ask, operation: Literal["run", "runsync"], params: dict[str, int]) -> str:
        """Gives the job to RunPod; its id, empty where the job has ended already and needs none."""
        given_at, left_ms = now(), ask.deadline.reply_left_s() * 1000
        body: dict[str, Json] = {
            "input": job_input(ask.prompt, stream=operation == "run"),
            "policy": {
                "executionTimeout": _within(EXECUTION_MS, left_ms),
                "ttl": _within(TTL_MS, 2 * left_ms),
            },
        }
        sending = asyncio.create_task(self._endpoint.send("POST", operation, body, params))
        try:
            answer = await asyncio.shield(sending)
        except asyncio.CancelledError:
            self._errands.cancel_unknown(sending)
            raise
        ask.job_id = job_id = id_of(answer)
        if job_id is None and status_of(answer) not in FINAL:
            raise RouteDown(f"route {self.name!r} took the job but did not name it")
        if job_id is not None:
            self._workers.given(job_id, given_at)
        self._note(ask, answer)
        return job_id or ""

    def _note(self, ask: _Ask, answer: Answer) -> None:
        """RunPod's latest word on the job."""
        ask.answer = answer
        if ask.job_id is not None:
            self._workers.saw_job(ask.job_id, ask.status)

    async def _drain(self, ask: _Ask) -> Finish:
        """Reads /stream. COMPLETED may come while chunks wait: the end is final and has an empty list.

        A worker that told its own end writes no more: then there is nothing to wait for.
        """
        while not ask.reader.is_over:
            asked_at = now()
            operation, wait = f"stream/{ask.job_id}", {"wait": STREAM_WAIT_MS}
            self._note(ask, await self._endpoint.send("GET", operation, params=wait))
            items = ask.answer.get("stream")
            if isinstance(items, list) and items:
                for item in items:
                    ask.read(item["output"] if isinstance(item, dict) and "output" in item else item)
            elif ask.is_final:
                break
            else:
                await asyncio.sleep(max(0.0, asked_at + EMPTY_POLL_S - now()))
        if ask.is_final and ask.status != "COMPLETED":
            ended = ask.status
            await self._ask_status(ask)  # the reason is there only
            raise self._failed(ask, ended)
        try:
            finish = ask.end()
        except EmptyReply:  # a worker that does not stream has its output in /status only
            ask.reader = OutputReader(self.name)
            await self._ask_status(ask)
            return await self._poll(ask)
        ask.hear("")  # its last sentence need not wait for what RunPod tells of the times
        return await self._ask_times(ask, finish)

    async def _poll(self, ask: _Ask) -> Finish:
        pause_s = STATUS_PAUSE_S[0]
        while not ask.is_final:
            await asyncio.sleep(pause_s)
            pause_s = min(STATUS_PAUSE_S[1], pause_s * 1.5)
            await self._ask_status(ask)
        if ask.status != "COMPLETED" or ask.answer.get("error"):
            raise self._failed(ask, ask.status)
        ask.read(ask.answer.get("output"))
        return ask.end()

    async def _ask_times(self, ask: _Ask, finish: Finish) -> Finish:
        """The finish with how long the job waited and was worked on, or as it is: the words are said."""
        try:
            async with asyncio.timeout(TIMES_S):
                with translated(self._host):
                    await self._ask_status(ask)
                    while not ask.is_final:
                        await asyncio.sleep(TIMES_PAUSE_S)
                        await self._ask_status(ask)
        except (ModelError, TimeoutError):
            return finish
        return ask.end()

    async def _ask_status(self, ask: _Ask) -> None:
        try:
            self._note(ask, await self._endpoint.send("GET", f"status/{ask.job_id}"))
        except _OperationRefused as exc:
            if ask.is_final:
                gone = f"route {self.name!r}: the job ended {ask.status}, its result is gone"
                raise ReplyBroken(gone) from exc
            raise

    def _failed(self, ask: _Ask, ended: str) -> ReplyBroken:
        reason = error_sentence(ask.answer.get("error") or ask.answer.get("output"))
        return ReplyBroken(f"route {self.name!r}: the job ended {ended}: {reason}")

    def _too_late(self, ask: _Ask) -> ModelError:
        if ask.said:
            return ReplyBroken(f"route {self.name!r} was not done in time")
        if ask.status == "IN_QUEUE":
            return WorkerCold(f"route {self.name!r}: the job waited in the queue all the time")
        return RouteDown(f"route {self.name!r} did not answer in time")


def _within(limits: tuple[int, int], wanted: float) -> int:
    return int(min(limits[1], max(limits[0], wanted)))
