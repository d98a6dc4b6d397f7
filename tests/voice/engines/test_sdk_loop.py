"""Under RunPod's SDK a job begins when it comes: the SDK's real loop, on played time."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from functools import cache
from typing import Any

import pytest

from tests.voice.engines.asked import ROOT
from voice.engines.sdk_loop import prompt, width


@cache
def played(loop: str, scene: str = "roomy") -> Any:
    """When the jobs of `played_sdk` began under the SDK's loop, and which ones were stopped."""
    told = subprocess.run(
        [sys.executable, "-m", "tests.voice.engines.played_sdk", loop, scene],
        cwd=ROOT,
        env={**os.environ, "RUNPOD_LOG_LEVEL": "ERROR"},
        stdout=subprocess.PIPE,
        check=True,
        timeout=60,
    ).stdout
    return json.loads(told)


def test_a_job_begins_when_it_comes():
    assert played("prompt")["began"]["alone"] == 0.25
    assert played("own")["began"]["alone"] > 0.25  # at the SDK's next look


def test_jobs_that_come_together_keep_nobody_waiting_who_comes_behind_them():
    assert played("prompt")["began"]["behind them"] == 1.02
    assert played("own")["began"]["behind them"] > 2.0  # the SDK's second of sleep


def test_a_worker_that_is_full_takes_the_next_job_when_one_ends():
    assert played("prompt", "full")["began"]["behind them"] == 1.5
    assert played("own", "full")["began"]["behind them"] > 2.0


def test_a_job_that_is_cancelled_as_soon_as_it_was_taken_is_stopped():
    assert played("prompt")["stopped"] == ["unwanted"]
    assert played("own")["stopped"] == []


def test_a_worker_takes_no_job_while_its_engine_is_away():
    assert played("prompt", "engine away")["asked"][:3] == [0.0, 2.05, 2.5]  # looked for every 100 ms
    assert played("own", "engine away")["asked"][:3] == [0.0, 0.25, 2.5]


def test_a_worker_that_is_told_to_end_while_its_engine_is_away_does_not_ask_again():
    told = played("prompt", "engine never back")

    assert (told["asked"], [*told["began"]]) == ([0.0], ["before"])


def test_what_the_last_question_brings_to_a_worker_that_was_told_to_end_is_done():
    assert played("prompt", "told to end")["began"] == {"last": 0.8}
    assert played("own", "told to end")["began"] == {}


def test_a_job_that_is_stopped_at_any_step_gives_its_place_back():
    told = played("prompt", "hasty")

    assert told["stopped"]
    assert len(told["began"]) < len(told["asked"]) - 1  # one of them was stopped before its first step
    assert told["left"] == 0


@pytest.mark.parametrize("unknown", [object, type("JobScaler", (), {"run_jobs": lambda self: None})])
def test_an_sdk_that_begins_its_jobs_in_another_way_is_left_as_it_is(unknown, caplog):
    assert prompt(unknown) is unknown
    assert caplog.text.count("worker.sdk_is_not_known") == 1
    assert width(unknown, at_once=4) == 10  # twice as many, and two: less would have it sleep
