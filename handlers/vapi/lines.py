"""Which agent takes a call: by the number that was called and who calls.

The tables `[[lines]]` of offhook.toml are read once; a call that rings costs no look-up. The first
table that fits decides; where none fits, the agent that the webhook's URL names, else the default.
"""

from __future__ import annotations

from collections.abc import Sequence

from voice.agents.agent import Agents
from voice.errors import SetupError
from voice.settings import LineSettings
from voice.settings.lines import plain_number, table_name


class Lines:
    """The tables, in their order. Raises SetupError when one names an agent that is not there."""

    def __init__(self, tables: Sequence[LineSettings], agents: Agents) -> None:
        for place, table in enumerate(tables):
            if table.agent is not None and table.agent not in agents:
                known = ", ".join(agents.names)
                name = table_name(place, table.number, table.caller)
                raise SetupError(f"{name}: no agent is called {table.agent!r}; write one of: {known}")
        self._tables = [(_plain(table.number), *_pattern(table.caller), table) for table in tables]

    def line(self, called: Sequence[str], caller: str | None) -> LineSettings | None:
        """The table for a call. `called` are our number and the platform's ids of it.

        A transfer to whom is on this very call already would ring busy: such a table is passed over.
        """
        ours, theirs = {_plain(one) for one in called}, _plain(caller) or ""
        for number, begins, whole, table in self._tables:
            fits_number = number is None or number in ours
            fits_caller = whole == theirs if whole is not None else theirs.startswith(begins)
            rings_itself = table.transfer is not None and table.transfer in (*ours, theirs)
            if fits_number and fits_caller and not rings_itself:
                return table
        return None


def _plain(number: str | None) -> str | None:
    return None if number is None else plain_number(number)


def _pattern(caller: str | None) -> tuple[str, str | None]:
    """What a caller's number must begin with, and what it must be; None: anything that begins so."""
    if caller is None:
        return "", None
    if caller.endswith("*"):
        return _plain(caller[:-1]) or "", None
    return "", _plain(caller)
