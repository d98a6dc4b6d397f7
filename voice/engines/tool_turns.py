"""Turns in which a tool was asked for, as a model's chat template takes them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from typing import Final

import orjson

from voice.types import Json

Entry = Mapping[str, Json]
"""A message, or a tool, as chat completions write it."""

ID_CHARS: Final = (
    9  # Mistral's templates take ids of nine letters and digits only; to others they are all one
)


def shown_tools(tools: Sequence[Entry]) -> list[Entry]:
    """Tools as templates read them: some fail where a tool has no `properties`."""
    shown: list[Entry] = []
    for tool in tools:
        function = tool.get("function")
        fields = dict(function) if isinstance(function, dict) else {}
        parameters = fields.get("parameters")
        given = parameters if isinstance(parameters, dict) else {}
        fields["parameters"] = {"type": "object", "properties": {}, **given}
        shown.append({**tool, "function": fields})
    return shown


def with_objects(messages: Sequence[Entry], clean: Callable[[str], str]) -> list[Entry]:
    """The messages with all that templates want to know of a tool call.

    Its arguments are an object, which they write as JSON themselves; ids have nine letters; an answer names
    its tool. `clean` takes the tokenizer's own marks out of a text.
    """
    told: list[Entry] = []
    names: dict[str, Json] = {}  # of tools, by call
    for entry in messages:
        fields = dict(entry)
        if isinstance(calls := entry.get("tool_calls"), list):
            fields["tool_calls"] = [_with_object(one, clean, names) for one in calls if isinstance(one, dict)]
        if isinstance(answers := entry.get("tool_call_id"), str):
            fields["tool_call_id"] = short = _short(answers)
            fields["name"] = names.get(short, "tool")
        told.append(fields)
    return told


def _with_object(call: Mapping[str, Json], clean: Callable[[str], str], names: dict[str, Json]) -> Json:
    function, short = call.get("function"), _short(str(call.get("id") or ""))
    fields = dict(function) if isinstance(function, dict) else {}
    names[short] = fields.get("name")
    try:
        arguments = orjson.loads(clean(str(fields.get("arguments") or "{}")))
    except orjson.JSONDecodeError:  # a model wrote it, and it was kept as it was
        arguments = {}
    fields["arguments"] = arguments if isinstance(arguments, dict) else {}
    return {**call, "id": short, "function": fields}


def _short(name: str) -> str:
    return hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:ID_CHARS]


def one_call_each(messages: Sequence[Entry]) -> list[Entry]:
    """The messages with one tool call in each at most, its answer right behind it."""
    told: list[Entry] = []
    answers = {entry.get("tool_call_id"): entry for entry in messages if entry["role"] == "tool"}
    for entry in messages:
        calls = entry.get("tool_calls")
        if not isinstance(calls, list) or len(calls) < 2:
            if entry["role"] != "tool" or entry.get("tool_call_id") in answers:
                told.append(entry)
            continue
        for place, call in enumerate(calls):
            told.append({**entry, "content": "" if place else entry["content"], "tool_calls": [call]})
            answer = answers.pop(call.get("id"), None) if isinstance(call, dict) else None
            if answer is not None:
                told.append(answer)
    return told


def without_tools(messages: Sequence[Entry]) -> list[Entry]:
    """The messages for a model that was never shown a tool: what a tool answered follows the caller's words.

    Neighbours with the same role become one, as such a model learned them.
    """
    told: list[Entry] = []
    for entry in messages:
        role, text = entry["role"], str(entry["content"])
        if role == "tool":
            role, text = "user", f"({text})"
        elif role == "assistant" and not text.strip():
            continue  # it only asked for a tool
        if told and told[-1]["role"] == role:
            told[-1] = {"role": role, "content": f"{told[-1]['content']}\n{text}"}
        else:
            told.append({"role": role, "content": text})
    return told
