"""RunPod's queue at a host with faults: run, runsync, stream, status, cancel, health.

A job is a script that nobody plays: whoever asks for it is told what has happened until now. So jobs
cost no tasks, and a thousand of them go on while nobody looks.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from voice.clock import now
from voice.simulate.faults import Fault, Kind
from voice.simulate.host_script import (
    ERROR,
    JSON,
    ConnectionCut,
    HostAnswer,
    HostRequest,
    Script,
    ticket_call,
)
from voice.types import Json

YIELD_S = 0.1  # a worker sends its words in pieces of so long, the first one at once
STREAM_WAIT_S = (1.0, 300.0, 10.0)  # least, most, default of ?wait=
RUNSYNC_WAIT_S = (1.0, 300.0, 90.0)
FINAL = frozenset(("COMPLETED", "FAILED", "CANCELLED", "TIMED_OUT"))
EXECUTION_S = 600.0  # what the platform allows without a policy
DAMAGED = b'{"status": "IN_PROGRESS", "stream": [{"outp'
WORKERS = ("idle", "initializing", "ready", "running", "throttled", "unhealthy")


@dataclass(slots=True)
class Job:
    """One job. `unread`: what /stream has not given away; `output`: everything that was yielded."""

    id: str
    script: Script
    expires_at: float
    status: str = "IN_QUEUE"
    unread: list[Json] = field(default_factory=list)
    output: list[Json] = field(default_factory=list)
    broke: Literal["cut", "damage"] | None = None  # its connection, for whoever polls
    _text: str = ""
    _sent_at: float = float("-inf")
    _thinks: bool = False
    _tools: list[Json] = field(default_factory=list)

    def advance(self, until: float) -> None:
        """Let everything happen that was to happen until this instant."""
        while self.status not in FINAL and (at := self.script.next_at) is not None and at <= until:
            if at >= self.expires_at:
                break
            self._beat(at)
        if self.status not in FINAL and until >= self.expires_at:
            self.script.breaks(self.expires_at)
            self.status = "TIMED_OUT"

    async def passes(self, until: float) -> None:
        """Let time pass until the next beat, or `until`."""
        at = self.script.next_at
        await asyncio.sleep(max(0.0, min(until, until if at is None else at) - now()))
        self.advance(now())

    def cancel(self) -> None:
        """Stop it. Nothing changes when it was over."""
        if self.status not in FINAL:
            self.script.leave()
            self.status = "CANCELLED"

    def _beat(self, at: float) -> None:
        beat = self.script.take()
        self.status = "IN_PROGRESS"
        text = beat.text + ("\ufffd" if beat.kind == "half" else "")
        if beat.kind == "thought" and not self.script.in_tags:
            self._yield({"choices": [{"index": 0, "delta": {"reasoning_content": text}}]})
        elif beat.kind in ("word", "half", "thought"):
            self._add(text, is_thought=beat.kind == "thought", at=at)
        elif beat.kind == "tool":
            self._tools = [ticket_call(beat.text)]
        elif beat.kind in ("end", "close", "error", "cut", "damage"):
            self._end(beat.kind)

    def _add(self, text: str, *, is_thought: bool, at: float) -> None:
        if is_thought != self._thinks:
            text = f"<think>{text}" if is_thought else f"</think>\n\n{text}" if self.script.in_tags else text
            self._thinks = is_thought
        self._text += text
        if at - self._sent_at >= YIELD_S:
            self._send(at)

    def _send(self, at: float) -> None:
        if self._text:
            self._yield({"text": self._text})
            self._text, self._sent_at = "", at

    def _yield(self, item: Json) -> None:
        self.unread.append(item)
        self.output.append(item)

    def _end(self, how: Kind) -> None:
        self._send(now())
        self.status = "COMPLETED"
        match how:
            case "end":
                words = self.script.asked.words
                usage: Json = {"prompt_tokens": 100, "completion_tokens": words}
                last: dict[str, Json] = {"text": "", "finish_reason": self.script.reason, "usage": usage}
                self._yield(last | ({"tool_calls": self._tools} if self._tools else {}))
            case "error":
                self._yield({"error": dict(ERROR)})
            case "cut" | "damage":
                self.broke = how

    def told(self) -> dict[str, Json]:
        answer: dict[str, Json] = {"id": self.id, "status": self.status}
        if self.status in ("COMPLETED", "IN_PROGRESS"):
            answer["delayTime"] = int(self.script.fault.queued_s * 1000) or 60
        if self.status == "COMPLETED":
            answer |= {"executionTime": 900, "workerId": "worker-1", "output": [*self.output]}
        return answer


class Queue:
    """The jobs of one host. `page` is what a fault has in place of any answer."""

    def __init__(
        self,
        begin: Callable[[bytes], Script],
        page: Callable[[Fault], HostAnswer | None],
        *,
        asleep: bool,
    ) -> None:
        self._begin, self._page, self._asleep = begin, page, asleep
        self._jobs: dict[str, Job] = {}

    async def answer(self, request: HostRequest) -> HostAnswer:
        """Answer one of RunPod's operations, `/v2/ENDPOINT/OPERATION/JOB`."""
        operation, job_id = [*request.path.strip("/").split("/")[2:], "", ""][:2]
        if operation in ("run", "runsync"):
            return await self._submit(request, waits=operation == "runsync")
        job = self._jobs.get(job_id)
        if job is None:
            return _json(404, {"error": "job not found"})
        job.advance(now())
        if operation == "cancel":
            job.cancel()
            return _json(200, {"id": job.id, "status": job.status})
        if operation == "stream":
            return await self._stream(request, job)
        return self._told(job, job.told())

    def settle(self) -> None:
        """Let everything happen that was to happen until now, though nobody asks."""
        for job in self._jobs.values():
            job.advance(now())

    def health(self) -> Json:
        """How the workers are."""
        waiting = sum(job.status == "IN_QUEUE" for job in self._jobs.values())
        workers: dict[str, Json] = dict.fromkeys(WORKERS, 0)
        if not self._asleep:
            workers |= {"idle": 1, "ready": 1}
        jobs: dict[str, Json] = {
            "completed": 0,
            "failed": 0,
            "inProgress": 0,
            "inQueue": waiting,
            "retried": 0,
        }
        return {"jobs": jobs, "workers": workers}

    async def _submit(self, request: HostRequest, *, waits: bool) -> HostAnswer:
        script = self._begin(request.body)
        if script.fault.refuses or script.fault.page:
            script.breaks(now())
        if page := self._page(script.fault):
            return page
        if script.fault.never_answers:
            script.breaks(now())  # there is no job: nobody could stop it
            await asyncio.Event().wait()
        job = Job(f"job-{script.asked.number}-u1", script, now() + _limit_s(request.body))
        self._jobs[job.id] = job
        if not waits:
            return _json(200, {"id": job.id, "status": job.status})
        until = now() + _wait_s(request, RUNSYNC_WAIT_S)
        while job.status not in FINAL and now() < until:
            await job.passes(until)
        return self._told(job, job.told())

    async def _stream(self, request: HostRequest, job: Job) -> HostAnswer:
        until = now() + _wait_s(request, STREAM_WAIT_S)
        while not job.unread and job.status not in FINAL and now() < until:
            await job.passes(until)
        unread, job.unread = job.unread, []
        return self._told(job, {"status": job.status, "stream": [{"output": one} for one in unread]})

    def _told(self, job: Job, answer: dict[str, Json]) -> HostAnswer:
        """What a poll is told. A connection that breaks does so once the words before it are read."""
        if answer.get("stream") and job.broke is not None:
            answer["status"] = "IN_PROGRESS"
        elif job.broke == "cut":
            raise ConnectionCut
        elif job.broke == "damage":
            return HostAnswer(200, JSON, DAMAGED)
        return _json(200, answer)


def _json(status: int, answer: Json) -> HostAnswer:
    return HostAnswer(status, JSON, json.dumps(answer).encode())


def _wait_s(request: HostRequest, limits: tuple[float, float, float]) -> float:
    least, most, default = limits
    wait = request.query.get("wait", "")
    return min(most, max(least, int(wait) / 1000)) if wait.isdigit() else default


def _limit_s(body: bytes) -> float:
    """How long a job may take, from its policy: the platform ends what runs or waits for longer."""
    try:
        policy = json.loads(body).get("policy")
    except (ValueError, AttributeError):
        policy = None
    limits = (
        [value for value in policy.values() if isinstance(value, int)] if isinstance(policy, dict) else []
    )
    return min([EXECUTION_S, *(limit / 1000 for limit in limits)])
