"""Assistants of Vapi's for tests: ours, ours with one setting changed, and as a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from voice.agents.load import load_agents
from voice.agents.vapi_assistant import actions_of, vapi_assistant, ways_in
from voice.tools.all import TOOLS


def ours() -> dict[str, Any]:
    agent = load_agents(None, "jamie", TOOLS).default
    ways = ways_in("https://voice.example.com", agent.name, "s3cret")
    return vapi_assistant(agent, ways, actions=actions_of(agent), rescue="+14155550100")


def changed(path: str, value: Any) -> dict[str, Any]:
    """Our assistant with one setting changed."""
    found = ours()
    *tables, last = path.split(".")
    place = found
    for name in tables:
        place = place.setdefault(name, {})
    place[last] = value
    return found


def write(folder: Path, found: object) -> str:
    file = folder / "assistant.json"
    file.write_text(found if isinstance(found, str) else json.dumps(found), encoding="utf-8")
    return str(file)
