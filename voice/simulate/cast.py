"""Who answers a call in a file, where the file brings them: an agent, and a model that plays its lines.

Without them a script meets whoever the settings name, and whether a transfer comes of it is up to a model.

    agent = "agents/dana.toml"       # beside the script

    [model]
    reply = "Of course, I'm putting you through to the office."
    asks = "transfer"                # the tool that each of its replies asks for
    arguments = { target = "office" }
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from voice.errors import BadRequest
from voice.types import ToolCall


@dataclass(frozen=True, slots=True)
class Cast:
    """The agent's file and name, what the model writes each time, and the tool that it asks for then."""

    folder: Path
    agent: str
    reply: str
    asks: ToolCall | None = None


def read_cast(found: Mapping[str, Any], folder: Path | None) -> Cast | None:
    """The cast of a script that lies in `folder`; None where it brings none. Raises BadRequest."""
    agent, model = found.get("agent"), found.get("model")
    if agent is None and model is None:
        return None
    if not isinstance(agent, str) or not isinstance(model, dict) or folder is None:
        raise BadRequest("agent and [model] go together: a file beside the script, and what its model writes")
    path = folder / agent
    try:
        name = tomllib.loads(path.read_text(encoding="utf-8")).get("name")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as exc:
        raise BadRequest(f"agent: {agent}: not readable as an agent: {exc}") from exc
    if unknown := sorted(set(model) - {"reply", "asks", "arguments"}):
        raise BadRequest(f"[model] has no key {unknown[0]!r}; there are reply, asks and arguments")
    reply, asks, arguments = model.get("reply"), model.get("asks"), model.get("arguments", {})
    if not isinstance(reply, str) or not reply.strip():
        raise BadRequest("[model] reply: some words in quotes")
    if not isinstance(asks, str | None) or not isinstance(arguments, dict):
        raise BadRequest("[model] asks: the name of a tool; arguments: a table for it")
    tool = ToolCall("call_1", asks, json.dumps(arguments)) if asks else None
    return Cast(path.parent, str(name), reply, tool)
