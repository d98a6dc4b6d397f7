"""`offhook lab`: its table, its figures, its exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer

from tests.voice.cli.running import in_process
from voice.cli.lab import Row, tell
from voice.cli.lab_run import Outcome, Plan
from voice.simulate.faults import BY_NAME, FAULTS
from voice.simulate.lab_report import Limits, Verdict


def test_the_faults_are_listed_with_what_they_do(tmp_path: Path) -> None:
    told = in_process("lab", "--list", folder=tmp_path)

    assert told.exit_code == 0
    for fault in FAULTS:
        assert fault.name in told.stdout
        assert fault.says in told.stdout


def test_every_fault_stands_in_the_docs() -> None:
    page = (Path(__file__).parents[3] / "docs" / "lab.md").read_text(encoding="utf-8")

    for fault in FAULTS:
        assert f"| `{fault.name}` | {fault.says} |" in page


def test_a_run_prints_a_row_for_each_fault_and_keeps_its_promises(tmp_path: Path) -> None:
    told = in_process("lab", "--faults", "healthy,cut", "--turns", "20", "--calls", "5", folder=tmp_path)

    assert told.exit_code == 0, told.output
    assert "40 turns, 5 calls at once, played time, seed" in told.stdout
    rows = {line.split()[0]: line for line in told.stdout.splitlines() if line}
    assert "100 %" in rows["healthy"]
    assert "100 %" in rows["cut"]


def test_the_same_seed_gives_the_same_run(tmp_path: Path) -> None:
    def figures(seed: str) -> object:
        options = ("--mixed", "40", "--calls", "8", "--seed", seed, "--json", "lab.json")
        assert in_process("lab", *options, folder=tmp_path).exit_code == 0
        return json.loads((tmp_path / "lab.json").read_text())

    once = figures("5")

    assert once == figures("5")
    assert once != figures("6")


def test_the_figures_are_written_with_what_the_hosts_counted(tmp_path: Path) -> None:
    in_process("lab", "--faults", "cut", "--turns", "10", "--json", "lab.json", folder=tmp_path)

    (row,) = json.loads((tmp_path / "lab.json").read_text())["rows"]
    assert (row["name"], row["turns"], row["in_budget"]) == ("cut", 10, 100.0)
    assert row["broken"] == row["broken_turns"] == []
    assert row["hosts"]["runpod"]["begun"] > 0
    assert row["hosts"]["runpod"]["open"] == 0


def test_a_fault_that_nobody_knows_is_refused_in_one_line(tmp_path: Path) -> None:
    told = in_process("lab", "--faults", "cut,sulk", folder=tmp_path)

    assert told.exit_code == 1
    assert "no fault is called 'sulk'" in told.output
    assert len(told.output.strip().splitlines()) == 1


def test_a_broken_promise_is_told_with_its_turn(capsys: pytest.CaptureFixture[str]) -> None:
    limits = Limits(1.2, 1.5, 0.1, (), ("runpod", "llm"))
    good = Verdict("1-1", ("runpod:cut",), "patient", 400.0, 100.0, heard="Words.")
    bad = Verdict("1-2", ("runpod:cut",), "patient", 1500.0, 100.0, late=True, heard="Late words.")
    plan = Plan("cut", 2, 1, 7, (BY_NAME["cut"],))

    tell([Row(plan, Outcome([good], [], limits))])
    with pytest.raises(typer.Exit) as ended:
        tell([Row(plan, Outcome([good, bad], [], limits))])

    told = capsys.readouterr()
    assert ended.value.exit_code == 1
    assert "50 %" in told.out
    assert "cut: 50 % late" in told.err
    assert "order 1-2 (patient): late" in told.err


def test_a_crash_is_a_broken_promise_though_callers_heard_an_excuse(
    capsys: pytest.CaptureFixture[str],
) -> None:
    limits = Limits(1.2, 1.5, 0.1, (), ("runpod", "llm"))
    excuse = Verdict("1-1", ("runpod:cut",), "patient", 0.0, 0.0, heard="Sorry?")
    plan = Plan("cut", 1, 1, 7, (BY_NAME["cut"],))

    with pytest.raises(typer.Exit):
        tell([Row(plan, Outcome([excuse], [], limits, ["a turn raised KeyError"] * 2))])

    assert "cut: 2 × a turn raised KeyError" in capsys.readouterr().err


def test_the_agent_of_the_settings_answers(tmp_path: Path) -> None:
    persona = 'name = "ava"\npersona = "You are Ava."\ngreeting = "Hi."\nfallbacks = ["Sorry?"]\n'
    (tmp_path / "ava.toml").write_text(persona + "[budgets]\nfirst_chunk_ms = 700\n", encoding="utf-8")
    options = ("--faults", "hang", "--both", "--turns", "20", "--json", "lab.json")

    told = in_process("lab", *options, folder=tmp_path, OFFHOOK_AGENTS_DIR=str(tmp_path), OFFHOOK_AGENT="ava")

    assert told.exit_code == 0, told.output
    assert json.loads((tmp_path / "lab.json").read_text())["rows"][0]["slowest"] <= 700


@pytest.mark.slow
def test_the_same_faults_are_played_over_real_sockets(tmp_path: Path) -> None:
    told = in_process(
        "lab", "--sockets", "--faults", "cut,refused", "--turns", "10", "--calls", "10", folder=tmp_path
    )

    assert told.exit_code == 0, told.output
    assert "real time, over sockets" in told.stdout


def test_figures_that_could_not_be_written_are_refused_before_the_first_turn(tmp_path: Path) -> None:
    told = in_process("lab", "--turns", "1", "--json", str(tmp_path / "no" / "x.json"), folder=tmp_path)

    assert told.exit_code == 1
    assert "there is no folder" in told.output
