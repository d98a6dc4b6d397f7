"""The forms in which models write what they want done, each read into tool calls.

    Hermes, Qwen     {"name": "ticket", "arguments": {"unit": "12"}}
    Qwen Coder       <function=ticket><parameter=unit>12</parameter></function>
    Llama 3          {"name": "ticket", "parameters": {"unit": "12"}}; …      ticket.call(unit="12")
    Llama 3.2, 4     [ticket(unit="12"), …]
    Mistral          [{"name": "ticket", "arguments": {…}}, …]      ticket[CALL_ID]x[ARGS]{"unit": "12"}

Source: the chat templates that these families publish. What is cut off, or has no name, is no call.
"""

from __future__ import annotations

import ast
import json
import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, Final

from voice.types import Json, ToolCall

Schemas = Mapping[str, Mapping[str, Json]]
"""The parameters of each tool that was offered, by its name."""

BETWEEN: Final = " \t\r\n,;[]`"  # what stands between two calls, and around them
NAMED = re.compile(r"([\w.-]{1,64})\s*(?:\[CALL_ID\]\s*\w*\s*)?(?:\[ARGS\])?\s*(?=\{)")
FUNCTION = re.compile(r"<function=([^>\s]{1,64})>(.*?)(?=<function=|\Z)", re.DOTALL)
PARAMETER = re.compile(
    r"<parameter=([^>\s]{1,64})>(.*?)(?=</parameter>|<parameter=|</function>|\Z)", re.DOTALL
)
MAX_CODE_CHARS: Final = 20_000  # of a call written as code that is worth reading
DECODER = json.JSONDecoder(strict=False)  # models put line breaks into their strings as they are


def calls_in(text: str, schemas: Schemas) -> list[ToolCall]:
    """The calls in a stretch of a model's writing that is nothing else."""
    if "<function=" in text:
        return [_by_tags(found[1], found[2], schemas) for found in FUNCTION.finditer(text)]
    return list(_in_json(text)) or list(_in_code(text))


def call_of(value: object) -> ToolCall | None:
    """The call that a JSON value is; None where it is something else."""
    if not isinstance(value, dict):
        return None
    inner = value.get("function")
    if isinstance(inner, dict):
        value, inner = inner, None
    name = value.get("name") or inner
    given = next((value[key] for key in ("arguments", "parameters", "args") if key in value), None)
    if not isinstance(name, str) or not name or (given is None and set(value) - {"name", "type", "id"}):
        return None
    if isinstance(given, str):
        given = _value(given)
    return _call(name, given if isinstance(given, dict) else {})


def _in_json(text: str) -> Iterator[ToolCall]:
    place = 0
    while place < len(text):
        if text[place] in BETWEEN:
            place += 1
            continue
        named = NAMED.match(text, place)
        try:
            value, place = DECODER.raw_decode(text, named.end() if named else place)
        except (ValueError, RecursionError):
            if not (named is None and isinstance(value := _value(text[place:].strip(BETWEEN)), dict)):
                return
            place = len(text)
        call = _call(named[1], value) if named and isinstance(value, dict) else call_of(value)
        if call is not None:
            yield call


def _in_code(text: str) -> Iterator[ToolCall]:
    """`[ticket(unit="12")]`, or `ticket.call(unit="12")`, as Python reads it."""
    if len(text) > MAX_CODE_CHARS:
        return
    try:
        tree = ast.parse(text.strip().strip("`;"), mode="eval").body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return
    for one in tree.elts if isinstance(tree, ast.List | ast.Tuple) else [tree]:
        if isinstance(one, ast.Call) and (call := _of_code(one)) is not None:
            yield call


def _of_code(one: ast.Call) -> ToolCall | None:
    name = ast.unparse(one.func).removesuffix(".call")
    try:
        given = {word.arg: ast.literal_eval(word.value) for word in one.keywords if word.arg}
        return _call(name, given)
    except (ValueError, TypeError):  # an expression, or something that JSON does not know
        return None


def _by_tags(name: str, inner: str, schemas: Schemas) -> ToolCall:
    inner = inner.strip().removesuffix("</function>")
    if inner.lstrip().startswith("{"):
        given = _value(inner.strip())
        return _call(name, given if isinstance(given, dict) else {})
    wanted = schemas.get(name, {}).get("properties")
    values = {found[1]: found[2].strip() for found in PARAMETER.finditer(inner)}
    return _call(
        name, {key: value if _is_text(wanted, key) else _value(value) for key, value in values.items()}
    )


def _is_text(properties: Json, key: str) -> bool:
    """Whether a parameter is text: then "12" between tags is no number."""
    one = properties.get(key) if isinstance(properties, dict) else None
    return isinstance(one, dict) and one.get("type") == "string"


def _value(text: str) -> object:
    """A value as JSON or Python writes it; else the text itself."""
    try:
        return DECODER.decode(text)
    except (ValueError, RecursionError):
        pass
    if text[:1] not in ("{", "[") or len(text) > MAX_CODE_CHARS:
        return text
    try:
        value: object = ast.literal_eval(text)
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return text
    return value


def _call(name: str, arguments: dict[str, Any]) -> ToolCall:
    written = json.dumps(arguments, ensure_ascii=False)
    return ToolCall(f"call_{uuid.uuid4().hex[:24]}", name, written)
