"""Remembers for a while which agents' ConversationRelay Twilio has refused.

An account without its contract, or a voice that does not exist, ends every session before its first word.
The next callers need not wait for that: they are answered through <Gather> at once.
"""

from __future__ import annotations

from voice.clock import now

REST_S = 600.0  # then it is tried again: somebody may have mended it


class Refusals:
    """Which agents are refused now. One process knows of its own: another learns it from one caller."""

    def __init__(self) -> None:
        self._until: dict[str, float] = {}

    def add(self, agent: str) -> None:
        """Twilio has refused this agent's session."""
        self._until[agent] = now() + REST_S

    def holds(self, agent: str) -> bool:
        """Whether this agent's calls are better led by <Gather>."""
        return now() < self._until.get(agent, 0.0)
