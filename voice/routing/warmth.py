"""Remembers whether a route's host is awake, so that no caller finds out.

Three things tell: the host's own health, how long it let a job wait, and a reply that came.
The newest of them counts.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from voice.models.base import Health

RANKS = {"busy": 1, "starting": 2, "cold": 3, "throttled": 4, "broken": 5, "refused": 6}
ASLEEP = frozenset(("cold", "starting", "throttled", "broken"))
UNKNOWN = Health("unknown")


@dataclass(slots=True)
class Warmth:
    """What is known of one host. Unknown counts as awake: most hosts tell nothing, and always are."""

    health: Health = field(default=UNKNOWN, init=False)
    is_asleep: bool = field(default=False, init=False)  # a job given to it now would wait for a worker

    @property
    def rank(self) -> int:
        """How far it is from taking a job now: 0 is awake, and nobody waits. For comparing equal hosts."""
        return RANKS.get(self.health.state, 0)

    def saw(self, health: Health) -> bool:
        """The newest word of it. True when the state is another one than before."""
        changed = health.state != self.health.state
        self.health, self.is_asleep = health, health.state in ASLEEP
        return changed

    def answered(self) -> bool:
        """It has written something: it is awake. True when that is news."""
        return self.is_asleep and self.saw(Health("warm", "it has just answered"))
