"""A worker whose engine does not come back ends, so that RunPod replaces it. Real threads, real time."""

from __future__ import annotations

import threading

from voice.engines.gone import Watch
from voice.engines.scripted import ScriptedEngine

WAIT_S = 10.0


class Telling(ScriptedEngine):
    """Tells how often it was looked at."""

    def __init__(self, is_there: list[bool]) -> None:
        super().__init__()
        self.looks = 0
        self.was_seen = threading.Event()
        self._is_there = is_there

    def ready(self) -> bool:
        self.looks += 1
        if self.looks > len(self._is_there):
            self.was_seen.set()
        return self._is_there[min(self.looks, len(self._is_there)) - 1]


def test_an_engine_that_stays_away_makes_the_worker_end() -> None:
    ended = threading.Event()

    with Watch(Telling([True, False]), ended.set, patience_s=0.02, look_s=0.001):
        assert ended.wait(WAIT_S)


def test_an_engine_that_is_back_in_time_keeps_the_worker() -> None:
    ended, engine = threading.Event(), Telling([True, False, False, True])

    with Watch(engine, ended.set, patience_s=WAIT_S, look_s=0.001):
        assert engine.was_seen.wait(WAIT_S)

    assert not ended.is_set()
