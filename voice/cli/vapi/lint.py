"""Looks through a Vapi assistant and says what its settings cost, the most harmful first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from voice.cli.vapi.read import Part
from voice.cli.vapi.rule import COSTS, HARMS, Cost, Harm, Rule
from voice.cli.vapi.rules import RULES
from voice.cli.vapi.wrong import is_number, without_key

MAX_SHOWN_CHARS = 60
MOST = 1e6  # what a setting is reckoned with at most: JSON has numbers that none of ours can hold
MISSING = object()
# Stands in for the server of an assistant that answers an assistant-request: its events go on to the URL
# that asked, with whatever that one is shown.
ASKER = {"url": "https://the-url-that-asked.example", "credentialId": "of the one that asked"}


@dataclass(frozen=True, slots=True)
class Finding:
    """One setting that costs something. `value` is None where nothing is written and the default holds."""

    path: str
    value: str | None
    harm: Harm
    cost: Cost
    ms: int | None
    says: str
    write: str


def lint(assistant: Mapping[str, Any], *, is_answer: bool = False) -> list[Finding]:
    """Every rule that an assistant breaks: harm first, then silence, milliseconds (most first), money.

    `is_answer`: it answers an assistant-request, and so needs no server of its own.
    """
    if is_answer and not assistant.get("server") and not assistant.get("serverUrl"):
        assistant = {**assistant, "server": ASKER}
    return in_order(finding for rule in RULES for finding in _broken(rule, assistant))


def lint_parts(parts: Sequence[Part]) -> list[Finding]:
    """The same of several assistants, each finding with the place of its assistant before its own."""
    return in_order(
        one for part in parts for one in placed(part, lint(part.assistant, is_answer=part.is_answer))
    )


def placed(part: Part, found: Iterable[Finding]) -> Iterator[Finding]:
    """Findings with the place of their assistant before their own."""
    for one in found:
        yield replace(one, path=f"{part.place}.{one.path}" if part.place else one.path)


def in_order(found: Iterable[Finding]) -> list[Finding]:
    return sorted(found, key=lambda one: (HARMS.index(one.harm), COSTS.index(one.cost), -(one.ms or 0)))


def _broken(rule: Rule, assistant: Mapping[str, Any]) -> Iterator[Finding]:
    for path, written in _first_there(rule.path, assistant):
        value = rule.default if written is MISSING or written is None else written
        if not rule.wrong(value, assistant):
            continue
        ms = round(rule.ms(min(value, MOST) if is_number(value) else value)) if rule.ms else None
        # Filled in by hand where a value could hold braces of its own: it is the file's text.
        says = rule.says.replace("{value!r}", repr(value)).replace("{value}", _shown(value))
        says = says.replace("{ms}", str(ms))
        shown = None if written is MISSING else _shown(written)
        yield Finding(path, shown, rule.harm, rule.cost, ms, says, rule.write)


def _first_there(paths: str, assistant: Mapping[str, Any]) -> list[tuple[str, Any]]:
    """The values at the first path that is written; at the very first one where none is."""
    places = [list(_values(path.split("."), assistant, "")) for path in paths.split("|")]
    return next((one for one in places if any(value is not MISSING for _, value in one)), places[0])


def _values(parts: list[str], found: Any, before: str) -> Iterator[tuple[str, Any]]:
    """Every value at a path, with its place. A list that is not there has no entries."""
    if not parts:
        yield before, found
        return
    name = parts[0].removesuffix("[]")
    place = f"{before}.{name}" if before else name
    inner = found.get(name, MISSING) if isinstance(found, Mapping) else MISSING
    if not parts[0].endswith("[]"):
        yield from _values(parts[1:], inner, place)
        return
    for index, entry in enumerate(inner if isinstance(inner, list) else ()):
        yield from _values(parts[1:], entry, f"{place}[{index}]")


def _shown(value: Any) -> str:
    """A value in a few characters. Of a table or a list only its kind: there may be secrets in it."""
    if isinstance(value, Mapping):
        return str(value.get("type") or value.get("on") or "{…}")[:MAX_SHOWN_CHARS]
    if isinstance(value, list):
        return f"[{len(value)} {'entry' if len(value) == 1 else 'entries'}]"
    text = value.partition("?")[0] if isinstance(value, str) and "://" in value else str(value)
    return without_key(text)[:MAX_SHOWN_CHARS]
