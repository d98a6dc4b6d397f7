"""Limit: ends what a task waits for at an instant.

What `asyncio.timeout_at` does, in a third of the time: every reply has one, and it is moved when its last
word has come.
"""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Limit:
    """Used as a context in one task: what is not done at `at`, an instant on the loop's clock, is cancelled
    and raises TimeoutError."""

    __slots__ = ("_at", "_before", "_has_ended", "_task", "_timer")

    def __init__(self, at: float) -> None:
        self._at, self._has_ended = at, False
        self._task: asyncio.Task[object] | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._before = 0  # how often the task had been asked to end

    def __enter__(self) -> Self:
        task = self._task = asyncio.current_task()
        assert task is not None
        self._before = task.cancelling()
        self._timer = asyncio.get_running_loop().call_at(self._at, self._end)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, _: TracebackType | None
    ) -> None:
        task, self._task = self._task, None
        if self._timer is not None:
            self._timer.cancel()
        if not self._has_ended or task is None:
            return
        # Who was stopped by somebody else, too, is not late but stopped.
        if task.uncancel() <= self._before and kind is asyncio.CancelledError:
            raise TimeoutError from exc

    def no_later_than(self, at: float) -> None:
        """Let it end earlier."""
        if self._task is not None and self._timer is not None and not self._has_ended and at < self._at:
            self._timer.cancel()
            self._at = at
            self._timer = asyncio.get_running_loop().call_at(at, self._end)

    def _end(self) -> None:
        if self._task is not None:
            self._has_ended = True
            self._task.cancel()
