"""Whether a route's replies begin amid a thought, whose opening tag stands in the prompt.

The templates of some models write `<think>` themselves, so a reply begins with thoughts that nothing marks,
and shows a `</think>` that nothing has opened. The first clauses of such a reply have been said by then;
those of later ones are held until the thought ends. A reply that ends by itself without one unteaches it.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Thinking:
    """What is known of one route. `is_set`: the settings say that it thinks, whatever is seen."""

    is_set: bool = False
    _is_seen: bool = False

    @property
    def is_on(self) -> bool:
        """Whether its next reply is taken for a thought until that ends."""
        return self.is_set or self._is_seen

    def saw(self, began_in_thought: bool | None) -> None:
        """Learn from a reply. None: it says nothing."""
        if began_in_thought is not None:
            self._is_seen = began_in_thought
