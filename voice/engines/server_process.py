"""A model server's process: started, heard until it is up, ended with everything that it started."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
from asyncio.subprocess import DEVNULL, PIPE, STDOUT, Process
from collections.abc import Sequence
from contextlib import suppress

from voice.errors import EngineDied

LEAVE_S = 10.0  # for a server to end by itself; vLLM frees the GPU meanwhile
LINE_BYTES = 1 << 20
MAX_CHARS = 500  # of a line that is kept or logged

# The server needs none of our secrets. Everything else of the environment may be its settings.
OWN = ("RUNPOD_AI_API_KEY", "RUNPOD_API_KEY", "SENTRY_DSN", "OFFHOOK_", "TWILIO_", "VAPI_", "LLM_API_KEY")

log = logging.getLogger(__name__)


class ServerProcess:
    """The process that `command` starts. `start` may be called again when it has ended."""

    def __init__(self, command: Sequence[str]) -> None:
        self.last_words = "without a word"
        self._command = list(command)
        self._process: Process | None = None
        self._hearing: asyncio.Task[None] | None = None

    @property
    def has_ended(self) -> bool:
        return self._process is None or self._process.returncode is not None

    async def start(self) -> None:
        """Start it anew, what was left of it is ended first. Raises EngineDied when it cannot be started."""
        await self.end()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._command,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=STDOUT,
                limit=LINE_BYTES,
                env={name: value for name, value in os.environ.items() if not name.startswith(OWN)},
                start_new_session=True,  # its children are ended with it
            )
        except OSError as exc:
            raise EngineDied(f"OFFHOOK_ENGINE_COMMAND cannot be started: {exc}") from exc
        self._hearing = asyncio.create_task(self._hear(self._process))

    async def ended(self) -> None:
        """Returns when the process has ended."""
        if self._process is not None:
            await self._process.wait()

    async def end(self) -> None:
        """End it and whatever it started; returns when it is gone."""
        process, self._process = self._process, None
        if process is None:
            return
        self._tell(process, signal.SIGTERM)
        try:
            async with asyncio.timeout(LEAVE_S):
                await process.wait()
        except TimeoutError:
            pass
        self._tell(process, signal.SIGKILL)
        await process.wait()
        if self._hearing is not None:
            await self._hearing

    @staticmethod
    def _tell(process: Process, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)

    async def _hear(self, process: Process) -> None:
        """What a server prints while it serves could hold a caller's words: for the developer only."""
        assert process.stdout is not None
        while True:
            try:
                line = await process.stdout.readline()
            except ValueError:  # longer than any line should be: the reader has thrown it away
                continue
            if not line:
                return
            said = line.decode("utf-8", "replace").strip()[:MAX_CHARS]
            self.last_words = said or self.last_words
            log.debug("engine.printed", extra={"pii.line": said})
