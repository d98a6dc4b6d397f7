"""The conversation of a played Vapi call, as Vapi keeps it: for the next request, and for the report."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from voice.clock import now
from voice.simulate.vapi.stream import Asked

REPORT_ROLES = {"assistant": "bot", "tool": "tool_call_result"}
SPEAKERS = {"assistant": "AI", "user": "User"}


@dataclass(slots=True)
class Talk:
    """What was said, as it was heard. `retell` is how speech recognition spells what the agent said."""

    system: str
    retell: Callable[[str], str]
    began_at: float | None = None  # None: the call has not begun
    said: list[dict[str, Any]] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)  # of the model, by turn, in milliseconds
    cuts: int = 0  # how often the caller spoke over the agent
    _said_at: list[float] = field(default_factory=list)

    def add(self, role: str, text: str) -> None:
        self._add({"role": role, "content": self.retell(text) if role == "assistant" else text})

    def add_tools(self, asked: Sequence[Asked], results: Mapping[str, str]) -> None:
        """Tools that were run in the middle of a turn: what was asked for, and each answer."""
        calls = [
            {"id": one.id, "type": "function", "function": {"name": one.name, "arguments": one.arguments}}
            for one in asked
        ]
        self._add({"role": "assistant", "content": None, "tool_calls": calls})
        for one in asked:
            self._add({"role": "tool", "tool_call_id": one.id, "content": results[one.id]})

    def messages(self, words: str | None = None) -> list[dict[str, Any]]:
        """The messages of a request; `words` are said just now, and may yet change."""
        before = [{"role": "system", "content": self.system}] if self.system else []
        return [*before, *self.said, *self._now(words)]

    def counters(self, words: str | None = None) -> dict[str, int]:
        """How many turns each side has had."""
        said = [one for one in [*self.said, *self._now(words)] if "tool_calls" not in one]
        return {
            f"num{name}Turns": sum(one["role"] == role for one in said)
            for name, role in (("Assistant", "assistant"), ("User", "user"))
        }

    def report(self, reason: str, variables: Mapping[str, str]) -> dict[str, Any]:
        """An end-of-call report with the keys that live ones of 2026 have."""
        began_at = now() if self.began_at is None else self.began_at
        lasted_s, ended_on = now() - began_at, datetime.now(UTC)
        spoken = [one for one in self.said if one["role"] in SPEAKERS and one["content"]]
        transcript = "\n".join(f"{SPEAKERS[one['role']]}: {one['content']}" for one in spoken)
        kept = {"messages": self._entries(began_at), "transcript": transcript}
        return {
            "endedReason": reason,
            "startedAt": (ended_on - timedelta(seconds=lasted_s)).isoformat(),
            "endedAt": ended_on.isoformat(),
            "durationMs": round(lasted_s * 1000),
            "durationSeconds": round(lasted_s, 3),
            "durationMinutes": round(lasted_s / 60, 4),
            "cost": 0,
            "costBreakdown": {"total": 0},
            "costs": [],
            "analysis": {},
            "summary": "",
            **kept,
            "artifact": {
                **kept,
                "messagesOpenAIFormatted": self.messages(),
                "variableValues": dict(variables),
                "performanceMetrics": {
                    "turnLatencies": [{"modelLatency": one, "turnLatency": one} for one in self.latencies],
                    "numUserInterrupted": self.cuts,
                },
            },
        }

    def _entries(self, began_at: float) -> list[dict[str, Any]]:
        """What was said and done, as reports list it."""
        return [
            {
                "role": "tool_calls" if "tool_calls" in one else REPORT_ROLES.get(one["role"], one["role"]),
                "message": one["content"] or "",
                "time": time.time_ns() // 1_000_000 - round((now() - at) * 1000),
                "secondsFromStart": round(at - began_at, 3),
            }
            for one, at in zip(self.said, self._said_at, strict=True)
        ]

    def _add(self, entry: dict[str, Any]) -> None:
        self.said.append(entry)
        self._said_at.append(now())

    @staticmethod
    def _now(words: str | None) -> list[dict[str, Any]]:
        return [] if words is None else [{"role": "user", "content": words}]
