"""`offhook runpod standin`: says where it is, answers, ends when told, and refuses what it cannot play."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from pathlib import Path

import httpx
import pytest

from tests.voice.cli.running import offhook, started


def test_the_stand_in_says_where_it_is_answers_and_ends_when_told(tmp_path: Path) -> None:
    args = ("runpod", "standin", "--env-file", "runpod.env", "--cold", "0.1", "--region", "e1")
    with started(*args, folder=tmp_path, settings={}) as process:
        assert process.stdout is not None
        lines = [process.stdout.readline() for _ in range(6)]
        printed = subprocess.check_output(["sh", "-c", ". ./runpod.env; env"], cwd=tmp_path, text=True)
        env = dict(line.split("=", 1) for line in printed.splitlines() if line.startswith("RUNPOD_"))
        answer = httpx.post(
            f"{env['RUNPOD_BASE_URL']}/{env['RUNPOD_ENDPOINT_ID']}/runsync",
            json={"input": {"prompt": "Hello."}},
            headers={"Authorization": f"Bearer {env['RUNPOD_API_KEY']}"},
            trust_env=False,
            timeout=30,
        ).json()
        os.kill(process.pid, signal.SIGTERM)
        status = process.wait(timeout=20)

    assert lines[0].startswith("RunPod is played at http://127.0.0.1:")
    assert answer["status"] == "COMPLETED"
    assert answer["id"].endswith("-e1")
    assert "technician" in json.dumps(answer["output"])
    assert status == 0


@pytest.mark.parametrize(
    ("args", "status", "says"),
    [
        (("--lost", "2"), 2, "--lost"),
        (("--cold", "nan"), 2, "--cold"),
        (("--faults", "none.toml"), 1, "none.toml cannot be read"),
        (("--worker", "robot"), 2, "--worker"),
        (("--lb-target", "foo"), 2, "--lb-target 'foo' is no URL: write http://127.0.0.1:8080, or 8080"),
        (("--lb-target", "70000"), 2, "--lb-target '70000' is no URL"),
        (("--lb-target", "http://:8080"), 2, "--lb-target 'http://:8080' is no URL"),
        (("--lb-target", "http://127.0.0.1:99999"), 2, "is no URL"),
        (("--region", "u 1"), 1, "region must be letters and digits"),
    ],
)
def test_a_stand_in_that_is_told_wrong_does_not_begin(
    tmp_path: Path, args: tuple[str, ...], status: int, says: str
) -> None:
    told = offhook("runpod", "standin", *args, folder=tmp_path)

    assert told.returncode == status
    assert says in told.stderr
