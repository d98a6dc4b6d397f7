"""Table: one table of an agent's file, taken apart key by key.

A key that does not exist, has the wrong type or lies out of range raises AgentFileError in one
line: the file, the key's path, and what to write instead.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from voice.errors import AgentFileError


class Table:
    """A table and where it stands: `prefix` is the path of its keys, "budgets." or ""."""

    def __init__(self, path: Path, found: Mapping[str, Any], prefix: str = "") -> None:
        self._path, self._found, self._prefix = path, found, prefix

    def __contains__(self, key: str) -> bool:
        return key in self._found

    def get(self, key: str, default: object = None) -> Any:
        """The value as it stands there, unchecked."""
        return self._found.get(key, default)

    def wrong(self, key: str, why: str, write: str) -> AgentFileError:
        """The error of a key: what is wrong with it, and what to write."""
        return AgentFileError(f"{self._path}: {self._prefix}{key}: {why}; write {write}")

    def only(self, allowed: Collection[str]) -> None:
        """Refuse keys that nobody reads: most are typing errors."""
        for key in self._found:
            if key not in allowed:
                close = get_close_matches(key, allowed, 1)
                raise self.wrong(key, "no such key", close[0] if close else f"one of {', '.join(allowed)}")

    def needs(self, keys: Collection[str]) -> None:
        """Refuse a table that lacks several keys, naming all of them. One alone is told when it is read."""
        missing = [key for key in keys if key not in self._found]
        if len(missing) > 1:
            write = "; ".join(f"{key} = {'[…]' if key == 'fallbacks' else '…'}" for key in missing)
            raise self.wrong(", ".join(missing), "are missing", write)

    def table(self, key: str, allowed: Collection[str]) -> Table:
        """The table below this one, with its keys checked; an empty one where there is none."""
        found = self._found.get(key, {})
        if not isinstance(found, dict):
            raise self.wrong(key, f"{found!r} is not a table", f"[{self._prefix}{key}] on a line of its own")
        below = Table(self._path, found, f"{self._prefix}{key}.")
        below.only(allowed)
        return below

    def tables(self, key: str, allowed: Collection[str]) -> list[Table]:
        """The tables of a list below this one, each with its keys checked."""
        found = self._found.get(key, [])
        if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
            raise self.wrong(key, f"{found!r} is not a list of tables", f"[[{self._prefix}{key}]]")
        below = [Table(self._path, one, f"{self._prefix}{key}[{place}].") for place, one in enumerate(found)]
        for one in below:
            one.only(allowed)
        return below

    def text(self, key: str) -> str:
        """A text that must be there."""
        value = self._found.get(key)
        if value is None:
            raise self.wrong(key, "is missing", f'{key} = "…"')
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(key, f"{value!r} is not text", f'{key} = "…"')
        return value.strip()

    def text_or_none(self, key: str) -> str | None:
        """A text that may be left out."""
        return self.text(key) if key in self._found else None

    def lines(self, key: str, at_least: int = 0) -> tuple[str, ...]:
        """A list of texts, none of them blank."""
        value = self._found.get(key, [])
        if not isinstance(value, list) or not all(isinstance(line, str) and line.strip() for line in value):
            raise self.wrong(key, f"{value!r} is not a list of lines", f'{key} = ["…"]')
        if len(value) < at_least:
            raise self.wrong(key, "is empty, so a caller could be left in silence", f'{key} = ["…"]')
        return tuple(line.strip() for line in value)

    def texts(self, key: str) -> dict[str, str]:
        """A table of texts under names of any kind; empty when it is not there. No name is empty."""
        found = self.get(key, {})
        if not isinstance(found, dict):
            raise self.wrong(key, "must be a table", f'[{self._prefix}{key}] with "as written" = "as said"')
        for name, text in found.items():
            if not name.strip() or not isinstance(text, str) or not text.strip():
                raise self.wrong(f"{key}.{name or '?'}", "must be a text", '"as written" = "as said"')
        return found

    def switch(self, key: str, *, default: bool) -> bool:
        """true or false."""
        value = self._found.get(key, default)
        if not isinstance(value, bool):
            raise self.wrong(key, f"{value!r} is neither", "true or false")
        return value

    def choice(self, key: str, choices: Collection[str], default: Any = None) -> Any:
        """One of these words; `default` where the key is left out."""
        if key not in self._found:
            return default
        value = self._found[key]
        if not isinstance(value, str) or value not in choices:
            *most, last = (f'"{one}"' for one in choices)
            listed = f"{', '.join(most)} or {last}" if most else last
            raise self.wrong(key, f"{value!r} is not a choice", listed)
        return value

    def number(self, key: str, default: float, low: float, high: float, *, whole: bool) -> float:
        """A number from `low` to `high`."""
        value = self._found.get(key, default)
        kind = "a whole number" if whole else "a number"
        fits = isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
        if not fits or (whole and value != int(value)):
            raise self.wrong(key, f"{value!r} does not fit", f"{kind} from {low} to {high}")
        return float(value)
