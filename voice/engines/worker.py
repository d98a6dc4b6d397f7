"""One job: check, generate, yield chunks, stop when cancelled.

The first clause leaves at once; then what has gathered leaves every `PACE_S`, for RunPod's SDK
sends each chunk in a round trip of its own and waits for it. An error is one `{"error": sentence}`:
the SDK would turn an object into the text of a Python object.

The writing is a task beside the generator. The SDK leaves the generator of a stopped job half read,
and it may lie about for long; so the writing also ends with the task that began to read, the job's own.
"""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import AsyncGenerator, Mapping

from voice.clock import now
from voice.engines.base import Engine
from voice.engines.completions import Completion, models_object
from voice.errors import BadJob, EngineDied
from voice.job import Job, is_json, last_chunk, parse_job, text_chunk
from voice.types import Finish, Json, Prompt

PACE_S = 0.1  # between two chunks
CLAUSE_ENDS = frozenset(".,;:!?…—。，！？")

log = logging.getLogger(__name__)


async def work(job: Mapping[str, object], engine: Engine) -> AsyncGenerator[Json, None]:
    """Answers a RunPod job `{"id", "input", …}`. Whatever is wrong becomes one `{"error": sentence}`."""
    try:
        asked = parse_job(job.get("input"))
    except BadJob as exc:
        log.info("job.refused", extra={"job_id": job.get("id"), "reason": str(exc)})
        yield {"error": str(exc)}
        return
    if asked.asks == "models":
        yield models_object(engine.model)
        return
    reply = _Reply(engine, asked.prompt)
    shape = _shape(asked, engine)
    try:
        if asked.stream:
            while text := await reply.next_text():
                yield _safe(shape.piece(text))
        finish = await reply.end()
        yield _safe(shape.end(finish, reply))
        done = {"tokens": finish.usage.completion_tokens, "reason": finish.reason, **reply.timing_ms()}
        log.info("job.done", extra={"job_id": job.get("id"), **done})
    except Exception as exc:  # fence: one job  # noqa: BLE001 – whatever fails, the job is answered
        yield {"error": _sentence(exc, job.get("id"))}
    finally:
        await reply.stop()


class _Reply:
    """One reply while it is written: text gathers until somebody takes it."""

    def __init__(self, engine: Engine, prompt: Prompt) -> None:
        self.began_at = now()
        self.first_at: float | None = None  # of the first text
        self._left_at: float | None = None  # of the last chunk
        self._gathered = ""
        self._stirred = asyncio.Event()
        self._writing = asyncio.create_task(engine.write(prompt, self._hear))
        self._writing.add_done_callback(lambda _: self._stirred.set())
        self._reader = asyncio.current_task()
        if self._reader:
            self._reader.add_done_callback(self._reader_is_gone)

    async def next_text(self) -> str:
        """The text of the next chunk, when it is time for it; empty when the writing has ended."""
        while not self._writing.done():
            due_at = self._due_at()
            if due_at is not None and due_at <= now():
                break
            self._stirred.clear()
            try:
                async with asyncio.timeout_at(due_at):
                    await self._stirred.wait()
            except TimeoutError:
                break
        return self.take()

    def take(self) -> str:
        """All text that has gathered."""
        text, self._gathered = self._gathered, ""
        self._left_at = now()
        return text

    async def end(self) -> Finish:
        """How the writing ended. Raises what the engine raised."""
        await asyncio.wait([self._writing])
        if self._writing.cancelled():  # not by us: the job must still be answered
            raise EngineDied("the engine stopped while it wrote")
        return self._writing.result()

    async def stop(self) -> None:
        """Stops the writing, and waits until it has stopped."""
        if self._reader:
            self._reader.remove_done_callback(self._reader_is_gone)
        self._writing.cancel()
        await asyncio.wait([self._writing])
        if not self._writing.cancelled():
            self._writing.exception()  # seen, or asyncio would report it as forgotten

    def _reader_is_gone(self, _: asyncio.Task[object]) -> None:
        self._writing.cancel()

    def timing_ms(self) -> dict[str, float]:
        """Milliseconds since the job began: to the first text, and until now."""
        timing = {"total_ms": round((now() - self.began_at) * 1000, 1)}
        if self.first_at is not None:
            timing["ttft_ms"] = round((self.first_at - self.began_at) * 1000, 1)
        return timing

    def _hear(self, text: str) -> None:
        if self.first_at is None:
            self.first_at = now()
        self._gathered += text
        self._stirred.set()

    def _due_at(self) -> float | None:
        """When the gathered text may leave; None: not before there is some."""
        if not self._gathered or self.first_at is None:
            return None
        if self._left_at is None:
            return self.first_at + (0.0 if CLAUSE_ENDS & set(self._gathered) else PACE_S)
        return self._left_at + PACE_S


class _Plain:
    """Our own chunks."""

    def piece(self, text: str) -> Json:
        return text_chunk(text)

    def end(self, finish: Finish, reply: _Reply) -> Json:
        return last_chunk(finish, reply.timing_ms(), reply.take())


class _OpenAi:
    """OpenAI's frames, or one object."""

    def __init__(self, model: str, stream: bool) -> None:
        self._completion, self._stream = Completion(model), stream

    def piece(self, text: str) -> Json:
        return self._completion.piece(text)

    def end(self, finish: Finish, reply: _Reply) -> Json:
        return self._completion.end(finish) if self._stream else self._completion.whole(reply.take(), finish)


def _shape(asked: Job, engine: Engine) -> _Plain | _OpenAi:
    return _OpenAi(asked.model or engine.model, asked.stream) if asked.openai else _Plain()


def _safe(chunk: Json) -> Json:
    if not is_json(chunk):
        raise ValueError("a chunk is not JSON")
    return chunk


def _sentence(exc: Exception, job_id: object) -> str:
    """What the asker may learn. The log gets the places and no message: that may quote the caller."""
    if isinstance(exc, BadJob):
        log.info("job.refused", extra={"job_id": job_id, "reason": type(exc).__name__})
        return str(exc)
    places = "".join(traceback.format_tb(exc.__traceback__))
    log.error("job.failed", extra={"job_id": job_id, "error": type(exc).__name__, "traceback": places})
    return f"The request could not be answered ({type(exc).__name__})."
