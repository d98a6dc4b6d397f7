"""What is typed or piped in, line by line, while other things go on."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from threading import Thread

PROMPT = "you> "


class Typed:
    """The lines of the standard input that have words in them; None at its end.

    Read by a thread that nobody waits for, so that Ctrl-C ends the command at once; and past sys.stdin,
    whose lock such a thread would hold when the interpreter ends.
    """

    def __init__(self) -> None:
        self.by_hand = sys.stdin.isatty()
        self._lines: deque[str | None] = deque()
        self._came = asyncio.Event()
        self._asks = False  # the prompt stands there, and nothing behind it
        self._loop = asyncio.get_running_loop()
        Thread(target=self._read, daemon=True).start()

    async def came(self) -> None:
        """Return when a line is there, or the end. It stays there."""
        await self._came.wait()

    async def next(self) -> str | None:
        """The next line, asked for where somebody types; None at the end, and from then on."""
        if self.by_hand and not self._lines:
            self._ask()
        await self.came()
        self._asks = False
        if self._lines[0] is None:
            return None
        line = self._lines.popleft()
        if not self._lines:
            self._came.clear()
        return line

    def _ask(self) -> None:
        self._asks = True
        print(PROMPT, end="", flush=True)

    def _read(self) -> None:
        rest = b""
        while piece := os.read(0, 4096):
            *whole, rest = (rest + piece).split(b"\n")
            for line in whole:
                self._tell(line.decode(errors="replace").strip())
        self._tell(rest.decode(errors="replace").strip())
        self._tell(None)

    def _tell(self, line: str | None) -> None:
        self._loop.call_soon_threadsafe(self._take, line)

    def _take(self, line: str | None) -> None:
        if line == "":
            if self._asks:
                self._ask()
            return
        self._lines.append(line)
        self._came.set()
