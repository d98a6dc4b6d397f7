"""Processes of their own for tests: each runs a script that is told things and says things, line by line."""

from __future__ import annotations

import asyncio
import sys
from asyncio.subprocess import PIPE, Process
from pathlib import Path

ROOT = Path(__file__).parents[3]


async def a_child(script: str, *arguments: str) -> Process:
    """A process that has begun to run the script."""
    return await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, *arguments, cwd=ROOT, stdin=PIPE, stdout=PIPE
    )


async def line_of(child: Process) -> str:
    """The next line that it says; "" after its end."""
    assert child.stdout is not None
    return (await child.stdout.readline()).decode().strip()


def tell(child: Process, line: str) -> None:
    """Tell it a line."""
    assert child.stdin is not None
    child.stdin.write(f"{line}\n".encode())
