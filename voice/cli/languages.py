"""Which agents the model that comes with the product cannot speak for."""

from __future__ import annotations

from voice.agents.agent import Agent
from voice.routing.strategy import PACKAGED_LANGUAGE, speaks
from voice.settings import Settings


def foreign(agent: Agent, settings: Settings | None) -> str | None:
    """Why the model in the box is never asked for an agent; None where it may be.

    `settings` may name a model of the user's, which speaks what it speaks; None: they are not known.
    """
    if speaks(PACKAGED_LANGUAGE, agent.language) or (settings and settings.embedded_model is not None):
        return None
    return (
        f"language: the model in the box speaks English only and is not asked for {agent.language!r}; "
        "where no other route answers, a caller hears the fallbacks"
    )
