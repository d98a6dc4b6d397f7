"""Settings as they may be shown: secrets masked, passwords in URLs, too."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr

from voice.settings import Origin, Settings

LAST_SHOWN = 4  # characters of a secret, enough to tell two keys apart
LONG_ENOUGH = 16  # of a shorter secret, four characters would be too many
PASSWORD = re.compile(r"(?<=://)([^/@\s:]*):[^@\s]+@")


@dataclass(frozen=True, slots=True)
class Shown:
    """One setting for a reader: `value` holds no secret."""

    env: str
    value: str
    place: str


def shown_settings(settings: Settings, origins: Sequence[Origin]) -> list[Shown]:
    """Every setting, in the order of the settings' own file."""
    return [Shown(one.env, shown_value(getattr(settings, one.field)), one.place) for one in origins]


def secrets_of(settings: Settings) -> list[str]:
    """Every secret, for those that must blot them out."""
    values = (getattr(settings, field) for field in Settings.model_fields)
    return [value.get_secret_value() for value in values if isinstance(value, SecretStr)]


def shown_value(value: Any) -> str:
    """A value as text. Secrets end in their last four characters, when they are long enough for that."""
    if isinstance(value, SecretStr):
        text = value.get_secret_value()
        return f"••••{text[-LAST_SHOWN:]}" if len(text) >= LONG_ENOUGH else "•••• (set)"
    if value is None or value == ():
        return "not set"
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, tuple):
        return ", ".join(getattr(one, "name", str(one)) for one in value)
    return PASSWORD.sub(r"\1:••••@", str(value))
