"""Builders for tests of tools: a use of one, with only what a test names."""

from __future__ import annotations

from voice.tools.base import ToolUse
from voice.types import CallId, Json, Note


def a_use(notes: list[Note] | None = None, **changes: object) -> ToolUse:
    """One use of a tool; `arguments` and what else a test names, the rest is usual."""
    kept = notes if notes is not None else []
    fields: dict[str, object] = {
        "call_id": CallId("c1"),
        "tool_call_id": "0.0",
        "arguments": {},
        "said": "My sink leaks.",
        "note": kept.append,
    }
    return ToolUse(**{**fields, **changes})  # type: ignore[arg-type]  # a builder takes what a test names


def with_arguments(**arguments: Json) -> ToolUse:
    return a_use(arguments=arguments)
