"""`offhook bench`: it runs, tells what it found, and refuses what it cannot do in one line."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.voice.cli.running import in_process, offhook


@pytest.mark.slow
@pytest.mark.parametrize("door", ["vapi", "v1", "chat", "gather", "relay"])
def test_calls_are_measured_beside_the_floor(tmp_path: Path, door: str) -> None:
    load = ("--door", door, "--calls", "3", "--turns", "2", "--rounds", "1", "--hedging", "0")
    pace = ("--first-ms", "50", "--every-ms", "2", "--words", "21")

    told = offhook("bench", *load, *pace, "--json", "bench.json", "--picture", "bench.svg", folder=tmp_path)

    assert told.returncode == 0, told.stdout + told.stderr
    (found,) = json.loads((tmp_path / "bench.json").read_text())["measured"]
    for side in ("offhook", "floor"):
        one = found[side]
        assert one["turns"] == 6 * one["rounds"]
        assert one["errors"] == {}
        assert (one["lost"], one["doubled"], one["reordered"], one["crossed"]) == (0, 0, 0, 0)
        assert one["first_ms"]["p50"] >= (50 if door != "gather" else 90)  # the model's own time
        assert one["added_first_ms"]["p50"] < one["first_ms"]["p50"]
    assert found["offhook"]["helped"] == 0
    assert "CPU a turn" in told.stdout
    assert "turns without an answer" in told.stdout
    assert ElementTree.parse(tmp_path / "bench.svg").getroot().tag.endswith("svg")


@pytest.mark.slow
def test_turns_that_come_at_random_are_measured_and_so_is_what_hedging_gains(tmp_path: Path) -> None:
    load = ("--loop", "open", "--rate", "20", "--turns", "10", "--words", "5", "--rounds", "1")

    told = offhook("bench", *load, "--hedging", "100", "--json", "bench.json", folder=tmp_path)

    assert told.returncode == 0, told.stdout + told.stderr
    report = json.loads((tmp_path / "bench.json").read_text())
    assert report["measured"][0]["shape"]["rate"] == 20.0
    assert len(report["hedging"]) == 4
    assert "p99 hedged" in told.stdout


@pytest.mark.slow
def test_a_route_that_is_dead_is_not_measured_well(tmp_path: Path) -> None:
    load = ("--route", "llm", "--calls", "2", "--turns", "2", "--rounds", "1", "--hedging", "0")

    told = offhook(
        "bench", *load, "--json", "bench.json", folder=tmp_path,
        LLM_ENDPOINT="http://127.0.0.1:9/v1", LLM_MODEL="m",
    )  # fmt: skip

    report = json.loads((tmp_path / "bench.json").read_text())
    (found,) = report["measured"]
    assert told.returncode == 1
    assert "route 'llm' did not answer" in told.stdout
    assert found["offhook"]["helped"] == found["offhook"]["turns"] > 0
    assert {one["name"]: one["verdict"] for one in report["marks"]}["route_helped"] == "missed"
    assert " · vapi: " in told.stderr  # where it is, into a file too


@pytest.mark.slow
@pytest.mark.parametrize("model", ["scripted", "embedded"])
def test_a_model_that_needs_no_host_is_measured_without_a_floor(tmp_path: Path, model: str) -> None:
    load = ("--model", model, "--calls", "2", "--turns", "1", "--rounds", "1", "--hedging", "0")

    told = offhook("bench", *load, "--json", "bench.json", folder=tmp_path)

    assert told.returncode == 0, told.stdout + told.stderr
    (found,) = json.loads((tmp_path / "bench.json").read_text())["measured"]
    assert found["floor"] is None
    assert found["offhook"]["errors"] == {}


@pytest.mark.parametrize(
    ("options", "status", "says"),
    [
        (("--door", "telegraph"), 2, "there is no 'telegraph'"),
        (("--rounds", "0"), 2, "--rounds"),
        (("--loop", "open"), 2, "--loop open needs --rate"),
        (("--shape", "b-200", "--calls", "3"), 2, "--shape names a whole load"),
        (("--route", "nobody"), 1, "the settings have no route 'nobody'; they have embedded"),
        (("--json", "no/such/folder.json"), 1, "there is no folder"),
        (("--picture", "no/such/folder.svg"), 1, "there is no folder"),
    ],
)
def test_what_cannot_be_measured_is_told_in_one_line_before_anything_starts(
    tmp_path: Path, options: tuple[str, ...], status: int, says: str
) -> None:
    told = in_process("bench", *options, folder=tmp_path)

    assert told.exit_code == status
    assert says in told.stderr
    assert len(told.stderr.splitlines()) == 1
