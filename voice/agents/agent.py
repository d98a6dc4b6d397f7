"""Agent: who answers. A persona with its lines, tools, budgets and way of writing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from voice.clock import Budget
from voice.errors import UnknownAgent
from voice.types import HttpTool, TransferTarget

SystemRule = Literal["both", "ours", "theirs"]
FillerKind = Literal["question", "detail", "request"]


@dataclass(frozen=True, slots=True)
class Agent:
    """Who is on the other end of the line, as read from a TOML file (docs/agents.md).

    `system` says what becomes of a system message that comes with a request (Vapi sends
    the assistant's): "both" lets it follow the persona, "ours" drops it, "theirs" drops the persona.
    """

    name: str
    persona: str
    greeting: str
    fallbacks: tuple[str, ...]
    goodbye: str = "Thank you for calling. Goodbye."
    busy: str = "All lines are busy right now. Please call again in a few minutes."
    breaks_off: str = "… sorry, I lost my thread there. Could you say that once more?"
    fillers: tuple[str, ...] = ()
    fillers_for: Mapping[FillerKind, tuple[str, ...]] = field(default_factory=dict)
    language: str = "en-US"
    system: SystemRule = "both"
    tools: tuple[str, ...] = ()
    waits_for_goodbye: bool = True  # whether end_call is refused until the caller takes their leave
    transfer: tuple[TransferTarget, ...] = ()
    http_tools: tuple[HttpTool, ...] = ()
    budget: Budget = field(default_factory=Budget)
    max_tokens: int = 120
    temperature: float = 0.3


class Agents:
    """All agents by name; one of them is the default."""

    def __init__(self, agents: Sequence[Agent], default: str) -> None:
        self._by_name: Mapping[str, Agent] = {agent.name: agent for agent in agents}
        self._default = default

    @property
    def default(self) -> Agent:
        return self._by_name[self._default]

    @property
    def names(self) -> list[str]:
        return sorted(self._by_name)

    def __contains__(self, name: str) -> bool:
        return name in self._by_name

    def get(self, name: str | None) -> Agent:
        """The agent of this name; the default one for None. Raises UnknownAgent, naming the known ones."""
        if name is None:
            return self.default
        try:
            return self._by_name[name]
        except KeyError:
            raise UnknownAgent(f"no agent is called {name!r}; there are: {', '.join(self.names)}") from None
