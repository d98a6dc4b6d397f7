"""What a host with faults has to do for one request: the words it is asked for, its beats, the counting."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count, takewhile
from random import Random
from typing import Literal

from voice.clock import now
from voice.job import GO_ON
from voice.simulate.faults import Beat, Fault, Reply
from voice.simulate.marked import CLAUSE, SENTENCE, length, order_in, read
from voice.types import Json

JSON, PAGE = "application/json", "text/html"
ERROR: Mapping[str, Json] = {
    "message": "CUDA out of memory: 20 GiB",
    "type": "worker_error",
}
BEGINS_AGAIN = -1
LAST_BEATS = frozenset(("end", "close", "cut", "damage", "error"))

Ended = Literal["done", "broken", "left"]
"""How a request ended: by itself, by its fault, by the client's leaving (a disconnect, a job's cancel)."""


class ConnectionCut(Exception):
    """The host resets the connection."""


class ConnectionRefused(Exception):
    """Nobody listens."""


@dataclass(frozen=True, slots=True)
class HostRequest:
    """What a client sends. `path` begins with a slash."""

    method: str
    path: str
    query: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """What comes back: whole, or piece by piece. The pieces may raise ConnectionCut."""

    status: int
    kind: str
    body: bytes | AsyncGenerator[bytes, None]


@dataclass(slots=True)
class Asked:
    """One reply that was asked for, by the order that it is about. Instants are on the loop's clock."""

    number: int
    host: str
    order: str
    fault: str
    asked_at: float
    told: frozenset[tuple[int, int]] = frozenset()  # marked words of earlier replies, as the prompt has them
    words: int = 0  # written so far
    ended_at: float | None = None
    ended: Ended | None = None


@dataclass(slots=True)
class Book:
    """Every request of one run, whichever host it went to: a marked word's number leads here."""

    asked: dict[int, Asked] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=lambda: count(1))

    def begin(self, host: str, order: str, fault: str = "healthy") -> Asked:
        """A request has come."""
        one = Asked(next(self._numbers), host, order, fault, now())
        self.asked[one.number] = one
        return one


@dataclass(slots=True)
class Counts:
    """What happened at one host."""

    requests: int = 0  # of every kind
    begun: int = 0  # streams and jobs
    cancelled: int = 0  # jobs told to stop, streams and waiting requests left
    open: int = 0  # streams now being sent, jobs now running
    words: int = 0
    woken: int = 0  # jobs of one token


class Script:
    """One reply as it is played: its beats in order, and the counting. `in_tags`: thinks between tags."""

    def __init__(
        self, counts: Counts, asked: Asked, fault: Fault, plays: Iterator[Beat], *, in_tags: bool
    ) -> None:
        self.asked, self.fault, self.in_tags = asked, fault, in_tags
        self._counts, self._beats = counts, plays
        self.has_used_tool = False
        self._at = asked.asked_at
        self._next: Beat | None = None
        counts.begun += 1
        counts.open += 1

    @property
    def next_at(self) -> float | None:
        """When something happens next; None: never again."""
        if self._next is None and self.asked.ended is None:
            self._next = next(self._beats, None)
        if self._next is None or self._next.kind == "hang":
            return None
        return self._at + self._next.after_s

    def take(self) -> Beat:
        """What happens at `next_at`."""
        at, beat = self.next_at, self._next
        assert at is not None
        assert beat is not None
        self._at, self._next = at, None
        if beat.kind in ("word", "half"):
            self.asked.words += 1
            self._counts.words += 1
        self.has_used_tool = self.has_used_tool or beat.kind == "tool"
        if beat.kind in LAST_BEATS:
            self._end("done" if beat.kind == "end" else "broken", at)
        return beat

    @property
    def reason(self) -> str:
        """What is told as the reason of the end."""
        return "tool_calls" if self.has_used_tool else "stop"

    def leave(self) -> None:
        """The client wants no more of it. Nothing changes when it was over."""
        if self.asked.ended is None:
            self._counts.cancelled += 1
            self._end("left", now())

    def breaks(self, at: float) -> None:
        """It ends without having been written."""
        self._end("broken", at)

    def _end(self, how: Ended, at: float) -> None:
        self._counts.open -= 1
        self.asked.ended, self.asked.ended_at, self._next = how, at, None


def ticket_call(arguments: str) -> dict[str, Json]:
    """The tool call as hosts write it."""
    return {"id": "call_0", "type": "function", "function": {"name": "ticket", "arguments": arguments}}


# What a request wants


def fields_of(body: bytes) -> Mapping[str, Json]:
    """The fields of a request for a reply, in OpenAI's or in RunPod's manner."""
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    given = fields.get("input", fields) if isinstance(fields, dict) else {}
    return given if isinstance(given, dict) else {}


def order_of(fields: Mapping[str, Json]) -> str:
    """What the caller's newest words are about."""
    return next((order_in(text) for role, text in reversed(_messages(fields)) if _is_caller(role, text)), "")


def told_in(fields: Mapping[str, Json]) -> frozenset[tuple[int, int]]:
    """The marked words of the call's earlier replies."""
    before = _messages(fields)[: -len(_behind_the_caller(fields)) or None]
    return frozenset(word for role, text in before if role == "assistant" for word in read(text))


def reply_to(fields: Mapping[str, Json], request: int, rng: Random) -> Reply:
    """The reply, or what follows of it behind the words that the caller has heard."""
    order, behind = order_of(fields), _behind_the_caller(fields)
    heard = [place for _, text in behind for _, place in read(text)]
    reply = Reply(request, heard[-1] + 1 if heard else 0, length(order))
    if behind and behind[-1][1] == GO_ON.text:
        return _gone_on(reply, behind[-2][1], rng)
    may_use_tool = bool(fields.get("tools")) and not behind
    return replace(reply, ticket=json.dumps({"issue": order})) if may_use_tool else reply


def _gone_on(reply: Reply, so_far: str, rng: Random) -> Reply:
    """The reply behind `so_far`, which was cut off.

    Some models say the last words again, or all of them, or begin as before and then say it otherwise.
    """
    spoken, heard = so_far.split(), read(so_far)
    again = rng.choice((0, 0, 0, 2, 3, SENTENCE, len(spoken), BEGINS_AGAIN))
    if again == BEGINS_AGAIN and len(heard) > CLAUSE:
        return replace(reply, begins=heard[CLAUSE][1], repeated=" ".join(spoken[:CLAUSE]))
    return replace(reply, repeated=" ".join(spoken[max(0, len(spoken) - again) :])) if again > 0 else reply


def _messages(fields: Mapping[str, Json]) -> list[tuple[str, str]]:
    given = fields.get("messages")
    entries = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return [(str(one.get("role")), str(one.get("content") or "")) for one in entries]


def _is_caller(role: str, text: str) -> bool:
    return role == "user" and text != GO_ON.text


def _behind_the_caller(fields: Mapping[str, Json]) -> list[tuple[str, str]]:
    """What was said and done since the caller's newest words, and whether more of it is asked for."""
    behind = list(takewhile(lambda one: not _is_caller(*one), reversed(_messages(fields))))
    return behind[::-1]
