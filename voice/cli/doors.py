"""Which doors are guarded: what stands between each and the world, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from voice.settings import Settings, secrets_in

# Vapi signs what it sends to a server URL, and sends no signature to a custom LLM.
UNSIGNED = "Vapi signs nothing that it sends to a model, so every turn is refused"
SHOWN = "VAPI_SECRET, OFFHOOK_VAPI_PATH_KEY or OFFHOOK_API_KEY"

Guard = Literal["guarded", "loopback only", "open"]
GUARDS: tuple[Guard, ...] = get_args(Guard)


@dataclass(frozen=True, slots=True)
class DoorGuard:
    """One door. `advice` is empty when nothing needs to be done."""

    door: str
    paths: str
    guard: Guard
    advice: str


def door_guards(settings: Settings) -> list[DoorGuard]:
    """Every door, in the order of the documentation."""
    secrets = (
        ("vapi", "/vapi/…", settings.guards_vapi, "VAPI_SECRET"),
        ("twilio", "/twilio/…", settings.guards_twilio, "TWILIO_AUTH_TOKEN"),
        ("openai, chat", "/v1/…, /chat", settings.api_key, "OFFHOOK_API_KEY"),
    )
    doors = [_guard(door, paths, bool(has), env, settings.open) for door, paths, has, env in secrets]
    # OFFHOOK_OPEN never opens what only operators may see.
    return [*doors, _guard("metrics", "/metrics", bool(settings.admin_token), "OFFHOOK_ADMIN_TOKEN", False)]


def refuses_turns(settings: Settings) -> bool:
    """Whether nothing is set that Vapi could show at the model's URL, though its doors are guarded."""
    shown = (settings.vapi_secret, settings.vapi_path_key, settings.api_key)
    # A custom-LLM credential may bring OAuth2 tokens, which the key set checks.
    has_one = settings.vapi_jwks or any(secrets_in(one) for one in shown)
    return settings.guards_vapi and not has_one


def _guard(door: str, paths: str, has_secret: bool, env: str, is_open: bool) -> DoorGuard:
    if has_secret:
        return DoorGuard(door, paths, "guarded", "")
    if is_open:
        return DoorGuard(door, paths, "open", f"anybody can use it: set {env} and drop OFFHOOK_OPEN")
    return DoorGuard(door, paths, "loopback only", f"set {env} so that others than this machine can use it")
