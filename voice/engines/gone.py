"""An engine that does not come back: then the worker must end, for RunPod replaces it by a fresh one."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from voice.engines.base import Engine

PATIENCE_S = 300.0  # longer than most restarts: a fresh worker has to load the same model
LOOK_S = 0.5

log = logging.getLogger(__name__)


class Watch:
    """Looks at a loaded engine from a thread, and calls `give_up` once when it has been gone for too long."""

    def __init__(
        self,
        engine: Engine,
        give_up: Callable[[], None],
        *,
        patience_s: float = PATIENCE_S,
        look_s: float = LOOK_S,
    ) -> None:
        self._engine, self._give_up = engine, give_up
        self._patience_s, self._look_s = patience_s, look_s
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, name="engine watch", daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _look(self) -> None:
        seen_at = time.monotonic()
        while not self._over.wait(self._look_s):
            if self._engine.ready():
                seen_at = time.monotonic()
            elif time.monotonic() - seen_at > self._patience_s:
                log.error("worker.gives_up", extra={"model": self._engine.model, "gone_s": self._patience_s})
                self._give_up()
                return
