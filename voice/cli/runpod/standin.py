"""`offhook runpod standin`: RunPod, played on this machine, so that any client or worker can be tried."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

import typer

from voice.cli.screen import Failed
from voice.engines.base import Engine
from voice.engines.onnx import OnnxEngine
from voice.engines.scripted import ScriptedEngine
from voice.engines.worker import work
from voice.errors import SetupError
from voice.simulate.runpod.faults import RunPodFaults, faults_in, faults_of
from voice.simulate.runpod.standin import RunPodStandIn, Worker
from voice.types import Json

Answers = Literal["words", "model", "none"]

WORDS = (
    "Thank you, ", "I have noted that. ", "A technician will call you back ", "within the hour. ",
    "Is there ", "anything else ", "I can do?",
)  # fmt: skip
MAX_PORT = 65535
GAP_S = 0.08  # between two pieces: a quick GPU writes a few words in that time


# Shares are from 0 to 1.
Port = Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")]
Who = Annotated[
    Answers, typer.Option(help="Who answers: fixed words, the small model, or a worker that attaches.")
]
Key = Annotated[str, typer.Option(help="The key that it wants.")]
Id = Annotated[str, typer.Option("--id", help="The endpoint's id.")]
Jobs = Annotated[int, typer.Option(min=1, max=1000, help="Jobs that its worker does at once.")]
Target = Annotated[
    str | None, typer.Option(help="A load-balancing worker of yours: its URL, or its port on this machine.")
]
EnvFile = Annotated[Path | None, typer.Option(help="Write the settings into this file, for `source`.")]
File = Annotated[Path | None, typer.Option(help="A TOML file of faults; options here win.")]
Cold = Annotated[float | None, typer.Option("--cold", min=0, help="Seconds that a worker takes to start.")]
Idle = Annotated[
    float | None, typer.Option("--idle", min=0, help="Seconds without a job until it sleeps again.")
]
Throttled = Annotated[float | None, typer.Option("--throttled", min=0, help="Seconds without any GPU.")]
Crashes = Annotated[int | None, typer.Option(min=-1, help="Starts that crash before one does not; -1: all.")]
Line = Annotated[float | None, typer.Option("--line", min=0, help="Seconds that each answer is late.")]
Late = Annotated[
    float | None, typer.Option("--late", min=0, help="Seconds that each job's end is told late.")
]
Lost = Annotated[float | None, typer.Option(min=0, max=1, help="Share of jobs whose end is never told.")]
Fails = Annotated[float | None, typer.Option(min=0, max=1, help="Share of requests answered with 500.")]
Rates = Annotated[
    float | None, typer.Option(min=0, help="RunPod's rate limits times this; 0: none.  [default: 1]")
]
Region = Annotated[str | None, typer.Option(help="The end of job ids.  [default: u1]")]
Seed = Annotated[int | None, typer.Option(min=0, help="Of the shares; the same draws the same.")]


def standin(
    port: Port = 0,
    worker: Who = "words",
    key: Key = "key",
    endpoint_id: Id = "endpoint",
    jobs: Jobs = 8,
    lb_target: Target = None,
    env_file: EnvFile = None,
    faults: File = None,
    cold_s: Cold = None,
    idle_s: Idle = None,
    throttled_s: Throttled = None,
    crashes: Crashes = None,
    line_s: Line = None,
    late_s: Late = None,
    lost: Lost = None,
    fails: Fails = None,
    rates: Rates = None,
    region: Region = None,
    seed: Seed = None,
) -> None:
    """Play a RunPod endpoint on this machine: queue, stream, OpenAI, load balancer, management API.

    Jobs wait, are taken, streamed, cancelled and forgotten as at RunPod, and its rate limits hold. Any client
    can be tried against it, and with `--worker none` any worker under RunPod's SDK.

    \b
    Examples:
      offhook runpod standin --port 9000
      offhook runpod standin --cold 30 --idle 60 --lost 0.05
      offhook runpod standin --worker none --faults bad-day.toml
    """
    times = {
        "cold_s": cold_s,
        "idle_s": idle_s,
        "throttled_s": throttled_s,
        "line_s": line_s,
        "late_s": late_s,
    }
    others = {
        "crashes": crashes,
        "lost": lost,
        "fails": fails,
        "rates": rates,
        "region": region,
        "seed": seed,
    }
    over = {name: value for name, value in (times | others).items() if value is not None}
    wrong = faults_of(over, "option") if faults is None else faults_in(faults, over)
    target = None if lb_target is None else _url_of(lb_target)
    place = _Place(port, key, endpoint_id, jobs, target, env_file)
    asyncio.run(_play(wrong, worker, place))


def _url_of(target: str) -> str:
    """Where a worker listens. Raises BadParameter for what is neither URL nor port."""
    if target.isdecimal() and 0 < int(target) <= MAX_PORT:
        return f"http://127.0.0.1:{int(target)}"
    with suppress(ValueError):  # of a port that is none
        parts = urlsplit(target)
        if parts.scheme in ("http", "https") and parts.hostname and parts.port != 0:
            return target.rstrip("/")
    raise typer.BadParameter(f"--lb-target {target!r} is no URL: write http://127.0.0.1:8080, or 8080")


@dataclass(frozen=True, slots=True)
class _Place:
    """Where it is played, and as whom."""

    port: int
    key: str
    endpoint_id: str
    jobs: int
    lb_target: str | None
    env_file: Path | None


async def _play(faults: RunPodFaults, answers: Answers, place: _Place) -> None:
    """Plays until SIGINT or SIGTERM; says where. Raises Failed when the port is taken."""
    told = asyncio.Event()
    for one in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(one, told.set)
    async with _worker(answers) as worker:
        runpod = RunPodStandIn(
            place.key, place.endpoint_id, worker, place.port, place.jobs, faults, place.lb_target
        )
        try:
            await runpod.__aenter__()
        except OSError as exc:
            to_do = "give --port 0 or another"
            raise Failed(f"port {place.port} cannot be used ({exc.strerror}): {to_do}") from exc
        try:
            _announce(runpod, answers, place.env_file)
            await told.wait()
        finally:
            await runpod.close()


@asynccontextmanager
async def _worker(answers: Answers) -> AsyncIterator[Worker | None]:
    if answers == "none":
        yield None
        return
    engine: Engine = ScriptedEngine(WORDS, gap_s=GAP_S) if answers == "words" else OnnxEngine()
    await engine.start()

    async def worker(job: Mapping[str, object]) -> AsyncGenerator[Json, None]:
        async for chunk in work(job, engine):
            yield chunk

    try:
        yield worker
    finally:
        await engine.stop()


def _announce(runpod: RunPodStandIn, answers: Answers, saying: Path | None) -> None:
    """Where it is, as settings that a shell can take."""
    settings = {
        "RUNPOD_BASE_URL": runpod.url,
        "RUNPOD_ENDPOINT_ID": runpod.endpoint_id,
        "RUNPOD_API_KEY": runpod.key,
        "OFFHOOK_RUNPOD_REST_URL": runpod.rest_url,
    }
    if answers != "none" or runpod.balancer.target is not None:
        settings["RUNPOD_LB_URL"] = runpod.lb_url
    if saying is not None:
        env = settings if answers != "none" else settings | runpod.worker_env()
        lines = [f"export {name}='{value}'\n" for name, value in env.items()]
        try:
            saying.write_text("".join(lines), encoding="utf-8")
        except OSError as exc:
            raise SetupError(f"{saying} cannot be written: {exc.strerror}") from exc
    typer.echo(f"RunPod is played at {runpod.url}/{runpod.endpoint_id}; Ctrl-C ends it. For clients:")
    _print(settings)
    if answers == "none":
        typer.echo("No worker is here. For a worker under RunPod's SDK, as `python runpod_handler.py`:")
        _print(runpod.worker_env())


def _print(env: Mapping[str, Any]) -> None:
    for name, value in env.items():
        typer.echo(f"  export {name}='{value}'")
