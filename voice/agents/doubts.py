"""What in an agent's file works and is yet hardly meant: tables that no tool reads."""

from __future__ import annotations

from collections.abc import Iterator

from voice.agents.agent import Agent
from voice.agents.speech import NEEDS_PROVIDER, TAKES_SSML

PLAIN_AT_TWILIO = "at Twilio codes are said in plain words"


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
    if agent.speech.markup == "spell" and agent.speech.vapi not in (None, "spell"):
        yield 'speech.markup: "spell" is Vapi\'s, where another is chosen: no door is left for it'
    has_voice = agent.twilio.tts_provider in TAKES_SSML and agent.twilio.voice is not None
    if agent.speech.markup == "ssml" and not has_voice:
        yield f"speech.markup: {PLAIN_AT_TWILIO}; write {NEEDS_PROVIDER}, and its voice"
    if agent.speech.markup == "spell" and any(
        one is None for one in (agent.speech.gather, agent.speech.relay)
    ):
        why = f'{PLAIN_AT_TWILIO}: "spell" is Vapi\'s'
        write = f'gather and relay: "plain", or "ssml" with {NEEDS_PROVIDER}, and its voice'
        yield f"speech.markup: {why}; write {write}"
    for http in agent.http_tools:
        if http.spec.name not in agent.tools:
            yield f'http_tools: {http.spec.name!r} is never used; write "{http.spec.name}" into tools'
