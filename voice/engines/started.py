"""The steps of a worker's start, timed: what a cold start is made of."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from voice.types import Json

STAT = Path("/proc/self/stat")
START_FIELD = 19  # of those behind the process's name: starttime, in ticks since the machine's boot

log = logging.getLogger(__name__)


class Steps:
    """Milliseconds by step. What came before the first one, Python and our imports, is `import_ms`."""

    def __init__(self) -> None:
        age_s = process_age_s()
        self._began = time.monotonic() - (age_s or 0.0)
        self.ms: dict[str, Json] = {} if age_s is None else {"import_ms": round(age_s * 1000)}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Times what is done within; a step that fails is not told."""
        began = time.monotonic()
        yield
        self.ms[f"{name}_ms"] = round((time.monotonic() - began) * 1000)

    def finish(self, **facts: Json) -> None:
        """The worker is ready: say so, with every step and how long it took since the process began."""
        self.ms["ready_ms"] = round((time.monotonic() - self._began) * 1000)
        log.info("worker.ready", extra={**facts, **self.ms})


def process_age_s(stat: Path = STAT) -> float | None:
    """How long this process has lived; None where the system does not tell."""
    try:
        fields = stat.read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks = int(fields[START_FIELD])
    except (OSError, ValueError, IndexError):
        return None
    return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
