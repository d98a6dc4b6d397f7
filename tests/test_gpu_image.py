"""The GPU entry imports nothing of the web, and is what RunPod's SDK expects."""

from __future__ import annotations

import ast
import importlib.metadata
import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import runpod_handler
from voice.errors import SetupError

ROOT = Path(__file__).parent.parent
ALLOWED = ("job", "settings", "engines", "errors", "types", "clock", "telemetry.logs", "telemetry.scrub")
ALLOWED += ("telemetry.together",)
ALLOWED += ("models.sse",)  # how a model server's stream is read, and nothing else of that room
WEB = {"starlette", "fastapi", "twilio", "sqlalchemy", "httpx", "handlers"}
LATE = {
    "uvicorn",
    "uvloop",
    "runpod",
    "onnxruntime_genai",
    "aiohttp",
    "torch",
    "transformers",
}  # where they are asked for


def imports_of(path: Path) -> Iterator[str]:
    """Every module that a file imports, also inside its functions."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{name.name}" for name in node.names)


def file_of(module: str) -> Path | None:
    path = ROOT / Path(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.is_file()), None)


def reached_from(module: str) -> set[str]:
    """All modules that may be imported once `module` is, own ones followed to their end."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name in reached:
            continue
        reached.add(name)
        if (file := file_of(name)) is not None:
            waiting.extend(imports_of(file))
    return reached


def test_the_gpu_entry_reaches_only_its_own_few_rooms():
    own = {name for name in reached_from("runpod_handler") if name.startswith("voice.") and file_of(name)}

    outside = [name for name in own if not name.removeprefix("voice.").startswith(ALLOWED)]

    assert outside == []
    assert "voice.engines.worker" in own  # the closure was followed


def test_the_gpu_entry_imports_no_web_framework():
    assert WEB.isdisjoint(name.split(".")[0] for name in reached_from("runpod_handler"))


def test_importing_the_gpu_entry_loads_neither_the_sdk_nor_the_web():
    loaded = subprocess.run(
        [sys.executable, "-c", "import sys, runpod_handler; print(*sys.modules)"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()

    assert {*WEB, *LATE}.isdisjoint(loaded)


def test_the_sdk_sees_a_generator_in_the_handler():
    assert inspect.isasyncgenfunction(runpod_handler.handler)


async def test_a_handler_that_was_not_started_says_so():
    assert [chunk async for chunk in runpod_handler.handler({"id": "1", "input": {}})] == [
        {"error": "The worker was not started with `python runpod_handler.py`."}
    ]


@pytest.mark.parametrize("version", ["0.9", "1.7.11", "1.10.0"])
def test_an_sdk_that_does_not_stop_cancelled_jobs_is_refused(version):
    with pytest.raises(SetupError, match=f"SDK {version} is too old: install runpod>="):
        runpod_handler.check_sdk(version)


def test_the_installed_sdk_is_taken():
    runpod_handler.check_sdk(importlib.metadata.version("runpod"))
    runpod_handler.check_sdk("1.10.1")


@pytest.mark.slow
def test_a_wrong_setting_ends_the_start_with_one_line():
    ended = subprocess.run(
        [sys.executable, "runpod_handler.py"],
        cwd=ROOT,
        env={**os.environ, "OFFHOOK_WORKER_JOBS": "0"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stderr.startswith("OFFHOOK_WORKER_JOBS is '0': ")
    assert ended.stderr.count("\n") == 1
