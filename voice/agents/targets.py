"""What `[transfer.NAME]` and `[handoff.NAME]` share: tables that name whom a call can be given to."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from voice.errors import AgentFileError

MAX_TARGETS = 20  # the model reads all of them on every turn
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_ -]{0,39}")

Wrong = Callable[[str, str, str], AgentFileError]
"""Makes the error of a key: its path, what is wrong, what to write."""

Target = TypeVar("Target")
ReadTarget = Callable[[str, Mapping[str, Any], Wrong], Target]


def targets(kind: str, found: object, wrong: Wrong, read: ReadTarget[Target]) -> tuple[Target, ...]:
    """The tables `[kind.NAME]` of an agent's file, each as `read` takes it. Raises what `wrong` makes."""
    if not isinstance(found, Mapping):
        raise wrong(kind, f"{found!r} is not a table", f"[{kind}.NAME] on a line of its own")
    if len(found) > MAX_TARGETS:
        raise wrong(kind, f"{len(found)} targets are too many", f"{MAX_TARGETS} at most")
    seen: set[str] = set()
    for name in found:
        if not NAME.fullmatch(name) or name.casefold() in seen:
            raise wrong(f"{kind}.{name}", "is no name of its own", "letters, digits, ' ', '_' and '-'")
        seen.add(name.casefold())
    for name, table in found.items():
        if not isinstance(table, Mapping):
            place = f"{kind}.{name}"
            raise wrong(place, f"{table!r} is not a table", f"[{place}] on a line of its own")
    return tuple(read(name, table, wrong) for name, table in found.items())


def text_of(table: Mapping[str, Any], key: str, place: str, wrong: Wrong) -> str:
    """A key's text, on one line. Raises what `wrong` makes where it is none."""
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise wrong(f"{place}.{key}", f"{value!r} is not text", f'{key} = "…"')
    return " ".join(value.split())
