"""Whether an assistant lets one of our own agents do what its file lists: hang up, transfer, press keys."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from voice.agents.agent import Agent, Agents
from voice.agents.vapi_assistant import PLATFORM_TOOLS, actions_of
from voice.cli.vapi.lint import Finding
from voice.cli.vapi.wrong import kind_of, table_in
from voice.types import Action

CANNOT = {
    Action.END_CALL: "it says goodbye and cannot hang up",
    Action.TRANSFER: "it promises a transfer and nothing happens",
    Action.DTMF: "it cannot press keys",
}


def lacking(assistant: Mapping[str, Any], agents: Agents | None) -> Iterator[Finding]:
    """What the agent that the assistant's model names lists, and the assistant does not declare."""
    model = table_in(assistant, "model")
    agent = _ours(model, agents)
    if agent is None or model.get("toolIds"):  # tools that are kept at Vapi are not seen from here
        return
    listed = model.get("tools")
    kinds = {kind_of(one) for one in listed} if isinstance(listed, list) else set()
    for action in actions_of(agent):
        kind, _ = PLATFORM_TOOLS[action]
        hangs_up_by_phrase = action is Action.END_CALL and assistant.get("endCallPhrases")
        if kind not in kinds and not hangs_up_by_phrase:
            says = f"{agent.name} lists {action.value} and no {kind} is declared: {CANNOT[action]}"
            shown = None if listed is None else f"{len(kinds)} kinds"
            yield Finding("model.tools", shown, "harmful", "silence", None, says, f'{{"type": "{kind}"}}')


def _ours(model: Mapping[str, Any], agents: Agents | None) -> Agent | None:
    name = model.get("model")
    if agents is None or model.get("provider") != "custom-llm" or not isinstance(name, str):
        return None
    return agents.get(name) if name in agents else None
