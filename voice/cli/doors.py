"""Which doors are guarded: what stands between each and the world, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from voice.settings import Settings

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
        ("twilio", "/twilio/…", settings.twilio_auth_token, "TWILIO_AUTH_TOKEN"),
        ("openai, chat", "/v1/…, /chat", settings.api_key, "OFFHOOK_API_KEY"),
    )
    doors = [_guard(door, paths, bool(has), env, settings.open) for door, paths, has, env in secrets]
    # OFFHOOK_OPEN never opens what only operators may see.
    return [*doors, _guard("metrics", "/metrics", bool(settings.admin_token), "OFFHOOK_ADMIN_TOKEN", False)]


def _guard(door: str, paths: str, has_secret: bool, env: str, is_open: bool) -> DoorGuard:
    if has_secret:
        return DoorGuard(door, paths, "guarded", "")
    if is_open:
        return DoorGuard(door, paths, "open", f"anybody can use it: set {env} and drop OFFHOOK_OPEN")
    return DoorGuard(door, paths, "loopback only", f"set {env} so that others than this machine can use it")
