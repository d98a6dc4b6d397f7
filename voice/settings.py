"""Every setting: unit, default, range, environment name.

Values come from the environment, then `.env`, then `offhook.toml` in the working folder,
then the defaults here. In `offhook.toml` a setting has its field's name (`port = 8000`).
Own settings begin with OFFHOOK_; names that everybody knows are used as they are.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from voice.errors import SetupError

Strategy = Literal["remote_first", "remote_only", "local_only", "local_first"]
RunPodWay = Literal["stream", "runsync", "run"]

TOML_FILE = "offhook.toml"
ENV_FILE = ".env"


class RouteSettings(BaseModel):
    """One `[[routes]]` table of offhook.toml: a further way to ask a model."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, pattern=r"^[A-Za-z0-9_.-]+$")
    kind: Literal["runpod", "openai", "embedded"]
    url: str | None = None  # runpod: ends in /v2; openai: its /v1 base
    key_env: str | None = None  # the name of the environment variable that holds the key
    model: str | None = None
    endpoint_id: str | None = None


def _own(name: str, default: Any, description: str, **rules: Any) -> Any:
    """A setting whose environment name is OFFHOOK_ and its field's name."""
    alias = AliasChoices(f"OFFHOOK_{name.upper()}", name)
    return Field(default, validation_alias=alias, description=description, **rules)


def _known(env: str, default: Any, description: str, **rules: Any) -> Any:
    """A setting that keeps the name everybody knows."""
    return Field(default, validation_alias=AliasChoices(env, env.lower()), description=description, **rules)


class Settings(BaseSettings):
    """All settings of one running product. Build it with `load_settings`, which reads the three places."""

    model_config = SettingsConfigDict(extra="ignore", env_ignore_empty=True, frozen=True)

    # The web host
    host: str = _own("host", "127.0.0.1", "Address to listen on; 0.0.0.0 for all.")
    port: int = _own("port", 8000, "Port to listen on.", ge=1, le=65535)
    public_url: str | None = _own(
        "public_url",
        None,
        "The URL that platforms reach us by, https://…; Twilio's signatures are made over it.",
    )
    open: bool = _own(
        "open", False, "1: doors without a secret answer to everybody. Off, they answer to this machine."
    )
    api_key: SecretStr | None = _own("api_key", None, "Bearer key of /v1 and /chat.")
    admin_token: SecretStr | None = _own("admin_token", None, "Bearer token of /metrics from other machines.")
    max_body_bytes: int = _own("max_body_bytes", 2_000_000, "Largest request body; more is 413.", ge=10_000)
    max_calls: int = _own("max_calls", 500, "Live calls at once; one more hears a busy line.", ge=1)

    # What is kept
    data_dir: Path = _own("data_dir", Path("data"), "Folder of the default database.")
    database_url: str | None = _own(
        "database_url",
        None,
        "sqlite:///FILE, postgresql://… or memory://; default: offhook.db in the data folder.",
    )

    # Who answers
    agents_dir: Path | None = _own(
        "agents_dir", None, "Folder of your own agents' TOML files, besides the built-in ones."
    )
    agent: str = _own("agent", "jamie", "The agent who answers when a call names none.")

    # Which model is asked
    strategy: Strategy = _own(
        "strategy", "remote_first", "remote_first, remote_only, local_only or local_first."
    )
    runpod_api_key: SecretStr | None = _known("RUNPOD_API_KEY", None, "RunPod's key.")
    runpod_endpoint_id: str | None = _known(
        "RUNPOD_ENDPOINT_ID", None, "The serverless endpoint that runs the worker."
    )
    runpod_base_url: str = _known("RUNPOD_BASE_URL", "https://api.runpod.ai/v2", "RunPod's API; ends in /v2.")
    runpod_via: Annotated[tuple[RunPodWay, ...], NoDecode] = _own(
        "runpod_via", ("stream", "runsync", "run"), "Ways to ask RunPod, best first: stream,runsync,run."
    )
    llm_endpoint: str | None = _known(
        "LLM_ENDPOINT", None, "The /v1 base of any OpenAI-compatible model server."
    )
    llm_model: str | None = _known("LLM_MODEL", None, "The model to name there.")
    llm_api_key: SecretStr | None = _known("LLM_API_KEY", None, "Its key, if it wants one.")
    routes: tuple[RouteSettings, ...] = _own("routes", (), "Further routes: [[routes]] in offhook.toml.")
    embedded_model: Path | None = _own("embedded_model", None, "Folder of another onnxruntime-genai model.")
    embedded_calls: int = _own(
        "embedded_calls", 8, "Calls whose cache the embedded engine keeps.", ge=1, le=256
    )

    # Platforms
    vapi_secret: SecretStr | None = _known(
        "VAPI_SECRET", None, "The secret that Vapi sends to both of its doors."
    )
    twilio_account_sid: str | None = _known(
        "TWILIO_ACCOUNT_SID", None, "Twilio's account; other accounts are refused."
    )
    twilio_auth_token: SecretStr | None = _known("TWILIO_AUTH_TOKEN", None, "Signs Twilio's requests.")

    # Watching
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = _own(
        "log_level", "INFO", "DEBUG, INFO, WARNING or ERROR."
    )
    log_pii: bool = _own(
        "log_pii", False, "1: callers' words stay in the logs. Off, they are replaced by [removed]."
    )
    sentry_dsn: SecretStr | None = _known(
        "SENTRY_DSN", None, "Where crashes are reported; without it nowhere."
    )

    # The worker
    engine: Literal["onnx"] = _own("engine", "onnx", "What runs the weights in the worker.")
    model: Path | None = _own("model", None, "The worker's model folder; default: the packaged small model.")
    worker_jobs: int = _own("worker_jobs", 4, "Jobs that one worker does at once.", ge=1, le=256)

    @field_validator("runpod_via", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            tuple(part.strip() for part in value.split(",") if part.strip())
            if isinstance(value, str)
            else value
        )

    @field_validator("public_url", "llm_endpoint", "runpod_base_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        parts = urlsplit(value)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise ValueError("must be a URL such as https://voice.example.com")
        return value.rstrip("/")

    @property
    def database(self) -> str:
        """The database's URL, the default one spelled out."""
        return self.database_url or f"sqlite:///{self.data_dir / 'offhook.db'}"

    @classmethod
    def settings_customise_sources(
        cls, settings_cls: type[BaseSettings], init_settings: PydanticBaseSettingsSource, *_: Any, **__: Any
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)  # load_settings hands the values in, so that each one's origin is known


@dataclass(frozen=True, slots=True)
class Origin:
    """Where one setting's value came from."""

    field: str
    env: str
    place: Literal["environment", ".env", "offhook.toml", "default"]


def env_name(field: str) -> str:
    """The environment name of a setting's field."""
    alias = Settings.model_fields[field].validation_alias
    assert isinstance(alias, AliasChoices)
    return str(alias.choices[0])


def load_settings(folder: Path | None = None, **overrides: Any) -> Settings:
    """The settings as they stand now. `overrides` (by field name) win over everything.

    Raises SetupError with one line per wrong value: its name, the value, what to write and where it stands.
    """
    return read_settings(folder, **overrides)[0]


def read_settings(folder: Path | None = None, **overrides: Any) -> tuple[Settings, list[Origin]]:
    """Like `load_settings`, and where each value came from."""
    values, origins = _gather(folder or Path.cwd())
    values.update(overrides)
    try:
        settings = Settings(**values)
    except ValidationError as exc:
        raise SetupError(_wrong_values(exc, origins)) from exc
    return settings, list(origins.values())


def _gather(folder: Path) -> tuple[dict[str, Any], dict[str, Origin]]:
    places: list[tuple[Literal["environment", ".env", "offhook.toml"], Mapping[str, Any]]] = [
        ("environment", EnvSettingsSource(Settings, env_ignore_empty=True)()),
        (".env", DotEnvSettingsSource(Settings, env_file=folder / ENV_FILE, env_ignore_empty=True)()),
        ("offhook.toml", _toml(folder / TOML_FILE)),
    ]
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for field in Settings.model_fields:
        env = env_name(field)
        origins[field] = Origin(field, env, "default")
        for place, found in places:
            name = next((name for name in (env, field, env.lower()) if name in found), None)
            if name is not None:
                values[field], origins[field] = found[name], Origin(field, env, place)
                break
    return values, origins


def _toml(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {}
    try:
        found = TomlConfigSettingsSource(Settings, toml_file=path)()
    except (tomllib.TOMLDecodeError, OSError, UnicodeDecodeError) as exc:
        raise SetupError(f"{path}: not readable as TOML: {exc}") from exc
    allowed = {
        name for field in Settings.model_fields for name in (field, env_name(field), env_name(field).lower())
    }
    for name in found:
        if name not in allowed:
            raise SetupError(f"{path}: {name}: no such setting; `offhook doctor` lists them all")
    return found


def _wrong_values(exc: ValidationError, origins: Mapping[str, Origin]) -> str:
    lines = []
    for error in exc.errors():
        first = str(error["loc"][0])
        origin = next((o for o in origins.values() if first in {o.env, o.field, o.env.lower()}), None)
        name = origin.env if origin else first
        path = ".".join([name, *(str(part) for part in error["loc"][1:])])
        secret = any(word in name for word in ("KEY", "TOKEN", "SECRET", "DSN"))
        value = "" if secret else f" is {error['input']!r}"
        place = f" (from {origin.place})" if origin and origin.place != "default" else ""
        lines.append(f"{path}{value}: {error['msg'].removeprefix('Value error, ')}{place}")
    return "\n".join(lines)


def secret(value: SecretStr | None) -> str | None:
    """The secret's text, where it is used; everywhere else it stays wrapped."""
    return value.get_secret_value() if value is not None else None


def from_env(name: str | None) -> str | None:
    """The value of an environment variable that a route names as its key; None when unset or empty."""
    return os.environ.get(name, "").strip() or None if name else None
