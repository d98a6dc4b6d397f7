"""The process that runs the embedded model: JSON lines in, JSON lines out.

    python -m voice.engines.onnx_child MODEL_DIR CALLS THREADS

    in    {"do": "write", "job": 1, "call": "…", "messages": […], "max_tokens": 120,
           "temperature": 0.3, "stop": […], "so_far": "…", "tools": […]}
          {"do": "cancel", "job": 1}
    out   {"is": "ready"}     {"is": "unready", "why": "…"}, then it ends
          {"is": "text", "job": 1, "text": "…"}
          {"is": "end", "job": 1, "reason": "stop", "read": 210, "reused": 180, "wrote": 31,
           "dropped": 0, "ignored": […], "calls": [{"id": "…", "name": "…", "arguments": "{…}"}]}
          {"is": "refused", "job": 1, "why": "…"}     {"is": "failed", "job": 1, "why": "RuntimeError"}

One thread does it all. A pass of its loop takes what has come in, then every job that writes goes on
by one token, and the oldest job that still reads goes on by one slice of its prompt: so nobody's
words stop while somebody else's prompt is read. What a call's last turn has read stays in its cache.
The library's own batches keep no such cache, and let nobody join: docs/runpod.md has the figures.
The process ends when its stdin does: with its parent, however that ended.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol, cast

os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # both libraries read it once, when they are loaded

import numpy as np
import onnxruntime_genai as og
import orjson

from voice.engines.onnx_cache import Caches, Generator, Slot
from voice.engines.prompt_reader import PromptReader, Tokenizer
from voice.engines.reply_text import Reply, TextStream, pick
from voice.engines.tool_syntax import MARKS, ToolSyntax, schemas_of
from voice.engines.tool_turns import Entry
from voice.errors import BadJob
from voice.types import Json

SLICE_TOKENS = 32  # of a prompt, about 4 ms: the longest that others' words stop; larger is no quicker
FLUSH_TOKENS = 8  # pieces wait for each other so that one wake-up of the parent carries several
FLUSH_S = 0.02  # …but no longer than nobody would hear
MAX_CONTEXT = 4096  # tokens; the library sets memory aside for all of it, per call
SMALL_BYTES = 64 << 20  # under this a token is too short a work to share: one thread is twice as quick
READ_BYTES, READS = 1 << 16, 16  # of a read, and how many of them others' words may wait for


class Streaming(Tokenizer, Protocol):
    """A tokenizer that also turns single tokens into text."""

    eos_token_ids: Sequence[int]

    def create_stream(self) -> TextStream: ...


class Model:
    """The loaded weights, warmed."""

    def __init__(self, folder: Path, threads: int) -> None:
        og.disable_telemetry_events()
        config = og.Config(str(folder))
        options = {"intra_op_num_threads": threads or default_threads(folder)}
        config.overlay(orjson.dumps({"model": {"decoder": {"session_options": options}}}).decode())
        facts = orjson.loads((folder / "genai_config.json").read_bytes())
        self.context = min(int(facts["model"]["context_length"]), MAX_CONTEXT)
        self._model = og.Model(config)
        self.tokenizer = cast(Streaming, og.Tokenizer(self._model))
        marks = _marks(folder)
        self.tool_marks = {number: mark for mark, number in marks.items() if mark in MARKS}
        own = {*marks.values()} - {*self.tool_marks}
        self.ends = frozenset({*map(int, self.tokenizer.eos_token_ids), *own})
        template = _read(folder / "chat_template.jinja") + _read(folder / "tokenizer_config.json")
        knows_tools = b"tool_calls" in template
        self.reader = PromptReader(self.tokenizer, list(marks), self.context, knows_tools=knows_tools)
        self._warm()

    def cache(self) -> Generator:
        """An empty cache, as long as the context."""
        params = og.GeneratorParams(self._model)
        params.set_search_options(max_length=self.context)
        return cast(Generator, og.Generator(self._model, params))

    def _warm(self) -> None:
        cache = self.cache()
        for size in (SLICE_TOKENS, 1, 1):  # a slice of a prompt, then tokens, as in a call
            cache.append_tokens([min(self.ends, default=0)] * size)
            cache.get_logits()


def default_threads(folder: Path) -> int:
    """One for a small model; half of the cores for others, as the rest of the machine serves calls."""
    weights = sum(path.stat().st_size for path in folder.glob("*.onnx*"))
    return 1 if weights < SMALL_BYTES else max(1, (os.cpu_count() or 2) // 2)


def _marks(folder: Path) -> dict[str, int]:
    """The tokenizer's own marks and their ids."""
    found = orjson.loads(_read(folder / "tokenizer.json") or b"{}").get("added_tokens") or []
    own = [one for one in found if one.get("special") or one["content"] in MARKS]
    return {str(one["content"]): int(one["id"]) for one in own}


def _read(path: Path) -> bytes:
    return path.read_bytes() if path.exists() else b""


@dataclass(eq=False)
class Job:
    """One reply to write. `unread` holds the tokens that are not in the cache yet."""

    number: int
    slot: Slot
    reply: Reply
    unread: list[int]
    read: int
    reused: int
    dropped: int
    ignored: tuple[str, ...]
    temperature: float
    ready: str = ""  # text that was not sent yet
    ready_tokens: int = 0
    sent_at: float | None = None  # None: the first piece waits for nothing


class Child:
    """The loop. Jobs beyond `calls` wait for their turn, first come, first served."""

    def __init__(self, model: Model, calls: int, source: int, sink: int) -> None:
        self._model = model
        self._calls = calls
        self._source, self._sink = source, sink
        self._caches = Caches(model.cache, calls)
        self._jobs: dict[int, Job] = {}  # in the order of their coming
        self._waiting: dict[int, Mapping[str, Json]] = {}  # in the order of their coming
        self._line = b""  # the beginning of a line whose end has not come
        self._out: list[bytes] = []
        self._chance = np.random.default_rng()

    def serve(self) -> None:
        """Works until stdin ends or nobody reads any longer."""
        poll = select.poll()
        poll.register(self._source, select.POLLIN)
        self.tell("ready")
        while self._flush():
            # A cancel stands behind what it cancels: all that has come is taken before any of it is begun.
            for _ in range(READS):
                if not poll.poll(0 if self._jobs or self._waiting else None):
                    break
                if not self._listen():
                    return
            self._admit()
            self._pass()

    def tell(self, what: str, **fields: Json) -> None:
        self._out.append(orjson.dumps({"is": what, **fields}, option=orjson.OPT_APPEND_NEWLINE))

    def _flush(self) -> bool:
        """Send what there is to tell; False when the parent is gone."""
        told, self._out = memoryview(b"".join(self._out)), []
        try:
            while told:
                told = told[os.write(self._sink, told) :]
        except BrokenPipeError:
            return False
        return True

    # What comes in

    def _listen(self) -> bool:
        """Take what the parent has sent; False when it is gone."""
        some = os.read(self._source, READ_BYTES)
        *lines, self._line = (self._line + some).split(b"\n")
        for line in lines:
            asked = orjson.loads(line)
            if asked["do"] == "cancel":
                self._cancel(asked["job"])
            else:
                self._waiting[asked["job"]] = asked
        return bool(some)

    def _cancel(self, number: int) -> None:
        self._waiting.pop(number, None)
        if number in self._jobs:
            self._caches.give_back(self._jobs.pop(number).slot)

    def _admit(self) -> None:
        while self._waiting and len(self._jobs) < self._calls:
            number = next(iter(self._waiting))
            asked = self._waiting.pop(number)
            try:
                self._jobs[number] = self._begin(number, asked)
            except BadJob as exc:
                self.tell("refused", job=number, why=str(exc))
            except Exception as exc:  # fence: one job  # noqa: BLE001 – the parent is told
                self._fail(number, exc)

    def _begin(self, number: int, asked: Mapping[str, Json]) -> Job:
        wanted = cast(int, asked["max_tokens"])
        messages = cast("Sequence[Entry]", asked["messages"])
        tools = cast("Sequence[Entry]", asked.get("tools") or ())
        reader = self._model.reader
        reading = reader.read(messages, wanted, cast(str, asked["so_far"]), tools)
        tokens = reading.tokens
        reply = Reply(
            self._model.tokenizer.create_stream(),
            self._model.ends,
            cast("Sequence[str]", asked["stop"]),
            min(wanted, self._model.context - len(tokens)),
            ToolSyntax(schemas_of(tools)) if reader.shows_tools else None,
            self._model.tool_marks,
        )
        slot, reused = self._caches.take(cast("str | None", asked["call"]), tokens)
        unread, temperature = tokens[reused:], float(cast(float, asked["temperature"]))
        counts = (len(tokens), reused, reading.dropped_turns)
        return Job(number, slot, reply, unread, *counts, reading.ignored, temperature)

    # What goes on

    def _pass(self) -> None:
        """Every writing job goes on by a token, the oldest reading one by a slice."""
        one_reads = False
        for job in list(self._jobs.values()):
            reads = not job.reply.tokens
            if reads and one_reads:
                continue
            one_reads = one_reads or reads
            try:
                self._step(job)
            except Exception as exc:  # fence: one job  # noqa: BLE001 – the parent is told
                del self._jobs[job.number]
                self._caches.drop()  # nobody knows what is in there
                self._fail(job.number, exc)

    def _step(self, job: Job) -> None:
        part, job.unread = job.unread[:SLICE_TOKENS], job.unread[SLICE_TOKENS:]
        job.slot.read(part)
        if job.unread:
            return
        logits = job.slot.cache.get_logits()
        token = pick(logits.reshape(-1, logits.shape[-1])[-1], job.temperature, self._chance)
        job.ready += job.reply.add(token)
        job.ready_tokens += 1
        job.unread = [token]
        self._say(job)
        if job.reply.reason is not None:
            del self._jobs[job.number]
            self._caches.give_back(job.slot)
            counts = {"read": job.read, "reused": job.reused, "wrote": len(job.reply.tokens)}
            counts["dropped"] = job.dropped
            calls: list[Json] = [asdict(call) for call in job.reply.calls]
            ignored: list[Json] = [*job.ignored]
            tools = {"calls": calls, "ignored": ignored}
            self.tell("end", job=job.number, reason=job.reply.reason, **counts, **tools)

    def _say(self, job: Job) -> None:
        at = time.monotonic()
        first = job.sent_at is None
        due = first or job.ready_tokens >= FLUSH_TOKENS or at - (job.sent_at or at) >= FLUSH_S
        if job.ready and (due or job.reply.reason is not None):
            self.tell("text", job=job.number, text=job.ready)
            job.ready, job.ready_tokens, job.sent_at = "", 0, at

    def _fail(self, number: int, exc: Exception) -> None:
        """Where it happened goes to the log; the message does not: it may hold what a caller said."""
        place = traceback.extract_tb(exc.__traceback__)[-1]
        print(f"job failed: {type(exc).__name__} in {place.name}, line {place.lineno}", file=sys.stderr)  # noqa: T201 – the parent logs it
        self.tell("failed", job=number, why=type(exc).__name__)


def main() -> None:
    """Load, tell the parent, serve.

    Ctrl-C and a supervisor's SIGTERM go to all processes at once: here the parent decides.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sink = os.dup(1)
    os.dup2(2, 1)  # whatever a library prints is no line of ours
    folder, calls, threads = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    try:
        model = Model(folder, threads)
    except (OSError, RuntimeError, ValueError, LookupError, TypeError) as exc:
        why = f"{type(exc).__name__}: {exc}"
        os.write(sink, orjson.dumps({"is": "unready", "why": why}, option=orjson.OPT_APPEND_NEWLINE))
        sys.exit(1)
    Child(model, calls, sys.stdin.fileno(), sink).serve()
    os._exit(0)  # nothing is left to save: do not take the model down piece by piece


if __name__ == "__main__":
    main()
