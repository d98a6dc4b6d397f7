"""Reads a tool's arguments as a model wrote them: each mistake is a sentence that it can mend it by."""

from __future__ import annotations

from collections.abc import Mapping

from voice.errors import BadRequest
from voice.types import Json

MAX_FIELD_CHARS = 500


def text_of(arguments: Mapping[str, Json], name: str) -> str | None:
    """An argument as one line of text; None when it is absent or empty. Raises BadRequest."""
    value = arguments.get(name)
    if value is None:
        return None
    if not isinstance(value, str) or len(value) > MAX_FIELD_CHARS:
        raise BadRequest(f"{name} must be text of at most {MAX_FIELD_CHARS} characters.")
    return " ".join(value.split()) or None


def needed(arguments: Mapping[str, Json], name: str, say: str) -> str:
    """An argument that must be there. Raises BadRequest, which tells the model to `say` it."""
    value = text_of(arguments, name)
    if value is None:
        raise BadRequest(f"{name} is missing: {say}.")
    return value
