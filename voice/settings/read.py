"""Reads the settings: from the environment, then `.env`, then `offhook.toml`; and says what is wrong."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import AliasChoices, ValidationError
from pydantic_settings import (
    DotEnvSettingsSource,
    EnvSettingsSource,
    SettingsError,
    TomlConfigSettingsSource,
)

from voice.errors import SetupError
from voice.settings.fields import Settings
from voice.settings.secrets import ENV_FILE

TOML_FILE = "offhook.toml"


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
        ("environment", _read(EnvSettingsSource(Settings, env_ignore_empty=True))),
        (
            ".env",
            _read(_env_file(folder / ENV_FILE)),
        ),
        ("offhook.toml", _toml(folder / TOML_FILE)),
    ]
    values: dict[str, Any] = {}
    origins: dict[str, Origin] = {}
    for field in Settings.model_fields:
        env = env_name(field)
        origins[field] = Origin(field, env, "default")
        for place, found in places:
            name = next((name for name in (env, field, env.lower()) if name in found), None)
            if name is not None and not (place != "offhook.toml" and _is_blank(found[name])):
                values[field], origins[field] = found[name], Origin(field, env, place)
                break
    return values, origins


def _env_file(path: Path) -> DotEnvSettingsSource:
    try:
        return DotEnvSettingsSource(Settings, env_file=path, env_ignore_empty=True)
    except (UnicodeDecodeError, OSError) as exc:
        why = "is not UTF-8" if isinstance(exc, UnicodeDecodeError) else "cannot be read"
        raise SetupError(f"{path}: {why}: write it anew as plain text") from exc


def _is_blank(value: object) -> bool:
    """Whether a variable holds nothing but blanks: no setting, and above all no secret."""
    return isinstance(value, str) and not value.strip()


def _read(source: EnvSettingsSource) -> Mapping[str, Any]:
    """What a source holds. Raises SetupError for a table (routes, lines) that is not JSON there."""
    # The short names are offhook.toml's: a terminal exports LINES, and many hosts a PORT of their own.
    names = {env_name(field).lower() for field in Settings.model_fields}
    source.env_vars = {name: value for name, value in source.env_vars.items() if name.lower() in names}
    try:
        return source()
    except SettingsError as exc:
        field = str(exc).partition('"')[2].partition('"')[0]
        name = env_name(field) if field in Settings.model_fields else field
        raise SetupError(
            f"{name} in the environment or {ENV_FILE} is not JSON; write it as tables in {TOML_FILE}"
        ) from exc


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
        if not error["loc"]:  # two settings that do not go together; the sentence names them
            lines.append(error["msg"].removeprefix("Value error, "))
            continue
        first = str(error["loc"][0])
        origin = next((o for o in origins.values() if first in {o.env, o.field, o.env.lower()}), None)
        name = origin.env if origin else first
        path = ".".join([name, *(str(part) for part in error["loc"][1:])])
        secret = any(word in name for word in ("KEY", "TOKEN", "SECRET", "DSN"))
        value = "" if secret else f" is {error['input']!r}"
        place = f" (from {origin.place})" if origin and origin.place != "default" else ""
        lines.append(f"{path}{value}: {error['msg'].removeprefix('Value error, ')}{place}")
    return "\n".join(lines)
