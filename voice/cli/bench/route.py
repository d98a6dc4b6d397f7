"""A real route for the bench: as the user's settings say it, with the embedded model behind it.

Nothing else is taken from them: a bench's doors need no secret, its calls stand in a database of their own.
"""

from __future__ import annotations

from typing import Any

from voice.errors import SetupError
from voice.settings import Settings

RUNPOD, LLM, EMBEDDED = "runpod", "llm", "embedded"
PARTS = ("runpod_", "llm_", "routes", "thinking_routes")  # the beginnings of the settings that make routes


def routes_in(settings: Settings) -> list[str]:
    """The names of the routes that settings make."""
    named = [one.name for one in settings.routes]
    own = [
        *([RUNPOD] if settings.runpod_endpoint_id or settings.runpod_lb_url else []),
        *([LLM] if settings.llm_endpoint else []),
    ]
    return [*own, *named, *([] if EMBEDDED in named else [EMBEDDED])]


def with_route(settings: Settings, route: str) -> Settings:
    """The defaults with this route. Raises SetupError where the settings have none of this name."""
    known = routes_in(settings)
    if route not in known:
        raise SetupError(f"the settings have no route {route!r}; they have {', '.join(known)}")
    taken: dict[str, Any] = {
        field: getattr(settings, field) for field in Settings.model_fields if field.startswith(PARTS)
    }
    taken["routes"] = tuple(one for one in settings.routes if one.name == route or one.kind == "embedded")
    if route != RUNPOD:
        taken |= {"runpod_endpoint_id": None, "runpod_lb_url": None}
    if route != LLM:
        taken["llm_endpoint"] = None
    is_local = route == EMBEDDED or any(
        one.name == route and one.kind == "embedded" for one in taken["routes"]
    )
    strategy = "local_only" if is_local else "remote_first"
    return Settings.model_validate({}).model_copy(update=taken | {"strategy": strategy})
