from __future__ import annotations

from pathlib import Path

import pytest

from voice.errors import SetupError
from voice.settings import load_settings, read_settings


def origins(folder: Path) -> dict[str, str]:
    return {origin.env: origin.place for origin in read_settings(folder)[1]}


def test_without_anything_set_the_defaults_hold(tmp_path: Path) -> None:
    settings = load_settings(tmp_path)

    assert (settings.host, settings.port, settings.agent) == ("127.0.0.1", 8000, "jamie")
    assert settings.database == "sqlite:///data/offhook.db"


def test_the_environment_wins_over_the_env_file_and_that_over_the_toml_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "offhook.toml").write_text('port = 8001\nagent = "a"\nstrategy = "local_only"')
    (tmp_path / ".env").write_text("OFFHOOK_PORT=8002\nOFFHOOK_AGENT=b\n")
    monkeypatch.setenv("OFFHOOK_PORT", "8003")

    settings = load_settings(tmp_path)

    assert (settings.port, settings.agent, settings.strategy) == (8003, "b", "local_only")
    places = origins(tmp_path)
    assert places["OFFHOOK_PORT"] == "environment"
    assert places["OFFHOOK_AGENT"] == ".env"
    assert places["OFFHOOK_STRATEGY"] == "offhook.toml"
    assert places["OFFHOOK_HOST"] == "default"


def test_an_empty_variable_counts_as_not_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VAPI_SECRET", "")

    assert load_settings(tmp_path).vapi_secret is None


def test_a_terminals_and_a_hosts_own_variables_are_not_ours(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {"LINES": "40", "PORT": "3000", "HOST": "box", "MODEL": "llama", "open": "1"}.items():
        monkeypatch.setenv(name, value)

    settings = load_settings(tmp_path)

    assert (settings.host, settings.port, settings.lines) == ("127.0.0.1", 8000, ())
    assert (settings.model, settings.open) == (None, False)


def test_names_that_everybody_knows_are_used_as_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNPOD_ENDPOINT_ID", "abc")
    monkeypatch.setenv("OFFHOOK_RUNPOD_VIA", "runsync, run")

    settings = load_settings(tmp_path)

    assert settings.runpod_endpoint_id == "abc"
    assert settings.runpod_via == ("runsync", "run")


def test_further_routes_stand_in_the_toml_file(tmp_path: Path) -> None:
    (tmp_path / "offhook.toml").write_text(
        '[[routes]]\nname = "x"\nkind = "openai"\nurl = "http://h/v1"\nmodel = "m"'
    )

    assert load_settings(tmp_path).routes[0].name == "x"


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("OFFHOOK_PORT", "abc", "OFFHOOK_PORT is 'abc'"),
        ("OFFHOOK_PORT", "70000", "OFFHOOK_PORT is '70000'"),
        ("OFFHOOK_STRATEGY", "fast", "OFFHOOK_STRATEGY is 'fast'"),
        ("OFFHOOK_RUNPOD_VIA", "smoke", "OFFHOOK_RUNPOD_VIA.0 is 'smoke'"),
        ("OFFHOOK_PUBLIC_URL", "voice.example.com", "must be a URL such as https://voice.example.com"),
        ("OFFHOOK_PUBLIC_URL", "https://voice.example.com/twilio/voice", "up to and without /twilio"),
        (
            "OFFHOOK_PUBLIC_URL",
            "https://voice.example.com:8443/twilio/",
            "perhaps https://voice.example.com:8443",
        ),
        ("OFFHOOK_PUBLIC_URL", "https://voice.example.com/vapi/webhook", "is the URL of one webhook"),
        ("OFFHOOK_PUBLIC_URL", "https://voice.example.com?agent=kim", "nothing behind a ?"),
        ("TWILIO_ACCOUNT_SID", "banana", "must be the account's SID"),
        ("TWILIO_ACCOUNT_SID", "AC" + "0" * 31, "32 characters"),
        ("TWILIO_PHONE_NUMBER", "415-555-0100", "must be a number such as +14155550100"),
        ("TELNYX_PUBLIC_KEY", "banana", "must be an ed25519 key"),
        ("TELNYX_PUBLIC_KEY", "A" * 40 + "==", "copy it from Telnyx's portal"),
    ],
)
def test_a_wrong_value_is_named_with_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, complaint: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(SetupError) as caught:
        load_settings(tmp_path)

    assert complaint in str(caught.value)
    assert "(from environment)" in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("port = ", "not readable as TOML"),
        ("colour = 1", "colour: no such setting"),
        ('[[routes]]\nname = "x"\nkind = "carrier"', "OFFHOOK_ROUTES.0.kind is 'carrier'"),
    ],
)
def test_a_wrong_toml_file_is_refused_with_the_keys_path(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "offhook.toml").write_text(text)

    with pytest.raises(SetupError) as caught:
        load_settings(tmp_path)

    assert complaint in str(caught.value)


def test_a_secret_is_not_printed_with_the_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNPOD_API_KEY", "rpa_very_secret")

    assert "rpa_very_secret" not in repr(load_settings(tmp_path))


@pytest.mark.parametrize("name", ["OFFHOOK_ROUTES", "OFFHOOK_LINES"])
def test_a_table_that_is_not_json_is_one_line_that_names_it(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, "x")

    with pytest.raises(SetupError, match=f"{name} .* is not JSON; write it as tables in offhook.toml"):
        load_settings(tmp_path)
