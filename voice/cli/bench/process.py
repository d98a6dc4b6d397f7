"""A server of the bench as the bench sees it: started, asked, measured, ended."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Self

from voice.cli.bench.proc import Usage, usage
from voice.cli.bench.server import BenchServer
from voice.cli.screen import Failed

START_S = 30.0
MAX_SHOWN_CHARS = 300  # of why it did not
STOP_S = 15.0  # more than the server's own grace


class BenchProcess:
    """One bench server's process; its `url` while the context is open."""

    def __init__(self, server: BenchServer) -> None:
        self.server = server
        self.url = ""
        self._log = Path(server.folder) / f"{server.kind}.log"

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        with self._log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "voice.cli.bench.server",
                self.server.as_text(),
                stdin=pipe,
                stdout=pipe,
                stderr=log,  # as a service's log is written
                start_new_session=True,  # Ctrl-C is for us; it ends when its input does
            )
        self.url = await self._line()
        if not self.url:
            await self._kill()
            why = (
                self._log.read_text(encoding="utf-8", errors="replace").strip() or "it said nothing"
            ).splitlines()[-1]
            raise Failed(f"the bench's {self.server.kind} server did not start: {why[:MAX_SHOWN_CHARS]}")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            await self._kill()

    def usage(self) -> Usage | None:
        """Its CPU and memory so far, with all it has started."""
        return usage(self._process.pid)

    async def tell(self, command: str) -> dict[str, Any]:
        """Give it a command; what it answers."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{command}\n".encode())
        found: dict[str, Any] = json.loads(await self._line() or "{}")
        return found

    async def _kill(self) -> None:
        with suppress(ProcessLookupError):  # it has ended by itself
            self._process.kill()
        await self._process.wait()

    async def _line(self) -> str:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                return (await self._process.stdout.readline()).decode().strip()
        except TimeoutError:
            return ""
