"""Whom a custom-LLM request names: one of our agents, a route, or nobody.

A wrong name must not cost the caller the call: the default agent answers. But then nobody hears the
difference at once, so a name that was meant for one of ours is counted with what came odd.
"""

from __future__ import annotations

import logging
from difflib import get_close_matches
from functools import lru_cache

from starlette.requests import Request

from handlers.completions import Asked, named
from handlers.refused import ODD
from handlers.wire.masked import KEYLIKE
from voice.brain import Brain
from voice.events import RequestRefused
from voice.settings import secrets_in

log = logging.getLogger(__name__)

MAX_SHOWN_CHARS = 60  # of a name that nobody has
CLOSE = 0.65  # "jamy" and "jamie"; model names such as "gpt-4o" and "custom" mean nobody of ours
ORDINARY = ("", "vapi", "v1", "chat", "completions")  # in one of our paths, doubled ones, too


def whom(request: Request, brain: Brain, model: str | None) -> Asked:
    """Whom `model` names, else the path (/vapi/jamie/chat/completions), else the default agent."""
    if model and (found := named(brain, model)) is not None:
        return found
    parts = str(request.path_params.get("base", "")).split("/")
    in_path = next((part for part in parts if part in brain.agents), None)
    if in_path is None:
        _tell_unknown(brain, model, _names_in(parts, brain))
    return Asked(agent=in_path)


def _names_in(parts: list[str], brain: Brain) -> list[str]:
    """The parts of a path where a name stands, /vapi/NAME: neither the usual ones, nor a key."""
    behind = parts[parts.index("vapi") + 1 :] if "vapi" in parts else []
    taken = {*ORDINARY, *secrets_in(brain.settings.vapi_path_key)}
    return [part for part in behind if part not in taken]


def _tell_unknown(brain: Brain, model: str | None, parts: list[str]) -> None:
    if model and _sounds_like(model[:MAX_SHOWN_CHARS], tuple(brain.agents.names)):
        where, name = "`model`", model
    elif parts and not KEYLIKE.fullmatch(parts[-1]):  # what looks like a key is shown to nobody
        where, name = "The path", parts[-1]
    else:
        return
    shown, known = name[:MAX_SHOWN_CHARS], ", ".join(brain.agents.names)
    log.warning("agent.unknown", extra={"agent": shown, "known": brain.agents.names})
    reason = f"{where} names {shown!r}, whom nobody is called; {brain.agents.default.name} answers."
    to_do = f"Write one of {known} into the assistant's model at Vapi."
    brain.bus.publish(RequestRefused("vapi", 200, ODD, reason=reason, to_do=to_do))


@lru_cache(maxsize=256)  # 0.1 ms, and a platform sends the same name with every turn
def _sounds_like(model: str, names: tuple[str, ...]) -> bool:
    folded = [name.casefold() for name in names]
    return bool(get_close_matches(model.casefold(), folded, 1, CLOSE))
