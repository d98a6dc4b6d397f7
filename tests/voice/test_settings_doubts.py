"""Settings that are taken and probably not meant: told in words, and no value with them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.voice.cli.running import in_process
from voice.errors import SetupError
from voice.settings import Doubt, load_settings, settings_doubts

LONG = "a-long-random-text-of-one-line"


def doubts(folder: Path, env: str = "", **overrides: object) -> list[Doubt]:
    (folder / ".env").write_text(env, encoding="utf-8")
    return settings_doubts(load_settings(folder, **overrides), folder)


def test_settings_that_are_right_are_not_doubted(tmp_path: Path) -> None:
    env = f"VAPI_SECRET={LONG}\nOFFHOOK_PORT=8001\noffhook_agent=jamie\nDATABASE_URL=x\nOFFHOOK_API_KEY=\n"

    assert doubts(tmp_path, env) == []


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("VAPI_SECRT", "VAPI_SECRET"),
        ("OFFHOOK_VAPI_SECRET", "VAPI_SECRET"),
        ("VAPI_PATH_KEY", "OFFHOOK_VAPI_PATH_KEY"),
        ("OFFHOOK_AGENT_DIR", "OFFHOOK_AGENTS_DIR"),
    ],
)
def test_a_name_that_nobody_reads_is_told_with_the_one_that_was_meant(
    tmp_path: Path, name: str, meant: str
) -> None:
    [found] = doubts(tmp_path, f"{name}={LONG}\n")

    assert (found.what, found.to_do) == (name, f"write {meant}")
    assert LONG not in found.says


def test_a_blank_secret_is_no_secret_and_refuses_no_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VAPI_SECRET", "  ")

    settings = load_settings(tmp_path)
    [found] = settings_doubts(settings, tmp_path)

    assert (settings.vapi_secret, settings.guards_vapi) == (None, False)
    assert (found.what, found.says) == ("VAPI_SECRET", "holds nothing but blanks and counts as not set")


def test_a_blank_secret_in_the_toml_file_guards_no_door(tmp_path: Path) -> None:
    (tmp_path / "offhook.toml").write_text('vapi_secret = "  "\n')

    assert not load_settings(tmp_path).guards_vapi


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("short", "fewer than 16 characters"),
        (f"{LONG},short", "fewer than 16 characters"),
        (f"{LONG},,{LONG}", "a comma with nothing beside it"),
        ("…a long random text…", "the example of the documentation"),
    ],
)
def test_a_secret_that_is_none_is_doubted(tmp_path: Path, value: str, says: str) -> None:
    [found] = doubts(tmp_path, vapi_secret=value)

    assert found.what == "VAPI_SECRET"
    assert says in found.says
    assert value not in found.says + found.to_do


def test_a_key_that_vapi_is_not_known_to_have_is_doubted_and_taken(tmp_path: Path) -> None:
    lines = [{"agent": "jamie", "overrides": {"modle": {}, "firstMessage": "Hi."}}]
    squad = [{"squad": {"members": [{"assistantId": "a", "asistant": {}}]}}]

    [modle] = doubts(tmp_path, lines=lines)
    [member] = doubts(tmp_path, lines=squad)

    assert "overrides.modle is no key that Vapi is known to have; write model" in modle.says
    assert "squad.members[0].asistant is no key" in member.says


@pytest.mark.parametrize(
    ("value", "says"),
    [
        ("https://vapi.ai", "https://vapi.ai is no host: write vapi.ai"),
        ("vapi.ai,vapi.ai:443", "vapi.ai:443 is no host: write vapi.ai"),
        ("*.vapi.ai", "*.vapi.ai: hosts below a host are meant, too: write vapi.ai"),
        ("vapi ai", "vapi ai is no host"),
    ],
)
def test_a_url_where_a_host_belongs_ends_the_start_with_what_to_write(
    tmp_path: Path, value: str, says: str
) -> None:
    with pytest.raises(SetupError) as told:
        load_settings(tmp_path, vapi_control_hosts=value)

    assert says in str(told.value)


def test_an_env_file_that_is_no_text_is_one_line(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"VAPI_SECRET=\xff\xfe\n")

    with pytest.raises(SetupError, match=r"\.env: is not UTF-8"):
        load_settings(tmp_path)


def test_hosts_and_addresses_are_taken(tmp_path: Path) -> None:
    settings = load_settings(tmp_path, vapi_control_hosts="Vapi.ai,127.0.0.1,::1,localhost")

    assert settings.vapi_control_hosts == ("vapi.ai", "127.0.0.1", "::1", "localhost")


def test_the_doctor_tells_what_is_doubtful_and_fails_for_none_of_it(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("VAPI_SECRT=x\n")

    told = in_process("doctor", folder=tmp_path, OFFHOOK_STRATEGY="local_only", OFFHOOK_PORT="28417")

    assert told.exit_code == 0
    assert "! VAPI_SECRT: no such setting" in told.stdout


def test_a_route_that_nobody_has_cannot_think(tmp_path: Path) -> None:
    routes = [{"name": "mine", "kind": "openai", "url": "https://m.example/v1"}]

    [found] = doubts(tmp_path, "OFFHOOK_THINKING_ROUTES=llm,mine,runpod-2,mien\n", routes=routes)

    assert found.what == "OFFHOOK_THINKING_ROUTES"
    assert "'mien'" in found.says
    assert "mine" in found.to_do
