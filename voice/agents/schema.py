"""Whether a tool's JSON schema is one, so that no model is told nonsense and no argument goes unchecked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

MAX_SHOWN_CHARS = 120


@dataclass(frozen=True, slots=True)
class SchemaProblem:
    """What is wrong, and where: the path below the schema's own key, ".properties.unit"."""

    where: str
    told: str


def wrong_in_schema(schema: dict[str, Any]) -> SchemaProblem | None:
    """What is wrong with a schema; None: nothing. References may lead to a place in itself only."""
    # Imported when a file has a schema: 150 ms and 8 MB.
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as exc:
        where = "".join(f".{step}" for step in exc.absolute_path)
        return SchemaProblem(where, " ".join(exc.message.split())[:MAX_SHOWN_CHARS])
    for where, reference in _references(schema):
        if not _leads_somewhere(schema, reference):
            return SchemaProblem(where, f"{reference!r} leads nowhere in this schema"[:MAX_SHOWN_CHARS])
    return None


def _references(found: object, where: str = "") -> Iterator[tuple[str, object]]:
    if isinstance(found, dict):
        for key, value in found.items():
            if key in ("$ref", "$dynamicRef"):
                yield f"{where}.{key}", value
            else:
                yield from _references(value, f"{where}.{key}")
    elif isinstance(found, list):
        for place, value in enumerate(found):
            yield from _references(value, f"{where}[{place}]")


def _leads_somewhere(schema: dict[str, Any], reference: object) -> bool:
    if not isinstance(reference, str) or not reference.startswith("#/"):
        return False
    found: object = schema
    for step in reference[2:].split("/"):
        if not isinstance(found, dict) or step not in found:
            return False
        found = found[step]
    return isinstance(found, dict | bool)
