"""The command itself: its help, its errors, its exit status."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module

import pytest
from typer.main import get_command
from typer.testing import CliRunner

from voice.cli.main import COMMANDS, app, one_line
from voice.errors import RouteDown, SetupError


def run(*args: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app, list(args))
    return result.exit_code, result.stdout, result.stderr


def test_help_lists_every_command_with_one_line() -> None:
    status, out, _ = run("--help")

    assert status == 0
    for name, _module, summary in COMMANDS:
        assert any(line.split() == [name, *summary.split()] for line in out.splitlines())


@pytest.mark.parametrize(("name", "module", "summary"), COMMANDS)
def test_a_commands_own_help_begins_as_the_list_says_and_has_examples(
    name: str, module: str, summary: str
) -> None:
    status, out, _ = run(name, "--help")

    assert status == 0
    assert summary in " ".join(out.split())
    assert f"offhook {name}" in out.partition("Example")[2]
    assert get_command(import_module(f"voice.cli.{module}").app) is not None


def test_help_loads_no_command() -> None:
    script = "import sys; from voice.cli.main import app\ntry: app(['--help'])\nexcept SystemExit: pass\n"
    script += "heavy = {'starlette', 'uvicorn', 'sqlalchemy', 'pydantic', 'rich', 'httpx'}\n"
    script += "print(sorted(heavy & set(sys.modules)))"

    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert told.stdout.splitlines()[-1] == "[]"


def test_the_version_is_told() -> None:
    status, out, _ = run("--version")

    assert status == 0
    assert out.startswith("offhook ")


def test_the_command_runs_as_a_module_where_it_is_not_on_the_path() -> None:
    told = subprocess.run(
        [sys.executable, "-m", "voice.cli.main", "--version"], capture_output=True, text=True, check=True
    )

    assert told.stdout.startswith("offhook ")


@pytest.mark.parametrize(
    ("args", "says"),
    [
        (["serv"], "No such command 'serv'. Did you mean 'serve'?"),
        (["serve", "--prot", "1"], "No such option: --prot"),
        (["serve", "--port", "many"], "Invalid value for '--port'"),
        (["call", "--door", "foo"], "Invalid value for '--door': 'foo' is not one of"),
        (["doctor", "foo"], "Invalid value for 'platform': 'foo' is not one of"),
        (["agent", "check"], "Missing argument"),
        (["export", "--form", "pdf"], "Invalid value for '--form'"),
    ],
)
def test_wrong_usage_is_one_line_and_status_2(args: list[str], says: str) -> None:
    status, out, err = run(*args)

    assert status == 2
    assert out == ""
    assert err.startswith(f"offhook: {says}")
    assert "--help)" in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(("level", "shows"), [("", False), ("debug", True)])
def test_a_fault_of_our_own_is_one_line_and_its_places_can_be_had(level: str, shows: bool) -> None:
    script = (
        "from voice.cli.main import _status\n"
        "def wrong(): raise NameError(\"name 'x' is not\\ndefined\")\n"
        "raise SystemExit(_status(wrong))"
    )
    env = {**os.environ, "OFFHOOK_LOG_LEVEL": level}

    told = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=env)

    lines = told.stderr.splitlines()
    assert told.returncode == 1
    assert lines[-1].startswith("offhook: unexpected: NameError: name 'x' is not; defined; run with ")
    assert ("Traceback (most recent call last):" in lines) is shows
    assert (len(lines) == 1) is not shows


def test_no_command_at_all_shows_the_help() -> None:
    status, out, err = run()

    assert status == 2
    assert "Commands:" in out + err


def test_an_error_is_one_line_with_what_to_do() -> None:
    assert one_line(SetupError("PORT is 'x': write a number\nHOST is empty")) == (
        "PORT is 'x': write a number; HOST is empty"
    )
    assert one_line(RouteDown("route 'llm' cannot be reached")).endswith(RouteDown.to_do)
