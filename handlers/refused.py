"""What came to each door, counted before anything is checked, and the last requests that were refused.

A silent call often is a wrong URL or a wrong secret, and then nothing else in the product has seen
it. Kept in memory, bounded, without secrets: of headers only the names, of a path neither its query
nor what looks like a key, of a body nothing.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handlers.problems import door_of
from voice.errors import VoiceError
from voice.events import Event, RequestRefused

KEPT = 50  # refused requests; the oldest goes first
MAX_PATH_CHARS, MAX_NAME_CHARS, MAX_NAMES = 120, 40, 8
SHOWS = re.compile(r"auth|secret|signature|token|key|timestamp|svix", re.I)  # headers that say who sends
# A part of a path that may be a key: long, or with digits in it and not short.
KEYLIKE = re.compile(r"(?=.*\d)[^/]{10,}|[^/]{25,}")
MASK = "…"
WRONG_METHOD = "This path takes another method; Vapi and most platforms use POST."
WHY = {
    "NoSuchPath": "Nothing is at this path. Vapi's model URL is …/vapi, its server URL …/vapi/webhook.",
    "405": WRONG_METHOD,
}


@dataclass(slots=True)
class DoorCount:
    """What came to one door since the start.

    `refused` counts spoken refusals, too: those with status 200. `misplaced` counts what was served
    although it belongs to another path: a server message at the model's URL, or the other way about.
    """

    requests: int = 0
    refused: int = 0
    misplaced: int = 0
    last_on: datetime | None = None
    last_path: str = ""


@dataclass(frozen=True, slots=True)
class Refusal:
    """One request that was refused. `shown` are the headers that say who sends, by name."""

    refused_on: datetime
    door: str
    method: str
    path: str
    status: int
    why: str
    reason: str
    shown: tuple[str, ...]


@dataclass(slots=True)
class _Seen:
    """The request that this task works on."""

    scope: Scope
    door: str
    path: str
    count: DoorCount
    is_refused: bool = False


_seen: ContextVar[_Seen | None] = ContextVar("seen", default=None)


@dataclass
class Refused:
    """The counts of all doors and the newest refusals. Listens to the bus: a guard tells there why."""

    secrets: tuple[str, ...] = field(default=(), repr=False)  # ours: none may be shown as part of a path
    doors: dict[str, DoorCount] = field(default_factory=dict)
    newest: deque[Refusal] = field(default_factory=lambda: deque(maxlen=KEPT))

    def came(self, scope: Scope) -> _Seen:
        """A request is at a door; nothing of it is checked yet."""
        path = scope["path"]
        for secret in self.secrets:
            path = path.replace(secret, MASK)
        door = door_of(Request(scope))
        count = self.doors.setdefault(door, DoorCount())
        seen = _Seen(scope, door, shown_path(path), count)
        count.requests += 1
        count.last_on, count.last_path = datetime.now(UTC), seen.path
        return seen

    def on_event(self, event: Event) -> None:
        if isinstance(event, RequestRefused) and (seen := _seen.get()) is not None:
            self.refuse(seen, event.status, event.why)

    def refuse(self, seen: _Seen, status: int, why: str) -> None:
        """Remember a refusal, once for each request."""
        if seen.is_refused:
            return
        seen.is_refused = True
        seen.count.refused += 1
        method = str(seen.scope.get("method", ""))[:MAX_NAME_CHARS]
        shown = shown_headers(seen.scope)
        at = datetime.now(UTC)
        self.newest.append(Refusal(at, seen.door, method, seen.path, status, why, reason_of(why), shown))

    def told(self) -> dict[str, object]:
        """Everything as JSON shows it, the newest refusal first."""
        doors = {name: asdict(count) for name, count in sorted(self.doors.items())}
        return {"doors": doors, "refused": [asdict(one) for one in reversed(self.newest)]}


def misplaced() -> None:
    """The request at hand belongs to another path; it is served all the same."""
    if (seen := _seen.get()) is not None:
        seen.count.misplaced += 1


class Counted:
    """Counts each request before it goes on. An error that no guard told of is remembered by its status."""

    def __init__(self, app: ASGIApp, refused: Refused) -> None:
        self._app, self._refused = app, refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        seen = self._refused.came(scope)
        token = _seen.set(seen)

        async def send_and_look(message: Message) -> None:
            if message["type"] == "http.response.start" and message["status"] >= 400:
                self._refused.refuse(seen, message["status"], str(message["status"]))
            await send(message)

        try:
            await self._app(scope, receive, send_and_look)
        finally:
            _seen.reset(token)


def shown_path(path: str) -> str:
    """A path that can be shown: printable, short, and without parts that may be a key."""
    parts = (MASK if KEYLIKE.fullmatch(part) else part for part in path[: 4 * MAX_PATH_CHARS].split("/"))
    text = "/".join(parts)
    return "".join(one if one.isprintable() else MASK for one in text)[:MAX_PATH_CHARS]


def shown_headers(scope: Scope) -> tuple[str, ...]:
    """The names of the headers with which a sender says who it is."""
    names = (name.decode("latin-1")[:MAX_NAME_CHARS] for name, _ in scope.get("headers", ()))
    return tuple(dict.fromkeys(name for name in names if SHOWS.search(name)))[:MAX_NAMES]


def reason_of(why: str) -> str:
    """A sentence for the class of an error: what was wrong, or what to do."""
    if why in WHY:
        return WHY[why]
    found = next((one for one in _below(VoiceError) if one.__name__ == why), None)
    return found.to_do if found else f"It was answered {why}."


def _below(cls: type[VoiceError]) -> Iterator[type[VoiceError]]:
    yield cls
    for sub in cls.__subclasses__():
        yield from _below(sub)
