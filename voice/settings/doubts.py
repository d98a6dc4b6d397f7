"""What is probably not meant: settings that can be taken, and that somebody should look at.

They end no start. `offhook doctor` tells all of them, `offhook serve` once.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import DotEnvSettingsSource

from voice.settings.fields import Settings
from voice.settings.lines import doubts as line_doubts
from voice.settings.read import env_name
from voice.settings.secrets import ENV_FILE, secret, secrets_in

PREFIXES = ("OFFHOOK_", "VAPI_")  # of names that nobody else reads
MIN_SECRET_CHARS = 16  # what is shorter can be guessed, a request at a time
GUESSABLE = ("vapi_secret", "vapi_hmac_secret")  # each opens a door to the world
PLACEHOLDER = "…"  # in the examples of the documentation


@dataclass(frozen=True, slots=True)
class Doubt:
    """One of them: the setting or the table, what is odd about it, what to do. No value is in it."""

    what: str
    says: str
    to_do: str


def settings_doubts(settings: Settings, folder: Path | None = None) -> list[Doubt]:
    """Everything that is probably not meant, in the environment, in `.env` and in the tables."""
    in_file = _env_file(folder or Path.cwd())
    return [
        *_unknown(in_file),
        *_blank({**in_file, **os.environ}),
        *(doubt for field in GUESSABLE for doubt in _weak(env_name(field), getattr(settings, field))),
        *_unknown_thinkers(settings),
        *(Doubt("lines", says, "Vapi may refuse the assistant") for says in line_doubts(settings.lines)),
    ]


def _unknown_thinkers(settings: Settings) -> Iterator[Doubt]:
    """Names in `thinking_routes` that no route has."""
    known = ["llm", "embedded", "runpod", *(route.name for route in settings.routes)]
    for name in settings.thinking_routes:
        if name not in known and not name.startswith("runpod-"):  # the second region's, and so on
            yield Doubt(
                env_name("thinking_routes"),
                f"no route is called {name!r}",
                f"write some of {', '.join(known)}",
            )


def _env_file(folder: Path) -> Mapping[str, str]:
    """What `.env` holds, by the names that stand there."""
    source = DotEnvSettingsSource(Settings, env_file=folder / ENV_FILE, case_sensitive=True)
    return {name: value for name, value in source.env_vars.items() if value is not None}


def _unknown(in_file: Mapping[str, str]) -> Iterator[Doubt]:
    known = [env_name(field) for field in Settings.model_fields]
    for name in in_file:
        if name.upper().startswith(PREFIXES) and name.upper() not in known:
            meant = _meant(name.upper(), known)
            to_do = f"write {meant}" if meant else "take it away; `offhook doctor` lists all settings"
            yield Doubt(name, f"no such setting: {ENV_FILE} has it and nobody reads it", to_do)


def _meant(name: str, known: list[str]) -> str | None:
    """The setting that a wrong name is closest to: the same without OFFHOOK_, or with it, comes first."""
    same = next((one for one in (name.removeprefix("OFFHOOK_"), f"OFFHOOK_{name}") if one in known), None)
    return same or next(iter(get_close_matches(name, known, n=1)), None)


def _blank(found: Mapping[str, str]) -> Iterator[Doubt]:
    for name in (env_name(field) for field in Settings.model_fields):
        value = found.get(name, "")
        if value and not value.strip():
            yield Doubt(name, "holds nothing but blanks and counts as not set", "write its value, or drop it")


def _weak(name: str, value: SecretStr | None) -> Iterator[Doubt]:
    """What makes a secret no secret."""
    text, parts = secret(value) or "", secrets_in(value)
    if "," in text and (len(parts) < text.count(",") + 1):
        says = "has a comma with nothing beside it: it separates two secrets, and cannot be part of one"
        yield Doubt(name, says, "write new,old during a rotation, else one secret without a comma")
    if any(PLACEHOLDER in part for part in parts):
        yield Doubt(name, "holds the example of the documentation", "write a long random text of your own")
    elif any(len(part) < MIN_SECRET_CHARS for part in parts):
        says = f"has fewer than {MIN_SECRET_CHARS} characters and can be guessed"
        yield Doubt(name, says, "write a longer one, as `openssl rand -hex 24` makes")
