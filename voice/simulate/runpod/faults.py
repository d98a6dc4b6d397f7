"""What goes wrong at a played RunPod: workers cold, throttled or crashing, results late or lost, limits.

Everything is off by default but RunPod's own rate limits. A file of them is TOML, one key per field.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from random import Random
from typing import Any

from voice.errors import BadRequest


@dataclass(frozen=True, slots=True)
class RunPodFaults:
    """Durations in seconds, shares from 0 to 1."""

    cold_s: float = 0.0  # from the first job to a worker that takes it
    idle_s: float = 0.0  # without a job, after which the worker is gone again; 0: it stays
    throttled_s: float = 0.0  # after the first job, before any worker begins to start
    crashes: int = 0  # starts that end in a crash before one succeeds; -1: all of them
    crash_s: float = 5.0  # a crashed worker counts as unhealthy for so long
    line_s: float = 0.0  # every answer to a client is so late
    late_s: float = 0.0  # a job's end is told so much later than it was
    late: float = 1.0  # share of jobs whose end is late
    lost: float = 0.0  # share of jobs whose end is never told: FAILED after LOST_S
    fails: float = 0.0  # share of requests answered with 500
    rates: float = 1.0  # RunPod's rate limits times this; 0: none
    region: str = "u1"  # the end of job ids
    seed: int = 1  # of the shares


LOST_S = 40.0  # until RunPod gives up a job that no worker reports; 30 to 50 s have been seen
SHARES = ("late", "lost", "fails")


def faults_in(path: Path, over: Mapping[str, Any]) -> RunPodFaults:
    """The faults that a TOML file names, `over` before them. Raises BadRequest in one line."""
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise BadRequest(f"{path} cannot be read: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise BadRequest(f"{path} is not TOML: {exc}") from exc
    return faults_of({**given, **over}, str(path))


def faults_of(given: Mapping[str, Any], place: str = "faults") -> RunPodFaults:
    """The faults with these fields. Raises BadRequest, naming the field."""
    kinds = {field.name: type(getattr(RunPodFaults(), field.name)) for field in fields(RunPodFaults)}
    for name, value in given.items():
        if name not in kinds:
            raise BadRequest(f"{place}: there is no {name!r}; there are {', '.join(kinds)}")
        _check(place, name, value, kinds[name])
    return RunPodFaults(**given)


def _check(place: str, name: str, value: object, kind: type) -> None:
    if kind is str:
        if not isinstance(value, str) or not value.isalnum():
            raise BadRequest(f"{place}: {name} must be letters and digits")
        return
    if isinstance(value, bool) or not isinstance(value, int if kind is int else (int, float)):
        raise BadRequest(f"{place}: {name} must be a {'whole number' if kind is int else 'number'}")
    most = 1.0 if name in SHARES else 1e6
    if not (-1 if name == "crashes" else 0) <= value <= most:  # false for NaN, too
        raise BadRequest(f"{place}: {name} must be from 0 to {most:g}")


class Dice:
    """Draws who is hit; the same seed draws the same."""

    def __init__(self, faults: RunPodFaults) -> None:
        self._faults, self._random = faults, Random(faults.seed)

    def hits(self, share: float) -> bool:
        return share >= 1.0 or (share > 0.0 and self._random.random() < share)

    def end_late_s(self) -> float | None:
        """How late a job's end is told; None: never."""
        if self.hits(self._faults.lost):
            return None
        return self._faults.late_s if self._faults.late_s and self.hits(self._faults.late) else 0.0
