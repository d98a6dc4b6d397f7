"""Route: one way to ask a model, and what is remembered of it."""

from __future__ import annotations

from dataclasses import dataclass, field

from voice.models.base import ModelClient
from voice.routing.breaker import Breaker


@dataclass(slots=True)
class Route:
    """A client and the memory of its failures. Routes are shared by all calls."""

    client: ModelClient
    is_local: bool = False
    breaker: Breaker = field(default_factory=Breaker)

    @property
    def name(self) -> str:
        return self.client.name
