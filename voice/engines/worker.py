"""One job: check, generate, yield chunks, stop when cancelled.

`answer` is the work itself; `work` puts RunPod's fence around it: an error becomes one
`{"error": sentence}`, for the SDK would turn an object into the text of a Python object.
"""

from __future__ import annotations

import logging
import traceback
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Protocol

from voice.engines.base import Engine
from voice.engines.completions import Completion, models_object
from voice.engines.pace import Pace
from voice.engines.tally import Tally
from voice.engines.writing import Writing
from voice.errors import BadJob, RouteSlow, UnknownModel, VoiceError
from voice.job import Job, is_json, last_chunk, parse_job, text_chunk, worker_facts
from voice.types import Finish, Json

log = logging.getLogger(__name__)


async def work(
    job: Mapping[str, object], engine: Engine, tally: Tally | None = None
) -> AsyncGenerator[Json, None]:
    """Answers a RunPod job `{"id", "input", …}`. Whatever is wrong becomes one `{"error": sentence}`."""
    tally = Tally() if tally is None else tally
    job_id = job.get("id")
    try:
        asked = checked(job.get("input"), engine)
    except BadJob as exc:
        tally.broke(is_refused=True)
        yield {"error": sentence(exc, job_id)}
        return
    try:
        async with aclosing(answer(asked, engine, tally, job_id=job_id)) as chunks:
            async for chunk in chunks:
                yield chunk
    except Exception as exc:  # fence: one job  # noqa: BLE001 – whatever fails, the job is answered
        yield {"error": sentence(exc, job_id)}


def checked(given: object, engine: Engine) -> Job:
    """The job, which this engine can do. Raises BadJob or UnknownModel with one sentence."""
    asked = parse_job(given)
    if asked.model is not None and asked.model not in engine.models:
        raise UnknownModel(f"model {asked.model!r} is not here; this worker has {', '.join(engine.models)}.")
    return asked


async def answer(
    asked: Job, engine: Engine, tally: Tally, *, job_id: object = None, eager: bool = False
) -> AsyncGenerator[Json, None]:
    """The chunks of one reply, the last one with how it ended. Raises what the engine raises.

    `eager`: the first words leave before their clause has ended, as a line without round trips may.
    """
    if asked.asks == "models":
        yield models_object(engine.models)
        return
    pace, shape = Pace(eager=eager), _shape(asked, engine, job_id)
    writing = Writing(engine, asked, pace.hear, tally, job_id)
    try:
        if asked.stream:
            while text := await pace.next_text(writing.task):
                yield _safe(shape.piece(text))
        finish = await writing.end()
        facts = worker_facts(finish, pace.timing_ms(), is_late=writing.is_late)
        last = _safe(shape.end(finish, pace.take(), facts))
        tokens = {"tokens": finish.usage.completion_tokens, "reason": finish.reason}
        log.info("job.done", extra={"job_id": job_id, **tokens, **pace.timing_ms()})
        yield last
    finally:
        await writing.stop()


class _Shape(Protocol):
    """How a reply is put into chunks."""

    def piece(self, text: str) -> Json: ...

    def end(self, finish: Finish, text: str, facts: Mapping[str, Json]) -> Json: ...


class _Plain:
    """Our own chunks."""

    def piece(self, text: str) -> Json:
        return text_chunk(text)

    def end(self, finish: Finish, text: str, facts: Mapping[str, Json]) -> Json:
        return last_chunk(finish, facts, text)


class _Whole:
    """OpenAI's one object."""

    def __init__(self, model: str, job_id: object) -> None:
        self._completion = Completion(model, job_id)

    def piece(self, text: str) -> Json:
        raise AssertionError("a whole completion has no pieces")

    def end(self, finish: Finish, text: str, facts: Mapping[str, Json]) -> Json:
        return self._completion.whole(text, finish, facts)


def _shape(asked: Job, engine: Engine, job_id: object) -> _Shape:
    if not asked.openai:
        return _Plain()
    model = asked.model or engine.model
    return Completion(model, job_id) if asked.stream else _Whole(model, job_id)


def _safe(chunk: Json) -> Json:
    if not is_json(chunk):
        raise ValueError("a chunk is not JSON")
    return chunk


def sentence(exc: Exception, job_id: object) -> str:
    """What the asker may learn. The log gets the places and no message: that may quote the caller."""
    if isinstance(exc, BadJob | RouteSlow):  # our own words, and no fault of the worker
        log.info("job.refused", extra={"job_id": job_id, "reason": type(exc).__name__})
        return str(exc)
    places = "".join(traceback.format_tb(exc.__traceback__))
    error: dict[str, Json] = {"error": type(exc).__name__, "traceback": places}
    if isinstance(exc, VoiceError):
        error["to_do"] = exc.to_do
    log.error("job.failed", extra={"job_id": job_id, **error})
    return f"The request could not be answered ({type(exc).__name__})."
