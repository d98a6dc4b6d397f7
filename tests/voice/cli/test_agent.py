"""`offhook agent` and `offhook model`: what they say of files."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from voice.cli.main import app
from voice.cli.model import _says, _share
from voice.training.train import Progress

AVA = 'name = "ava"\npersona = "You are Ava."\ngreeting = "Hello."\nfallbacks = ["Sorry?"]\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands are run in an empty folder."""
    monkeypatch.chdir(tmp_path)


def run(*args: str, **env: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(args), env=env)
    return result.exit_code, result.stdout, result.stderr


def test_agents_are_listed_with_the_default_one(tmp_path: Path) -> None:
    (tmp_path / "ava.toml").write_text(AVA)

    status, out, _ = run("agent", "list", OFFHOOK_AGENTS_DIR=str(tmp_path))

    assert status == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == ["ava", "jamie"]
    assert "jamie (default)" in out


def test_a_good_file_is_said_to_be_good(tmp_path: Path) -> None:
    (tmp_path / "ava.toml").write_text(AVA)

    status, out, _ = run("agent", "check", "ava.toml")

    assert status == 0
    assert out == "✓ ava.toml: agent 'ava' can answer; first chunk within 1200 ms, no tools\n"


def test_a_broken_file_is_one_line_with_the_key_and_what_to_write(tmp_path: Path) -> None:
    (tmp_path / "ava.toml").write_text(AVA + "[budgets]\nfirst_chunk_ms = 1\n")

    status, _, err = run("agent", "check", "ava.toml")

    assert status == 1
    assert err == (
        "offhook: ava.toml: budgets.first_chunk_ms: 1 does not fit; write a whole number from 100 to 10000\n"
    )


def test_exporting_without_a_checkpoint_says_how_to_make_one() -> None:
    status, _, err = run("model", "export")

    assert status == 1
    assert "no checkpoint in data/model" in err
    assert len(err.splitlines()) == 1


def test_judging_a_folder_without_a_model_says_how_to_make_one() -> None:
    status, _, err = run("model", "eval", "--weights", "nowhere")

    assert status == 1
    assert err.startswith("offhook: no model in nowhere; make one with `offhook model train`")


def test_training_tells_its_loss_its_speed_and_what_is_left() -> None:
    progress = Progress(step=10, tokens=3000, loss=1.2345, tokens_per_s=100.0, eta_s=90.0)

    assert _says(progress) == "loss 1.234  100 tokens/s  2 min left"
    assert _share(progress) == 0.25
