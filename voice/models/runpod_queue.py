"""The ways through RunPod's queue: a job is given, and read while it is being written or when it is done.

`stream` is /run, then /stream until it is drained; `runsync` is one request that waits; `run` is /run, then
/status again and again. Each job has a short policy of its own, so that dead turns do not queue up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Literal

from voice.clock import now
from voice.errors import EmptyReply, ModelError, ReplyBroken, RouteDown
from voice.job import job_input
from voice.models.http import translated
from voice.models.runpod_api import FINAL, Answer, Endpoint, _OperationRefused, id_of, status_of
from voice.models.runpod_errands import Errands
from voice.models.runpod_job import Ask
from voice.models.runpod_workers import QUEUED_S, Workers
from voice.types import Finish, Json

STREAM_WAIT_MS = 1000  # how long RunPod holds an empty poll: its least; the default of 10 s outlives a turn
RUNSYNC_WAIT_MS = (1000, 2000)  # RunPod's least; and as long as we do without the id that /cancel needs
EMPTY_POLL_S = 0.1  # between two empty polls, should a host not hold them
STATUS_PAUSE_S = (0.05, 0.5)  # first and longest; RunPod takes 200 status requests a second
TIMES_S = 0.25  # for what RunPod tells of a job's times, once the last word has come
TIMES_PAUSE_S = 0.02
EXECUTION_MS = (5_000, 15_000)  # RunPod's least; and the longest a spoken reply may take
TTL_AFTER_S = 1.0  # behind the deadline: RunPod counts from when it has the job
TTL_MS = (10_000, 30_000)  # RunPod's least; a dead turn's job does not queue for ever


class Queue:
    """One endpoint's queue. `model` None: the worker's own."""

    def __init__(self, endpoint: Endpoint, workers: Workers, errands: Errands, model: str | None) -> None:
        self._endpoint, self._workers, self._errands, self._model = endpoint, workers, errands, model

    async def by_stream(self, ask: Ask, refused: Callable[[], bool]) -> Finish:
        """`refused` is told that /stream is not offered; true: the job that runs is to be read otherwise."""
        given_at = now()
        job_id = await self._submit(ask, "run", {})
        if not job_id:
            return await self._poll(ask)
        # An empty poll is held too long: whether the job was taken must be known before a hedge is due.
        look = asyncio.get_running_loop().call_at(given_at + QUEUED_S, self._errands.look, job_id)
        try:
            return await self._drain(ask)
        except _OperationRefused:
            if ask.said or not refused():
                raise
        finally:
            look.cancel()
        return await self._poll(ask)  # the job is running: a second one would cost as much again

    async def by_runsync(self, ask: Ask) -> Finish:
        """One request that waits for the end, then polls."""
        wait_ms = _within(RUNSYNC_WAIT_MS, ask.deadline.reply_left_s() * 1000)
        await self._submit(ask, "runsync", {"wait": wait_ms})
        return await self._poll(ask)

    async def by_run(self, ask: Ask) -> Finish:
        """Polls until the end."""
        await self._submit(ask, "run", {})
        return await self._poll(ask)

    def let_go(self, ask: Ask) -> None:
        """Nobody asks for the job any longer: what of it still runs is stopped."""
        if ask.job_id is not None:
            self._workers.forget(ask.job_id)
            if not ask.is_final and ask.finish is None:
                self._errands.cancel(ask.job_id, ask.over_at)
        ask.job_id = None

    async def _submit(self, ask: Ask, operation: Literal["run", "runsync"], params: dict[str, int]) -> str:
        """Gives the job to RunPod; its id, empty where the job has ended already and needs none."""
        given_at, left_s = now(), ask.deadline.reply_left_s()
        ttl_ms = _within(TTL_MS, (left_s + TTL_AFTER_S) * 1000)
        ask.over_at = given_at + ttl_ms / 1000
        body: dict[str, Json] = {
            "input": job_input(ask.prompt, stream=operation == "run", model=self._model, reply_s=left_s),
            "policy": {
                "executionTimeout": _within(EXECUTION_MS, left_s * 1000),
                "ttl": ttl_ms,
            },
        }
        has_left = asyncio.Event()
        sending = asyncio.create_task(self._endpoint.give(operation, body, params, has_left.set))
        try:
            answer = await asyncio.shield(sending)
        except asyncio.CancelledError:
            if has_left.is_set():
                self._errands.cancel_unknown(sending, ask.over_at)
            else:
                sending.cancel()
            raise
        ask.job_id = job_id = id_of(answer)
        if job_id is None and status_of(answer) not in FINAL:
            raise RouteDown(f"route {ask.route!r} took the job but did not name it")
        if job_id is not None:
            self._workers.given(job_id, given_at)
        self._note(ask, answer)
        return job_id or ""

    def _note(self, ask: Ask, answer: Answer) -> None:
        """RunPod's latest word on the job."""
        ask.answer = answer
        if ask.job_id is not None:
            self._workers.saw_job(ask.job_id, ask.status)

    async def _drain(self, ask: Ask) -> Finish:
        """Reads /stream. COMPLETED may come while chunks wait: the end is final and has an empty list.

        A worker that told its own end writes no more: then there is nothing to wait for.
        """
        while not ask.reader.is_over:
            asked_at = now()
            wait = {"wait": STREAM_WAIT_MS}
            self._note(ask, await self._endpoint.poll(f"stream/{ask.job_id}", wait))
            items = ask.answer.get("stream")
            if isinstance(items, list) and items:
                ask.read_all(items)
            elif ask.is_final:
                break
            else:
                await asyncio.sleep(max(0.0, asked_at + EMPTY_POLL_S - now()))
        if ask.is_final and ask.status != "COMPLETED":
            ended = ask.status
            await self._ask_status(ask)  # the reason is there only
            raise ask.failed(ended)
        try:
            finish = ask.end()
        except EmptyReply:  # a worker that does not stream has its output in /status only
            ask.begin_again()
            await self._ask_status(ask)
            return await self._poll(ask)
        ask.say("")  # its last sentence need not wait for what RunPod tells of the times
        return await self._ask_times(ask, finish)

    async def _poll(self, ask: Ask) -> Finish:
        pause_s = STATUS_PAUSE_S[0]
        while not ask.is_final:
            await asyncio.sleep(pause_s)
            pause_s = min(STATUS_PAUSE_S[1], pause_s * 1.5)
            await self._ask_status(ask)
        if ask.status != "COMPLETED" or ask.answer.get("error"):
            raise ask.failed(ask.status)
        ask.read(ask.answer.get("output"))
        return ask.end()

    async def _ask_times(self, ask: Ask, finish: Finish) -> Finish:
        """The finish with how long the job waited and was worked on, or as it is: the words are said."""
        try:
            async with asyncio.timeout(TIMES_S):
                with translated(self._endpoint.host):
                    await self._ask_status(ask)
                    while not ask.is_final:
                        await asyncio.sleep(TIMES_PAUSE_S)
                        await self._ask_status(ask)
        except (ModelError, TimeoutError):
            return finish
        return ask.end()

    async def _ask_status(self, ask: Ask) -> None:
        try:
            self._note(ask, await self._endpoint.poll(f"status/{ask.job_id}"))
        except _OperationRefused as exc:
            if ask.is_final:
                gone = f"route {ask.route!r}: the job ended {ask.status}, its result is gone"
                raise ReplyBroken(gone) from exc
            raise


def _within(limits: tuple[int, int], wanted: float) -> int:
    return int(min(limits[1], max(limits[0], wanted)))
