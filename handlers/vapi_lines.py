"""Which agent takes a call: by the number that was called and who calls.

The tables `[[lines]]` of offhook.toml are read once; a call that rings costs no look-up. The first
table that fits decides; where none fits, the agent that the webhook's URL names, else the default.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from voice.agents.agent import Agents
from voice.errors import SetupError
from voice.settings import LineSettings

PUNCTUATION = re.compile(r"[\s().\-/]")


class Lines:
    """The tables, in their order. Raises SetupError when one names an agent that is not there."""

    def __init__(self, tables: Sequence[LineSettings], agents: Agents) -> None:
        for place, table in enumerate(tables):
            if table.agent is not None and table.agent not in agents:
                known = ", ".join(agents.names)
                raise SetupError(f"lines.{place}: no agent is called {table.agent!r}; there are: {known}")
        self._tables = [(_plain(table.number), *_pattern(table.caller), table) for table in tables]

    def line(self, called: Sequence[str], caller: str | None) -> LineSettings | None:
        """The table for a call. `called` are our number and the platform's ids of it."""
        ours, theirs = {_plain(one) for one in called}, _plain(caller) or ""
        for number, begins, whole, table in self._tables:
            fits_number = number is None or number in ours
            fits_caller = whole == theirs if whole is not None else theirs.startswith(begins)
            if fits_number and fits_caller:
                return table
        return None


def _plain(number: str | None) -> str | None:
    """A number as it is compared: without blanks, brackets and dashes. Ids keep their own."""
    if number is None:
        return None
    bare = PUNCTUATION.sub("", number)
    return bare if bare.removeprefix("+").isdigit() else number.strip()


def _pattern(caller: str | None) -> tuple[str, str | None]:
    """What a caller's number must begin with, and what it must be; None: anything that begins so."""
    if caller is None:
        return "", None
    if caller.endswith("*"):
        return _plain(caller[:-1]) or "", None
    return "", _plain(caller)
