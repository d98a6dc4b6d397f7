"""Every setting: unit, default, range, environment name.

Values come from the environment, then `.env`, then `offhook.toml` in the working folder,
then the defaults. In `offhook.toml` a setting has its field's name (`port = 8000`).
Own settings begin with OFFHOOK_; names that everybody knows are used as they are.
"""

from __future__ import annotations

from voice.settings.doubts import Doubt, settings_doubts
from voice.settings.fields import (
    MIN_PATH_KEY_CHARS,
    RunPodWay,
    Settings,
    Strategy,
)
from voice.settings.lines import LineSettings
from voice.settings.read import TOML_FILE, Origin, env_name, load_settings, read_settings
from voice.settings.routes import RouteSettings
from voice.settings.secrets import ENV_FILE, from_env, secret, secrets_in

__all__ = [
    "ENV_FILE",
    "MIN_PATH_KEY_CHARS",
    "TOML_FILE",
    "Doubt",
    "LineSettings",
    "Origin",
    "RouteSettings",
    "RunPodWay",
    "Settings",
    "Strategy",
    "env_name",
    "from_env",
    "load_settings",
    "read_settings",
    "secret",
    "secrets_in",
    "settings_doubts",
]
