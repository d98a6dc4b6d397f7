"""`offhook demo`, for real: a server, two calls, no network."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path

import pytest

import voice.engines
from tests.voice.cli.running import offhook
from voice.simulate.script import AC_REPAIR, LEAK

WEIGHTS = Path(voice.engines.__file__).parent / "weights" / "genai_config.json"
TIMES = re.compile(r"^ +\d+ ms to the first words · \d+ ms in all · (?P<route>\w+)$", re.MULTILINE)
# Settings of a machine whose real keys must not be used; the last address answers nobody.
THEIRS = {
    "RUNPOD_API_KEY": "k",
    "RUNPOD_ENDPOINT_ID": "e",
    "RUNPOD_BASE_URL": "http://127.0.0.1:9/v2",
    "LLM_ENDPOINT": "http://127.0.0.1:9/v1",
    "LLM_MODEL": "m",
    "VAPI_SECRET": "s",
    "OFFHOOK_DATA_DIR": "theirs",
}

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not WEIGHTS.exists(), reason="the small model is not there"),
]


def conversation(printed: str) -> list[str]:
    return [line.split(maxsplit=1)[1] for line in printed.splitlines() if line.startswith("caller ")]


def test_two_whole_calls_are_played_in_time(tmp_path: Path) -> None:
    told = offhook("demo", folder=tmp_path, **THEIRS)

    assert told.returncode == 0, told.stdout + told.stderr
    assert conversation(told.stdout) == [*AC_REPAIR.says, *LEAK.says]
    assert told.stdout.count("\nagent ") == len(conversation(told.stdout)) + 2
    assert [match["route"] for match in TIMES.finditer(told.stdout)] == ["embedded"] * 10
    assert re.search(r"^10 turns · median \d+ ms to the first words · 0 late · 0 silent$", told.stdout, re.M)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(find_spec("runpod") is None, reason="needs the extra `worker`")
def test_runpods_own_worker_answers(tmp_path: Path) -> None:
    told = offhook("demo", "--runpod", folder=tmp_path, **THEIRS)

    assert told.returncode == 0, told.stdout + told.stderr
    assert [match["route"] for match in TIMES.finditer(told.stdout)] == ["runpod"] * 10
    assert "0 late · 0 silent" in told.stdout
    assert list(tmp_path.iterdir()) == []
