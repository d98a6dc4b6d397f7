"""`offhook doctor`: what it shows, what it hides, what it finds broken."""

from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tests.voice.cli.running import in_process
from voice.cli.doors import door_guards, refuses_turns
from voice.cli.values import secrets_of, shown_value
from voice.settings import Settings, load_settings

KEY = "rpa_0123456789abcdefWXYZ"
REMOTE = {"LLM_ENDPOINT": "http://127.0.0.1:9/v1", "LLM_MODEL": "m", "OFFHOOK_STRATEGY": "remote_only"}


def report(folder: Path, **settings: str) -> tuple[int, dict[str, Any]]:
    told = in_process("doctor", "--json", folder=folder, **settings)
    found: dict[str, Any] = json.loads(told.stdout)
    return told.exit_code, found


def check(found: dict[str, Any], what: str) -> dict[str, str]:
    return next(one for one in found["checks"] if one["what"] == what)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (SecretStr(KEY), "••••WXYZ"),
        (SecretStr("short"), "•••• (set)"),
        (None, "not set"),
        (True, "1"),
        (("stream", "run"), "stream, run"),
        ((), "not set"),
        ("postgresql://ann:secret@db/offhook", "postgresql://ann:••••@db/offhook"),
        (Path("data"), "data"),
    ],
)
def test_a_value_is_shown_without_its_secrets(value: object, shown: str) -> None:
    assert shown_value(value) == shown


def test_every_secret_is_known_to_those_who_blot_them_out() -> None:
    settings = Settings.model_validate({"runpod_api_key": KEY, "vapi_secret": "v"})

    assert sorted(secrets_of(settings)) == sorted([KEY, "v"])


def test_doors_are_guarded_by_their_secrets_and_opened_only_aloud() -> None:
    guarded = load_settings(Path("/nonexistent"), vapi_secret="x")
    opened = load_settings(Path("/nonexistent"), open=True)

    assert [one.guard for one in door_guards(guarded)] == ["guarded", *["loopback only"] * 3]
    assert [one.guard for one in door_guards(opened)] == ["open", "open", "open", "loopback only"]
    assert "set VAPI_SECRET" in door_guards(opened)[0].advice


@pytest.mark.parametrize(
    ("further", "refuses"),
    [
        ({}, True),
        ({"vapi_secret": "s3cret"}, False),
        ({"vapi_path_key": "k3y-of-sixteen-characters"}, False),
        ({"api_key": "k3y"}, False),
        ({"vapi_jwks": "keys.json", "vapi_audience": "offhook"}, False),
    ],
    ids=str,
)
def test_a_model_door_that_knows_signatures_alone_refuses_every_turn(
    further: dict[str, str], refuses: bool
) -> None:
    settings = load_settings(Path("/nonexistent"), vapi_hmac_secret="signs-webhooks", **further)

    assert refuses_turns(settings) is refuses


def test_a_model_door_without_any_secret_is_not_said_to_refuse_turns() -> None:
    assert not refuses_turns(load_settings(Path("/nonexistent")))


def test_where_vapi_only_signs_the_doctor_says_that_turns_are_refused_and_what_to_set(tmp_path: Path) -> None:
    _, found = report(tmp_path, OFFHOOK_VAPI_HMAC_SECRET="signs-webhooks", **REMOTE)

    told = check(found, "door vapi, model")
    assert told["state"] == "warn"
    assert "every turn is refused" in told["says"]
    assert "set VAPI_SECRET" in told["to_do"]


def test_every_setting_comes_with_its_place_and_no_secret(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("OFFHOOK_PORT=8123\n")
    (tmp_path / "offhook.toml").write_text("max_calls = 7\n")

    _, found = report(tmp_path, VAPI_SECRET=KEY, **REMOTE)

    rows = {row["env"]: (row["value"], row["place"]) for row in found["settings"]}
    assert set(rows) == {row["env"] for row in found["settings"]}
    assert len(rows) == len(Settings.model_fields)
    assert rows["OFFHOOK_PORT"] == ("8123", ".env")
    assert rows["OFFHOOK_MAX_CALLS"] == ("7", "offhook.toml")
    assert rows["VAPI_SECRET"] == ("••••WXYZ", "environment")
    assert rows["OFFHOOK_AGENT"] == ("jamie", "default")
    assert KEY not in json.dumps(found)


def test_a_machine_that_is_well_gets_status_0_and_keeps_its_folder_clean(tmp_path: Path) -> None:
    status, found = report(tmp_path, OFFHOOK_STRATEGY="local_only", OFFHOOK_PORT=_free_port())

    assert status == 0, found["checks"]
    assert found["ok"]
    assert "the embedded model answers" in check(found, "route embedded")["says"]
    assert check(found, "database")["says"].endswith("will be made at the first start")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("settings", "what", "says"),
    [
        ({"OFFHOOK_AGENT": "bob"}, "agents", "OFFHOOK_AGENT is 'bob'"),
        ({"OFFHOOK_DATABASE_URL": "mysql://ann:pass@db/x"}, "database", "mysql"),
        ({"OFFHOOK_PORT": "0x"}, "setting", "OFFHOOK_PORT is '0x'"),
        ({"OFFHOOK_HOST": "192.0.2.1"}, "port", "this machine has no such address"),
        ({"OFFHOOK_STRATEGY": "remote_only"}, "routes", "set RUNPOD_ENDPOINT_ID or LLM_ENDPOINT"),
    ],
)
def test_what_is_broken_is_named_and_status_1(
    tmp_path: Path, settings: dict[str, str], what: str, says: str
) -> None:
    status, found = report(tmp_path, **REMOTE | settings if what != "routes" else settings)

    assert status == 1
    assert check(found, what)["state"] == "broken"
    assert says in check(found, what)["says"]
    assert "pass@" not in json.dumps(found)


def test_a_port_that_somebody_else_holds_is_broken(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # not listening: whoever asks is refused at once

        _, found = report(tmp_path, OFFHOOK_PORT=str(taken.getsockname()[1]), **REMOTE)

    assert check(found, "port")["state"] == "broken"


def test_people_read_marks(tmp_path: Path) -> None:
    told = in_process("doctor", folder=tmp_path, OFFHOOK_OPEN="1", OFFHOOK_AGENT="bob", **REMOTE)

    assert told.exit_code == 1
    assert "✗ agents: OFFHOOK_AGENT is 'bob'" in told.stdout
    assert "! door vapi: open" in told.stdout
    assert "✓ door metrics: loopback only" in told.stdout


def _free_port() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return str(free.getsockname()[1])
