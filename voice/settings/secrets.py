"""Secrets as they are used: everywhere else they stay wrapped, so that no log shows them."""

from __future__ import annotations

import os

from pydantic import SecretStr


def secret(value: SecretStr | None) -> str | None:
    """The secret's text, where it is used; everywhere else it stays wrapped."""
    return value.get_secret_value() if value is not None else None


def secrets_in(value: SecretStr | None) -> tuple[str, ...]:
    """The secrets of a setting that may hold several, with commas, while one takes another's place."""
    return tuple(part for one in (secret(value) or "").split(",") if (part := one.strip()))


def from_env(name: str | None) -> str | None:
    """The value of an environment variable that a route names as its key; None when unset or empty."""
    return os.environ.get(name, "").strip() or None if name else None
