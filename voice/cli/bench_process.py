"""A server of the bench as the bench sees it: started, asked, measured, ended."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Self

import httpx

from voice.cli.bench_server import RECORDED, Answered, BenchServer
from voice.cli.screen import Failed

START_S = 30.0
STOP_S = 15.0  # more than the server's own grace


class BenchProcess:
    """One bench server's process; its `url` while the context is open."""

    def __init__(self, server: BenchServer) -> None:
        self._server = server
        self.url = ""

    @property
    def is_whole(self) -> bool:
        """Whether it is the product and not the floor."""
        return self._server.kind == "offhook"

    async def __aenter__(self) -> Self:
        pipe = asyncio.subprocess.PIPE
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "voice.cli.bench_server",
            self._server.as_text(),
            stdin=pipe,
            stdout=pipe,
            start_new_session=True,  # Ctrl-C is for us; it ends when its input does
        )
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_S):
                self.url = (await self._process.stdout.readline()).decode().strip()
        except TimeoutError:
            self._process.kill()
        if not self.url:
            await self._process.wait()
            raise Failed(f"the {self._server.kind} server did not start; `offhook doctor` says why")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def cpu_s(self) -> float | None:
        """CPU used so far, that of ended children included; None where /proc is missing."""
        try:
            stat = Path(f"/proc/{self._process.pid}/stat").read_text(encoding="utf-8")
        except OSError:
            return None
        ticks = stat.rpartition(")")[2].split()[11:15]  # utime, stime, cutime, cstime
        return sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")

    def rss_mb(self) -> float | None:
        """Resident memory now."""
        try:
            pages = Path(f"/proc/{self._process.pid}/statm").read_text(encoding="utf-8").split()[1]
        except OSError:
            return None
        return round(int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6, 1)


async def recorded_answers(url: str) -> dict[str, Answered]:
    """What a server under the recorder has answered so far, by path."""
    async with httpx.AsyncClient(trust_env=False) as client:
        found = (await client.get(url + RECORDED)).json()
    return {path: Answered(**one) for path, one in found.items()}
