"""Secrets as they are used: everywhere else they stay wrapped, so that no log shows them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, DotEnvSettingsSource

ENV_FILE = ".env"


def secret(value: SecretStr | None) -> str | None:
    """The secret's text, where it is used; everywhere else it stays wrapped."""
    return value.get_secret_value() if value is not None else None


def secrets_in(value: SecretStr | None) -> tuple[str, ...]:
    """The secrets of a setting that may hold several, with commas, while one takes another's place."""
    return tuple(part for one in (secret(value) or "").split(",") if (part := one.strip()))


def from_env(name: str | None) -> str | None:
    """The value of a variable that a route or a tool names; None when unset or empty.

    From the environment, else from `.env` in the working folder, as settings are.
    """
    if not name:
        return None
    return os.environ.get(name, "").strip() or (_env_file().get(name) or "").strip() or None


def _env_file() -> Mapping[str, str | None]:
    """What stands in `.env`. A file that cannot be read is told of by whoever reads the settings."""
    try:
        return DotEnvSettingsSource(BaseSettings, Path(ENV_FILE), "utf-8", case_sensitive=True).env_vars
    except (OSError, UnicodeDecodeError):
        return {}
