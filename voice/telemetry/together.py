"""Writes lines to a stream, those of a moment together.

To write takes longer than all else that is done for a line. So while an event loop runs a line waits for
others, up to WAIT_S, and they leave in one write, in their order. A warning leaves at once, with all before
it; so does every line where no loop runs. A process that ends as it should writes what waits; one that is
killed loses it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Sequence
from typing import TextIO

WAIT_S = 0.05
PORTION = 4096  # bytes; so much of one write stays together in a pipe that other processes write to, too


class Together(logging.StreamHandler[TextIO]):
    """A handler whose lines leave together."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting: list[str] = []
        self._due_in: asyncio.AbstractEventLoop | None = None  # in which they will be written

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self.put(self.format(record), record.levelno)
        except Exception:  # noqa: BLE001 – as logging's own handlers do: a line that fails must not fail a call
            self.handleError(record)

    def put(self, line: str, level: int) -> None:
        """Take a line that is written out already: for whoever needs no record."""
        self.acquire()
        try:
            self._waiting.append(line)
            if level >= logging.WARNING or not self._is_due():
                self._write()
        finally:
            self.release()

    def flush(self) -> None:
        """Write what waits."""
        self.acquire()
        try:
            self._write()
            super().flush()  # what others have written to the stream
        finally:
            self.release()

    def _is_due(self) -> bool:
        """Whether the loop of this thread will write what waits; without one nobody will."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            return False
        if self._due_in is not loop:
            self._due_in = loop
            loop.call_later(WAIT_S, self._write_later)
        return True

    def _write_later(self) -> None:
        self._due_in = None
        try:
            self.flush()
        except Exception:  # noqa: BLE001 – as in emit()
            self.handleError(logging.makeLogRecord({"name": __name__}))

    def _write(self) -> None:
        lines, self._waiting = self._waiting, []
        for portion in _portions(lines):
            self.stream.write(portion)
            super().flush()  # each by itself: a stream that gathers would put two into one write


def _portions(lines: Sequence[str]) -> Iterator[str]:
    """The lines in as few writes as stay together."""
    portion, size = list[str](), 0
    for line in lines:
        bytes_ = (len(line) if line.isascii() else 4 * len(line)) + 1
        if portion and size + bytes_ > PORTION:
            yield "\n".join(portion) + "\n"
            portion, size = [], 0
        portion.append(line)
        size += bytes_
    if portion:
        yield "\n".join(portion) + "\n"
