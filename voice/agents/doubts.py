"""What in an agent's file works and is yet hardly meant: tables that no tool reads."""

from __future__ import annotations

from collections.abc import Iterator

from voice.agents.agent import Agent


def doubts(agent: Agent) -> Iterator[str]:
    """Sentences for whoever wrote the file."""
    tables = {
        "transfer": [one.name for one in agent.transfer],
        "handoff": [one.name for one in agent.handoff],
    }
    for tool, names in tables.items():
        if names and tool not in agent.tools:
            listed = ", ".join(f"[{tool}.{name}]" for name in names)
            yield f'{listed}: nobody is told of it; write "{tool}" into tools'
    for http in agent.http_tools:
        if http.spec.name not in agent.tools:
            yield f'http_tools: {http.spec.name!r} is never used; write "{http.spec.name}" into tools'
