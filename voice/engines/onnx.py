"""The embedded engine: a small model on this machine's own processor, in a process of its own.

The library holds Python's global lock while it works, so it must not live where calls are
served. This is the parent's side: it starts `onnx_child`, hands it jobs as JSON lines and gives
its words to whoever waits for them. A child that dies is started again; until it is warm,
`write` fails at once, so that another route can answer.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import cast

import orjson

from voice.errors import BadJob, EngineDied
from voice.job import message_object, tool_object
from voice.types import Finish, FinishReason, Hear, Json, Prompt, ToolCall, Usage

PACKAGED = Path(__file__).parent / "weights"
LOAD_S = 120.0  # the packaged model takes 0.5 s; one of gigabytes from a cold disk far longer
LEAVE_S = 2.0  # for a child to end by itself; it needs a few ms
PAUSE_S = (0.1, 30.0)  # before the first restart; doubled at each further one, up to the second
LINE_BYTES = 1 << 20  # of one line of the child: far more than the pieces of one pass of its loop
# The child needs none of our secrets. LD_LIBRARY_PATH: where some images keep the C++ library.
ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "LANG", "LD_LIBRARY_PATH")

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class _Job:
    """One reply in flight: who hears it, and who waits for its end."""

    hear: Hear
    end: asyncio.Future[Finish]

    def fail(self, error: BaseException) -> None:
        if not self.end.done():
            self.end.set_exception(error)


class OnnxEngine:
    """Runs a model folder of onnxruntime-genai; without one the packaged small model.

    The child keeps the caches of `calls` calls and writes as many replies at once; more wait there,
    first come, first served. `threads` None: one for a small model, else half of the cores. Tools are
    shown to a model whose chat template has words for them; the packaged one's has none.
    """

    def __init__(self, model_dir: Path | None = None, calls: int = 8, *, threads: int | None = None) -> None:
        self._folder = (model_dir or PACKAGED).absolute()
        self.model = "embedded" if model_dir is None else self._folder.name
        self._arguments = (str(self._folder), str(calls), str(threads or 0))
        self._process: Process | None = None  # None: no child is warm
        self._tending: asyncio.Task[None] | None = None
        self._jobs: dict[int, _Job] = {}
        self._numbers = count(1)

    @property
    def models(self) -> tuple[str, ...]:
        return (self.model,)

    async def start(self) -> None:
        """Load and warm the model; see Engine. Does nothing when it was started before."""
        if self._tending is None:
            self._process = process = await self._launch()
            self._tending = asyncio.create_task(self._tend(process), name="embedded engine")

    async def stop(self) -> None:
        """Let go of the model; returns when its process is gone."""
        tending, self._tending = self._tending, None
        if tending is not None:
            tending.cancel()
            await asyncio.wait([tending])

    def ready(self) -> bool:
        return self._process is not None

    @property
    def pid(self) -> int | None:
        """The child's process id, for whoever measures it; None while there is none."""
        return None if self._process is None else self._process.pid

    async def write(self, prompt: Prompt, hear: Hear, model: str | None = None) -> Finish:
        """Write one reply; see Engine. There is one model here, so `model` chooses nothing."""
        if self._process is None:
            raise EngineDied("the embedded model is not running")
        hear = _behind(prompt.so_far, hear)
        number, job = next(self._numbers), _Job(hear, asyncio.get_running_loop().create_future())
        self._jobs[number] = job
        try:
            self._ask(_write_line(number, prompt))
            return await job.end
        except asyncio.CancelledError:
            self._ask({"do": "cancel", "job": number})
            raise
        finally:
            del self._jobs[number]

    def _ask(self, fields: Mapping[str, Json]) -> None:
        # Not drained: a prompt is a few KB, the child reads between two tokens, and a turn never waits.
        stdin = self._process.stdin if self._process else None
        if stdin is not None and not stdin.is_closing():
            stdin.write(orjson.dumps(fields, option=orjson.OPT_APPEND_NEWLINE))

    # The child's life

    async def _launch(self) -> Process:
        """A child that is warm. Raises EngineDied when it cannot load the model."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "voice.engines.onnx_child", *self._arguments),
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            limit=LINE_BYTES,
            env=_environment(),
            start_new_session=True,  # Ctrl-C goes to the whole foreground group: the parent decides
        )
        try:
            async with asyncio.timeout(LOAD_S):
                answer = await _answer(process)
            if answer.get("is") == "ready":
                return process
            why = answer.get("why") or await _last_words(process)
        except TimeoutError:
            why = f"it was not loaded within {LOAD_S:.0f} s"
        except BaseException:
            await _end(process)
            raise
        await _end(process)
        raise EngineDied(f"the embedded model in {self._folder} cannot be used: {why}")

    async def _tend(self, process: Process) -> None:
        """Hear what the child says; when it dies, start another."""
        while True:
            try:
                async with asyncio.TaskGroup() as group:
                    group.create_task(_log_stderr(process))
                    async for said in _lines(process):
                        self._hear(said)
            finally:
                self._process = None
                for job in self._jobs.values():
                    job.fail(EngineDied("the embedded model's process is gone"))
                await _end(process)
            log.error("engine.died", extra={"model": self.model, "exit": process.returncode})
            self._process = process = await self._relaunch()

    async def _relaunch(self) -> Process:
        """A warm child, tried for until there is one: each failure is an error line."""
        pause_s = PAUSE_S[0]
        while True:
            await asyncio.sleep(pause_s)
            pause_s = min(PAUSE_S[1], pause_s * 2)
            try:
                process = await self._launch()
            except (EngineDied, OSError) as exc:
                log.error(
                    "engine.not_restarted",
                    extra={"model": self.model, "error": str(exc), "retry_s": pause_s},
                )
            else:
                log.warning("engine.restarted", extra={"model": self.model})
                return process

    # What the child says

    def _hear(self, said: Mapping[str, Json]) -> None:
        job = self._jobs.get(cast(int, said["job"]))
        if job is None or job.end.done():
            return  # cancelled meanwhile
        match said["is"]:
            case "text":
                try:
                    job.hear(str(said["text"]))
                except Exception as exc:  # fence: one job  # noqa: BLE001 – whoever waits for it is told
                    job.fail(exc)
            case "end":
                log.debug("engine.wrote", extra={"read": said["read"], "reused": said["reused"]})
                job.end.set_result(_finish(said))
            case "refused":
                job.fail(BadJob(str(said["why"])))
            case _:
                job.fail(EngineDied(f"the embedded model failed at this reply: {said.get('why')}"))


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    package = str(Path(__file__).parents[2])
    one = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}  # numpy only chooses words there
    return {**kept, **one, "PYTHONPATH": package, "ORT_DISABLE_TELEMETRY": "1"}


def _write_line(number: int, prompt: Prompt) -> dict[str, Json]:
    messages: list[Json] = []
    for message in prompt.messages:
        fields = message_object(message)
        fields["content"] = _whole(message.text)
        messages.append(fields)
    line: dict[str, Json] = {
        "do": "write",
        "job": number,
        "call": prompt.call_id,
        "messages": messages,
        "max_tokens": prompt.max_tokens,
        "temperature": prompt.temperature,
        "stop": list(prompt.stop),
        "so_far": _whole(prompt.so_far),
    }
    if prompt.tools:
        line["tools"] = [tool_object(tool) for tool in prompt.tools]
    return line


def _behind(so_far: str, hear: Hear) -> Hear:
    """`hear` for the words behind `so_far`: a space that stands there already is not written again."""
    if not so_far[-1:].isspace():
        return hear
    begun = False

    def heard(text: str) -> None:
        nonlocal begun
        text = text if begun else text.lstrip()
        begun = begun or bool(text)
        if text:
            hear(text)

    return heard


def _whole(text: str) -> str:
    return text.encode("utf-8", "replace").decode()  # half a character breaks JSON


def _finish(said: Mapping[str, Json]) -> Finish:
    reason = cast(FinishReason, said["reason"])
    usage = Usage(cast(int, said["read"]), cast(int, said["wrote"]))
    calls = tuple(ToolCall(**one) for one in cast("list[dict[str, str]]", said["calls"]))
    ignored = tuple(cast("list[str]", said["ignored"]))
    return Finish(reason, usage, calls, dropped_turns=cast(int, said["dropped"]), ignored=ignored)


async def _lines(process: Process) -> AsyncIterator[Mapping[str, Json]]:
    """What the child says, until it has ended, or was killed within a line."""
    assert process.stdout is not None
    while line := await process.stdout.readline():
        try:
            said = orjson.loads(line)
        except orjson.JSONDecodeError:
            return
        yield said


async def _answer(process: Process) -> Mapping[str, Json]:
    """The first thing the child says; empty when it ended instead."""
    async for said in _lines(process):
        return said
    return {}


async def _log_stderr(process: Process) -> None:
    """What a library prints while calls are served could hold a caller's words: for the developer only."""
    assert process.stderr is not None
    while line := await process.stderr.readline():
        log.debug("engine.printed", extra={"pii.line": line.decode("utf-8", "replace").rstrip()[:500]})


async def _last_words(process: Process) -> str:
    """The last line that a child printed before it ended without an answer; no call was served yet."""
    assert process.stderr is not None
    printed = (await process.stderr.read()).decode("utf-8", "replace").strip()
    return printed.rsplit("\n", 1)[-1][:500] or "its process ended without a word"


async def _end(process: Process) -> None:
    """Have the child end by itself; kill it when it does not. Its pipes are read to their end."""
    assert process.stdin is not None
    process.stdin.close()
    leaving = asyncio.create_task(process.communicate())
    await asyncio.wait([leaving], timeout=LEAVE_S)
    if not leaving.done() and process.returncode is None:
        process.kill()
    await leaving
