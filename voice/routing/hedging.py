"""Keeps turns that are paid for twice to a share of all turns.

Every turn earns a share of a hedge, a hedge spends a whole one. What is saved is bounded, so that a
quiet morning does not pay for an hour in which every turn is hedged.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MOST_SAVED = 5.0  # hedges; as many as calls that one bad minute of a busy line may meet


@dataclass(slots=True)
class HedgePurse:
    """How many hedges may still be paid for. One for all calls."""

    share: float = 0.1
    _saved: float = field(default=1.0, init=False)  # the first slow turn after a start is hedged, too

    def earn(self) -> None:
        """A turn has begun."""
        self._saved = min(MOST_SAVED, self._saved + self.share)

    @property
    def can_pay(self) -> bool:
        """Whether a further paid route may be asked beside one that is still writing."""
        return self.share >= 1.0 or (self.share > 0.0 and self._saved >= 1.0)

    @property
    def can_spare(self) -> bool:
        """Whether one may be paid for that nobody waits for yet: a slow turn must still have its own."""
        return self.share >= 1.0 or (self.share > 0.0 and self._saved >= 2.0)

    def spend(self) -> None:
        """A turn is paid for twice. One that had to be runs into debt: later ones wait for it."""
        self._saved = max(-MOST_SAVED, self._saved - 1.0)
