"""Reads `[handoff.NAME]`: who may go on with a call in the agent's place.

One of our own agents goes on from the next turn. An assistant of the platform's goes on by its name within
the squad, or by its id there.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from voice.agents.targets import Wrong, targets, text_of
from voice.types import HandoffKind, HandoffTarget

KINDS: tuple[HandoffKind, ...] = get_args(HandoffKind)  # one of them
HANDOFF_KEYS = (*KINDS, "for", "say")
ONE_OF = 'one of agent = "…" (ours), assistant = "…" (a name in the squad), assistant_id = "…"'


def handoff_targets(found: object, wrong: Wrong) -> tuple[HandoffTarget, ...]:
    """The targets of an agent's file. Raises what `wrong` makes."""
    return targets("handoff", found, wrong, _target)


def _target(name: str, table: Mapping[str, Any], wrong: Wrong) -> HandoffTarget:
    place = f"handoff.{name}"
    for key in table:
        if key not in HANDOFF_KEYS:
            raise wrong(f"{place}.{key}", "no such key", f"one of {', '.join(HANDOFF_KEYS)}")
    texts = {key: text_of(table, key, place, wrong) for key in table}
    given = [kind for kind in KINDS if kind in texts]
    if len(given) != 1:
        raise wrong(place, "needs one who goes on", ONE_OF)
    if "for" not in texts:
        raise wrong(f"{place}.for", "is missing", 'for = "…": the model reads what the target is for')
    return HandoffTarget(name, given[0], texts[given[0]], texts["for"], texts.get("say", ""))
