"""Where a server's CPU goes, stage by stage of a turn.

A timer of the CPU's own clock interrupts the server every two milliseconds of work. Each time, the CPU that
its main thread has used since is booked on the stage whose code is innermost on the stack; what its other
threads used is told by their own clocks. So the sum is the CPU that was used, and the error of a share p
after n looks is sqrt(p (1 - p) / n).
"""

from __future__ import annotations

import signal
import threading
import time
from collections import Counter
from functools import cache
from types import FrameType

from voice.cli.bench.proc import thread_cpu_s

EVERY_S = 0.002

# The stages of a turn in their order, each with the code that is its own: parts of file names, and of some
# only these functions. The first line that fits a frame decides; frames that fit none ask their caller.
READ, PROMPT, ASK, SPEECH, DOOR, RECORD, LOOP = (
    "read the request",
    "thread and prompt",
    "ask the model",
    "make it speakable",
    "answer at the door",
    "record and keep",
    "event loop",
)
STAGES = (READ, PROMPT, ASK, SPEECH, DOOR, RECORD, LOOP)
OWNERS: tuple[tuple[str, str, tuple[str, ...]], ...] = (
    (SPEECH, "/voice/speech/", ()),
    (SPEECH, "/voice/turn/speak", ()),
    (SPEECH, "/voice/turn/filler", ()),
    (SPEECH, "/voice/turn/fallback", ()),
    (RECORD, "/voice/store/", ()),
    (RECORD, "/voice/ledger", ()),
    (RECORD, "/voice/events", ()),
    (RECORD, "/voice/telemetry/", ()),
    (RECORD, "/voice/threads/journal", ()),
    (RECORD, "/voice/turn/closing", ()),
    (RECORD, "/voice/turn/finish", ()),
    (RECORD, "/sqlalchemy/", ()),
    (RECORD, "/aiosqlite/", ()),
    (RECORD, "/prometheus_client/", ()),
    (RECORD, "/logging/", ()),
    (ASK, "/voice/models/", ()),
    (ASK, "/voice/engines/", ()),
    (ASK, "/voice/routing/", ()),
    (ASK, "/voice/hosts", ()),
    (ASK, "/voice/turn/ask", ()),
    (ASK, "/voice/turn/ladder", ()),
    (ASK, "/httpx", ()),  # and httpx_aiohttp
    (ASK, "/aiohttp/", ()),
    (ASK, "/bench/floor", ("ask", "parts", "one", "put_back", "data_received", "on_body", "_wait", "_wake")),
    (DOOR, "/bench/floor", ()),
    (READ, "/handlers/wire/", ()),
    (READ, "/handlers/middleware", ("__call__", "__init__", "receive", "_receive_some")),
    (READ, "/handlers/doors", ()),
    (READ, "/handlers/signatures", ()),
    (READ, "/handlers/vapi/auth", ()),
    (READ, "/starlette/requests", ()),
    (READ, "/starlette/routing", ()),
    (READ, "/pydantic", ()),
    (READ, "/uvicorn/", ("data_received", "on_message_begin", "on_url", "on_header", "on_headers_complete",
                         "on_body", "on_message_complete", "receive", "connection_made")),
    (DOOR, "/uvicorn/", ("send", "connection_lost", "on_response_complete")),
    (DOOR, "/starlette/", ()),
    (DOOR, "/handlers/", ()),
    (PROMPT, "/voice/threads/", ()),
    (PROMPT, "/voice/agents/", ()),
    (PROMPT, "/voice/tools/", ()),
    (PROMPT, "/voice/turn/", ()),
    (PROMPT, "/voice/call", ()),
    (LOOP, "/voice/cli/", ()),
    (PROMPT, "/voice/", ()),
    (LOOP, "/asyncio/runners", ()),
    (LOOP, "/uvicorn/", ("main_loop", "on_tick")),
)  # fmt: skip


class Sampler:
    """Looks at the main thread of this process; to be started and stopped in it."""

    def __init__(self) -> None:
        self._seconds: Counter[str] = Counter()
        self._looks = 0
        self._last_s = 0.0
        self._others: dict[int, float] = {}

    def start(self) -> None:
        """Begin to look."""
        self._seconds.clear()
        self._looks, self._others = 0, _other_threads()
        self._last_s = time.thread_time()
        signal.signal(signal.SIGPROF, self._look)
        signal.setitimer(signal.ITIMER_PROF, EVERY_S, EVERY_S)

    def stop(self) -> dict[str, object]:
        """The seconds of CPU by stage since the start, of the main thread and of all other threads."""
        signal.setitimer(signal.ITIMER_PROF, 0.0)
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        threads: Counter[str] = Counter()
        for tid, used_s in _other_threads().items():
            threads[names.get(tid) or "native"] += max(0.0, used_s - self._others.get(tid, 0.0))  # type: ignore[assignment]  # a Counter holds what one puts in
        return {"stages": dict(self._seconds), "threads": dict(threads), "looks": self._looks}

    def _look(self, _: int, frame: FrameType | None) -> None:
        now_s = time.thread_time()
        self._seconds[stage_of(frame)] += now_s - self._last_s  # type: ignore[assignment]  # as above
        self._last_s = now_s
        self._looks += 1


def stage_of(frame: FrameType | None) -> str:
    """The stage whose code is innermost on a stack; the event loop where there is none."""
    while frame is not None:
        if (found := owner(frame.f_code.co_filename, frame.f_code.co_name)) is not None:
            return found
        frame = frame.f_back
    return LOOP


@cache
def owner(file: str, function: str) -> str | None:
    """Whose code a function is; None for what works for whoever calls it."""
    for stage, part, functions in OWNERS:
        if part in file and (not functions or function in functions):
            return stage
    return None


def _other_threads() -> dict[int, float]:
    """The CPU that each thread but this one has used."""
    return {tid: used for tid, used in thread_cpu_s().items() if tid != threading.get_native_id()}
