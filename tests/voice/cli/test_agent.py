"""`offhook agent` and `offhook model`: what they say of files."""

from __future__ import annotations

import json
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


UNUSED = """
[transfer.office]
number = "+14155550123"
for = "rent"
[handoff.billing]
agent = "sam"
for = "bills"
[[http_tools]]
name = "visits"
description = "Says when somebody comes."
url = "https://api.example.com/visits"
"""


def test_tables_that_no_tool_reads_are_told_of(tmp_path: Path) -> None:
    (tmp_path / "sam.toml").write_text(AVA.replace("ava", "sam"))
    (tmp_path / "ava.toml").write_text(AVA + 'http_hosts = ["api.example.com"]\n' + UNUSED)

    status, out, _ = run("agent", "check", "ava.toml")

    assert status == 0
    assert [line.split(":")[1].strip() for line in out.splitlines()[:3]] == [
        "[transfer.office]",
        "[handoff.billing]",
        "http_tools",
    ]
    assert all(line.startswith("! ava.toml: ") for line in out.splitlines()[:3])
    assert out.splitlines()[3].startswith("✓ ava.toml")


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ('[speech]\nmarkup = "ssml"', "at Twilio codes are said in plain words; write tts_provider"),
        (
            '[speech]\nmarkup = "spell"',
            'at Twilio codes are said in plain words: "spell" is Vapi\'s; write gather',
        ),
        ('[speech]\nmarkup = "spell"\ngather = "plain"\nrelay = "plain"', ""),
        ('[speech]\nvapi = "spell"', ""),
    ],
)
def test_tags_that_twilios_voice_does_not_take_are_told_of(tmp_path: Path, more: str, says: str) -> None:
    (tmp_path / "ava.toml").write_text(AVA + more, encoding="utf-8")

    status, out, _ = run("agent", "check", "ava.toml")

    assert status == 0
    assert (says in out) if says else "! " not in out


@pytest.mark.parametrize(("language", "warns"), [("es-ES", True), ("en-GB", False), ("multi", False)])
def test_an_agent_for_whom_the_model_in_the_box_cannot_speak_is_told_of(
    tmp_path: Path, language: str, warns: bool
) -> None:
    (tmp_path / "ava.toml").write_text(f'language = "{language}"\n{AVA}', encoding="utf-8")

    status, out, _ = run("agent", "check", "ava.toml")
    _, looked, _ = run("doctor", "--json", OFFHOOK_AGENTS_DIR=str(tmp_path), OFFHOOK_DATA_DIR=str(tmp_path))

    says = f"the model in the box speaks English only and is not asked for {language!r}"
    agents = [one["says"] for one in json.loads(looked)["checks"] if one["what"] == "agent ava"]
    assert (says in out) is warns
    assert [says in one for one in agents] == [True] * warns
    assert status == 0


def test_a_handoff_to_an_agent_that_is_not_there_is_found_before_the_start(tmp_path: Path) -> None:
    (tmp_path / "ava.toml").write_text(AVA + '[handoff.billing]\nagent = "samm"\nfor = "bills"\n')

    status, _, err = run("agent", "check", "ava.toml")

    assert status == 1
    assert err == (
        "offhook: ava.toml: handoff.billing.agent: no agent is called 'samm'; "
        "write the name of another: jamie\n"
    )


def test_a_tools_secret_may_stand_in_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("CRM_TOKEN=k3y\n")
    headers = 'headers = {Authorization = "Bearer ${CRM_TOKEN}"}\n'
    text = AVA + 'tools = ["visits"]\nhttp_hosts = ["api.example.com"]\n'
    (tmp_path / "ava.toml").write_text(text + UNUSED[UNUSED.index("[[http") :] + headers)

    status, out, err = run("agent", "check", "ava.toml")

    assert (status, err) == (0, "")
    assert out.startswith("✓")


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
