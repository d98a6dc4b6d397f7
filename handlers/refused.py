"""What came to each door, counted before anything is checked, and the last requests that were refused.

A silent call often is a wrong URL or a wrong secret, and then nothing else in the product has seen
it. Kept in memory, bounded, without secrets: of headers only the names, of a path neither its query
nor what looks like a key, of a body nothing.
"""

from __future__ import annotations

import re
from collections import deque
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from starlette.types import Scope

from handlers.problems import DOORS, door_of
from handlers.wire.masked import KEYLIKE, NO_SECRETS, KnownSecrets, clean
from voice.events import Event, RequestRefused

KEPT = 50  # refused requests; the oldest goes first
HANDED = "handed_on"  # in a request's state, at both ends, where another process serves what this one took
ODD = "OddMessage"  # why something was told as refused that was taken all the same
MAX_PATH_CHARS, MAX_NAME_CHARS, MAX_NAMES = 120, 40, 8
SHOWS = re.compile(r"auth|secret|signature|token|key|timestamp|svix", re.I)  # headers that say who sends
MASK = "…"
ORDINARY = {*DOORS, "webhook", "completions"}  # parts of our own paths: to read one gives no secret away
MAX_REASON_CHARS = 300
MAX_KNOWN = 500  # paths that are remembered as they are shown
# What no door has told of: the reason, and what to do about it.
WHY = {
    "NoSuchPath": ("Nothing is at this path.", "Vapi's model URL is …/vapi, its server URL …/vapi/webhook."),
    "405": ("This path takes another method.", "Vapi and most platforms use POST."),
}


@dataclass(slots=True)
class DoorCount:
    """What came to one door since the start.

    `refused` counts spoken refusals, too: those with status 200. `odd` counts messages that a platform
    sent and that nobody could understand; they were taken all the same. `misplaced` counts what was served
    although it belongs to another path: a server message at the model's URL, or the other way about.
    """

    requests: int = 0
    refused: int = 0
    odd: int = 0
    misplaced: int = 0
    last_on: datetime | None = None
    last_path: str = ""


@dataclass(slots=True)
class Refusal:
    """A request that was refused, and how often the same came.

    `why` is the class of the error, `reason` what was wrong, `to_do` what to set or change; `shown` are
    the headers that say who sends, by name.
    """

    door: str
    method: str
    path: str
    status: int
    why: str
    reason: str
    to_do: str
    shown: tuple[str, ...]
    refused_on: datetime = field(compare=False)  # the newest of them
    times: int = field(default=1, compare=False)


@dataclass(slots=True)
class Seen:
    """A request, as it is counted."""

    scope: Scope
    door: str
    path: str
    count: DoorCount
    is_refused: bool = False


at_hand: ContextVar[Seen | None] = ContextVar("at_hand", default=None)
"""The request that this task works on."""


@dataclass
class Refused:
    """The counts of all doors and the newest refusals. Listens to the bus: a guard tells there why."""

    secrets: KnownSecrets = field(default=NO_SECRETS, repr=False)  # ours: none may be shown in a path
    doors: dict[str, DoorCount] = field(default_factory=dict)
    newest: deque[Refusal] = field(default_factory=lambda: deque(maxlen=KEPT))
    known: dict[str, tuple[str, str]] = field(default_factory=dict, repr=False)

    def came(self, scope: Scope) -> Seen:
        """A request is at a door; nothing of it is checked yet."""
        path = scope["path"]
        door, shown = self.known.get(path) or self._read(path)
        count = self.doors.get(door) or self.doors.setdefault(door, DoorCount())
        if HANDED not in scope.get("state", ()):  # else the process that took it has counted it
            count.requests += 1
        count.last_on, count.last_path = datetime.now(UTC), shown
        return Seen(scope, door, shown, count)

    def _read(self, path: str) -> tuple[str, str]:
        """The door of a path, and the path as it is shown.

        Remembered, since platforms ask for the same ones again; but not a path in which somebody else's key
        may stand, a call's id, or a ticket.
        """
        parts = self.secrets.without(path, MASK).split("/")
        told = "/".join(MASK if self._is_told(part) else part for part in parts)
        found = door_of(path), shown_path(told)
        if found[1] == told and len(path) <= MAX_PATH_CHARS:
            if len(self.known) >= MAX_KNOWN:
                self.known.clear()
            self.known[path] = found
        return found

    def on_event(self, event: Event) -> None:
        if isinstance(event, RequestRefused) and (seen := at_hand.get()) is not None:
            self.refuse(seen, event)

    def refuse(self, seen: Seen, told: RequestRefused) -> None:
        """Remember a refusal, once for each request."""
        if seen.is_refused:
            return
        seen.is_refused = True
        if told.why == ODD:
            seen.count.odd += 1
        else:
            seen.count.refused += 1
        method = str(seen.scope.get("method", "WEBSOCKET"))[:MAX_NAME_CHARS]
        reason, to_do = WHY.get(told.why, (told.reason or f"It was answered {told.status}.", told.to_do))
        reason, shown, at = (
            self.secrets.without(clean(reason))[:MAX_REASON_CHARS],
            shown_headers(seen.scope),
            datetime.now(UTC),
        )
        one = Refusal(seen.door, method, seen.path, told.status, told.why, reason, to_do, shown, at)
        if one in self.newest:  # a wrong secret comes with every message of a call
            before = self.newest[self.newest.index(one)]
            self.newest.remove(before)
            one.times += before.times
        self.newest.append(one)

    def _is_told(self, part: str) -> bool:
        return self.secrets.is_short(part) and part not in ORDINARY

    def told(self) -> dict[str, object]:
        """Everything as JSON shows it, the newest refusal first."""
        doors = {name: asdict(count) for name, count in sorted(self.doors.items())}
        return {"doors": doors, "refused": [asdict(one) for one in reversed(self.newest)]}


def misplaced() -> None:
    """The request at hand belongs to another path; it is served all the same."""
    if (seen := at_hand.get()) is not None:
        seen.count.misplaced += 1


def shown_path(path: str) -> str:
    """A path that can be shown: printable, short, and without parts that may be a key."""
    parts = (MASK if KEYLIKE.fullmatch(part) else part for part in path[: 4 * MAX_PATH_CHARS].split("/"))
    text = "/".join(parts)
    if not text.isprintable():
        text = "".join(one if one.isprintable() else MASK for one in text)
    return text[:MAX_PATH_CHARS]


def shown_headers(scope: Scope) -> tuple[str, ...]:
    """The names of the headers with which a sender says who it is."""
    names = (name.decode("latin-1")[:MAX_NAME_CHARS] for name, _ in scope.get("headers", ()))
    return tuple(dict.fromkeys(name for name in names if SHOWS.search(name)))[:MAX_NAMES]
