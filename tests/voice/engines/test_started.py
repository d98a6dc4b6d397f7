"""The steps of a worker's start are timed and told once."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from voice.engines.started import Steps, process_age_s


def test_every_step_is_told_when_the_worker_is_ready(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    steps = Steps()

    with steps.step("load"):
        pass
    steps.finish(mode="lb", model="jamie-8b")

    (record,) = caplog.records
    assert record.message == "worker.ready"
    assert {"mode", "model", "load_ms", "ready_ms"} <= vars(record).keys()
    assert steps.ms["ready_ms"] >= steps.ms["load_ms"]


def test_a_step_that_fails_is_not_told() -> None:
    steps = Steps()

    with pytest.raises(OSError, match="disk"), steps.step("load"):
        raise OSError("disk")

    assert "load_ms" not in steps.ms


@pytest.mark.parametrize("stat", ["", "1 (python) S", "1 (a ) b) S 1 2 3"])
def test_a_system_that_does_not_tell_a_processs_age_is_no_error(tmp_path: Path, stat: str) -> None:
    path = tmp_path / "stat"
    path.write_text(stat, encoding="utf-8")

    assert process_age_s(path) is None
    assert process_age_s(tmp_path / "none") is None


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux tells it there")
def test_a_process_is_older_than_its_first_question() -> None:
    age_s = process_age_s()

    assert age_s is not None
    assert 0 < age_s < 24 * 3600
