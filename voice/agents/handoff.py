"""Reads `[handoff.NAME]`: who may go on with a call in the agent's place.

One of our own agents goes on from the next turn. An assistant of the platform's goes on by its name within
the squad, or by its id there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from voice.agents.transfer import MAX_TARGETS, NAME, Wrong
from voice.types import HandoffKind, HandoffTarget

KINDS: tuple[HandoffKind, ...] = get_args(HandoffKind)  # one of them
HANDOFF_KEYS = (*KINDS, "for", "say")
ONE_OF = 'one of agent = "…" (ours), assistant = "…" (a name in the squad), assistant_id = "…"'


def handoff_targets(found: object, wrong: Wrong) -> tuple[HandoffTarget, ...]:
    """The targets of an agent's file. Raises what `wrong` makes."""
    if not isinstance(found, Mapping):
        raise wrong("handoff", f"{found!r} is not a table", "[handoff.NAME] on a line of its own")
    if len(found) > MAX_TARGETS:
        raise wrong("handoff", f"{len(found)} targets are too many", f"{MAX_TARGETS} at most")
    seen: set[str] = set()
    for name in found:
        if not NAME.fullmatch(name) or name.casefold() in seen:
            raise wrong(f"handoff.{name}", "is no name of its own", "letters, digits, ' ', '_' and '-'")
        seen.add(name.casefold())
    return tuple(_target(name, table, wrong) for name, table in found.items())


def _target(name: str, table: object, wrong: Wrong) -> HandoffTarget:
    place = f"handoff.{name}"
    if not isinstance(table, Mapping):
        raise wrong(place, f"{table!r} is not a table", f"[{place}] on a line of its own")
    for key, value in table.items():
        if key not in HANDOFF_KEYS:
            raise wrong(f"{place}.{key}", "no such key", f"one of {', '.join(HANDOFF_KEYS)}")
        if not isinstance(value, str) or not value.strip():
            raise wrong(f"{place}.{key}", f"{value!r} is not text", f'{key} = "…"')
    given = [kind for kind in KINDS if kind in table]
    if len(given) != 1:
        raise wrong(place, "needs one who goes on", ONE_OF)
    if "for" not in table:
        raise wrong(f"{place}.for", "is missing", 'for = "…": the model reads what the target is for')
    texts = {key: " ".join(value.split()) for key, value in table.items()}
    return HandoffTarget(name, given[0], texts[given[0]], texts["for"], texts.get("say", ""))
