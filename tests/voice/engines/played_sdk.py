"""RunPod's own job loop on played time: python -m tests.voice.engines.played_sdk prompt|own SCENE

Prints as JSON when each job began, in seconds, which ones were stopped, when RunPod was asked for jobs, and
how many the worker still counts at its end. A program of its own, for the SDK sets up logs of its own when it
is imported.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from runpod.serverless.modules import rp_scale

from voice.clock import now
from voice.engines.sdk_loop import prompt
from voice.simulate.virtual_time import VirtualLoop

JOB_S = 0.5
POLLS_END_AT = 4.0
HASTY = [0.25 * place for place in range(1, 13)]


@dataclass(frozen=True)
class Scene:
    """How many jobs the worker holds, when which ones come, and when which is to be stopped."""

    width: int
    come: Mapping[float, Sequence[str]]
    stops: Mapping[float, str] = field(default_factory=dict)
    ends_at: float = POLLS_END_AT  # when the worker is told to end
    away: tuple[float, float] = (0.0, 0.0)  # the engine, from and until


SCENES = {
    "roomy": Scene(
        width=10,
        come={
            0.25: ["alone"],
            1.0: ["first", "second", "third", "fourth", "fifth"],  # they fill it, each counted twice
            1.02: ["behind them"],
            3.01: ["unwanted"],
        },
        stops={3.02: "unwanted"},
    ),
    "full": Scene(width=2, come={1.0: ["first", "second"], 1.1: ["behind them"]}),
    "engine away": Scene(width=10, come={0.25: ["before"], 2.5: ["after"]}, away=(0.2, 2.0)),
    "engine never back": Scene(width=10, come={0.25: ["before"]}, away=(0.2, 9.0), ends_at=1.0),
    "told to end": Scene(width=10, come={0.8: ["last"]}, ends_at=0.5),
    # Each is stopped some steps of the loop after it came, one step later every time.
    "hasty": Scene(width=10, come={at: [f"{at}"] for at in HASTY}, stops={at: f"{at}" for at in HASTY}),
}


async def played(scaler: Any, scene: Scene) -> dict[str, Any]:
    began: dict[str, float] = {}
    stopped: list[str] = []
    asked: list[float] = []
    come, stops, steps = iter(scene.come.items()), iter(scene.stops.items()), count()

    async def take(_session: object, _most: int) -> list[dict[str, str]]:
        asked.append(round(now(), 3))
        at, jobs = next(come, (POLLS_END_AT, ()))
        await asyncio.sleep(at - now())
        return [{"id": job} for job in jobs]

    async def told_to_stop(_session: object) -> list[str]:
        at, job = next(stops, (POLLS_END_AT, ""))
        await asyncio.sleep(at - now())
        for _ in range(next(steps)):
            await asyncio.sleep(0)
        return [job] if job else []

    async def do(_session: object, _config: object, job: Mapping[str, str]) -> None:
        began[job["id"]] = round(now(), 3)
        try:
            await asyncio.sleep(JOB_S)
        except asyncio.CancelledError:
            stopped.append(job["id"])
            raise

    scaler.jobs_fetcher, scaler.jobs_handler, scaler.stop_signals_fetcher = take, do, told_to_stop
    asyncio.get_running_loop().call_later(scene.ends_at, scaler.kill_worker)
    await scaler.run()
    left = scaler.job_progress.get_job_count()
    return {"began": began, "stopped": stopped, "asked": asked, "left": left}


def main() -> None:
    scene = SCENES[sys.argv[2]]
    kind = rp_scale.JobScaler
    if sys.argv[1] == "prompt":
        kind = prompt(kind, lambda: not scene.away[0] <= now() < scene.away[1])
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        told = runner.run(played(kind({"concurrency_modifier": lambda _: scene.width}), scene))
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    main()
