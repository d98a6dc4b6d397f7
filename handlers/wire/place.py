"""Place: our own note in the URLs of a Gather loop."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Place:
    """Where a Gather loop stands. It travels in the action URL, so that a restart forgets nothing.

    `turn` counts from 1 and tells a retried webhook from the next utterance; without one, the
    thread's length decides. `said` chunks of that turn were said by earlier documents (None: the turn
    has not begun), with `chars` of its reply. `missed` results in a row have come to nothing: silence,
    or an error of ours. `waited` documents of this turn in a row have brought nothing new: without it,
    the next one would look like a retry of the one before. `quiet` documents since the last
    word have listened in vain. `to` is whom the call was passed on to, by
    the name in the agent's file; "" is somebody else, None: the call is with us.
    """

    turn: int | None = None
    said: int | None = None
    missed: int = 0
    agent: str | None = None
    chars: int = 0
    waited: int = 0
    quiet: int = 0
    to: str | None = None
    # What the order of this call says; in its first URL alone. `ordered` is the order's reference.
    record: bool | None = None
    limit_s: int | None = None
    ordered: str | None = None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Place:
        """The place in a URL's query; what is not a number counts as absent."""
        return cls(
            turn=_count(query.get("turn")),
            said=_count(query.get("from")),
            missed=_count(query.get("missed")) or 0,
            agent=query.get("agent") or None,
            chars=_count(query.get("chars")) or 0,
            waited=_count(query.get("waited")) or 0,
            quiet=_count(query.get("quiet")) or 0,
            to=query.get("to"),
            limit_s=_count(query.get("limit")),
            ordered=query.get("out") or None,
            record={"1": True, "0": False}.get(query.get("record", "")),
        )

    def query(self) -> str:
        parts = {
            "turn": self.turn,
            "from": self.said,
            "chars": self.chars or None,
            "waited": self.waited or None,
            "missed": self.missed or None,
            "quiet": self.quiet or None,
            "agent": self.agent,
            "to": self.to,
        }
        return urlencode({name: value for name, value in parts.items() if value is not None})

    def next_turn(self, turn: int) -> Place:
        """The turn after number `turn`."""
        return Place(turn=turn + 1, agent=self.agent)

    def rest(self, turn: int, said: int, chars: int) -> Place:
        """The same turn, `said` of its chunks and `chars` of its reply being out."""
        waited = self.waited + 1 if said == self.said else 0
        return replace(self, turn=turn, said=said, chars=chars, missed=0, quiet=0, waited=waited)

    def again(self) -> Place:
        """The same turn once more: this time it came to nothing."""
        return Place(turn=self.turn, missed=self.missed + 1, agent=self.agent)


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and text.isascii() and text.isdigit() and len(text) < 7 else None
