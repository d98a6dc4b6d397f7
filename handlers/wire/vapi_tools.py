"""The tools that Vapi asks for, in each of the shapes it has used.

Arguments stand in one of five places, as an object or as a JSON string, and the same call is
repeated in up to three lists. Source: docs.vapi.ai/tools/custom-tools (2025), docs.vapi.ai/server-url/events,
captures of 2024; one example of each in tests/wire/vapi/
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from handlers.wire.reading import an_id, mended
from voice.types import ToolCall

MAX_TOOLS = 32  # of one message; a model asks for one or two
LISTS = ("toolCallList", "toolCalls", "toolWithToolCallList")
TOO_DEEP = "nested too deep"  # in place of arguments: the tool says that this is no JSON
HOOK_ID = "hook-function-call"  # every function that a hook calls comes under this one id


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """One tool that Vapi wants used. `once` tells a retry from a new use; `name` is "" where none came.

    `arguments` is JSON as text, its secrets in it: the tool needs them, and what is kept of it has none.
    """

    id: str
    name: str
    arguments: str
    once: str

    def tool_call(self) -> ToolCall:
        return ToolCall(self.once, self.name, self.arguments)


def tool_requests(message: Mapping[str, Any]) -> list[ToolRequest]:
    """Every tool of a tool-calls message, in order, each id once.

    Entries without an id are left out: nobody could be answered. One without a name has it in another of
    the lists, or in none. Beyond MAX_TOOLS, which are not run, arguments are not read.
    """
    found: dict[str, ToolRequest] = {}
    for entry in _entries(message):
        function = entry.get("function")
        table = function if isinstance(function, dict) else {}
        name = an_id(table.get("name")) or an_id(entry.get("name")) or ""
        asked_id = an_id(entry.get("id")) or an_id(entry.get("toolCallId"))
        if asked_id and (asked_id not in found or (name and not found[asked_id].name)):
            arguments = _arguments(table, entry) if len(found) < MAX_TOOLS else "{}"
            once = _once(asked_id, arguments, message)
            found[asked_id] = ToolRequest(asked_id, name, arguments, once)
    return list(found.values())


def function_call(message: Mapping[str, Any]) -> ToolRequest | None:
    """The tool of a legacy function-call message. Without an id, what was asked and when is the id."""
    found = message.get("functionCall")
    table = found if isinstance(found, dict) else {}
    name = an_id(table.get("name"))
    if name is None:
        return None
    arguments = _arguments({}, {"arguments": table.get("parameters", table.get("arguments"))})
    asked_id = an_id(message.get("toolCallId")) or an_id(table.get("id"))
    once = asked_id or _made_id(name, arguments, message)
    return ToolRequest(asked_id or "", name, arguments, once)


def _entries(message: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for key in LISTS:
        listed = message.get(key)
        for entry in listed if isinstance(listed, list) else ():
            if not isinstance(entry, dict):
                continue
            inner = entry.get("toolCall")
            # The outer entry of toolWithToolCallList describes the tool; its `parameters` are a schema.
            yield {"name": entry.get("name"), **inner} if isinstance(inner, dict) else entry


def _arguments(function: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    for found in (table.get(key) for table in (function, entry) for key in ("arguments", "parameters")):
        if isinstance(found, dict):
            return _written(found)
        if isinstance(found, str) and found.strip():
            return _from_text(found)
    return "{}"


def _from_text(text: str) -> str:
    """Arguments that come as a JSON string; line breaks inside its strings are allowed, here only."""
    try:
        found = json.loads(mended(text, strict=False))
    except ValueError:
        return text  # the tool says that this is no JSON
    return _written(found) if isinstance(found, dict) else text


def _written(found: dict[str, Any]) -> str:
    """Arguments as text. By `json`: orjson writes neither 30 digits nor 255 levels, which it reads."""
    try:
        return json.dumps(_plain(found), ensure_ascii=False)
    except RecursionError:
        return TOO_DEEP


def _plain(found: dict[str, Any]) -> dict[str, Any]:
    """Arguments of a hook look like a schema with values in it: {"properties": {"unit": {"value": "4b"}}}."""
    properties = found.get("properties")
    if not isinstance(properties, dict):
        return found
    if not all(isinstance(one, dict) and "value" in one for one in properties.values()):
        return found
    return {str(key): one["value"] for key, one in properties.items()}


def _once(asked_id: str, arguments: str, message: Mapping[str, Any]) -> str:
    return _made_id(asked_id, arguments, message) if asked_id == HOOK_ID else asked_id


def _made_id(name: str, arguments: str, message: Mapping[str, Any]) -> str:
    """The same for a repeated message, another for the next use: Vapi stamps each message with its time."""
    asked = f"{name}/{arguments}/{message.get('timestamp')}"
    return f"{name}-{hashlib.blake2b(asked.encode(errors='replace'), digest_size=8).hexdigest()}"
