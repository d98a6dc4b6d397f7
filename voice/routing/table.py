"""Route: one way to ask a model, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from voice.models.base import ModelClient
from voice.routing.breaker import Breaker
from voice.routing.latency import Latency
from voice.routing.thinking import Thinking
from voice.routing.warmth import Warmth
from voice.types import Usage


@dataclass(frozen=True, slots=True)
class Price:
    """What a route costs; 0 where it costs nothing of that kind."""

    usd_per_hour: float = 0.0  # of the host's working time
    usd_per_1m_prompt: float = 0.0
    usd_per_1m_completion: float = 0.0

    def of(self, usage: Usage, busy_s: float) -> float:
        """What one reply cost, in dollars."""
        tokens = (
            usage.prompt_tokens * self.usd_per_1m_prompt
            + usage.completion_tokens * self.usd_per_1m_completion
        )
        return tokens / 1e6 + busy_s * self.usd_per_hour / 3600


@dataclass(slots=True)
class Route:
    """A client, its price, and what was learned of it. Routes are shared by all calls."""

    client: ModelClient
    is_local: bool = False
    place: str = ""  # where it is asked, and for which model: what was learned there counts nowhere else
    price: Price | None = None
    language: str | None = None  # the only one that its model writes; None: whichever it is asked in
    twins: str | None = None  # routes of one name here ask the same model at different endpoints
    breaker: Breaker = field(default_factory=Breaker)
    latency: Latency = field(default_factory=Latency)
    warmth: Warmth = field(default_factory=Warmth)
    thinking: Thinking = field(default_factory=Thinking)

    @property
    def name(self) -> str:
        return self.client.name
