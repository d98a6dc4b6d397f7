"""What engines are asked in tests, and who of them can be asked on this machine."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pytest

from tests.voice.engines import tiny_llama
from voice.engines.base import Engine
from voice.engines.http import WorkerApp
from voice.engines.onnx import PACKAGED, OnnxEngine
from voice.engines.openai_server import ModelServer
from voice.engines.scripted import ScriptedEngine
from voice.engines.slots import Slots
from voice.engines.tally import Tally
from voice.simulate.loopback import serving
from voice.types import CallId, Finish, Message, Prompt

WAIT_S = 30.0  # a busy machine; everything waited for here takes well under a second
PERSONA = "You are Jamie, the property manager of Maple Court. Answer kindly and briefly. " * 4
ROOT = Path(__file__).parents[3]
VLLM_START_S = 300.0
VLLM_ENV = {"VLLM_CPU_KVCACHE_SPACE": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind", "VLLM_NO_USAGE_STATS": "1"}
VLLM_SERVES = (
    *("-m", "vllm.entrypoints.openai.api_server", "--host", "127.0.0.1", "--served-model-name", "tiny"),
    *("--enforce-eager", "--max-model-len", "1024", "--dtype", "float32"),
)
VLLM = os.environ.get("OFFHOOK_TEST_VLLM")  # the Python that has vLLM; `make test-vllm` sets it

needs_weights = pytest.mark.skipif(
    not (PACKAGED / "genai_config.json").exists(), reason="the packaged model has not been built"
)
needs_torch = pytest.mark.skipif(
    find_spec("torch") is None or find_spec("transformers") is None,
    reason='install torch and transformers: .venv/bin/pip install -e ".[train]"',
)
needs_peft = pytest.mark.skipif(
    any(find_spec(name) is None for name in ("torch", "transformers", "peft")),
    reason="install peft beside torch and transformers",
)
needs_vllm = pytest.mark.skipif(VLLM is None, reason="run `make test-vllm`: it sets up vLLM for a CPU")

Opened = Callable[[Path], AbstractAsyncContextManager[Engine]]


def a_prompt(
    *words: str,
    call_id: str | None = None,
    max_tokens: int = 24,
    temperature: float = 0.0,
    stop: tuple[str, ...] = (),
) -> Prompt:
    """A call so far: the caller's and the agent's words in turn."""
    turns = [Message("assistant" if place % 2 else "user", text) for place, text in enumerate(words)]
    called = None if call_id is None else CallId(call_id)
    return Prompt((Message("system", PERSONA), *turns), max_tokens, temperature, (), stop, called)


async def reply_of(engine: Engine, prompt: Prompt) -> tuple[str, Finish]:
    pieces: list[str] = []
    async with asyncio.timeout(WAIT_S):
        finish = await engine.write(prompt, pieces.append)
    return "".join(pieces), finish


@asynccontextmanager
async def scripted(_: Path) -> AsyncIterator[Engine]:
    yield ScriptedEngine()


@asynccontextmanager
async def onnx(_: Path) -> AsyncIterator[Engine]:
    yield OnnxEngine(calls=3)


@asynccontextmanager
async def model_server(_: Path) -> AsyncIterator[Engine]:
    """The engine that asks a server on loopback: here our own worker, with the packaged model."""
    inner = Slots(OnnxEngine(calls=3), at_once=3)
    app = WorkerApp(inner, 3, Tally())
    await inner.start()
    app.has_loaded = True
    try:
        async with serving(app, 0) as url:
            yield ModelServer(f"{url}/v1")
    finally:
        await inner.stop()


@asynccontextmanager
async def transformers(folder: Path) -> AsyncIterator[Engine]:
    from voice.engines.transformers import TransformersEngine

    tiny_llama.make(folder)
    yield TransformersEngine(folder, at_once=3)


@asynccontextmanager
async def vllm(folder: Path) -> AsyncIterator[Engine]:
    """The real vLLM with a tiny model. It takes a minute to start, so one serves all tests."""
    yield ModelServer(f"{_running_vllm()}/v1", model="tiny")


@cache
def _running_vllm() -> str:
    """The URL of a vLLM that ends with the tests."""
    assert VLLM is not None
    folder = Path(tempfile.mkdtemp())
    atexit.register(shutil.rmtree, folder)
    subprocess.run([VLLM, "-m", tiny_llama.__name__, str(folder)], cwd=ROOT, check=True, timeout=120)
    port = free_port()
    server = subprocess.Popen(
        [VLLM, *VLLM_SERVES, "--model", str(folder), "--port", str(port)],
        env={**os.environ, **VLLM_ENV},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    atexit.register(_end, server)
    url = f"http://127.0.0.1:{port}"
    until = time.monotonic() + VLLM_START_S
    while not _answers(f"{url}/health"):
        assert server.poll() is None, f"vLLM ended with status {server.returncode}"
        assert time.monotonic() < until, f"vLLM did not answer within {VLLM_START_S:.0f} s"
        time.sleep(0.5)
    return url


def _end(server: subprocess.Popen[bytes]) -> None:
    os.killpg(server.pid, signal.SIGTERM)
    server.wait(timeout=20)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        port: int = one.getsockname()[1]
        return port


def context_of(engine: Engine) -> int:
    """The tokens that every model of these tests can read."""
    return int(json.loads((PACKAGED / "genai_config.json").read_bytes())["model"]["context_length"])
