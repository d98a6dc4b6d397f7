"""What is due on a relay call though nobody says anything: after a silence, at a call's longest length."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from voice.agents.agent import Agent
from voice.clock import now

HUSHED_S = 4.0  # after the agent was cut off by what became no words: a cough, a door
LAST_S = 15.0  # when the longest call is over: for the sentence that is being said
FOR_EVER = float("inf")

Silence = Literal["silence", "limit"]


class Patience:
    """The silences of one call, and its length."""

    def __init__(self, agent: Agent, began_on: datetime, max_call_s: float) -> None:
        self._agent = agent
        lasted_s = (datetime.now(UTC) - began_on).total_seconds()
        self._ends_at = now() + max(0.0, max_call_s - lasted_s)
        self._touched_at, self._nudged, self._is_hushed = now(), 0, False

    def heard(self) -> None:
        """The caller has said something."""
        self._touched_at, self._nudged, self._is_hushed = now(), 0, False

    def touched(self) -> None:
        """There is a sign of the caller, though no words."""
        self._touched_at = now()

    def hushed(self) -> None:
        """The agent was cut off in the middle of what it had to say: soon one of the two must go on."""
        self._touched_at, self._is_hushed = now(), True

    def went_on(self) -> None:
        """It was nothing: the agent speaks on."""
        self._touched_at, self._is_hushed = now(), False

    def nudge(self) -> str | None:
        """What is said into the silence; None: all was said, and the call is to end."""
        lines = self._agent.silence_lines
        self._touched_at, self._is_hushed = now(), False
        self._nudged += 1
        return lines[self._nudged - 1] if self._nudged <= len(lines) else None

    def next(self, agent_quiet_at: float, caller_quiet_at: float) -> tuple[float, Silence]:
        """What comes first, and when, if both are quiet from then on. FOR_EVER: as long as it takes."""
        limit_at, silent_at = self._limit_at(agent_quiet_at), self._silent_at(agent_quiet_at, caller_quiet_at)
        return (limit_at, "limit") if limit_at <= silent_at else (silent_at, "silence")

    def _silent_at(self, agent_quiet_at: float, caller_quiet_at: float) -> float:
        silence_s = self._agent.silence_s
        patience_s = min(HUSHED_S, silence_s) if self._is_hushed else silence_s
        return max(agent_quiet_at, caller_quiet_at, self._touched_at) + patience_s

    def _limit_at(self, agent_quiet_at: float) -> float:
        """When the longest call is to end: not in the middle of a word, as long as that can be."""
        if now() < self._ends_at:
            return self._ends_at
        return min(max(agent_quiet_at, self._ends_at), self._ends_at + LAST_S)
